/* slots.h -- a thread for each slot of a child, for the models that can have several. */
#ifndef WEIR_SLOTS_H
#define WEIR_SLOTS_H

struct child;
struct slot;

/* Child, main thread: tell the pool process that the child is ready, and run serve(slot, arg) in a thread for each
 * slot, the first one's being this. Returns when all have. */
void slots_run(struct child *c, void (*serve)(struct slot *s, void *arg), void *arg);

#endif
