/* conf_keys.c -- the table of keys (see conf_keys.h), in the order of php-fpm's -tt with Weir's own keys
 * behind. Pure data for every process that reads configuration, and for the manual. A key that is not in
 * here does not exist; keys that are known and refused stand in conf_keys_later.c. */
#include <string.h>
#include <strings.h>
#include "src/base/mem.h"
#include "src/conf/conf.h"
#include "src/conf/conf_keys.h"

#define GLOBAL(field) .where = CONF_IN_GLOBAL, .offset = offsetof(struct conf_global, field)
#define POOL(field)   .where = CONF_IN_POOL, .offset = offsetof(struct conf_pool, field)
#define CONF_COUNT_MAX 100000           /* processes of one pool: far above what a machine carries */
#define CONF_TIME_MAX INT32_MAX         /* seconds: 68 years */
#define MEBIBYTE (1024 * 1024)

/* By their numbers in <syslog.h>. */
static const char *const facilities[] = {
	"KERN", "USER", "MAIL", "DAEMON", "AUTH", "SYSLOG", "LPR", "NEWS", "UUCP", "CRON", "AUTHPRIV", "FTP",
	"", "", "", "", "LOCAL0", "LOCAL1", "LOCAL2", "LOCAL3", "LOCAL4", "LOCAL5", "LOCAL6", "LOCAL7", NULL
};
static const char *const log_formats[] = { [CONF_LOG_TEXT] = "text", [CONF_LOG_JSON] = "json", NULL };
static const char *const bufferings[] = {
	[CONF_BUFFERING_AUTO] = "auto", [CONF_BUFFERING_YES] = "yes", [CONF_BUFFERING_NO] = "no", NULL
};
static const char *const abandoned[] = {
	[CONF_ABANDONED_DROP_SAFE] = "drop-safe", [CONF_ABANDONED_DROP] = "drop", [CONF_ABANDONED_RUN] = "run", NULL
};
static const char *const on_aborts[] = {
	[CONF_ON_ABORT_CONTINUE] = "continue", [CONF_ON_ABORT_NOTIFY] = "notify", [CONF_ON_ABORT_KILL] = "kill", NULL
};
static const char *const retries[] = { [CONF_RETRY_SAFE] = "safe", [CONF_RETRY_ALL] = "all", NULL };

const struct conf_key conf_keys[] = {
	{ .name = "pid", GLOBAL(pid), .type = CONF_PATH, .flags = CONF_KEY_VAR,
	  .meaning = "File that holds the master's process id while it runs. Wins over the option -g.",
	  .used_by = CONF_BY_MASTER, .reload = CONF_RELOAD_NOTHING },
	{ .name = "error_log", GLOBAL(error_log), .type = CONF_PATH, .initial = "log/php-fpm.log",
	  .flags = CONF_KEY_VAR | CONF_KEY_NO_EMPTY,
	  .meaning = "File to which the master, the pool processes and, through them, all children log. In "
		"the foreground on a terminal, or with -O, the log goes to stderr instead.",
	  .limits = "'syslog' sends lines to the system's log instead, see syslog.ident and syslog.facility.",
	  .used_by = CONF_BY_MASTER | CONF_BY_POOL, .reload = CONF_RELOAD_POOL },
	{ .name = "syslog.ident", GLOBAL(syslog_ident), .type = CONF_STRING, .initial = "php-fpm",
	  .meaning = "With error_log = syslog: the name in front of each line.",
	  .used_by = CONF_BY_MASTER | CONF_BY_POOL, .reload = CONF_RELOAD_POOL },
	{ .name = "syslog.facility", GLOBAL(syslog_facility), .type = CONF_CHOICE, .initial = "DAEMON",
	  .choices = facilities, .flags = CONF_KEY_NUMBERED,
	  .meaning = "With error_log = syslog: which part of the system the lines come from.",
	  .used_by = CONF_BY_MASTER | CONF_BY_POOL, .reload = CONF_RELOAD_POOL },
	{ .name = "log_buffering", GLOBAL(log_buffering), .type = CONF_BOOL, .initial = "yes",
	  .meaning = "Taken for php-fpm's sake: a line is always collected whole and written at once.",
	  .used_by = CONF_BY_MASTER, .reload = CONF_RELOAD_NOTHING },
	{ .name = "log_level", GLOBAL(log_level), .type = CONF_LEVEL, .initial = "notice",
	  .meaning = "Lines below this level are not logged: debug, notice, warning, error, alert.",
	  .used_by = CONF_BY_MASTER | CONF_BY_POOL | CONF_BY_ZYGOTE, .reload = CONF_RELOAD_POOL },
	{ .name = "log_limit", GLOBAL(log_limit), .type = CONF_INT, .unit = "bytes", .initial = "1049600",
	  .meaning = "Most bytes of one line in the error log; the default lets 1 MiB through whole. What children "
		"write is wrapped there, other texts are cut and end in '...'. With log_format = json it counts for the "
		"message alone.",
	  .limits = "At least 512.",
	  .used_by = CONF_BY_MASTER | CONF_BY_POOL, .reload = CONF_RELOAD_POOL, .min = INT32_MIN, .max = INT32_MAX },
	{ .name = "emergency_restart_interval", GLOBAL(emergency_restart_interval_s), .type = CONF_TIME,
	  .unit = "seconds", .initial = "0",
	  .meaning = "Within how long emergency_restart_threshold has to be reached. 0: off.",
	  .used_by = CONF_BY_MASTER, .reload = CONF_RELOAD_MASTER, .max = CONF_TIME_MAX },
	{ .name = "emergency_restart_threshold", GLOBAL(emergency_restart_threshold), .type = CONF_INT,
	  .unit = "deaths", .initial = "0",
	  .meaning = "When so many children have died by SIGSEGV or SIGBUS within "
		"emergency_restart_interval, everything is reloaded: a damaged shared memory of an opcode "
		"cache is made anew. 0: off.",
	  .used_by = CONF_BY_MASTER, .reload = CONF_RELOAD_MASTER, .max = INT32_MAX },
	{ .name = "process_control_timeout", GLOBAL(process_control_timeout_s), .type = CONF_TIME,
	  .unit = "seconds",
	  .otherwise = "20 seconds at the end of the server; requests are not cut short by a reload",
	  .meaning = "How long requests in flight may go on when Weir is told to end or to reload. 0 ends "
		"them at once.",
	  .used_by = CONF_BY_MASTER | CONF_BY_POOL, .reload = CONF_RELOAD_POOL, .max = CONF_TIME_MAX },
	{ .name = "process.max", GLOBAL(process_max), .type = CONF_INT, .unit = "processes", .initial = "0",
	  .meaning = "Most children of all pools together. 0: no limit.",
	  .limits = "Not negative.",
	  .used_by = CONF_BY_MASTER, .reload = CONF_RELOAD_MASTER, .min = INT32_MIN, .max = INT32_MAX },
	{ .name = "process.priority", GLOBAL(process_priority), .type = CONF_PRIORITY,
	  .otherwise = "not changed",
	  .meaning = "Nice value of the master. Needs root; ignored with a notice otherwise.",
	  .limits = "-19 to 20.", .used_by = CONF_BY_MASTER, .reload = CONF_RELOAD_NOTHING },
	{ .name = "daemonize", GLOBAL(daemonize), .type = CONF_BOOL, .initial = "yes",
	  .meaning = "Go to the background after the start. The options -D and -F win over it.",
	  .used_by = CONF_BY_MASTER, .reload = CONF_RELOAD_NOTHING },
	{ .name = "rlimit_files", GLOBAL(rlimit_files), .type = CONF_LONG, .unit = "descriptors",
	  .initial = "0",
	  .meaning = "How many files the master may have open. 0 leaves the limit as it is. The start fails "
		"when the limit cannot be set.",
	  .used_by = CONF_BY_MASTER, .reload = CONF_RELOAD_NOTHING, .max = INT32_MAX },
	{ .name = "rlimit_core", GLOBAL(rlimit_core), .type = CONF_CORE, .unit = "bytes", .initial = "0",
	  .meaning = "Largest core file of the master, or 'unlimited'. 0 leaves the limit as it is.",
	  .used_by = CONF_BY_MASTER, .reload = CONF_RELOAD_NOTHING, .max = INT64_MAX },
	{ .name = "events.mechanism", GLOBAL(events_mechanism), .type = CONF_STRING,
	  .otherwise = "the best that the system has",
	  .meaning = "How the master and the pool processes wait for events: epoll, poll or select.",
	  .limits = "A mechanism that this system has.",
	  .used_by = CONF_BY_MASTER | CONF_BY_POOL, .reload = CONF_RELOAD_NOTHING },
	{ .name = "systemd_interval", GLOBAL(systemd_interval_s), .type = CONF_TIME, .unit = "seconds",
	  .initial = "10",
	  .meaning = "How often systemd is told the server's figures, where it asked for them (Type=notify). "
		"A watchdog of the unit's replaces it. 0: never.",
	  .used_by = CONF_BY_MASTER, .reload = CONF_RELOAD_MASTER, .max = CONF_TIME_MAX },
	{ .name = "log_format", GLOBAL(log_format), .type = CONF_CHOICE, .initial = "text",
	  .choices = log_formats, .flags = CONF_KEY_OURS,
	  .meaning = "Lines of the error log as php-fpm writes them (text), or each as one JSON object (json) with "
		"time, level, pool, pid, id (of the request), stream (of what a child has written) and message. Bytes "
		"that are not UTF-8 stand as \\xNN.",
	  .used_by = CONF_BY_MASTER | CONF_BY_POOL, .reload = CONF_RELOAD_POOL },
	{ .name = "pool_process_user", GLOBAL(pool_process_user), .type = CONF_STRING, .flags = CONF_KEY_OURS,
	  .otherwise = "weir where that user exists, else nobody",
	  .meaning = "User of all pool processes when Weir runs as root. They run no application code, and "
		"their user should not be that of a pool: a child could then reach into its pool process.",
	  .limits = "An existing user, not root.",
	  .used_by = CONF_BY_MASTER, .reload = CONF_RELOAD_POOL },

	{ .name = "prefix", POOL(prefix), .type = CONF_PATH,
	  .otherwise = "the folder of the option -p, else /usr",
	  .meaning = "Folder from which relative paths of this pool count. '$prefix' at the start of chroot "
		"stands for it.",
	  .limits = "An existing folder.", .used_by = CONF_BY_MASTER, .reload = CONF_RELOAD_CHILDREN },
	{ .name = "user", POOL(user), .type = CONF_STRING,
	  .meaning = "User, by name or number, as whom the pool's application runs. Mandatory when Weir runs "
		"as root; ignored with a notice otherwise.",
	  .limits = "Not root, unless the option -R is given.",
	  .used_by = CONF_BY_ZYGOTE | CONF_BY_CHILD, .reload = CONF_RELOAD_CHILDREN },
	{ .name = "group", POOL(group), .type = CONF_STRING, .otherwise = "the group of user",
	  .meaning = "Group, by name or number, as which the pool's application runs; beside it the user's "
		"supplementary groups. Ignored with a notice when Weir does not run as root.",
	  .limits = "Not root's, unless the option -R is given.",
	  .used_by = CONF_BY_ZYGOTE | CONF_BY_CHILD, .reload = CONF_RELOAD_CHILDREN },
	{ .name = "listen", POOL(listen), .type = CONF_STRING, .flags = CONF_KEY_NEEDED,
	  .meaning = "Where the front end reaches this pool: /path/of.sock, 127.0.0.1:9000, [::1]:9000, "
		"HOST:PORT, a bare PORT on all addresses, or @name for an abstract Unix socket. A relative "
		"path counts from prefix.",
	  .limits = "Each address once; a path of at most 107 bytes; a port from 1 to 65535. An address that "
		"is not loopback without listen.allowed_clients is a warning, as is an abstract socket, "
		"which every local user can reach; with security.strict they are errors.",
	  .used_by = CONF_BY_MASTER | CONF_BY_POOL | CONF_BY_CHILD, .reload = CONF_RELOAD_POOL },
	{ .name = "listen.backlog", POOL(listen_backlog), .type = CONF_INT, .unit = "connections",
	  .initial = "-1",
	  .meaning = "How many connections may wait to be accepted. -1: as many as the kernel allows "
		"(net.core.somaxconn).",
	  .used_by = CONF_BY_MASTER, .reload = CONF_RELOAD_POOL, .min = -1, .max = INT32_MAX },
	{ .name = "listen.acl_users", POOL(listen_acl_users), .type = CONF_STRING,
	  .meaning = "Users who may connect to the Unix socket, separated by commas: entries of its access "
		"control list. listen.owner and listen.group are ignored then.",
	  .limits = "Existing users.", .used_by = CONF_BY_MASTER, .reload = CONF_RELOAD_POOL },
	{ .name = "listen.acl_groups", POOL(listen_acl_groups), .type = CONF_STRING,
	  .meaning = "Groups that may connect, as listen.acl_users.",
	  .limits = "Existing groups.", .used_by = CONF_BY_MASTER, .reload = CONF_RELOAD_POOL },
	{ .name = "listen.owner", POOL(listen_owner), .type = CONF_STRING,
	  .otherwise = "not changed",
	  .meaning = "Owner of the Unix socket, by name or number.", .limits = "An existing user.",
	  .used_by = CONF_BY_MASTER, .reload = CONF_RELOAD_POOL },
	{ .name = "listen.group", POOL(listen_group), .type = CONF_STRING,
	  .otherwise = "the group of listen.owner where that is a name, else not changed",
	  .meaning = "Group of the Unix socket, by name or number: usually the front end's.",
	  .limits = "An existing group.", .used_by = CONF_BY_MASTER, .reload = CONF_RELOAD_POOL },
	{ .name = "listen.mode", POOL(listen_mode), .type = CONF_MODE, .initial = "0660",
	  .meaning = "Access rights of the Unix socket, octal. Whoever may write to it may run any script of "
		"the pool.",
	  .limits = "0 to 0777. A mode that lets others write is a warning; with security.strict an error.",
	  .used_by = CONF_BY_MASTER, .reload = CONF_RELOAD_POOL },
	{ .name = "listen.allowed_clients", POOL(listen_allowed_clients), .type = CONF_STRING,
	  .flags = CONF_KEY_NO_EMPTY, .otherwise = "every address may connect",
	  .meaning = "Addresses of the front ends that may speak to this pool's TCP socket, separated by "
		"commas: 127.0.0.1, ::1, also 10.0.0.0/8 or fd00::/8. Others are turned away before they can "
		"ask anything.",
	  .limits = "Addresses and address/bits only, no names.",
	  .used_by = CONF_BY_POOL | CONF_BY_CHILD, .reload = CONF_RELOAD_POOL },
	{ .name = "process.priority", POOL(process_priority), .type = CONF_PRIORITY,
	  .otherwise = "as the master's",
	  .meaning = "Nice value of the pool's children. Needs root; ignored with a notice otherwise.",
	  .limits = "-19 to 20.", .used_by = CONF_BY_ZYGOTE, .reload = CONF_RELOAD_CHILDREN },
	{ .name = "process.dumpable", POOL(process_dumpable), .type = CONF_BOOL, .initial = "no",
	  .meaning = "Children may leave core files and be traced by their own user although they changed "
		"it.",
	  .used_by = CONF_BY_ZYGOTE | CONF_BY_CHILD, .reload = CONF_RELOAD_CHILDREN },
	{ .name = "pm", POOL(pm), .type = CONF_PM, .flags = CONF_KEY_NEEDED,
	  .meaning = "How many children there are: static (always pm.max_children), dynamic (between the "
		"spare limits, as load asks), ondemand (none until a request comes).",
	  .used_by = CONF_BY_MASTER | CONF_BY_POOL, .reload = CONF_RELOAD_POOL },
	{ .name = "pm.max_children", POOL(max_children), .type = CONF_INT, .unit = "processes",
	  .flags = CONF_KEY_NEEDED,
	  .meaning = "Most children, and so most requests at the same time.",
	  .limits = "At least 1.", .used_by = CONF_BY_POOL, .reload = CONF_RELOAD_POOL,
	  .min = INT32_MIN, .max = CONF_COUNT_MAX },
	{ .name = "pm.start_servers", POOL(start_servers), .type = CONF_INT, .unit = "processes",
	  .otherwise = "the middle of both spare limits",
	  .meaning = "Children at the start, with pm = dynamic.",
	  .limits = "From pm.min_spare_servers to pm.max_spare_servers.",
	  .used_by = CONF_BY_POOL, .reload = CONF_RELOAD_POOL, .min = INT32_MIN, .max = CONF_COUNT_MAX },
	{ .name = "pm.min_spare_servers", POOL(min_spare_servers), .type = CONF_INT, .unit = "processes",
	  .meaning = "Least idle children, with pm = dynamic; mandatory there.",
	  .limits = "1 to pm.max_spare_servers.",
	  .used_by = CONF_BY_POOL, .reload = CONF_RELOAD_POOL, .min = INT32_MIN, .max = CONF_COUNT_MAX },
	{ .name = "pm.max_spare_servers", POOL(max_spare_servers), .type = CONF_INT, .unit = "processes",
	  .meaning = "Most idle children, with pm = dynamic; mandatory there.",
	  .limits = "pm.min_spare_servers to pm.max_children.",
	  .used_by = CONF_BY_POOL, .reload = CONF_RELOAD_POOL, .min = INT32_MIN, .max = CONF_COUNT_MAX },
	{ .name = "pm.max_spawn_rate", POOL(max_spawn_rate), .type = CONF_INT, .unit = "processes",
	  .initial = "32",
	  .meaning = "Most children that are started at once, with pm = dynamic.",
	  .limits = "At least 1.", .used_by = CONF_BY_POOL, .reload = CONF_RELOAD_POOL,
	  .min = INT32_MIN, .max = CONF_COUNT_MAX },
	{ .name = "pm.process_idle_timeout", POOL(process_idle_timeout_s), .type = CONF_TIME,
	  .unit = "seconds",
	  .initial = "10", .flags = CONF_KEY_BARE_TIME,
	  .meaning = "With pm = ondemand, a child that has been idle for so long ends.",
	  .limits = "At least 1 "
		"s.", .used_by = CONF_BY_POOL, .reload = CONF_RELOAD_POOL, .max = CONF_TIME_MAX },
	{ .name = "pm.max_requests", POOL(max_requests), .type = CONF_LONG, .unit = "requests",
	  .initial = "0",
	  .meaning = "A child begins so many requests and is then replaced: a cure for code that leaks memory. "
		"0: never.",
	  .used_by = CONF_BY_POOL | CONF_BY_CHILD, .reload = CONF_RELOAD_POOL, .max = INT64_MAX },
	{ .name = "pm.max_requests_jitter", POOL(max_requests_jitter), .type = CONF_LONG, .unit = "requests",
	  .initial = "0", .flags = CONF_KEY_OURS,
	  .meaning = "Each child leaves up to so many requests before pm.max_requests, chosen at its birth, "
		"so that children of one age are not all replaced at once.",
	  .limits = "Below pm.max_requests.",
	  .used_by = CONF_BY_CHILD, .reload = CONF_RELOAD_CHILDREN, .max = INT64_MAX },
	{ .name = "pm.status_path", POOL(status_path), .type = CONF_STRING, .flags = CONF_KEY_EMPTY,
	  .otherwise = "/ at pm.status_listen, else unset",
	  .meaning = "URI at which the pool answers with its status page: as text, or with ?html, ?xml, "
		"?json, ?openmetrics; ?full adds the children.",
	  .limits = "Begins with /, at least two characters of letters, digits and /_-.~; / alone is for "
		"pm.status_listen.",
	  .used_by = CONF_BY_POOL | CONF_BY_CHILD, .reload = CONF_RELOAD_POOL },
	{ .name = "pm.status_listen", POOL(status_listen), .type = CONF_STRING, .flags = CONF_KEY_EMPTY,
	  .meaning = "A second address, as of listen, at which only status and ping are answered, by the "
		"pool process: also while every child is busy.",
	  .limits = "An address that nobody else listens on.",
	  .used_by = CONF_BY_MASTER | CONF_BY_POOL, .reload = CONF_RELOAD_POOL },
	{ .name = "ping.path", POOL(ping_path), .type = CONF_STRING, .flags = CONF_KEY_EMPTY,
	  .meaning = "URI at which the pool answers ping.response: for monitors.",
	  .limits = "As of pm.status_path.",
	  .used_by = CONF_BY_POOL | CONF_BY_CHILD, .reload = CONF_RELOAD_POOL },
	{ .name = "ping.response", POOL(ping_response), .type = CONF_STRING, .flags = CONF_KEY_EMPTY,
	  .otherwise = "pong",
	  .meaning = "What ping.path answers.", .limits = "Not empty.",
	  .used_by = CONF_BY_POOL | CONF_BY_CHILD, .reload = CONF_RELOAD_POOL },
	{ .name = "access.log", POOL(access_log), .type = CONF_PATH,
	  .meaning = "File for one line about each request; also a FIFO, /dev/stdout or /dev/stderr. A reader who does "
		"not read loses lines, which are counted in the error log, and never stops the pool.",
	  .limits = "The start fails when it cannot be opened.",
	  .used_by = CONF_BY_MASTER | CONF_BY_POOL | CONF_BY_CHILD, .reload = CONF_RELOAD_POOL },
	{ .name = "access.format", POOL(access_format), .type = CONF_STRING,
	  .otherwise = "%R - %u %t \"%m %r\" %s",
	  .meaning = "What such a line says, in php-fpm's codes and three more, %i for the request id, %w for why Weir "
		"itself ended or answered the request, and %W for how long it waited for a slot (mpm = event; "
		"else 0), in the units of %d; or json: one JSON object.",
	  .limits = "Codes that exist.",
	  .used_by = CONF_BY_POOL | CONF_BY_CHILD, .reload = CONF_RELOAD_POOL },
	{ .name = "access.suppress_path", POOL(access_suppress_path), .type = CONF_LIST, .flags = CONF_KEY_SLASH,
	  .meaning = "A URI whose GET and HEAD requests without query and body that are answered with 2xx "
		"are not written to the access log. May be given more than once.",
	  .limits = "Begins with /.",
	  .used_by = CONF_BY_CHILD, .reload = CONF_RELOAD_CHILDREN },
	{ .name = "slowlog", POOL(slowlog), .type = CONF_PATH,
	  .meaning = "File for the backtraces of slow requests, see request_slowlog_timeout.",
	  .limits = "Mandatory with request_slowlog_timeout; without that nothing is opened. The start fails when "
		"it cannot be opened.",
	  .used_by = CONF_BY_MASTER | CONF_BY_POOL, .reload = CONF_RELOAD_POOL },
	{ .name = "request_slowlog_timeout", POOL(request_slowlog_timeout_s), .type = CONF_TIME,
	  .unit = "seconds", .initial = "0",
	  .meaning = "A request that runs for longer leaves a backtrace of its script in slowlog. 0: none "
		"does.",
	  .limits = "Not above request_terminate_timeout.",
	  .used_by = CONF_BY_POOL | CONF_BY_CHILD, .reload = CONF_RELOAD_POOL, .max = CONF_TIME_MAX },
	{ .name = "request_slowlog_trace_depth", POOL(request_slowlog_trace_depth), .type = CONF_INT,
	  .unit = "calls", .initial = "20",
	  .meaning = "Most lines of such a backtrace. 0: 20.", .limits = "Not negative.",
	  .used_by = CONF_BY_CHILD, .reload = CONF_RELOAD_CHILDREN, .min = INT32_MIN, .max = CONF_COUNT_MAX },
	{ .name = "request_terminate_timeout", POOL(request_terminate_timeout_s), .type = CONF_TIME,
	  .unit = "seconds",
	  .initial = "0",
	  .meaning = "A request that runs for longer is ended: the client gets a 504 if nothing was sent "
		"yet, and the child is replaced. Idle kept connections do not count, nor, but with "
		"request_terminate_timeout_track_finished, what follows the script's end. 0: no limit.",
	  .used_by = CONF_BY_POOL | CONF_BY_CHILD, .reload = CONF_RELOAD_POOL, .max = CONF_TIME_MAX },
	{ .name = "request_terminate_timeout_track_finished", POOL(request_terminate_timeout_track_finished),
	  .type = CONF_BOOL, .initial = "no",
	  .meaning = "The time of a request, for request_terminate_timeout and request_slowlog_timeout, counts on after "
		"fastcgi_finish_request(), and after the script's end, while its shutdown functions and destructors run. "
		"No: it ends there.",
	  .used_by = CONF_BY_POOL | CONF_BY_CHILD, .reload = CONF_RELOAD_POOL },
	{ .name = "rlimit_files", POOL(rlimit_files), .type = CONF_LONG, .unit = "descriptors",
	  .initial = "0",
	  .meaning = "How many files each child may have open. 0 leaves the limit as it is.",
	  .used_by = CONF_BY_ZYGOTE, .reload = CONF_RELOAD_CHILDREN, .max = INT32_MAX },
	{ .name = "rlimit_core", POOL(rlimit_core), .type = CONF_CORE, .unit = "bytes", .initial = "0",
	  .meaning = "Largest core file of a child, or 'unlimited'. 0 leaves the limit as it is.",
	  .used_by = CONF_BY_ZYGOTE, .reload = CONF_RELOAD_CHILDREN, .max = INT64_MAX },
	{ .name = "chroot", POOL(chroot), .type = CONF_PATH,
	  .meaning = "Folder that children see as the root of the file system. Needs root; ignored with a "
		"notice otherwise. Paths that the front end sends, SCRIPT_FILENAME first, have to be as seen "
		"from inside.",
	  .limits = "An existing folder.", .used_by = CONF_BY_ZYGOTE, .reload = CONF_RELOAD_CHILDREN },
	{ .name = "chdir", POOL(chdir), .type = CONF_PATH, .otherwise = "/ inside a chroot, else not changed",
	  .meaning = "Folder in which children start; as seen from inside the chroot.",
	  .limits = "An existing folder.", .used_by = CONF_BY_ZYGOTE, .reload = CONF_RELOAD_CHILDREN },
	{ .name = "catch_workers_output", POOL(catch_workers_output), .type = CONF_BOOL, .initial = "no",
	  .meaning = "What children write to stdout and stderr goes to the error log, with pool and pid. No: "
		"it is thrown away.",
	  .used_by = CONF_BY_POOL | CONF_BY_ZYGOTE, .reload = CONF_RELOAD_POOL },
	{ .name = "decorate_workers_output", POOL(decorate_workers_output), .type = CONF_BOOL,
	  .initial = "yes",
	  .meaning = "Caught lines stand in the log as 'child N said into stderr: \"...\"'. No: bare.",
	  .used_by = CONF_BY_POOL, .reload = CONF_RELOAD_POOL },
	{ .name = "clear_env", POOL(clear_env), .type = CONF_BOOL, .initial = "yes",
	  .meaning = "Children do not see Weir's own environment, only what env[] gives them. USER "
		"and HOME are the pool's user's in either case.",
	  .used_by = CONF_BY_MASTER | CONF_BY_ZYGOTE, .reload = CONF_RELOAD_CHILDREN },
	{ .name = "apparmor_hat", POOL(apparmor_hat), .type = CONF_STRING, .flags = CONF_KEY_UNDUMPED,
	  .meaning = "Children change to this AppArmor hat of their profile.",
	  .limits = "Needs a kernel with AppArmor, and libapparmor.",
	  .used_by = CONF_BY_ZYGOTE, .reload = CONF_RELOAD_CHILDREN },
	{ .name = "security.limit_extensions", POOL(limit_extensions), .type = CONF_STRING, .initial = ".php "
		".phar",
	  .flags = CONF_KEY_EMPTY,
	  .meaning = "Only files whose path ends in one of these, separated by blanks, are run as scripts. "
		"Empty: all.",
	  .used_by = CONF_BY_CHILD, .reload = CONF_RELOAD_CHILDREN },
	{ .name = "env", POOL(env), .type = CONF_PAIRS, .flags = CONF_KEY_NO_EMPTY,
	  .meaning = "A variable of the children's environment. A value $NAME is taken from Weir's own "
		"environment. Of equal names the first holds.",
	  .limits = "Not empty; '=' cannot be in the "
		"name.", .used_by = CONF_BY_ZYGOTE, .reload = CONF_RELOAD_CHILDREN },
	{ .name = "env.pass", POOL(env_pass), .type = CONF_LIST, .flags = CONF_KEY_OURS | CONF_KEY_NO_EMPTY,
	  .meaning = "A pattern, as of a shell, of names of variables in Weir's own environment that children "
		"see although clear_env is set. May be given more than once; env[] wins.",
	  .limits = "Not empty.",
	  .used_by = CONF_BY_MASTER | CONF_BY_ZYGOTE, .reload = CONF_RELOAD_CHILDREN },
	{ .name = "php_value", POOL(sapi_values), .type = CONF_PAIRS,
	  .meaning = "An entry of php.ini for this pool, which scripts may change with ini_set(). Of equal "
		"names the first holds.",
	  .used_by = CONF_BY_ZYGOTE | CONF_BY_CHILD, .reload = CONF_RELOAD_CHILDREN },
	{ .name = "php_flag", POOL(sapi_values), .type = CONF_PAIR_FLAGS,
	  .meaning = "As php_value, for entries that are on or off.",
	  .used_by = CONF_BY_ZYGOTE | CONF_BY_CHILD, .reload = CONF_RELOAD_CHILDREN },
	{ .name = "php_admin_value", POOL(sapi_values), .type = CONF_PAIRS,
	  .meaning = "An entry of php.ini for this pool, which scripts and .user.ini cannot change. Applied "
		"after all php_value and php_flag. Of equal names the first holds.",
	  .used_by = CONF_BY_ZYGOTE | CONF_BY_CHILD, .reload = CONF_RELOAD_CHILDREN },
	{ .name = "php_admin_flag", POOL(sapi_values), .type = CONF_PAIR_FLAGS,
	  .meaning = "As php_admin_value, for entries that are on or off.",
	  .used_by = CONF_BY_ZYGOTE | CONF_BY_CHILD, .reload = CONF_RELOAD_CHILDREN },
	{ .name = "sapi", POOL(sapi), .type = CONF_STRING, .initial = "php",
	  .flags = CONF_KEY_OURS | CONF_KEY_NO_EMPTY,
	  .meaning = "What runs the requests: a plug-in weir_NAME.so; for php one per PHP version.",
	  .limits = "An installed plug-in.", .used_by = CONF_BY_MASTER | CONF_BY_ZYGOTE,
	  .reload = CONF_RELOAD_CHILDREN },
	{ .name = "php.version", POOL(php_version), .type = CONF_STRING, .flags = CONF_KEY_OURS,
	  .otherwise = "the newest that is installed and not for threads",
	  .meaning = "Which PHP this pool runs, as in 8.2; one that is safe for threads (ZTS) is named 8.2-zts.",
	  .limits = "An installed plug-in "
		"weir_phpVERSION.so.",
	  .used_by = CONF_BY_MASTER | CONF_BY_ZYGOTE, .reload = CONF_RELOAD_CHILDREN },
	{ .name = "native.module", POOL(native_module), .type = CONF_PATH, .flags = CONF_KEY_OURS | CONF_KEY_NO_EMPTY,
	  .meaning = "With sapi = native: the module of C handlers, a shared object that exports weir_handler; see "
		"weir_native(3). It is opened as the pool's user, inside its chroot.",
	  .limits = "Mandatory with sapi = native, refused with others.",
	  .used_by = CONF_BY_ZYGOTE | CONF_BY_CHILD, .reload = CONF_RELOAD_CHILDREN },
	{ .name = "wsgi.application", POOL(wsgi_application), .type = CONF_STRING,
	  .flags = CONF_KEY_OURS | CONF_KEY_NO_EMPTY,
	  .meaning = "With sapi = wsgi: the application. MODULE:CALLABLE is imported by that name, FILE.py:CALLABLE from "
		"that file; FILE.wsgi has one that is called application. A relative path counts from chdir.",
	  .limits = "Mandatory with sapi = wsgi, refused with others.",
	  .used_by = CONF_BY_ZYGOTE | CONF_BY_CHILD, .reload = CONF_RELOAD_CHILDREN },
	{ .name = "wsgi.pythonpath", POOL(wsgi_pythonpath), .type = CONF_STRING, .flags = CONF_KEY_OURS,
	  .meaning = "Folders in which modules are looked for first, separated by colons; chdir, where it is given, "
		"comes behind them.",
	  .limits = "Absolute paths, as seen from inside the chroot.",
	  .used_by = CONF_BY_ZYGOTE, .reload = CONF_RELOAD_CHILDREN },
	{ .name = "wsgi.virtualenv", POOL(wsgi_virtualenv), .type = CONF_PATH, .flags = CONF_KEY_OURS,
	  .meaning = "Folder of the virtual environment whose packages the application uses.",
	  .limits = "Made with the Python that Weir was built for.",
	  .used_by = CONF_BY_ZYGOTE, .reload = CONF_RELOAD_CHILDREN },
	{ .name = "wsgi.preload", POOL(wsgi_preload), .type = CONF_BOOL, .initial = "yes", .flags = CONF_KEY_OURS,
	  .meaning = "The application is imported once, before the children are forked, which then share its memory. "
		"no: each child imports it. So it is, with a warning, when the import starts threads.",
	  .used_by = CONF_BY_ZYGOTE, .reload = CONF_RELOAD_CHILDREN },
	{ .name = "wsgi.python_optimize", POOL(wsgi_python_optimize), .type = CONF_INT, .initial = "0",
	  .flags = CONF_KEY_OURS,
	  .meaning = "As the options of Python: 1 is -O (no assert statements), 2 is -OO (no docstrings either).",
	  .limits = "0 to 2.", .used_by = CONF_BY_ZYGOTE, .reload = CONF_RELOAD_CHILDREN, .max = 2 },
	{ .name = "wsgi.mount", POOL(wsgi_mount), .type = CONF_STRING, .flags = CONF_KEY_OURS | CONF_KEY_NO_EMPTY,
	  .otherwise = "/ for requests that come without PATH_INFO",
	  .meaning = "Where in the site the application lies: SCRIPT_NAME is this, PATH_INFO what follows in "
		"REQUEST_URI, whatever the front end sends. Unset, the front end's own PATH_INFO is believed.",
	  .limits = "Begins with /.",
	  .used_by = CONF_BY_CHILD, .reload = CONF_RELOAD_CHILDREN },
	{ .name = "mpm", POOL(mpm), .type = CONF_MPM, .initial = "prefork", .flags = CONF_KEY_OURS,
	  .meaning = "How requests get to the application. prefork: each child serves one request at a time. "
		"worker: each child serves one in each of mpm.threads_per_child threads. event: the pool process holds "
		"all connections and hands complete requests to the threads of its children, so that a slow client "
		"keeps none of them.",
	  .limits = "worker, and event with more than one thread, need an application that is safe for threads.",
	  .used_by = CONF_BY_POOL | CONF_BY_ZYGOTE | CONF_BY_CHILD, .reload = CONF_RELOAD_POOL },
	{ .name = "mpm.threads_per_child", POOL(threads_per_child), .type = CONF_INT, .unit = "threads",
	  .flags = CONF_KEY_OURS, .otherwise = "25 under worker, 1 under prefork and event",
	  .meaning = "Threads of each child, and so requests that it serves at the same time.",
	  .limits = "1 to 1000; under prefork only 1. Times pm.max_children at most 100000.",
	  .used_by = CONF_BY_POOL | CONF_BY_ZYGOTE | CONF_BY_CHILD, .reload = CONF_RELOAD_POOL,
	  .max = 1000 },
	{ .name = "mpm.min_spare_threads", POOL(min_spare_threads), .type = CONF_INT, .unit = "threads",
	  .flags = CONF_KEY_OURS, .otherwise = "pm.min_spare_servers times mpm.threads_per_child",
	  .meaning = "Least idle threads of all children, with pm = dynamic under worker and event.",
	  .limits = "At least 1. Not beside pm.min_spare_servers and pm.max_spare_servers.",
	  .used_by = CONF_BY_POOL, .reload = CONF_RELOAD_POOL, .max = CONF_COUNT_MAX },
	{ .name = "mpm.max_spare_threads", POOL(max_spare_threads), .type = CONF_INT, .unit = "threads",
	  .flags = CONF_KEY_OURS, .otherwise = "pm.max_spare_servers times mpm.threads_per_child",
	  .meaning = "Most idle threads of all children, with pm = dynamic under worker and event.",
	  .limits = "At least mpm.min_spare_threads plus mpm.threads_per_child: raised to that with a warning.",
	  .used_by = CONF_BY_POOL, .reload = CONF_RELOAD_POOL, .max = CONF_COUNT_MAX },
	{ .name = "mpm.max_request_workers", POOL(max_request_workers), .type = CONF_INT, .unit = "threads",
	  .flags = CONF_KEY_OURS, .otherwise = "pm.max_children times mpm.threads_per_child",
	  .meaning = "Most requests at the same time, of all children together.",
	  .limits = "At most pm.max_children times mpm.threads_per_child; less is rounded down to whole "
		"children with a warning.",
	  .used_by = CONF_BY_POOL, .reload = CONF_RELOAD_POOL, .max = CONF_COUNT_MAX * 1000LL },
	{ .name = "request.max_params", POOL(request_max_params), .type = CONF_SIZE, .unit = "bytes",
	  .initial = "1M",
	  .flags = CONF_KEY_OURS,
	  .meaning = "Most bytes of a request's parameters (headers and variables of the front end). More is "
		"answered with 431.",
	  .limits = "1K to 1G.", .used_by = CONF_BY_CHILD, .reload = CONF_RELOAD_CHILDREN,
	  .min = 1024, .max = 1024LL * MEBIBYTE },
	{ .name = "request.max_body", POOL(request_max_body), .type = CONF_SIZE, .unit = "bytes",
	  .otherwise = "1G under event, no limit under the other models", .flags = CONF_KEY_OURS,
	  .meaning = "Most bytes of a request's body. More is answered with 413. 0: no limit.",
	  .used_by = CONF_BY_POOL | CONF_BY_CHILD, .reload = CONF_RELOAD_POOL, .max = INT64_MAX },
	{ .name = "request.header_timeout", POOL(request_header_timeout_s), .type = CONF_TIME,
	  .unit = "seconds",
	  .initial = "60", .flags = CONF_KEY_OURS,
	  .meaning = "A request whose parameters are not complete so long after its first byte is answered "
		"with 408. 0: no limit.",
	  .used_by = CONF_BY_POOL | CONF_BY_CHILD, .reload = CONF_RELOAD_POOL, .max = CONF_TIME_MAX },
	{ .name = "request.body_timeout", POOL(request_body_timeout_s), .type = CONF_TIME, .unit = "seconds",
	  .initial = "60", .flags = CONF_KEY_OURS,
	  .meaning = "A request of whose body nothing more comes for so long is answered with 408. 0: no "
		"limit.",
	  .used_by = CONF_BY_POOL | CONF_BY_CHILD, .reload = CONF_RELOAD_POOL, .max = CONF_TIME_MAX },
	{ .name = "request.on_abort", POOL(request_on_abort), .type = CONF_CHOICE, .initial = "continue",
	  .choices = on_aborts, .flags = CONF_KEY_OURS,
	  .meaning = "Under event, what becomes of a request that runs when its client aborts it or has gone. continue: "
		"it runs on, PHP learns of it when it next sends output. notify: the application is told at once. kill: "
		"its child is ended.",
	  .limits = "Under prefork and worker the application is always told at once.",
	  .used_by = CONF_BY_POOL | CONF_BY_CHILD, .reload = CONF_RELOAD_POOL },
	{ .name = "keepalive_timeout", POOL(keepalive_timeout_s), .type = CONF_TIME, .unit = "seconds",
	  .initial = "0", .flags = CONF_KEY_OURS,
	  .meaning = "A kept connection without a request is closed after so long, unless something to read has come; the "
		"time begins anew when a child hands it to the pool process. 0: never, the front end decides.",
	  .used_by = CONF_BY_POOL | CONF_BY_CHILD, .reload = CONF_RELOAD_POOL, .max = CONF_TIME_MAX },
	{ .name = "event.max_connections", POOL(event_max_connections), .type = CONF_INT, .unit = "connections",
	  .initial = "16384", .flags = CONF_KEY_OURS,
	  .meaning = "Most connections that the pool process holds under event. For one more, the one that has been idle "
		"for longest is closed.",
	  .limits = "1 to 1000000.",
	  .used_by = CONF_BY_POOL, .reload = CONF_RELOAD_POOL, .min = 1, .max = 1000000 },
	{ .name = "event.body_memory", POOL(event_body_memory), .type = CONF_SIZE, .unit = "bytes", .initial = "64K",
	  .flags = CONF_KEY_OURS,
	  .meaning = "Bytes of a request's body that event keeps in memory; what is longer goes into a file in "
		"event.body_dir that has no name, or is passed on as it comes, see event.request_buffering.",
	  .limits = "Up to 1G.", .used_by = CONF_BY_POOL, .reload = CONF_RELOAD_POOL, .max = 1024LL * MEBIBYTE },
	{ .name = "event.body_dir", POOL(event_body_dir), .type = CONF_PATH, .initial = "/var/tmp",
	  .flags = CONF_KEY_OURS | CONF_KEY_NO_EMPTY,
	  .meaning = "Folder for bodies of requests, and for responses that wait for slow readers, that are too long for "
		"memory.",
	  .limits = "An existing folder in which pool_process_user may create files.",
	  .used_by = CONF_BY_POOL, .reload = CONF_RELOAD_POOL },
	{ .name = "event.request_buffering", POOL(event_request_buffering), .type = CONF_CHOICE, .initial = "auto",
	  .choices = bufferings, .flags = CONF_KEY_OURS,
	  .meaning = "Whether a request is complete before a child gets it. yes: always. auto: but for a body beyond "
		"event.body_memory that comes as fast as from a front end that has all of it. no: a child gets it with "
		"its parameters and waits for the body.",
	  .used_by = CONF_BY_POOL, .reload = CONF_RELOAD_POOL },
	{ .name = "event.response_memory", POOL(event_response_memory), .type = CONF_SIZE, .unit = "bytes",
	  .initial = "256K", .flags = CONF_KEY_OURS,
	  .meaning = "Bytes of a response that event keeps in memory for a slow reader; more goes into a file.",
	  .limits = "4K to 1G.",
	  .used_by = CONF_BY_POOL, .reload = CONF_RELOAD_POOL, .min = 4096, .max = 1024LL * MEBIBYTE },
	{ .name = "event.response_max", POOL(event_response_max), .type = CONF_SIZE, .unit = "bytes", .initial = "1G",
	  .flags = CONF_KEY_OURS,
	  .meaning = "Bytes of a response that wait for a slow reader in memory and file together. Beyond, the "
		"application waits for the reader.",
	  .limits = "At least event.response_memory.",
	  .used_by = CONF_BY_POOL, .reload = CONF_RELOAD_POOL, .max = INT64_MAX },
	{ .name = "event.retry", POOL(event_retry), .type = CONF_CHOICE, .initial = "safe",
	  .choices = retries, .flags = CONF_KEY_OURS,
	  .meaning = "Which requests are given to another child when theirs died before it had sent anything: GET, HEAD "
		"and OPTIONS (safe), or all. One that no child had begun always is; one that was ended for its time or "
		"memory never.",
	  .used_by = CONF_BY_POOL, .reload = CONF_RELOAD_POOL },
	{ .name = "event.retry_max", POOL(event_retry_max), .type = CONF_INT, .unit = "times", .initial = "2",
	  .flags = CONF_KEY_OURS,
	  .meaning = "How often one request is given to another child. After that it is answered with 502.",
	  .used_by = CONF_BY_POOL, .reload = CONF_RELOAD_POOL, .max = 1000 },
	{ .name = "queue.max", POOL(queue_max), .type = CONF_INT, .unit = "requests", .initial = "1000",
	  .flags = CONF_KEY_OURS,
	  .meaning = "Most complete requests that wait for a child under event. One more is answered with 503.",
	  .limits = "0 to 1000000.", .used_by = CONF_BY_POOL, .reload = CONF_RELOAD_POOL, .max = 1000000 },
	{ .name = "queue.timeout", POOL(queue_timeout_s), .type = CONF_TIME, .unit = "seconds", .initial = "30",
	  .flags = CONF_KEY_OURS,
	  .meaning = "A request that has waited for a child for so long is answered with 503. 0: no limit.",
	  .used_by = CONF_BY_POOL, .reload = CONF_RELOAD_POOL, .max = CONF_TIME_MAX },
	{ .name = "queue.retry_after", POOL(queue_retry_after_s), .type = CONF_TIME, .unit = "seconds", .initial = "1",
	  .flags = CONF_KEY_OURS,
	  .meaning = "What the header Retry-After of such a 503 says. 0: it has none.",
	  .used_by = CONF_BY_POOL, .reload = CONF_RELOAD_POOL, .max = CONF_TIME_MAX },
	{ .name = "queue.abandoned", POOL(queue_abandoned), .type = CONF_CHOICE, .initial = "drop-safe",
	  .choices = abandoned, .flags = CONF_KEY_OURS,
	  .meaning = "What becomes of a request that waits when its client has gone. drop-safe: GET, HEAD and OPTIONS are "
		"dropped, others run, since some clients send a POST and do not stay for the answer. drop: none runs. "
		"run: all do.",
	  .used_by = CONF_BY_POOL, .reload = CONF_RELOAD_POOL },
	{ .name = "security.strict", POOL(security_strict), .type = CONF_BOOL, .initial = "no",
	  .flags = CONF_KEY_OURS,
	  .meaning = "Warnings about unsafe settings of this pool are errors: Weir does not start with them.",
	  .used_by = CONF_BY_MASTER, .reload = CONF_RELOAD_MASTER },
	{ .name = "security.php_value_params", POOL(php_value_params), .type = CONF_BOOL, .flags = CONF_KEY_OURS,
	  .otherwise = "yes on Unix sockets and on TCP sockets of 127.0.0.0/8, ::1 and localhost, no on others",
	  .meaning = "The parameters PHP_VALUE and PHP_ADMIN_VALUE of a request set PHP's ini entries, for that "
		"request only: whoever can send them can run any code as the pool's user. They load no extension. "
		"no: they are ignored, and the log says so.",
	  .limits = "yes on a TCP socket that other machines can reach is a warning; with security.strict an error.",
	  .used_by = CONF_BY_CHILD, .reload = CONF_RELOAD_CHILDREN },
	{ .name = "security.reason_header", POOL(reason_header), .type = CONF_BOOL, .initial = "no",
	  .flags = CONF_KEY_OURS,
	  .meaning = "Answers that Weir itself gives in place of the application (408, 413, 431, 504 and so "
		"on) carry an X-Weir-Reason header with the code that is in the log.",
	  .used_by = CONF_BY_POOL | CONF_BY_CHILD, .reload = CONF_RELOAD_POOL },
};
const size_t conf_key_count = ARRAY_LEN(conf_keys);

const struct conf_key *conf_key_find(enum conf_where where, const char *name)
{
	for (size_t i = 0; i < conf_key_count; i++) {
		const struct conf_key *key = &conf_keys[i];
		bool same = conf_key_is_array(key) ? !strcmp(key->name, name) : !strcasecmp(key->name, name);

		if (key->where == where && same)
			return key;
	}
	return NULL;
}
