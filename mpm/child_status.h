/* child_status.h -- status and ping in a child: requests that are answered here and not by the SAPI. Slot's thread, but
 * for child_status_take. */
#ifndef WEIR_CHILD_STATUS_H
#define WEIR_CHILD_STATUS_H

#include "mpm/child_priv.h"
#include "mpm/child_proto.h"

void child_status_init(struct slot *s);
/* Is the request in hand for pm.status_path or ping.path? Then it is answered, and the reply is only to be
 * completed. */
bool child_status_serve(struct slot *s);
/* The request is over: what it was told is given back. */
void child_status_end(struct slot *s);
/* Watcher: the answer to this question; *fd is taken, or left when nobody waits for it. */
void child_status_take(struct child *c, const struct child_ask *of, int *fd);
/* For struct sapi_host: the slot's pool as it is now, or NULL. */
const struct status *child_status_of(struct request *req);

#endif
