/* child_link.h -- what a child sends its pool process. Any thread. When the pool process is gone nothing is sent and
 * nothing fails: the watcher sees that end. */
#ifndef WEIR_CHILD_LINK_H
#define WEIR_CHILD_LINK_H

#include <stddef.h>
#include <stdint.h>
#include "src/base/log.h"

void child_link_ready(void);
/* CHILD_LEAVES. */
void child_link_leaves(void);
void child_link_failed(const char *why);
struct child_ask;
void child_link_ask_status(const struct child_ask *ask);
/* Give a connection away: idle, to be parked; or answered and shut for writing, to be read empty. *fd is closed here
 * and set to -1 in any case. */
void child_link_park(int *fd);
void child_link_linger(int *fd);
/* mpm = event: the dispatcher's end of the pair of the child's slot of this number. *fd likewise. */
void child_link_slot(uint32_t slot, int *fd);
/* A line of the access log, without its newline. */
void child_link_access(const char *text, size_t len);
/* A log_sink_fn: lines of any length, in pieces that no other thread's line comes between. */
void child_link_log(void *arg, enum log_level level, const char *text, size_t len);
/* A slow request: texts, as CHILD_SLOW carries them. */
void child_link_slow(const char *texts, size_t len);

#endif
