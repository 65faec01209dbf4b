/* conf.h -- the configuration as data: what a file said, checked, with every default filled in.
 * Pure data and no process: the master loads files, other processes read the text of their own section. */
#ifndef WEIR_CONF_H
#define WEIR_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "src/base/buf.h"
#include "src/base/err.h"

enum conf_pm { CONF_PM_UNSET, CONF_PM_STATIC, CONF_PM_DYNAMIC, CONF_PM_ONDEMAND };
enum conf_log_format { CONF_LOG_TEXT, CONF_LOG_JSON };
enum conf_mpm { CONF_MPM_PREFORK, CONF_MPM_WORKER, CONF_MPM_EVENT };
enum conf_buffering { CONF_BUFFERING_AUTO, CONF_BUFFERING_YES, CONF_BUFFERING_NO };
enum conf_abandoned { CONF_ABANDONED_DROP_SAFE, CONF_ABANDONED_DROP, CONF_ABANDONED_RUN };
enum conf_on_abort { CONF_ON_ABORT_CONTINUE, CONF_ON_ABORT_NOTIFY, CONF_ON_ABORT_KILL };
enum conf_retry { CONF_RETRY_SAFE, CONF_RETRY_ALL };

struct conf_pair {                      /* one NAME[key] = value */
	const struct conf_key *key;     /* its row in the table (conf_keys.h: key->name) */
	char *sub;                      /* what stood in [] */
	char *value;                    /* what holds: $VAR replaced, a flag as "1" or "0" */
	char *written;                  /* env[X] = $VAR as it stood in the file; NULL: as value */
};

/* NAME[] = value, in the order of the file: pairs whose sub is empty. */
struct conf_pairs {                     /* in the order in which they apply: the last of equal names holds */
	struct conf_pair *at;
	size_t count;
};

struct conf_global {
	char *pid;                      /* path or NULL */
	char *error_log;                /* path, or "syslog" */
	char *syslog_ident;
	int syslog_facility;            /* as in <syslog.h>, without the shift by 3 */
	int log_level;                  /* enum log_level */
	int log_limit;                  /* bytes of a line; longer ones are wrapped */
	bool log_buffering;
	int log_format;                 /* enum conf_log_format */
	int emergency_restart_threshold;        /* 0: off */
	int64_t emergency_restart_interval_s;   /* 0: off */
	int process_max;                /* 0: no limit */
	char *events_mechanism;         /* NULL: the best there is */
	int64_t systemd_interval_s;     /* 0: off */
	bool daemonize;
	int64_t process_control_timeout_s;      /* -1: not set */
	int64_t rlimit_files;           /* 0: leave */
	int64_t rlimit_core;            /* 0: leave; -1 unlimited */
	int process_priority;           /* CONF_PRIORITY_UNSET or -19..20 */
	char *pool_process_user;        /* name; default: weir where it exists, else nobody */
};
#define CONF_PRIORITY_UNSET 64

/* Is error_log the system's log, and no file? */
bool conf_logs_to_syslog(const struct conf_global *global);

struct conf_owner {                     /* resolved by the master; meaningful as root only */
	uid_t uid;
	gid_t gid;
	gid_t *groups;                  /* supplementary */
	size_t group_count;
};

struct conf_net {                       /* an address, or all that share its first bits */
	uint8_t addr[16];               /* IPv4: the first 4 bytes */
	uint8_t bits;
	bool is_v6;
};

struct conf_acl {                       /* one entry of the socket's access control list: may connect */
	bool is_group;
	uint32_t id;
};

struct conf_pool {
	char *name;
	char *file;                     /* where its section began */
	int line;

	char *sapi;                     /* "php" */
	char *php_version;              /* "8.2", "8.2-zts" or NULL: newest */
	char *native_module;            /* path as seen from inside the chroot, or NULL */
	char *wsgi_application;         /* as written, or NULL */
	char *wsgi_pythonpath, *wsgi_virtualenv;        /* or NULL */
	bool wsgi_preload;
	int wsgi_python_optimize;
	char *wsgi_mount;               /* NULL: not given */
	enum conf_mpm mpm;
	int threads_per_child;          /* slots of one child; 1 under prefork */
	int min_spare_threads;          /* idle slots, least and most, with pm = dynamic; 0: in children */
	int max_spare_threads;
	int max_request_workers;        /* slots in all; 0: as max_children says. conf_pool_slots() */

	char *user, *group;             /* as written, or NULL */
	struct conf_owner owner;
	char *user_name;                /* whom the pool runs as (for USER); NULL: that uid has no name */
	char *home;                     /* of that user; NULL: none */
	char *prefix;

	char *listen;                   /* "127.0.0.1:9000", "9000", "[::1]:9000", "/run/x.sock", "@name" */
	int listen_backlog;             /* -1: the kernel's most */
	char *listen_acl_users, *listen_acl_groups;     /* comma lists, or NULL */
	struct conf_acl *listen_acl;    /* the same, read; the master's only */
	size_t listen_acl_count;
	char *listen_owner, *listen_group;
	uid_t listen_uid;               /* (uid_t)-1: leave */
	gid_t listen_gid;
	unsigned listen_mode;           /* 0660 */
	char *listen_allowed_clients;   /* comma list of addresses, or NULL: all */
	struct conf_net *allowed;       /* the same, read; conf_client_allowed asks it */
	size_t allowed_count;

	enum conf_pm pm;
	int max_children;
	int start_servers;              /* filled in for dynamic */
	int min_spare_servers;
	int max_spare_servers;
	int max_spawn_rate;             /* default 32 */
	int64_t process_idle_timeout_s; /* default 10 */
	int64_t max_requests;           /* 0: endless */
	int64_t max_requests_jitter;    /* each child's max_requests is up to so many less */
	char *status_path;              /* URI, or NULL */
	char *status_listen;            /* an address as of listen, or NULL */
	char *ping_path;                /* URI, or NULL */
	char *ping_response;            /* NULL: "pong" */
	char *access_log;               /* path, or NULL */
	char *access_format;            /* NULL: php-fpm's */
	struct conf_pairs access_suppress_path;
	char *slowlog;                  /* path, or NULL */
	int64_t request_slowlog_timeout_s;      /* 0: off */
	int request_slowlog_trace_depth;
	int process_priority;
	bool process_dumpable;

	int64_t request_terminate_timeout_s;    /* 0: none */
	bool request_terminate_timeout_track_finished;
	uint64_t request_max_params;    /* bytes, default 1 MiB */
	uint64_t request_max_body;      /* bytes, 0: no limit; filled in: by the model */
	int64_t request_header_timeout_s;       /* default 60; 0: none */
	int64_t request_body_timeout_s; /* default 60, by progress; 0: none */
	enum conf_on_abort request_on_abort;    /* under event */
	int64_t keepalive_timeout_s;    /* of parked connections; 0: never */

	int event_max_connections;      /* under event, as all that follows */
	uint64_t event_body_memory;     /* bytes of a request's body */
	char *event_body_dir;           /* path */
	enum conf_buffering event_request_buffering;
	uint64_t event_response_memory; /* bytes of one response that wait in memory */
	uint64_t event_response_max;    /* and in all, file included; not less */
	enum conf_retry event_retry;
	int event_retry_max;            /* times */
	int queue_max;                  /* requests */
	int64_t queue_timeout_s;        /* 0: none */
	int64_t queue_retry_after_s;    /* 0: no header */
	enum conf_abandoned queue_abandoned;

	int64_t rlimit_files, rlimit_core;
	char *chroot, *chdir;
	bool catch_workers_output;
	bool decorate_workers_output;   /* default yes */
	bool clear_env;                 /* default yes */
	char *apparmor_hat;             /* or NULL */
	char *limit_extensions;         /* default ".php .phar" */
	bool security_strict;
	bool php_value_params;          /* filled in: by where it listens */
	bool reason_header;

	struct conf_pairs env;          /* resolved: $VAR replaced */
	struct conf_pairs env_pass;     /* env.pass[]: patterns of names */
	struct conf_pairs sapi_values;  /* php_value[], php_flag[], then php_admin_*[] */
};

struct conf {
	char *file;                     /* the main file */
	struct conf_global global;
	struct conf_pool **pools;
	size_t pool_count;
};

/* All problems of one load. A WARNING does not stop the start (unless security.strict makes it an error). */
enum conf_severity { CONF_NOTICE, CONF_WARNING, CONF_ERROR };
struct conf_note {
	enum conf_severity severity;
	char *text;                     /* "[FILE:LINE] ...", whole; a notice has no place in front */
};
struct conf_notes {
	struct conf_note *at;
	size_t count;
	size_t errors;
};
void conf_notes_free(struct conf_notes *notes);

struct conf_load_options {
	const char *file;               /* main file */
	const char *prefix;             /* -p, or NULL */
	const char *pid;                /* -g, or NULL: what holds for the key pid unless it is given */
	bool as_root;                   /* are we root: user is then mandatory */
	bool allow_root_pools;          /* -R */
	const char *module_dir;         /* where plug-ins lie: a SAPI that is not there is refused by name.
					 * NULL: not looked at (tests) */
};

/* Read the file and all that it includes, check everything, collect every problem. NULL when
 * notes_out->errors > 0. The caller owns the result and the notes. */
struct conf *conf_load(const struct conf_load_options *opt, struct conf_notes *notes_out);
void conf_free(struct conf **conf);

/* Every key and value as php-fpm's -tt prints them: lines "\tname = value", "[pool]" heads; appended to out,
 * separated by newlines. */
void conf_dump(const struct conf *conf, struct buf *out);

#define CONF_SLOTS_MAX 100000           /* of one pool: far above what a machine carries */

/* Requests at the same time, at most. */
static inline int conf_pool_slots(const struct conf_pool *pool)
{
	return pool->max_children * pool->threads_per_child;
}

/* Children with several threads leave slowly: the last request in hand decides. So they have places of their own. */
static inline bool conf_pool_leaves_slowly(const struct conf_pool *pool)
{
	return pool->threads_per_child > 1;
}

/* How many children of one generation there is room for. Where they leave slowly, for those that may serve, as many
 * that leave and take their time for it, and as many that have nothing in hand any more and are just about to end: so
 * that none of these keeps a place from those that follow. */
static inline int conf_pool_places(const struct conf_pool *pool)
{
	return conf_pool_leaves_slowly(pool) ? 3 * pool->max_children : pool->max_children;
}

/* One pool's section as text that conf_pool_read takes: everything resolved. And back: NULL with err. */
void conf_pool_write(const struct conf_global *global, const struct conf_pool *pool, struct buf *out);
struct conf_pool *conf_pool_read(const char *text, size_t len, struct conf_global *global_out,
				 struct err *err);
void conf_pool_free(struct conf_pool **pool);
void conf_global_free(struct conf_global *global);

/* May this peer speak to the pool? addr: IPv4 or IPv6 socket address; Unix sockets are always allowed. */
struct sockaddr;
bool conf_client_allowed(const struct conf_pool *pool, const struct sockaddr *addr);

#endif
