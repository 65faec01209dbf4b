/* pool_dispatch_priv.h -- a dispatcher's surroundings in its pool process. Only pool_dispatch*.c include it. */
#ifndef WEIR_POOL_DISPATCH_PRIV_H
#define WEIR_POOL_DISPATCH_PRIV_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include "mpm/dispatch.h"
#include "pool/pool_priv.h"

/* One socket: a client's connection or a slot's pair. */
struct dispatch_io {
	struct pool *pool;
	struct event event;
	int fd;
	short watched;                  /* EV_READ, EV_WRITE; 0: the event is not added */
	struct dispatch_conn *conn;
	struct dispatch_slot *slot;
	bool is_slot;
	struct pool_child *child;       /* a slot's; NULL: it is dead, or the socket is a client's */
	uint32_t number;                /* among the child's slots */
	uint64_t begun;                 /* by the slot, before the request in hand was given to it */
};

struct pool_dispatch {
	struct dispatch *core;
	struct event **listening;       /* info->listen_count */
	bool accepts;                   /* they are added */
	bool serves;                    /* may accept at all: the application has been loaded, or cannot be */
	bool stopped;                   /* no more new connections, ever */
	bool full;                      /* none until there is room */
	struct event *timer;
	uint64_t timer_us;              /* when it is due; DISPATCH_NEVER: it is not added */
	const void *at_hand;            /* the connection whose event is looked at; NULL: it was let go meanwhile */
	bool child_said;                /* the child that died last has said itself that its request took too long */
	/* pool_dispatch_note.c's own */
	char storage_why[512];          /* why a file could not be written or read, the last time */
	uint64_t said_us[REASON_COUNT]; /* the last line in the log for each; 0: none yet */
	uint64_t unsaid[REASON_COUNT];  /* requests without a line, since then */
	struct event *note_timer;       /* tells how many they were */
	unsigned id_seed;               /* of ids that are made here */
	uint64_t ids;
	uint8_t space[64 * 1024];
};

/* pool_dispatch.c: around each call into the dispatcher: the time before, the timer after. */
void pool_dispatch_begin(struct pool *p);
void pool_dispatch_done(struct pool *p);
void pool_dispatch_accept(struct pool *p, bool accept);

/* pool_dispatch_note.c: what is told of requests of which no child tells. */
void dispatch_note_init(struct pool *p);
/* As struct dispatch_world's note. */
void dispatch_note(struct pool *p, const struct dispatch_request *r, enum reason reason);
/* It is answered with a page of the pool's own, as a whole CGI response. */
void dispatch_note_page(struct pool *p, const struct dispatch_request *r, const char *page);

/* pool_dispatch_io.c */
struct dispatch_io *dispatch_io_slot(struct pool_child *c, uint32_t number, int fd);
/* The child is dead: take what it has still said, and end its slot. */
void dispatch_io_slot_gone(const struct pool_child *c, uint32_t number);
void dispatch_io_accept(struct pool *p, int listening);
ssize_t dispatch_io_send(void *io, const struct iovec *iov, int count);
enum dispatch_peek dispatch_io_peek(void *io);
void dispatch_io_watch(void *io, bool read, bool write);
void dispatch_io_close_conn(void *io, enum dispatch_close how);
void dispatch_io_end_slot(void *io);
void dispatch_io_close_slot(void *io);

#endif
