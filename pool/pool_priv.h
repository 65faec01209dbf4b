/* pool_priv.h -- a pool process from the inside. Only pool_*.c include it. Functions are grouped by the file that
 * holds them. */
#ifndef WEIR_POOL_PRIV_H
#define WEIR_POOL_PRIV_H

#include <event2/event.h>
#include <stdbool.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/types.h>
#include "mpm/board.h"
#include "pool/pool_backoff.h"
#include "pool/pool_plan.h"
#include "src/base/buf.h"
#include "src/base/ipc.h"
#include "src/base/spawn.h"
#include "src/base/fd_line.h"
#include "src/conf/conf.h"
#include "src/conf/conf_access.h"

struct pool;
struct pool_dispatch;
struct dispatch_figures;
struct dispatch_io;
struct status;
struct status_server;

/* Lines out of one pipe or one chain of log pieces. */
struct pool_lines {
	struct pool_child *child;       /* whose output; NULL: the zygote's */
	struct pool *pool;
	const char *stream;             /* "stdout" or "stderr" */
	struct event *event;            /* readable; NULL: no pipe */
	int fd;
	struct buf text;                /* the line in the making */
};

enum child_phase {
	CHILD_ORDERED,                  /* fork order sent */
	CHILD_BORN,                     /* has a pid, not READY */
	CHILD_SERVING,
	CHILD_RETIRING,                 /* told to leave */
};

/* What the pool process knows of one slot of a child. */
struct pool_slot {
	struct board_view *view;        /* last good copy; NULL: nobody has asked yet */
	uint64_t drain_served;          /* at the begin of a drain: the request in flight is this one plus one */
	bool drain_waits;               /* that request is not done */
	struct dispatch_io *io;         /* under event: its pair; NULL: none yet, or no more */
	uint64_t queued_us;             /* likewise: how long its last request had waited for it */
	bool told;                      /* likewise: it died with a request, of which the dispatcher tells */
};

struct pool_child {
	struct generation *gen;
	uint32_t place;                 /* among the generation's children */
	struct pool_slot *slots;        /* pool->threads of them */
	enum child_phase phase;
	pid_t pid;                      /* 0 while ORDERED */
	uint64_t born_ms;
	uint64_t born_s;                /* the same as wall time, since 1970 */
	uint64_t kill_ms;               /* when it was ordered killed; 0: not */
	uint64_t gone_ms;               /* when its link ended; 0: not */
	bool replaces_dead;             /* its birth is news: the one before did not leave in order */
	int link;                       /* -1 once it has ended */
	struct event *event;
	struct buf log;                 /* a log line in the making */
	struct buf access;              /* one of the access log */
	struct buf slow;                /* likewise of the slow log */
	struct pool_lines out, err;
	bool told_last;
	bool asks;                      /* it leaves by itself, or waits for an order to */
	bool replaced;                  /* its successor need not wait for its end: the plan has heard of that */
	bool has_served;
};

/* A zygote and its children. One has lost its zygote as soon as the next is started, and lives until its last child has
 * gone. */
struct generation {
	struct pool *pool;
	struct generation *older;       /* among p->old */
	uint32_t number;
	pid_t zygote;                   /* 0: ordered, or dead */
	bool ready;                     /* will fork */
	bool dead;                      /* its zygote has gone: its children are the last */
	bool cannot_load;               /* said by itself: ZYGOTE_FAILED */
	bool told_stuck;
	uint64_t ordered_ms;
	uint64_t heard_ms;              /* the zygote's last message; 0: none */
	int link;                       /* to the zygote; -1 when it has ended */
	struct event *event;
	struct buf log;
	struct pool_lines out;          /* the zygote's own output */
	struct board *board;
	int board_fd;
	struct pool_child **children;   /* by place; pool->places of them */
	struct pool_pace pace;
	bool booting;
};

enum parked_kind { PARKED_IDLE, PARKED_READY, PARKED_LINGER };
struct parked {
	TAILQ_ENTRY(parked) next;
	struct pool *pool;
	enum parked_kind kind;
	int fd;
	uint64_t since_ms;
	struct event *event;
};
TAILQ_HEAD(parked_list, parked);

/* The access log. What finds no room waits here, up to a limit. */
struct pool_access {
	bool on;
	struct conf_access format;
	struct fd_line to;              /* SPAWN_FD_ACCESS */
	struct buf waiting;             /* whole lines */
	struct event *again;
	bool failing;                   /* said; until a line is written */
	uint64_t dropped;               /* lines, since that was said */
	uint64_t dropped_all;
};

struct pool_grants {                    /* with process.max; zeroed is new */
	int want, has;                  /* children */
	uint32_t seq;
};

enum drain_phase { DRAIN_NONE, DRAIN_FINISH, DRAIN_ASKED, DRAIN_LAST, DRAIN_REPLACED };

struct pool_requests { uint64_t begun, over; };

struct pool {
	struct spawn_info *info;
	struct conf_global global;
	struct conf_pool *conf;
	struct event_base *base;
	struct pool_limits limits;
	int places;                     /* for children, in a generation */
	int threads;                    /* slots of a child */
	uint8_t *space;                 /* IPC_MAX_BODY; never zeroed: most of it is never touched */

	struct event *master;           /* SPAWN_FD_LINK */
	bool orphaned;                  /* the master has gone */
	struct event **listening;       /* one-shot, armed while asleep; info->listen_count */
	struct event *ready_event;      /* the same for the ready queue's reading end */

	struct generation *gen;         /* the current one, or the one that is starting; NULL: none */
	struct generation *old;         /* have lost their zygotes, their children serve until gen is ready */
	uint32_t last_generation;
	struct pool_backoff zygote_backoff;
	struct pool_backoff child_backoff;
	struct event *retry;            /* the next zygote, after back-off */
	bool said_ready, said_failing, said_at_rest;
	char *load_error;               /* last reason in the log; NULL: it loads */
	uint64_t start_s;               /* of this process; wall time */
	uint64_t seen_begun;            /* by children that are gone: requests */
	uint64_t seen_served;           /* of them, those that were over */
	struct pool_requests before;    /* of them, those of this process' predecessors, before a rest */
	uint64_t reasons[REASON_COUNT]; /* likewise */
	uint64_t at_max_count;
	uint64_t seen_slow;             /* by children that are gone: slow requests */
	struct fd_line slow_to;
	uint64_t slow_written_ms;       /* the last entry of the slow log; 0: none yet */
	unsigned slow_left_out;         /* entries since the log told of it */
	struct event *slow_timer;       /* tells of it */
	unsigned active_max;            /* children that were at work at once */
	uint64_t queue_max;             /* connections that waited to be accepted */
	struct pool_grants grants;
	unsigned unmourned;             /* deaths out of order whose replacement is not born yet */

	struct event *tick;
	bool asleep;                    /* nothing is planned until somebody pokes */
	uint64_t busy_until_ms;         /* look every POOL_TICK_MS until then */
	uint64_t last_sum;              /* fingerprint of the last look, to see change */

	int ready_w, ready_r;           /* the ready queue */
	struct event *ready_room;       /* ready_w is full: waits for room */
	struct event *ready_retry;      /* ready_w cannot be used for another reason: tried again */
	struct parked_list idle, ready, linger; /* each oldest first */
	struct event *idle_timer;       /* the oldest of idle is past keepalive_timeout; set while there is one */
	unsigned idle_count, ready_count, linger_count;
	unsigned idle_max;              /* what the limit of open files allows; the oldest is closed for one more */

	bool over_tcp;                  /* where the pool listens */
	struct pool_dispatch *dispatch; /* NULL: children take connections themselves */
	struct pool_access access;
	struct status_server *status;   /* NULL: no pm.status_listen */
	unsigned refused_count;         /* connections that pool_refuse.c holds */
	struct buf refusal;             /* its answer in the making */

	enum drain_phase drain;
	struct event *drain_timer;
	uint64_t drain_us;              /* when it began */
	uint64_t needed_ms;             /* from then on, no request needed a child */
	bool drain_hurry;               /* its time is over: requests in flight were told to give up */
};

/* pool_generation.c: zygotes. */
void pool_generation_order(struct pool *p);
void pool_generation_lost(struct generation *g, int error);     /* the order failed, or the zygote has gone */
void pool_generation_free(struct generation **g);
void pool_generation_drop(struct generation *old);              /* empty, and not the current one: free it */
/* All there are: the current one first. */
struct generation *pool_generation_first(const struct pool *p);
struct generation *pool_generation_after(const struct generation *g);
bool pool_generation_empty(const struct generation *g);
void pool_generation_reaped(struct pool *p, pid_t pid, int status);
void pool_generation_end(struct generation *g);                 /* close its zygote's link: it ends */

/* pool_spawn.c: births. */
bool pool_spawn_child(struct generation *g);
void pool_spawn_done(struct generation *g, uint32_t place, pid_t pid, int error);

/* pool_reap.c: deaths. */
/* What slot i says now. Borrowed until the next call for it. */
const struct board_view *pool_reap_view(struct pool_child *c, uint32_t i);
void pool_reap_child(struct generation *g, uint32_t place, pid_t pid, int status);
void pool_reap_kill(struct pool_child *c, uint64_t now_ms);     /* SIGKILL by way of its zygote, then of the master */

/* pool_talk.c: messages to and from children. */
void pool_talk_start(struct pool_child *c);
void pool_talk_drain(struct pool_child *c);                     /* read what the link still holds */
void pool_talk_order(struct pool_child *c, uint32_t order);
void pool_talk_stop(struct pool_child *c, enum reason reason);
/* One piece of a log line of a child or zygote (who: "child 12, " or ""). -1: nonsense. */
int pool_talk_log(struct buf *line, pid_t pid, const char *who, const struct ipc_msg *msg);

/* pool_access.c: the access log. */
void pool_access_init(struct pool *p);
void pool_access_put(struct pool *p, const char *text, size_t len);     /* one line, without a newline */
void pool_access_reopened(struct pool *p);                              /* its descriptor is another file */
/* A slot's request went with its child. */
void pool_access_lost(struct pool_child *c, const struct pool_slot *slot, enum reason reason);
void pool_access_end(struct pool *p);

/* pool_output.c: what children write to stdout and stderr. */
void pool_output_start(struct pool_lines *l, int fd);
void pool_output_end(struct pool_lines *l);

/* pool_slow.c: the slow log. */
void pool_slow_init(struct pool *p);
void pool_slow_reopened(struct pool *p);        /* SPAWN_FD_SLOW is another file now */
int pool_slow_take(struct pool_child *c, const struct ipc_msg *msg);    /* -1: nonsense */
void pool_slow_end(struct pool *p);             /* tell of what was left out */

/* pool_park.c: connections without a slot. */
void pool_park_init(struct pool *p);
void pool_park_take(struct pool *p, int fd);
void pool_park_linger(struct pool *p, int fd);
void pool_park_close_idle(struct pool *p);      /* those that have said something go to the ready queue */
int pool_park_waiting(struct pool *p);          /* connections that wait for a slot, at least */
int pool_park_queued(struct pool *p);           /* the same without the listening sockets: the ready queue */

/* pool_tick.c: looking, planning, obeying. */
void pool_tick_init(struct pool *p);
void pool_poke(struct pool *p);                 /* something happened: look soon */

/* pool_status.c: what the pool does now. */
struct status *pool_status(struct pool *p);             /* the caller frees it */
/* The page of pm.status_path (asked: its query), or that of ping.path: a whole CGI response. */
void pool_page(struct pool *p, bool is_status, const char *asked, struct buf *out);
bool pool_status_active(enum board_state state);
void pool_status_look(struct pool *p, unsigned active); /* keep the highest figures; at each look */
int pool_status_tell(struct pool_child *c, const struct ipc_msg *ask);  /* -1: nonsense */

/* pool_status_serve.c: status and ping on the socket of pm.status_listen. */
void pool_status_serve(struct pool *p);
bool pool_status_busy(const struct pool *p);            /* somebody is connected, or waits to be accepted */
void pool_status_stop(struct pool *p);                  /* accept no more; another process does */
/* pool_overdue.c: kill who is stuck. In how many ms to ask again; POOL_WAIT_NEVER: time alone changes nothing. */
uint64_t pool_overdue_child(struct pool_child *c, uint64_t now_ms);
uint64_t pool_overdue_zygote(struct generation *g, uint64_t now_ms);

/* pool_refuse.c: a 503 to those who wait in vain. */
void pool_refuse(struct pool *p);

/* pool_dispatch.c: under event, the connections and the queue. All but init, slot, retire, child_gone, conns and end
 * are for pools that have a dispatcher. */
void pool_dispatch_init(struct pool *p);
/* Take connections from now on: before the application is loaded for the first time another process may serve them. */
void pool_dispatch_serve(struct pool *p);
bool pool_dispatch_serves(const struct pool *p);
void pool_dispatch_slot(struct pool_child *c, uint32_t slot, int *fd);  /* takes *fd */
void pool_dispatch_retire(struct pool_child *c);                /* it gets no more requests */
void pool_dispatch_child_gone(struct pool_child *c);
unsigned pool_dispatch_conns(const struct pool *p);
int pool_dispatch_queued(const struct pool *p);
void pool_dispatch_refuse(struct pool *p, enum reason reason);  /* all that is queued */
/* All whose head is not whole, and those whose body is not if asked. */
void pool_dispatch_refuse_unread(struct pool *p, bool bodies, enum reason reason);
void pool_dispatch_closing(struct pool *p);                     /* each answer closes its connection */
void pool_dispatch_last(struct pool *p);                        /* and parked ones are closed now */
void pool_dispatch_stop(struct pool *p);                        /* accept no more: another process does */
void pool_dispatch_unlisten(struct pool *p);                   /* nor hold up a server that wants the address */
bool pool_dispatch_flying(const struct pool *p, uint64_t since_us);     /* requests that came before that time */
bool pool_dispatch_empty(const struct pool *p);                 /* nobody waits for anything, */
bool pool_dispatch_needs_children(const struct pool *p);        /* but for the rest of complete answers */
void pool_dispatch_figures(struct pool *p, struct dispatch_figures *out);
struct pool_requests pool_dispatch_requests(struct pool *p);    /* those before a rest included */
void pool_dispatch_end(struct pool *p);                         /* tell of what was left out of the log */

/* pool_drain.c: the end. */
void pool_drain_begin(struct pool *p, uint32_t kind, uint64_t budget_ms);
void pool_drain_orphaned(struct pool *p);        /* the master has gone */
void pool_drain_look(struct pool *p);           /* after anything that may have brought it forward */
void pool_drain_last(struct pool *p);
void pool_drain_newcomer(struct pool_child *c); /* a child is READY while the pool drains */

/* pool_master.c: messages to and from the master. */
void pool_master_init(struct pool *p);
void pool_master_say(struct pool *p, uint32_t type);
void pool_master_rest(struct pool *p);
/* The pool does not come up: said once, so that nobody waits for it, and not of one that has been up. */
void pool_master_failing(struct pool *p, bool cannot_load);
void pool_master_order(struct pool *p, struct generation *g, const int fds[4]);
void pool_master_kill(struct pool *p, pid_t pid);
void pool_master_send(uint32_t type, const void *body, size_t len);

/* pool_figures.c: tell the master how many children and requests there are and were. */
void pool_figures_say(struct pool *p);

/* pool_grants.c: with process.max. So many children are wanted in all; what the master gives is p->grants.has. */
void pool_grants_want(struct pool *p, int count);
void pool_grants_remind(struct pool *p);        /* still waiting: an answer may have been lost */
void pool_grants_got(struct pool *p, uint32_t seq, uint32_t count);

/* pool.c */
/* listen.allowed_clients: who is not in it is counted and logged (where: "", or " at ..."). Unix sockets always are. */
bool pool_peer_allowed(struct pool *p, const struct sockaddr *peer, socklen_t len, const char *where);
/* The scoreboard's number of a child's slot. */
uint32_t pool_child_slot(const struct pool_child *c, uint32_t i);
_Noreturn void pool_exit(struct pool *p);
unsigned pool_child_count(const struct pool *p);

#endif
