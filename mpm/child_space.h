/* child_space.h -- memory of a child's slots: what a slot holds between requests it holds for the next one, and gives
 * back when that does not come. */
#ifndef WEIR_CHILD_SPACE_H
#define WEIR_CHILD_SPACE_H

#include "mpm/child_priv.h"

/* Buffers for all slots. Before the slots' threads. */
void child_space_init(struct child *c);

/* The rest is a slot's thread's own. */
void child_space_of_thread(struct slot *s);     /* it begins: whose stack this is */
bool child_space_use(struct slot *s);           /* there will be something to give back; true: that is new */
/* How long to wait for the next request before child_space_rest, for epoll_wait; -1: for ever. */
int child_space_patience_ms(const struct slot *s);
/* The slot has nothing in hand and may stay so: what it held for requests takes no memory until the next one; its
 * buffers, its stack below the caller's, and what the SAPI keeps for it. With the last slot of a burst what the
 * allocator has left. */
void child_space_rest(struct slot *s);

#endif
