/* dispatch.h -- the dispatcher of mpm = event: it owns every connection, queues whole requests, gives them to free
 * slots and carries their replies back (event_proto.h says how it speaks to a slot). Pure but for the files of large
 * bodies and replies: it opens no socket, waits for nothing and asks for no time. Its world (the pool process; tests)
 * feeds it bytes and the time, and does what struct dispatch_world lists. One thread.
 *
 * Ownership: a conn, a slot and an "io" stand for one socket each. The world makes them together; the dispatcher tells
 * by close_conn and close_slot that it has let go, after which neither side uses the other's pointer. This happens only
 * at the end of a call into the dispatcher, so a callback may use whatever it was given. Units: microseconds where a
 * name ends in _us, bytes elsewhere. */
#ifndef WEIR_DISPATCH_H
#define WEIR_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>
#include "src/base/buf.h"
#include "src/base/reason.h"
#include "src/conf/conf.h"

struct dispatch;
struct dispatch_conn;
struct dispatch_slot;
struct dispatch_request;

#define DISPATCH_NEVER UINT64_MAX

/* How the dispatcher lets go of a client's connection. */
enum dispatch_close {
	DISPATCH_CLOSE,                 /* nothing unread can be there: close it */
	DISPATCH_LINGER,                /* the peer may still send: shut down for writing, read it empty, then close */
};

enum dispatch_peek {
	DISPATCH_PEEK_NOTHING,
	DISPATCH_PEEK_BYTES,
	DISPATCH_PEEK_GONE,             /* the client has closed */
};

/* What became of a slot's child when its pair has ended in the middle of a turn. */
struct dispatch_death {
	bool started;                   /* the application has begun with the request */
	bool ended_by_us;               /* for its time or its memory: not to be given to another */
};

/* All required. */
struct dispatch_world {
	/* As sendmsg, without waiting: bytes taken, or -1 with errno. io is a conn's or a slot's. */
	ssize_t (*send)(void *io, const struct iovec *iov, int count);
	/* Say when it is readable / writable, or no more. A new conn or slot is watched for neither. */
	void (*watch)(void *io, bool read, bool write);
	/* What has come on a client's connection that is not read at the moment; consumes nothing. */
	enum dispatch_peek (*peek)(void *io);
	void (*close_conn)(void *io, enum dispatch_close how);
	/* The slot gets nothing more: shut its pair down for writing. Its end is told by dispatch_slot_end(). */
	void (*end_slot)(void *io);
	void (*close_slot)(void *io);
	void (*give)(void *io);                 /* the next request is about to be given to this slot */
	void (*slot_leaves)(void *io);          /* it has said so: dispatch_slot_retire() its siblings */
	bool (*has_begun)(void *io);            /* the application, with the request that this slot has */
	struct dispatch_death (*death)(void *io);       /* from here on its request is the dispatcher's to tell of */
	/* The child sent what no slot sends: end it (dispatch_slot_end() follows). */
	void (*slot_is_mad)(void *io, const char *why);
	void (*kill_slot)(void *io, enum reason reason);        /* its request is given up */
	/* The whole CGI response to a request for pm.status_path or ping.path, its body too; false: it is neither. */
	bool (*page)(void *arg, const struct dispatch_request *req, struct buf *out);
	/* A request was refused, dropped or lost. reason as in the reply, if there was somebody to get one. errno says
	 * why with REASON_NO_STORAGE. */
	void (*note)(void *arg, const struct dispatch_request *req, enum reason reason);
	void (*busy)(void *arg);                /* something waits for a slot: plan soon */
};

/* conf, world and arg are borrowed. */
struct dispatch *dispatch_new(const struct conf_pool *conf, const struct dispatch_world *world, void *arg);
void dispatch_free(struct dispatch **d);        /* every conn and slot is closed first */

/* The time of all calls until the next. Never goes back. */
void dispatch_time(struct dispatch *d, uint64_t now_us);
/* Do what is due. When to call again: a time, or DISPATCH_NEVER. */
uint64_t dispatch_tick(struct dispatch *d);
/* The same without doing anything. */
uint64_t dispatch_next(const struct dispatch *d);

/* ---- clients */

/* A new connection; peer: its address as text, "" on a Unix socket. */
struct dispatch_conn *dispatch_conn_new(struct dispatch *d, void *io, const char *peer);
void dispatch_conn_input(struct dispatch_conn *c, const uint8_t *data, size_t len);
/* It sends no more; gone: nor does it read. */
void dispatch_conn_end(struct dispatch_conn *c, bool gone);
void dispatch_conn_writable(struct dispatch_conn *c);
/* Does it want to be read now? False once it is closed, too. */
bool dispatch_conn_reads(const struct dispatch_conn *c);
/* Room for one more: let go of the connection that has been parked longest; one that has just spoken again only when
 * there is no other. False: none is parked. */
bool dispatch_drop_parked(struct dispatch *d);

/* ---- slots */

struct dispatch_slot *dispatch_slot_new(struct dispatch *d, void *io);
/* At most 64 KiB at once. */
void dispatch_slot_input(struct dispatch_slot *s, const uint8_t *data, size_t len);
void dispatch_slot_writable(struct dispatch_slot *s);
void dispatch_slot_end(struct dispatch_slot *s);        /* its pair has ended: its child died, or left */
void dispatch_slot_retire(struct dispatch_slot *s);     /* give it nothing more, and end it once it is free */
bool dispatch_slot_idle(const struct dispatch_slot *s);

/* ---- the whole */

/* From now on each answer closes its connection, unless the next request is there already; parked ones stay until
 * dispatch_close_parked(). */
void dispatch_closing(struct dispatch *d);
/* All but those on which something has come. */
void dispatch_close_parked(struct dispatch *d);
/* Nobody will serve what waits: answer it. */
void dispatch_refuse_queued(struct dispatch *d, enum reason reason);
/* The same for requests whose head is not whole yet, and with bodies also for those whose body is not. */
void dispatch_refuse_unread(struct dispatch *d, bool bodies, enum reason reason);
/* Requests whose clients wait for something, queued ones included; silent connections do not count. */
unsigned dispatch_in_hand(const struct dispatch *d);
bool dispatch_flying(const struct dispatch *d, uint64_t since_us);      /* of them, any that came before that */
/* When the youngest connection came that has said nothing yet; 0: there is none. */
uint64_t dispatch_silent_us(const struct dispatch *d);
unsigned dispatch_queued(const struct dispatch *d);
unsigned dispatch_conns(const struct dispatch *d);
bool dispatch_full(const struct dispatch *d);           /* event.max_connections are open */
bool dispatch_has_room(const struct dispatch *d);       /* not full, or one of them could be dropped for another */

/* A name's value in a request's parameters: not ended by a NUL. NULL: it is not there. */
const char *dispatch_param(const struct dispatch_request *req, const char *name, size_t *len_out);

/* What else a line about it needs. */
struct dispatch_facts {
	const char *peer;               /* as dispatch_conn_new() had it; "": not known any more */
	bool whole;                     /* its parameters have all come */
	bool told;                      /* its slot tells of it, or has: it has it, or its reply is complete */
	uint64_t age_us;                /* since its first byte */
	uint64_t queued_us;             /* of that, its wait for a slot */
};
void dispatch_facts(const struct dispatch_request *req, struct dispatch_facts *out);
/* Of the request that was given to a slot last: how long it had waited. */
uint64_t dispatch_given_wait_us(const struct dispatch *d);

#define DISPATCH_BUCKETS 26             /* bucket i counts times below 2^i * 16 us; the last one all others */

struct dispatch_times {
	uint64_t counts[DISPATCH_BUCKETS];
	uint64_t sum_us, count;
};
/* The upper bound of a bucket; DISPATCH_NEVER for the last. */
uint64_t dispatch_bucket_us(unsigned i);

struct dispatch_figures {
	unsigned conns;                 /* all that are open */
	unsigned parked;                /* of them, those without a request, waiting for the next */
	unsigned reading, queued, running, writing, finished;   /* requests; finished: answered, the script works on */
	unsigned queued_max;
	uint64_t oldest_us;             /* how long the first in the queue has waited */
	uint64_t accepted;              /* connections */
	uint64_t requests, over;        /* that have begun; of them, those that nobody waits for any more */
	uint64_t answered, retried, abandoned;
	struct dispatch_times queue, service, total;
};
void dispatch_figures(const struct dispatch *d, struct dispatch_figures *out);

#endif
