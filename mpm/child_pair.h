/* child_pair.h -- under mpm = event: a slot and its socket pair to the dispatcher (event_proto.h). The pair is the
 * slot's connection from birth to death: it is never given away, and its descriptor stays open. Slot's thread, but
 * where it says otherwise. */
#ifndef WEIR_CHILD_PAIR_H
#define WEIR_CHILD_PAIR_H

#include "mpm/child_priv.h"

#define CHILD_PAIR_PEEK (256 * 1024)    /* bytes: more than a pair's queue holds with the kernel's defaults */

/* Main thread, before the slot's own: *far_out is the dispatcher's end. -1 with errno. */
int child_pair_open(struct slot *s, int *far_out);
/* Serve turn after turn until the dispatcher gives no more. */
void child_pair_serve(struct slot *s);
/* The turn is over: send what waits, and after it EVENT_RECORD(struct event_done). */
void child_pair_done(struct slot *s, uint64_t peak_memory);

/* What is left of the request's input has been read up to here / is about to be read: the watcher looks for
 * FCGI_ABORT_REQUEST behind it, or does not for now. */
void child_pair_mark(struct slot *s);
void child_pair_unmark(struct slot *s);

/* Watcher. Has the request been aborted? Under io_lock; space holds CHILD_PAIR_PEEK bytes. */
bool child_pair_aborted(const struct slot *s, uint8_t *space);
/* Watcher: the pool process has gone. What it has sent is served, then the slot ends. */
void child_pair_last(struct slot *s);

#endif
