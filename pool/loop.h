/* loop.h -- the event loop of a process that has one: libevent, waiting in the way that events.mechanism names. */
#ifndef WEIR_LOOP_H
#define WEIR_LOOP_H

struct event_base;

/* mechanism: "epoll", "poll" or "select" (any case); NULL: the best there is. NULL: libevent has none such. */
struct event_base *loop_new(const char *mechanism);

#endif
