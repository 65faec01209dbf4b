/* child_watch.h -- the watcher: a child's last thread. It blocks all signals, never calls into the application
 * (but for sapi->interrupt, which only sets a flag, and sapi->backtrace, which only looks), and sees what a busy slot
 * cannot: orders and the end of the pool process, clients that have gone, deadlines. It sleeps while the child is
 * idle. */
#ifndef WEIR_CHILD_WATCH_H
#define WEIR_CHILD_WATCH_H

#include "mpm/child_priv.h"

int child_watch_start(struct child *c, struct err *err);
void child_watch_stop(struct child *c);

void child_watch_kick(struct child *c);
/* Any thread: the child is to behave so from now on, unless it is further already; idle slots are woken. */
void child_watch_raise(struct child *c, enum child_mode mode);
/* A slot is about to wait or run: make sure that somebody is watching. Costs a system call only after idleness. */
static inline void child_watch_wake(struct child *c)
{
	if (atomic_load(&c->watch_asleep))
		child_watch_kick(c);
}

#endif
