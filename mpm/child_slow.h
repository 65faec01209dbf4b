/* child_slow.h -- requests that take longer than request_slowlog_timeout. Watcher only. */
#ifndef WEIR_CHILD_SLOW_H
#define WEIR_CHILD_SLOW_H

#include "mpm/child_priv.h"

/* Tell the pool process of the request in hand, once, when it has run for that long. */
void child_slow_look(struct slot *s, uint64_t now_ms);

#endif
