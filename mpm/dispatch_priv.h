/* dispatch_priv.h -- the dispatcher from the inside. Only dispatch*.c and their tests include it. Functions are grouped
 * by the file that holds them. */
#ifndef WEIR_DISPATCH_PRIV_H
#define WEIR_DISPATCH_PRIV_H

#include <netinet/in.h>
#include <sys/queue.h>
#include "mpm/dispatch.h"
#include "src/base/spool.h"
#include "src/fcgi/fcgi_mux.h"
#include "src/fcgi/fcgi_record.h"

/* One entry of a list whose members all have the same time limit: the first is due first. */
struct due {
	TAILQ_ENTRY(due) next;
	uint64_t since_us;
	uint8_t kind;                   /* enum due_kind; DUE_KINDS: in no list */
};
TAILQ_HEAD(due_list, due);

enum due_kind {
	DUE_FIRST,                      /* conn: new, has said nothing of a request */
	DUE_PARKED,                     /* conn: keepalive_timeout */
	DUE_UNWATCHED,                  /* conn: not registered, its request runs: watch it for its end */
	DUE_HEAD,                       /* request: request.header_timeout */
	DUE_BODY,                       /* request: request.body_timeout, by progress */
	DUE_QUEUE,                      /* request: queue.timeout; this list is the queue */
	DUE_KINDS
};

enum request_state {
	REQUEST_HEAD,                   /* PARAMS are coming */
	REQUEST_BODY,                   /* STDIN is coming, and it is not given before its end */
	REQUEST_QUEUED,
	REQUEST_RUNNING,                /* a slot has it */
	REQUEST_ANSWERED,               /* its reply is complete, and on its way out; no slot has it */
};

struct dispatch_request {
	TAILQ_ENTRY(dispatch_request) of_conn;
	struct dispatch *d;
	struct dispatch_conn *conn;     /* NULL: the client has gone */
	struct dispatch_slot *slot;     /* RUNNING */
	struct due due;                 /* in DUE_HEAD, DUE_BODY or DUE_QUEUE */
	enum request_state state;
	uint16_t id, role;
	bool keep_conn;
	bool safe;                      /* GET, HEAD or OPTIONS */
	bool is_head;
	bool stdin_ended, data_ended;   /* all of it has come */
	bool stdin_sent;                /* and was sent to the slot, its end too */
	bool streamed;                  /* given before its body was whole: body holds what was not sent yet */
	bool kept;                      /* and, until its slot is known to have begun, what was */
	bool begun;                     /* a byte of its reply has come */
	bool ended;                     /* END_REQUEST is in its reply */
	bool unwanted;                  /* its client has given it up while it ran */
	bool dead;                      /* freed at the end of this call */
	unsigned tries;                 /* slots that had it */
	unsigned unstarted;             /* of them, those that died before they began with it */
	struct buf params;              /* the PARAMS stream */
	struct spool body, data;        /* STDIN, and a Filter's DATA */
	uint64_t body_bytes;            /* that have come */
	struct spool reply;             /* records that wait to be written, behind conn->out */
	struct buf overflow;            /* and behind those: what no file could take */
	uint64_t begun_us, head_us, queued_us, given_us;
};
TAILQ_HEAD(request_list, dispatch_request);

struct dispatch_conn {
	struct dispatch *d;
	void *io;                       /* NULL: let go, freed at the end of this call */
	TAILQ_ENTRY(dispatch_conn) next;
	struct due due;                 /* in DUE_FIRST, DUE_PARKED or DUE_UNWATCHED */
	struct fcgi_mux mux;
	struct request_list requests;   /* in the order in which they are written to */
	struct buf out;                 /* bytes that go first: the rest of a record begun, whole records behind it */
	unsigned answered;              /* requests that are ANSWERED */
	bool reads, writes;             /* what is watched */
	bool full;                      /* not read: a body waits for its slot */
	bool no_more_input;             /* its sending side has ended */
	bool closing;                   /* closes once all its replies are written */
	bool last;                      /* so too, but not in the middle of a next request */
	bool broken;                    /* one of them never ends: no further request is begun */
	bool unread;                    /* something unread may be there when it closes */
	bool has_asked;                 /* a request has come */
	bool dead;
	char peer[INET6_ADDRSTRLEN];
};
TAILQ_HEAD(conn_list, dispatch_conn);

enum slot_use { SLOT_IDLE, SLOT_BUSY, SLOT_FINISHED, SLOT_GONE };   /* FINISHED: answered, its script works on */

struct dispatch_slot {
	struct dispatch *d;
	void *io;
	TAILQ_ENTRY(dispatch_slot) next;
	enum slot_use use;
	bool leaving;                   /* gets nothing more */
	bool ended;                     /* its pair was shut down for writing */
	bool mad;
	bool dead;
	bool aborted;                   /* FCGI_ABORT_REQUEST was sent */
	bool abort_due;                 /* to be sent, behind the input */
	bool input_ended;               /* the request's last record was sent, or is in out */
	bool writes, was_stopped;       /* what is watched */
	bool answered;                  /* END_REQUEST has come, EVENT_RECORD has not */
	bool more;                      /* of its input goes to it as soon as it is writable */
	struct dispatch_request *req;   /* BUSY; NULL: nobody wants its reply */
	uint16_t id;                    /* of the request of this turn */
	struct fcgi_record record;
	uint8_t record_use;             /* what the record at hand is good for: dispatch_reply.c */
	uint8_t small[64];              /* contents of END_REQUEST or of EVENT_RECORD */
	uint8_t small_len;
	bool stopped;                   /* not read: the client is too slow */
	struct buf out;                 /* what the pair had no room for */
};
TAILQ_HEAD(slot_list, dispatch_slot);

struct dispatch {
	const struct conf_pool *conf;
	const struct dispatch_world *world;
	void *arg;
	struct fcgi_limits limits;
	uint64_t now_us;
	struct due_list due[DUE_KINDS];
	uint64_t due_us[DUE_KINDS];     /* the limit of each; 0: none */
	struct conn_list conns, dead_conns;
	const struct dispatch_conn *going;      /* its requests are being made orphans */
	struct request_list dead_requests;
	struct slot_list slots;         /* busy ones and those that leave */
	struct slot_list idle;          /* the last used first */
	struct slot_list dead_slots;
	unsigned conn_count;
	unsigned queued;                /* in due[DUE_QUEUE] */
	uint64_t given_wait_us;         /* of the last request that was given to a slot */
	bool said_busy;                 /* until nothing is queued */
	bool closing;
	struct dispatch_figures figures;        /* counters; what can be counted from the lists is not kept */
	uint8_t *scratch;               /* DISPATCH_WINDOW bytes, to read from files */
};

/* What a slot sends at once, in records of our own or its: fits, and so does a record of the largest kind. */
#define DISPATCH_READ   (64 * 1024)
#define DISPATCH_WINDOW (2 * DISPATCH_READ)

/* dispatch.c */
void dispatch_settle(struct dispatch *d);       /* the end of each call from outside: let go, free */

/* dispatch_due.c: limits in time. */
void due_init(struct dispatch *d);
void due_start(struct dispatch *d, struct due *due, enum due_kind kind);        /* from now on; moves it */
void due_stop(struct dispatch *d, struct due *due);
struct dispatch_conn *due_conn(struct due *due);
struct dispatch_request *due_request(struct due *due);

/* dispatch_conn.c: a client's connection. */
/* Ask the world for what is of use now. One whose requests are all complete is watched for its end with run only: most
 * are answered before anybody would have looked. */
void conn_watch(struct dispatch_conn *c, bool run);
/* Records of its reply, all of them whole. c: NULL when nobody is there. */
void conn_send(struct dispatch_conn *c, struct dispatch_request *r, const struct iovec *iov, int count);
bool conn_rests(const struct dispatch_conn *c); /* no request, and nothing that it has still to take */
void conn_rest(struct dispatch_conn *c);        /* a request of it is over: park, close, or neither */
void conn_gone(struct dispatch_conn *c);
void conn_let_go(struct dispatch_conn *c, enum dispatch_close how);

/* dispatch_out.c: replies on their way to a client that does not take all at once, and fairly between them. */
bool out_waits(const struct dispatch_conn *c);
void out_write(struct dispatch_conn *c);        /* as much as it takes, but not without end */

/* dispatch_request.c: a request from its first byte to its end. */
struct dispatch_request *request_new(struct dispatch_conn *c);
void request_params(struct dispatch_request *r, const uint8_t *data, size_t len);
void request_head(struct dispatch_request *r);
void request_input(struct dispatch_request *r, struct spool *to, const uint8_t *data, size_t len);
void request_input_end(struct dispatch_request *r);
void request_abort(struct dispatch_request *r); /* FCGI_ABORT_REQUEST */
void request_orphan(struct dispatch_request *r);        /* its client has gone */
void request_answer(struct dispatch_request *r, enum reason reason);    /* in the application's place */
void request_over(struct dispatch_request *r);  /* its reply is written, or nobody waits for it: free it */
void request_lost(struct dispatch_request *r, const struct dispatch_death *how);       /* its slot died */

bool request_is_whole(const struct dispatch_request *r);        /* nothing more is to come of it */
bool request_reply_waits(const struct dispatch_request *r);
void request_ended(struct dispatch_request *r);         /* END_REQUEST is behind what waits of its reply */

/* dispatch_queue.c: what waits for a slot, and who gets it. */
void queue_add(struct dispatch_request *r);
void queue_add_first(struct dispatch_request *r);
void queue_remove(struct dispatch_request *r);
void queue_run(struct dispatch *d);

/* dispatch_slot.c: what goes to a slot. */
void slot_give(struct dispatch_slot *s, struct dispatch_request *r);
void slot_pump(struct dispatch_slot *s);        /* more of the body */
void slot_abort(struct dispatch_slot *s);       /* now; none of the input follows it */
/* FCGI_ABORT_REQUEST, but what the client sent whole the application gets whole. */
void slot_unwanted(struct dispatch_slot *s);
void slot_stop(struct dispatch_slot *s);        /* do not read it: its client is too slow */
void slot_resume(struct dispatch_slot *s);
void slot_watch(struct dispatch_slot *s);
void slot_turn_over(struct dispatch_slot *s, bool leaving);     /* EVENT_RECORD has come */
void slot_mad(struct dispatch_slot *s, const char *why);

/* dispatch_reply.c: what comes from a slot: dispatch_slot_input(). */

/* dispatch_figures.c */
void times_add(struct dispatch_times *t, uint64_t us);


#endif
