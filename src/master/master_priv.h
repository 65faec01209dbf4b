/* master_priv.h -- the master's state: one struct for the process, one for each pool of the configuration in force,
 * one for each life of a pool process. Included by master_*.c only.
 *
 * A spec is what a pool was told, held by the pool and by every process that was started from it; a listening
 * socket is held by specs. So a reload swaps specs, and the old ones go when their last process has ended. */
#ifndef WEIR_MASTER_PRIV_H
#define WEIR_MASTER_PRIV_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "pool/pool_backoff.h"
#include "src/base/buf.h"
#include "src/base/err.h"
#include "src/conf/conf.h"
#include "src/master/master_bucket.h"
#include "src/master/master_cli.h"
#include "src/master/master_crashes.h"
#include "src/master/master_grants.h"
#include "src/master/master_inherit.h"
#include "src/master/master_listen.h"
#include "src/master/master_proto.h"

#define MASTER_STOP_MS     1000         /* told to end now: killed after so long */
#define MASTER_REST_MS     5000         /* told to end because it has nothing to do: likewise */
#define MASTER_GRACE_MS    3000         /* past the time a drain was given: likewise */
#define MASTER_ORPHAN_MS   2000         /* a zygote without its pool process: likewise */
#define MASTER_RELOAD_MS   300000       /* a reload is over when nothing was heard for so long */
#define MASTER_END_MS      20000        /* a drain's time where process_control_timeout is not set */

struct master;

/* What a pool writes besides the error log: opened here, written by its pool process. */
enum master_file_kind { MASTER_FILE_ACCESS, MASTER_FILE_SLOW, MASTER_FILE_COUNT };
struct master_file {
	char *path;                     /* NULL: not configured */
	int fd;
};

struct master_spec {
	unsigned refs;
	char *name;                     /* of the pool */
	bool ondemand;
	bool dispatched;                /* its pool process alone accepts (mpm = event) */
	bool clear_env;
	char *env_pass;                 /* as struct master_spawn has it; NULL: none */
	uid_t uid;                      /* its owner's */
	char *section;                  /* for conf_pool_read */
	size_t section_len;
	char *module;                   /* path of its SAPI's plug-in */
	struct master_listener *listener;
	struct master_listener *status; /* of pm.status_listen; NULL: none */
	struct master_file files[MASTER_FILE_COUNT];
};

enum master_pool_state {
	MASTER_POOL_AT_REST,            /* no process; the master waits on its socket */
	MASTER_POOL_RUNNING,            /* proc is set */
	MASTER_POOL_WAITING,            /* its process died; the next try comes with the timer */
	MASTER_POOL_CLOSED,             /* the server ends and the pool has nothing left */
};

struct master_pool {
	struct master *m;
	struct master_spec *spec;
	enum master_pool_state state;
	struct master_proc *proc;       /* RUNNING: the process that serves, or is to */
	struct master_proc *standby;    /* during a reload: the old one, until proc is ready */
	struct event *wake;             /* AT_REST: its socket; WAITING: the timer; else NULL */
	struct event *wake_status;      /* AT_REST: the socket of pm.status_listen, if it has one */
	struct pool_backoff backoff;
	uint32_t generation;            /* the last that was ordered */
	struct master_totals totals;    /* when it last went to rest */
	bool answered;                  /* in this start or reload: ready, failing, at rest or dead */
	bool start_failed;              /* said in the log */
	bool cannot_load;               /* the answer: its application does not load */
};

enum master_proc_state {
	MASTER_PROC_STARTING,
	MASTER_PROC_READY,
	MASTER_PROC_FAILING,            /* alive; its generation does not become ready */
	MASTER_PROC_REPLACED,           /* another one serves: finishes what it has in hand */
	MASTER_PROC_ENDING,             /* drains; its sockets are still served */
	MASTER_PROC_LAST,               /* drained; serves the backlog and ends */
	MASTER_PROC_STOPPING,           /* told to end now */
	MASTER_PROC_RESTING,            /* told to end now, because it has nothing to do */
};

struct master_proc {
	struct master *m;
	struct master_proc *next;       /* in m->procs */
	struct master_spec *spec;
	struct master_pool *pool;       /* NULL: replaced or removed; it only has to end */
	enum master_proc_state state;
	pid_t pid;
	int link;
	struct event *link_event;
	struct event *late;             /* armed: SIGKILL when it fires */
	struct master_bucket orders;
	uint64_t born_us;
	struct master_figures figures;  /* as it told them last */
	bool figures_asked;             /* and not told yet */
	struct master_grant grant;      /* with process.max */
	bool dead;                      /* reaped: its last words are being read */
	bool was_ready;
};

struct master_zygote {
	struct master *m;
	struct master_zygote *next;     /* in m->zygotes */
	struct master_proc *owner;      /* NULL: its pool process died */
	pid_t pid;
	struct event *late;             /* armed when its pool process died: SIGKILL when it fires */
};

enum master_phase {
	MASTER_STARTING,                /* not every pool has answered */
	MASTER_SERVING,
	MASTER_RELOADING,               /* as STARTING, with the old processes still there */
	MASTER_ENDING,                  /* every pool drains */
	MASTER_STOPPING,                /* everything ends at once */
};

struct master {
	struct master_cli cli;
	char *conf_file;
	char *module_dir;
	struct buf options;             /* -c -n -e -d for SAPIs */
	bool as_root;
	pid_t first_pid;                /* before it went into the background: the one that its caller knows */
	int exe_fd;
	uint32_t pool_uid, pool_gid;    /* of pool processes */

	struct conf *conf;              /* in force */
	struct master_pool **pools;
	size_t pool_count;
	struct master_listeners listeners;
	struct master_inherited inherited;
	struct master_proc *procs;
	size_t proc_count;
	struct master_zygote *zygotes;

	bool background;
	int daemon_pipe;                /* the caller waits on its other end; -1: none */
	bool log_to_stderr;
	bool log_to_syslog;
	bool launched;
	int log_fd;                     /* what pool processes write to; -1: the system's log */
	char *pid_file;                 /* written; NULL: none */

	struct event_base *base;
	int signal_fd;
	struct event *signal_event;
	struct event *deadline;         /* ENDING, STOPPING: then everything left is killed; RELOADING: patience */
	struct event *again;            /* made active: the remembered reload begins */
	enum master_phase phase;
	size_t unanswered;              /* pools that have not answered yet */
	bool reload_again;              /* asked for while another was going on */
	bool killed;                    /* the deadline has passed */
	bool start_failed;              /* no pool could load its application */
	struct master_notify *notify;   /* NULL: nobody wants to be told */
	int ready_fd;                   /* of --ready-fd, until it has been told; else -1 */
	struct master_figures gone;     /* requests of processes that have ended */
	struct master_crashes crashes;
	uint64_t grants_short_ms;       /* when process.max was reached last; 0: never */
	uint64_t budget_ms;             /* ENDING: what each drain was given */
};

/* master_spec.c */
struct master_spec *master_spec_new(struct master *m, const struct conf *conf, const struct conf_pool *pool,
				    struct err *err);
struct master_spec *master_spec_hold(struct master_spec *spec);
void master_spec_drop(struct master *m, struct master_spec **spec);
struct master_listen_want master_spec_want(const struct conf_pool *pool);
/* The same for pm.status_listen. */
struct master_listen_want master_spec_want_status(const struct conf_pool *pool);
/* Take the paths of its sockets away, but for those of which a pool in force has need. */
void master_spec_unlink(struct master *m, struct master_spec *spec);
/* Specs of all pools with their sockets held, in the order of the file; NULL with err and everything
 * undone. */
struct master_spec **master_specs_open(struct master *m, const struct conf *conf, struct err *err);

/* master_files.c: access and slow logs */
/* Could they be opened? Makes nothing. */
int master_files_check(const struct conf_pool *pool, struct err *err);
int master_files_open(struct master_spec *spec, const struct conf_pool *pool, struct err *err);
void master_files_close(struct master_spec *spec);
/* Open them anew and tell the pool processes. What cannot be opened stays as it was, and is named in the log. */
void master_files_reopen(struct master *m);

/* master_pool.c: the pools' states */
struct master_pool *master_pool_new(struct master *m, struct master_spec *spec);
void master_pool_free(struct master_pool **pool);
void master_pool_start(struct master_pool *pool);
void master_pool_rest(struct master_pool *pool);
void master_pool_unwatch(struct master_pool *pool);
void master_pool_end(struct master_pool *pool, uint64_t budget_ms);
void master_pool_close(struct master_pool *pool);
void master_pool_ready(struct master_pool *pool);
void master_pool_failing(struct master_pool *pool, bool cannot_load);
void master_pool_proc_died(struct master_pool *pool, struct master_proc *proc, int status);
void master_pool_answered(struct master_pool *pool);

/* master_proc.c: one life of a pool process */
struct master_proc *master_proc_start(struct master_pool *pool, struct err *err);
void master_proc_died(struct master_proc *proc, int status);
void master_proc_drain_end(struct master_proc *proc, uint64_t budget_ms);
void master_proc_drain_replaced(struct master_proc *proc, uint64_t budget_ms);
void master_proc_last(struct master_proc *proc);
void master_proc_stop(struct master_proc *proc, enum master_proc_state state, uint64_t patience_ms);
void master_proc_log(struct master_proc *proc, enum master_log_file file, int fd);
void master_proc_link_closed(struct master_proc *proc);
void master_proc_late(struct master_proc *proc, uint64_t patience_ms);
/* body may be NULL; fd -1: none. A pool process that does not read is not waited for. */
void master_proc_tell(struct master_proc *proc, enum master_msg type, uint32_t generation, const void *body,
		      size_t len, int fd);

/* master_orders.c: what pool processes say */
void master_orders_read(struct master_proc *proc);

/* master_reap.c: zygotes, orphans and whom to kill */
void master_reap(struct master *m);
void master_zygote_add(struct master_proc *owner, pid_t pid);
void master_zygotes_orphan(struct master_proc *owner);
void master_kill_left(struct master *m);
bool master_kin_left(struct master *m);
int master_kill_for(struct master_proc *proc, pid_t pid);

/* master_signals.c */
void master_signals_block_early(void);
int master_signals_open(struct master *m, struct err *err);
void master_signals_close(struct master *m);

/* master_reload.c */
void master_reload(struct master *m);
void master_reload_deadline(struct master *m);

/* master_end.c */
void master_end(struct master *m);
void master_stop(struct master *m);
void master_end_check(struct master *m);
void master_end_deadline(struct master *m);
bool master_is_ending(const struct master *m);

/* master_start.c */
int master_serve(struct master *m);
void master_round_over(struct master *m);

#endif
