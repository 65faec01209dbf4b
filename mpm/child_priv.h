/* child_priv.h -- a child and its slot from the inside. Only child*.c, the mpms and their tests include it. */
#ifndef WEIR_CHILD_PRIV_H
#define WEIR_CHILD_PRIV_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include "mpm/child.h"
#include "mpm/reply_head.h"
#include "src/base/reason.h"
#include "src/base/status.h"
#include "src/fcgi/fcgi_turn.h"

#define SLOT_READ_BYTES  (64 * 1024)    /* a small request comes in one read */
#define SLOT_WRITE_BYTES (64 * 1024)    /* and leaves in one write */
#define SLOT_ID_BYTES    63             /* of a request id, as on the scoreboard */

/* Orders of the pool process: set by the watcher, looked at by slots. It only ever grows. */
enum child_mode {
	CHILD_MODE_SERVE,
	CHILD_MODE_CLOSING,             /* each answer closes its connection */
	CHILD_MODE_LAST,                /* serve what waits, then leave */
	CHILD_MODE_QUEUE,               /* serve what waits in the ready queue, then leave */
	CHILD_MODE_LEAVE,               /* finish what is in hand, then leave */
};

#define SLOT_DOOMED 0x80000000u

/* What is known of the client of the request in hand, in slot->client: as long as it is thought to be there, the
 * request's sequence; so that what the watcher saw of one request is never said of the next. */
#define SLOT_CLIENT_ABORTED 0xfffffffeu /* FCGI_ABORT_REQUEST came: gone, but its connection is alive */
#define SLOT_CLIENT_GONE    0xffffffffu /* it has closed */

#define SLOT_ABORT_CAME 0x10000u        /* in slot->abort_id: above any id */

enum slot_reading {
	SLOT_NOT_READING,               /* at most SLOT_READING_KIND in all */
	SLOT_READING_FIRST,             /* a connection that has said nothing of a request */
	SLOT_READING_HEAD,
	SLOT_READING_BODY,
};

/* A blocked read, in slot->reading: what it waits for and, above that, its number, so that the watcher ends the read
 * that it found late and no other. */
#define SLOT_READING_KIND 3u
#define SLOT_READING_NEXT 4u
#define SLOT_READ_ENDED   0x80000000u   /* by the watcher, for the enum reason below it: what comes counts no more */

/* What a slot has asked the pool process for: the watcher takes the answer. */
struct slot_ask {
	pthread_mutex_t lock;
	pthread_cond_t came;            /* of the monotonic clock */
	uint32_t number;                /* of the last question */
	int fd;                         /* its answer; -1: none yet */
	const struct status *status;    /* the slot's alone: the last one, mapped, or NULL */
	size_t size;
};

/* mpm = event: how far a request's input has been read. */
struct slot_ahead {
	uint16_t id;                    /* the request's; 0: nobody may look */
	bool aborted;                   /* FCGI_ABORT_REQUEST is among what has been read, but not taken yet */
	struct fcgi_record record;      /* what the next byte on the pair belongs to */
};

/* One unit of concurrency. Its thread owns everything but what the comments give to the watcher. */
struct slot {
	struct child *child;
	struct board_slot *board;
	uint32_t number;                /* its number on the scoreboard */

	/* The connection: fd -1 is none. The watcher may shut fd down, under io_lock. */
	_Atomic int fd;
	bool polled;                    /* fd is registered with the mpm's epoll */
	int epoll;                      /* that epoll */
	bool over_tcp;
	bool paired;                    /* mpm = event: fd is the pair to the dispatcher, for good (child_pair.h) */
	char peer[INET6_ADDRSTRLEN];
	uint8_t *in;                    /* SLOT_READ_BYTES, of child_space.c */
	size_t in_pos, in_len;
	uint64_t head_since_ms;         /* the first wait for the rest of this head; 0: none yet */
	bool in_full;                   /* the last read filled in: more may have come already */
	struct fcgi_turn turn;
	struct buf out;                 /* records that wait to be written */
	uint8_t *stack;                 /* its thread's: the lowest address; NULL: the process' own, or not known */
	bool warm;                      /* it holds memory of requests (child_space.h) */
	size_t out_open;                /* offset + 1 of the record in out that can still grow; 0: none */
	bool out_is_reply;              /* out holds bytes of the reply, not only management answers */

	/* The request in hand. */
	struct request req;
	char id[SLOT_ID_BYTES + 1];
	int64_t announced;              /* CONTENT_LENGTH, or -1 */
	uint64_t body_read;             /* bytes of STDIN so far */
	const uint8_t *body;            /* bytes of STDIN at hand, into in */
	size_t body_len;
	bool body_ended;
	bool stderr_used;
	struct reply_head head;         /* what the application has sent of it */
	bool finished;                  /* the reply is complete: later output is dropped */
	bool must_close;                /* the connection is not to be kept whatever the client asked */
	enum reason late;               /* why the watcher ended the last blocked read */
	enum reason failed;             /* cannot be served: answered with this if nothing was sent */

	uint64_t queued_us;             /* mpm = event: how long it waited for this slot */
	struct child_access *access;    /* what it uses; NULL: nobody asks */

	/* Shared with the watcher. */
	struct slot_ask ask;
	pthread_mutex_t io_lock;        /* fd's lifetime; sent; held during each write */
	bool sent;                      /* io_lock: a byte of this reply was written, or Weir has answered */
	struct slot_ahead ahead;        /* io_lock to read it in the watcher's thread, and to write it */
	_Atomic uint32_t sequence;      /* odd while a request runs; SLOT_DOOMED: the watcher ends the process for it */
	_Atomic uint32_t reading;       /* SLOT_NOT_READING, a blocked read, or one that was ended */
	uint32_t reads;                 /* the slot's own: number of the last one, in steps of SLOT_READING_NEXT */
	_Atomic uint64_t read_since_ms;
	_Atomic uint64_t run_since_ms;  /* 0: no request, or its time counts no more */
	_Atomic bool released;          /* its reply is complete, the connection has nothing to do with it any more */
	uint32_t slow_told;             /* watcher's own: sequence of the last request that it told to be slow */
	_Atomic uint32_t client;        /* SLOT_CLIENT_GONE, SLOT_CLIENT_ABORTED, or a sequence: it is there */
	_Atomic uint32_t abort_id;      /* the request's id while what comes next on the connection begins a record,
	                                 * else 0; SLOT_ABORT_CAME: it has been read already */
};

struct child {
	const struct child_start *start;
	const struct conf_pool *conf;
	struct slot *slots;
	unsigned slot_count;            /* conf->threads_per_child */
	struct fcgi_limits limits;
	_Atomic uint64_t begun;         /* requests */
	_Atomic uint64_t taken;         /* the same, and connections of which one is expected */
	_Atomic uint64_t ids;           /* request ids made here */
	int64_t leaves_early;           /* so many requests before pm.max_requests */
	char id_seed[24];               /* start of the request ids that are made here */

	_Atomic uint32_t mode;          /* enum child_mode */
	_Atomic bool closing;           /* each answer closes its connection */
	_Atomic bool orphaned;          /* the pool process has gone */
	_Atomic bool asked;             /* the pool process, for an order to leave */
	int wake;                       /* eventfd, readable for good once mode asks idle slots to look */
	_Atomic unsigned slots_gone;    /* whose threads serve no more */
	_Atomic unsigned warm_count;    /* slots that have memory to give back */
	_Atomic unsigned rested_count;  /* that have given it back since the heap was looked at */
	pthread_t watcher;
	int watch_kick;                 /* eventfd that wakes the watcher */
	_Atomic bool watch_asleep;      /* the watcher sleeps without a time limit */
	_Atomic bool watch_stop;
};

static inline bool slot_client_gone(const struct slot *s)
{
	return atomic_load(&s->client) >= SLOT_CLIENT_ABORTED;
}

static inline bool slot_client_aborted(const struct slot *s)
{
	return atomic_load(&s->client) == SLOT_CLIENT_ABORTED;
}

static inline enum child_mode child_mode(const struct child *c)
{
	return (enum child_mode)atomic_load_explicit(&c->mode, memory_order_acquire);
}

#endif
