/* php_reset.c -- nothing of one request reaches the next. PHP itself undoes ini settings, putenv, locale, time zone,
 * headers, buffers, uploads and streams; this file undoes what PHP leaves: signal handlers and mask, alarms, the
 * remembered umask, gettext's domain; and it gives up the process after what cannot be undone.
 * Runs in the child. To ask the kernel after each request would cost a system call per question: instead the few
 * functions that change such state are wrapped, and note that they were called. */
#include "sapi/php/php_priv.h"

#include <libintl.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>
#include "ext/standard/basic_functions.h"
#include "src/base/mem.h"

enum {
	DIRTY_HANDLERS = 1 << 0,
	DIRTY_MASK     = 1 << 1,
	DIRTY_ALARM    = 1 << 2,
	DIRTY_DOMAIN   = 1 << 3,
	DIRTY_FORK     = 1 << 4,
	DIRTY_PROCESS  = 1 << 5,        /* not to be undone: the process is replaced */
};

static PHP_THREAD struct watched {
	const char *name;
	unsigned bits;
	zend_string *shared_name;       /* which copies of the function, as closures make them, share */
	zif_handler handler;            /* PHP's own */
} watched[] = {
	{ "pcntl_signal", DIRTY_HANDLERS, NULL, NULL },
	{ "pcntl_sigprocmask", DIRTY_MASK, NULL, NULL },
	{ "pcntl_alarm", DIRTY_ALARM, NULL, NULL },
	{ "pcntl_fork", DIRTY_FORK, NULL, NULL },
	{ "pcntl_rfork", DIRTY_FORK, NULL, NULL },
	{ "pcntl_forkx", DIRTY_FORK, NULL, NULL },
	{ "pcntl_setpriority", DIRTY_PROCESS, NULL, NULL },
	{ "pcntl_setcpuaffinity", DIRTY_PROCESS, NULL, NULL },
	{ "pcntl_unshare", DIRTY_PROCESS, NULL, NULL },
	{ "pcntl_setns", DIRTY_PROCESS, NULL, NULL },
	{ "proc_nice", DIRTY_PROCESS, NULL, NULL },
	{ "chroot", DIRTY_PROCESS, NULL, NULL },
	{ "posix_setrlimit", DIRTY_PROCESS, NULL, NULL },
	{ "posix_setsid", DIRTY_PROCESS, NULL, NULL },
	{ "posix_setpgid", DIRTY_PROCESS, NULL, NULL },
	{ "posix_setuid", DIRTY_PROCESS, NULL, NULL },
	{ "posix_seteuid", DIRTY_PROCESS, NULL, NULL },
	{ "posix_setgid", DIRTY_PROCESS, NULL, NULL },
	{ "posix_setegid", DIRTY_PROCESS, NULL, NULL },
	{ "posix_initgroups", DIRTY_PROCESS, NULL, NULL },
	{ "textdomain", DIRTY_DOMAIN, NULL, NULL },
};

static PHP_THREAD unsigned dirty;
static PHP_THREAD struct sigaction handlers[NSIG];   /* as they were before the script's first such call */
static PHP_THREAD sigset_t mask;
static PHP_THREAD bool forked;

/* Asked for only where a script is about to change it. */
static void state_keep(unsigned bits)
{
	if (bits & (DIRTY_HANDLERS | DIRTY_ALARM) && !(dirty & (DIRTY_HANDLERS | DIRTY_ALARM)))
		for (int sig = 1; sig < NSIG; sig++)
			sigaction(sig, NULL, &handlers[sig]);
	if (bits & DIRTY_MASK && !(dirty & DIRTY_MASK))
		sigprocmask(SIG_SETMASK, NULL, &mask);
}

/* A process that a script forked answers nobody: the connection is its parent's. */
static void fork_seen(const zval *pid)
{
	if (Z_TYPE_P(pid) != IS_LONG || Z_LVAL_P(pid) != 0)
		return;
	forked = true;
	php_slot.finished = php_slot.body_ended = true;
}

static ZEND_NAMED_FUNCTION(watched_call)
{
	const zend_string *name = EX(func)->common.function_name;

	for (size_t i = 0; i < ARRAY_LEN(watched); i++) {
		struct watched *w = &watched[i];

		if (w->shared_name != name)
			continue;
		state_keep(w->bits);
		dirty |= w->bits;
		w->handler(INTERNAL_FUNCTION_PARAM_PASSTHRU);
		if (w->bits & DIRTY_FORK)
			fork_seen(return_value);
		return;
	}
	BUG_IF(true);
}

static void watched_wrap(struct watched *w)
{
	zend_function *fn = zend_hash_str_find_ptr(CG(function_table), w->name, strlen(w->name));

	if (!fn || fn->type != ZEND_INTERNAL_FUNCTION)
		return;         /* not in this PHP, or disabled */
	w->shared_name = fn->common.function_name;
	w->handler = fn->internal_function.handler;
	fn->internal_function.handler = watched_call;
}

void php_reset_hook(void)
{
	for (size_t i = 0; i < ARRAY_LEN(watched); i++)
		watched_wrap(&watched[i]);
}

/* Not SIGPROF: PHP sets it for each request, and would find a time limit without a handler. */
static void handlers_restore(void)
{
	for (int sig = 1; sig < NSIG; sig++)
		if (sig != SIGPROF && sig != SIGKILL && sig != SIGSTOP)
			sigaction(sig, &handlers[sig], NULL);
}

static void alarms_stop(void)
{
	struct itimerval none = { { 0, 0 }, { 0, 0 } };

	setitimer(ITIMER_REAL, &none, NULL);
}

enum sapi_end php_reset(void)
{
	unsigned now = dirty;

	/* PHP puts the umask back, and would go on doing so in every request to come. */
	BG(umask) = -1;
	if (EXPECTED(!now))
		return SAPI_END_OK;
	dirty = 0;
	if (forked)
		_exit(EG(exit_status) & 0xff);  /* nor does it serve the next request */
	if (now & DIRTY_ALARM)
		alarms_stop();
	if (now & (DIRTY_HANDLERS | DIRTY_ALARM))
		handlers_restore();
	if (now & DIRTY_MASK)
		sigprocmask(SIG_SETMASK, &mask, NULL);
	if (now & DIRTY_DOMAIN)
		textdomain("messages");
	return now & DIRTY_PROCESS ? SAPI_END_LEAVE : SAPI_END_OK;
}
