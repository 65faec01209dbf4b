/* child_request.h -- the request that a SAPI sees, backed by a slot's connection. Slot's thread only. */
#ifndef WEIR_CHILD_REQUEST_H
#define WEIR_CHILD_REQUEST_H

#include "mpm/child_priv.h"

/* The head has come: fill the slot's request from its parameters. 0, or -1 with s->failed set (its announced body is
 * past request.max_body): answer that instead of running the SAPI. */
int child_request_begin(struct slot *s);
/* There will be no request, only an answer of Weir's own about what was to be its head: give that an id. */
void child_request_nameless(struct slot *s);
/* Append the end of the reply (section 5.5), unless that was done. */
void child_request_close(struct slot *s);
/* Send what is left of the reply with its end (section 5.5). Idempotent. 0, or -1: the client is gone. */
int child_request_complete(struct slot *s);
/* The request is over. Does not return when the watcher has decided to end the process for it: the next request must
 * not die for this one. */
void child_request_end(struct slot *s);
/* Its time counts no more, unless request_terminate_timeout_track_finished says that it does. */
void child_request_untime(struct slot *s);
/* What a parameter says; "" when it is not there. */
const char *child_request_param(const struct slot *s, const char *name);

#endif
