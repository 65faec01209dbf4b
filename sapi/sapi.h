/* sapi.h -- the border between Weir and what runs a request. A SAPI is a plug-in (weir_NAME.so) that exports one
 * const struct sapi named weir_sapi. It never sees a socket, a pool or a configuration file: it sees a context
 * and, one at a time per slot, a request. Everything here is called through pointers, so that a plug-in links
 * against nothing of Weir's. */
#ifndef WEIR_SAPI_H
#define WEIR_SAPI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "src/base/err.h"

#define SAPI_ABI 3
#define SAPI_SYMBOL "weir_sapi"
#define SAPI_BACKTRACE_MIN 8192         /* bytes: the longest path and some calls */

/* Roles as bits of 1 << FCGI_RESPONDER and so on (FastCGI 1.0, section 6). */
#define SAPI_RESPONDER  (1u << 1)
#define SAPI_AUTHORIZER (1u << 2)
#define SAPI_FILTER     (1u << 3)

struct sapi_param {
	const char *name;               /* NUL-terminated */
	size_t name_len;
	const char *value;              /* NUL-terminated behind value_len bytes; may hold NULs */
	size_t value_len;
};

/* One request. Owned by the slot; valid inside serve() only. The slot's thread calls everything but gone(). */
struct request {
	const struct request_ops *ops;
	unsigned role;                  /* FCGI_RESPONDER, FCGI_AUTHORIZER or FCGI_FILTER */
	const char *id;                 /* the request id that log lines carry */
	const char *peer;               /* address of the connected peer as text; "" on a Unix socket */
	uint64_t peak_memory;           /* bytes; set by the SAPI before serve() returns; 0: not known */
	uint32_t app_status;            /* set by the SAPI: END_REQUEST's appStatus (section 5.5) */
	uint16_t wire_id;               /* the id that its records bear (section 3.3) */
};

struct request_ops {
	/* Last parameter of that exact name, or NULL. Borrowed until serve() returns. */
	const char *(*param)(const struct request *req, const char *name, size_t *len_out);
	size_t (*param_count)(const struct request *req);
	void (*param_at)(const struct request *req, size_t i, struct sapi_param *out);
	/* Up to len bytes of the body, waiting for at least one: > 0; 0: the body has ended; -1: it will not come (too
	 * large, too late, broken off): the slot answers the client in that case if nothing was written. */
	ssize_t (*read)(struct request *req, void *out, size_t len);
	/* Bytes of the CGI response (header block, blank line, body), buffered by the slot. 0, or -1: client gone. */
	int (*write)(struct request *req, const void *data, size_t len);
	int (*flush)(struct request *req);              /* send now what write() took. 0 or -1 */
	/* Text for the front end's error log (FCGI_STDERR). Buffered as write() is. */
	void (*error)(struct request *req, const char *text, size_t len);
	/* The reply is complete: the client is released while the SAPI works on. Later writes are dropped. Idempotent.
	 * 0, or -1 when the client had gone before. */
	int (*finish)(struct request *req);
	/* The application has ended, what follows is its clean-up (shutdown functions, destructors): unless the pool
	 * says otherwise, that has no time limit. Idempotent. */
	void (*ended)(struct request *req);
	/* Has the client closed or aborted? Any thread. */
	bool (*gone)(const struct request *req);
	/* What runs, for the scoreboard and logs: the script's path; "": there is none. */
	void (*script)(struct request *req, const char *path);
	/* Who the client says he is, once that is decoded (of HTTP authentication): for access log and status. */
	void (*user)(struct request *req, const char *name);
	/* The script's own part of the URI, where that is not SCRIPT_NAME as it was sent: for the access log. */
	void (*uri)(struct request *req, const char *uri);
	/* A Filter's body (STDIN) has ended: from now on read() gives its second one, FCGI_DATA (section 6.4). 0, or
	 * -1: this request has no second one, or its first has not been read to its end. */
	int (*start_data)(struct request *req);
};

struct status;

/* What Weir offers a SAPI besides requests. */
struct sapi_host {
	/* A line for the pool's error log. level: enum log_level of src/base/log.h. */
	void (*log)(int level, const char *text, size_t len);
	/* What the pool does now, for a request's own thread (struct status: src/base/status.h). Borrowed until that
	 * thread asks again or the request ends; NULL: no answer came in time. */
	const struct status *(*status)(struct request *req);
};

/* One key of the pool's section (or command-line option) that concerns the SAPI, already checked and resolved:
 * { "php_admin_value", "memory_limit", "64M" }, { "security.limit_extensions", NULL, ".php .phar" },
 * { "mpm.threads_per_child", NULL, "1" }, { "native.module", NULL, "/srv/app.so" },
 * { "chroot", NULL, PATH } where the pool has one (a probe stands outside),
 * and for options { "-c", NULL, PATH }, { "-n", NULL, "1" }, { "-d", "name", "value" }. */
struct sapi_setting {
	const char *name;
	const char *key;                /* what stood in [], or NULL */
	const char *value;
};

struct sapi_ctx {
	const struct sapi_host *host;
	const char *pool;               /* name; NULL in probe and print */
	const struct sapi_setting *settings;    /* in the order in which they apply */
	size_t setting_count;
	void *state;                    /* the SAPI's own, set in preload */
};

struct sapi_info {
	bool thread_safe;               /* may several slots of one process serve at once? */
	char version[128];              /* "PHP 8.2.35 (NTS)" */
};

enum sapi_print { SAPI_PRINT_VERSION, SAPI_PRINT_INFO, SAPI_PRINT_MODULES };    /* -v, -i, -m: on stdout */

enum sapi_end {
	SAPI_END_OK,                    /* ready for the next request */
	SAPI_END_LEAVE,                 /* the process should serve no more: it is replaced */
};

struct sapi {
	uint32_t abi;                   /* SAPI_ABI, checked before anything else */
	const char *name;               /* as in the configuration file */
	uint32_t roles;                 /* SAPI_RESPONDER | ... */

	/* Throw-away process, as the pool's user: can it run at all with these settings? Required. */
	int (*probe)(struct sapi_ctx *ctx, struct sapi_info *info_out, struct err *err);
	/* Throw-away process. Optional. */
	int (*print)(struct sapi_ctx *ctx, enum sapi_print what, struct err *err);

	/* Zygote, as the pool's user, outside its chroot, one thread: load what children share. Required. */
	int (*preload)(struct sapi_ctx *ctx, struct err *err);
	/* Zygote, inside the chroot, last right dropped, one thread: load the application. Optional. */
	int (*load)(struct sapi_ctx *ctx, struct err *err);
	/* Zygote, before each fork, and after it in the zygote. Optional. */
	void (*fork_prepare)(struct sapi_ctx *ctx);
	void (*fork_parent)(struct sapi_ctx *ctx);
	/* Zygote, before it ends: undo preload and load. Optional. */
	void (*unload)(struct sapi_ctx *ctx);

	/* Child, after fork, before its threads: open what must not be shared. Optional. */
	int (*child_init)(struct sapi_ctx *ctx, struct err *err);
	/* Child, in the thread of a slot, before its first request and after its last, where a child has more than one
	 * (the first slot's is the child's main thread). Optional. */
	int (*thread_init)(struct sapi_ctx *ctx, struct err *err);
	void (*thread_end)(struct sapi_ctx *ctx);
	/* Likewise, between requests, when none has come for a while: give back what only speeds the next one up.
	 * Optional. */
	void (*thread_rest)(struct sapi_ctx *ctx);
	/* Child, before it ends in order. Optional. */
	void (*child_end)(struct sapi_ctx *ctx);
	/* Child, in the slot's thread: run one request; the reply is complete on return. Required. */
	enum sapi_end (*serve)(struct sapi_ctx *ctx, struct request *req);

	/* Child, in the watcher thread, while serve() runs: the client has gone (req->ops->gone tells). Must not block,
	 * allocate or send a signal; it asks the runtime to look by itself. Optional. */
	void (*interrupt)(struct sapi_ctx *ctx, struct request *req);
	/* Child, in the watcher thread, while serve() runs, and goes on running: where the application is now. Texts,
	 * each ended by a NUL: the file that was asked for, then at most depth calls, the innermost first, each as
	 * "[0xADDRESS] FUNCTION() FILE:LINE". Fills out, of size bytes (SAPI_BACKTRACE_MIN at least); returns how many
	 * are used, 0: nothing can be said. What it reads may change under its eyes; it must not block, stop or signal
	 * anybody, nor wait for a lock that serve() keeps. Optional. */
	size_t (*backtrace)(struct sapi_ctx *ctx, struct request *req, unsigned depth, char *out, size_t size);
};

#endif
