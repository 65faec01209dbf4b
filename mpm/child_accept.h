/* child_accept.h -- where connections come from, for every model whose children accept: the shared listening sockets
 * and the pool's ready queue. Slot's thread. */
#ifndef WEIR_CHILD_ACCEPT_H
#define WEIR_CHILD_ACCEPT_H

#include <sys/socket.h>
#include "mpm/child_priv.h"

/* Accept from this listening socket, for this slot. The descriptor, the caller's, with *peer_out filled in; -1: nobody
 * is there; -2: somebody was, and was turned away (listen.allowed_clients) or could not be taken, which is logged:
 * there may be more. */
int child_accept(struct slot *s, int listening, struct sockaddr_storage *peer_out);
/* A kept connection on which the next request has begun: the caller's; -1: there is none; -2: what came is nonsense,
 * there may be more. */
int child_accept_ready(struct slot *s);

#endif
