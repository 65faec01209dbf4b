/* child_leave.h -- when a child goes by itself: after pm.max_requests, or because it cannot or should not go on. Any
 * thread of the child. */
#ifndef WEIR_CHILD_LEAVE_H
#define WEIR_CHILD_LEAVE_H

#include "mpm/child_priv.h"

/* Should this child's slots stop looking for requests? */
bool child_leaving(const struct child *c);
/* This child is to leave. True: it does. False: it serves for two meanwhile, since nobody could take its place; the
 * pool process knows, and orders it later. Asked again, it may be possible by then. */
bool child_leave(struct child *c);
/* A slot has taken a connection, and read nothing of it: may it begin a request? False: hand the connection on, the
 * child leaves. */
bool child_may_begin(struct child *c);
/* It began so many requests on that connection. */
void child_has_begun(struct child *c, unsigned requests);
/* A request begins. */
void child_leave_count(struct child *c);

#endif
