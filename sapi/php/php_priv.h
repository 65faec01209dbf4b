/* php_priv.h -- what the files of the php SAPI share. Nobody else includes it. PHP's globals are the process' own, and
 * then a process runs one request at a time; or, in a thread-safe build (ZTS), each thread's: then what is marked
 * PHP_THREAD is each thread's too. */
#ifndef WEIR_SAPI_PHP_PRIV_H
#define WEIR_SAPI_PHP_PRIV_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include "php.h"
#include "SAPI.h"
#include "php_globals.h"
#include "php_ini.h"
#include "php_main.h"
#include "php_output.h"
#include "sapi/php/php_path.h"
#include "sapi/sapi.h"
#include "src/base/buf.h"
#include "src/base/log.h"

#ifdef ZTS
# define PHP_THREAD _Thread_local
# define PHP_THREAD_SAFE true
#else
# define PHP_THREAD
# define PHP_THREAD_SAFE false
#endif

/* The parameters that this SAPI itself looks at, found in one walk over the request's. */
enum php_param {
	PARAM_SCRIPT_FILENAME, PARAM_PATH_TRANSLATED, PARAM_PATH_INFO, PARAM_SCRIPT_NAME, PARAM_REDIRECT_URL,
	PARAM_DOCUMENT_ROOT, PARAM_SERVER_SOFTWARE, PARAM_REQUEST_METHOD, PARAM_QUERY_STRING, PARAM_CONTENT_TYPE,
	PARAM_CONTENT_LENGTH, PARAM_HTTP_COOKIE, PARAM_HTTP_AUTHORIZATION, PARAM_SERVER_NAME,
	PARAM_PHP_VALUE, PARAM_PHP_ADMIN_VALUE, PARAM_COUNT
};

struct php_slot {
	struct sapi_ctx *ctx;
	struct request *req;            /* NULL between requests */
	struct php_slice param[PARAM_COUNT];
	struct php_path path;
	char *relative;                 /* the script's path made absolute, where it was sent relative */
	const char *script;             /* the file to run; NULL: none */
	int64_t body_left;              /* bytes of CONTENT_LENGTH not read yet; -1: length not told */
	struct timeval started;
	bool body_ended;                /* read_post has nothing more to give */
	bool body_failed;               /* the rest of the body will not come: nothing more may be written */
	bool over;                      /* the script has ended */
	bool spoken;                    /* a text for the front end's error log was written */
	bool finished;                  /* fastcgi_finish_request: the client has the whole reply */
	long input_time;                /* PG(max_input_time) put aside, see php_request_activate */
	bool input_time_aside;
	struct buf head;                /* the header block while it is built; memory kept */
	_Atomic bool interrupted;       /* the watcher thread saw the client go */

	/* How the watcher's thread finds this thread's PHP, see php_thread.c. */
	_Atomic(const struct request *) served; /* the last request: a slot's is always the same struct */
	zend_executor_globals *executor;
	sapi_globals_struct *sapi;
	struct php_slot *next;
};
extern PHP_THREAD struct php_slot php_slot;

/* The ini entries of the module cgi-fcgi: CGI(field) is this thread's. */
struct php_cgi_ini {
	bool rfc2616_headers, nph, force_redirect, fix_pathinfo, discard_path, logging;
	char *redirect_status_env, *error_header, *fpm_config;
};
#ifdef ZTS
extern ts_rsrc_id php_cgi_ini_id;
# define CGI(field) TSRMG_STATIC(php_cgi_ini_id, struct php_cgi_ini *, field)
#else
extern struct php_cgi_ini php_cgi_ini;
# define CGI(field) (php_cgi_ini.field)
#endif

/* What the pool's section says that is no ini entry. */
struct php_settings {
	const char *limit_extensions;
	bool catch_output;              /* catch_workers_output */
	bool value_params;              /* security.php_value_params */
	bool threads;                   /* a child has more than one slot */
};
extern struct php_settings php_settings;

/* php_module.c: what PHP calls. */
extern sapi_module_struct php_sapi_module;
extern zend_module_entry php_cgi_module;
void php_module_hook(void);                     /* after start-up: the hooks that are no part of the module struct */
void php_module_thread(void);                   /* and what is told to each thread's PHP */

/* php_status.c */
PHP_FUNCTION(fpm_get_status);

/* php_functions.c */
extern const zend_function_entry php_functions[];

/* php_headers.c */
int php_headers_send(sapi_headers_struct *headers);

/* php_vars.c */
void php_params_read(struct php_slot *slot);
char *php_vars_getenv(const char *name, size_t len);
void php_vars_register(zval *array);
void php_vars_import(zval *array);              /* $_ENV, $_SERVER */
void php_vars_load(zval *array);                /* getenv() */
void php_vars_hook(void);
/* Each variable of the request as the script sees it. */
typedef void php_var_fn(void *arg, struct php_slice name, struct php_slice value);
void php_vars_each(const struct php_slot *slot, php_var_fn *fn, void *arg);

/* php_script.c */
enum sapi_end php_script_serve(struct sapi_ctx *ctx, struct request *req);
void php_script_child_init(void);               /* where relative names start from: asked for once */
void php_script_forget(void);                   /* before a thread ends: its memory */

/* php_body.c */
void php_body_begin(struct php_slot *slot);
size_t php_body_read(char *out, size_t len);

/* php_ini.c */
/* Before php_module_startup: php.ini, -c, -n, -d and the pool's values as start-up values. */
void php_ini_prepare(const struct sapi_ctx *ctx, sapi_module_struct *module);
/* After it: the pool's values, each with its own right to be changed. Those that fail are logged. */
void php_ini_apply(const struct sapi_ctx *ctx);
/* The same in another thread, whose entries are those that PHP started with: without a word, for all was said. */
void php_ini_apply_again(const struct sapi_ctx *ctx);
/* The value that display_startup_errors has while PHP starts, if nobody gave one: false, and no way to write it that
 * a file would use. php_ini_apply puts PHP's own in its place, which counts for requests. */
#define PHP_INI_QUIET "00"
void php_settings_read(const struct sapi_ctx *ctx, struct php_settings *out);

/* php_missing.c: what PHP does not find, and what to do about it. All but the first only log. */
int php_missing_version_check(struct err *err);         /* before anything else of libphp is used */
void php_missing_explain(const char *message);          /* a message of PHP's start */
void php_missing_ini_check(const char *folder);         /* that of php.ini and conf.d */
void php_missing_option_check(const char *path);        /* what -c said, after start-up */

/* php_values.c: PHP_VALUE and PHP_ADMIN_VALUE, before the request's start and after its end. */
void php_values_set(struct php_slot *slot);
bool php_values_undo(void);                     /* false: a value of the pool's could not be put back */
void php_values_forget(void);                   /* before a thread ends: its memory */

/* php_disable.c: disable_functions for one request. */
bool php_disable_can(void);                     /* with this PHP's settings */
void php_disable_add(const char *list);
void php_disable_undo(void);

/* php_user_ini.c: php.ini's [HOST=] and [PATH=] sections and .user.ini files, for the script about to run. */
void php_user_ini_activate(const struct php_slot *slot);
void php_user_ini_forget(void);                 /* before a thread ends: its memory */

/* php_log.c */
void php_log_message(const char *text, int syslog_level);       /* sapi_module.log_message */
void php_log_sink(void *arg, enum log_level level, const char *text, size_t len);
/* About the request in hand: to the front end's error log, and with catch_workers_output to the pool's. */
void php_log_request(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
unsigned php_log_startup_count(void);           /* messages of PHP's since the process began, outside requests */

/* php_interrupt.c */
void php_interrupt_hook(void);
void php_interrupt(struct sapi_ctx *ctx, struct request *req);
void php_interrupt_arm(struct php_slot *slot);  /* look again: a request's start wipes PHP's own flag */

/* php_backtrace.c: struct sapi's. Watcher's thread. */
size_t php_backtrace(struct sapi_ctx *ctx, struct request *req, unsigned depth, char *out, size_t size);

/* php_reset.c */
void php_reset_hook(void);                      /* zygote, after start-up; and each thread */
enum sapi_end php_reset(void);                  /* after each request */

/* php_thread.c: a thread-safe PHP's threads. Without (NTS) there is one, and most of this does nothing. */
void php_thread_startup(void);                  /* before anything else of PHP is used */
void php_thread_shutdown(void);                 /* after everything */
void php_thread_settle(struct sapi_ctx *ctx);   /* after PHP's start: in the thread that started it */
void php_thread_child_init(void);               /* child, in that thread */
int php_thread_init(struct sapi_ctx *ctx, struct err *err);     /* struct sapi's */
void php_thread_end(struct sapi_ctx *ctx);                      /* struct sapi's */
/* Watcher's thread: whose request this is, or NULL; it does not end until it is let go. No slot waits for that but
 * one whose thread ends. */
struct php_slot *php_slot_hold(const struct request *req);
void php_slot_let_go(void);

/* php_print.c */
int php_print(struct sapi_ctx *ctx, enum sapi_print what, struct err *err);
const char *php_print_version(void);            /* of the libphp that is loaded */
bool php_print_capture(const char *text, size_t len);   /* true: the output was taken */

/* php_sapi.c */
int php_start(struct sapi_ctx *ctx, struct err *err);
void php_stop(void);

#endif
