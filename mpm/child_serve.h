/* child_serve.h -- the one code that serves a connection, shared by all models: read a request, run the SAPI, write
 * the reply, go on or close. Slot's thread only. */
#ifndef WEIR_CHILD_SERVE_H
#define WEIR_CHILD_SERVE_H

#include "mpm/child_priv.h"

/* Bytes are expected on the slot's connection: serve what comes until it is idle (still the slot's, all that had come
 * is read) or gone from the slot (s->fd is -1). How many requests began. */
unsigned child_serve(struct slot *s);
/* The next event of the bytes that have come. */
enum fcgi_turn_event child_serve_event(struct slot *s);
/* A head has come: run its request, answer it, and tell of it. */
void child_serve_request(struct slot *s);
/* The reply is complete but the application works on: let the connection go, so that its next request finds another
 * slot. For the request's finish(). */
void child_serve_release(struct slot *s);
/* The slot is to serve somebody else, or to leave: give its idle connection to the pool process. */
void child_serve_park(struct slot *s);

#endif
