/* child_space.h -- memory of a child's slots: what a slot holds between requests it holds for the next one, and gives
 * back when that does not come. */
#ifndef WEIR_CHILD_SPACE_H
#define WEIR_CHILD_SPACE_H

#include "mpm/child_priv.h"

/* Buffers for all slots. Before the slots' threads. */
void child_space_init(struct child *c);
/* The slot has nothing in hand and may stay so: its buffers take no memory until they are used again. Slot's thread. */
void child_space_rest(struct slot *s);
/* The same for this thread's stack, below what is in use. lowest: where the stack ends. */
void child_space_rest_stack(uint8_t *lowest);
/* The same for what threads have freed, but the allocator keeps. Dear: for the end of a burst. */
void child_space_rest_heap(void);

#endif
