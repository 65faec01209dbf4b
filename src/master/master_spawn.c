/* master_spawn.c -- births. Master only; the second half runs in the new process before exec.
 * The new process gets what spawn.h names and nothing else: no descriptor, signal handler or variable of the master's
 * by accident. TERM and its like stay blocked over exec, until the new process has its harmless handlers: one
 * that comes at this moment must not end it. */
#include "src/master/master_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "src/base/fd.h"
#include "src/base/mem.h"

#define SPAWN_NAME_MOST 256             /* a variable with a longer name is passed by no pattern */

static const char *const kind_names[] = {
	[SPAWN_POOL] = "pool",
	[SPAWN_ZYGOTE] = "zygote",
	[SPAWN_PROBE] = "probe",
};

/* Variables without which a process of this kind would not run as its tests or its clock expect. */
static const char *const kept_always[] = { "TZ", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS",
					   NULL };
/* The master's talk with who started it. */
static const char *const kept_never[] = { SPAWN_ENV, "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID",
					  "LISTEN_FDS", "LISTEN_FDNAMES", NULL };
static const char *const kept_php[] = { "PHPRC", "PHP_INI_SCAN_DIR", NULL };

int master_spawn_open_exe(struct err *err)
{
	int fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);

	if (fd < 0)
		err_sys(err, "cannot open the running program, /proc/self/exe (is /proc mounted?)");
	return fd;
}

char *master_spawn_title(enum spawn_names names, enum spawn_kind kind, const char *pool)
{
	return xasprintf("%s %s%s%s", names == SPAWN_NAMES_PHP_FPM ? "php-fpm: weir" : "weir:", kind_names[kind],
			 pool ? " " : "", pool ? pool : "");
}

static bool spawn_is(const char *entry, const char *name)
{
	size_t len = strlen(name);

	return strncmp(entry, name, len) == 0 && entry[len] == '=';
}

static bool spawn_passes(const char *patterns, const char *entry)
{
	char name[SPAWN_NAME_MOST];
	size_t len = strcspn(entry, "=");

	if (!patterns || len >= sizeof(name))
		return false;
	memcpy(name, entry, len);
	name[len] = '\0';
	for (; *patterns; patterns += strlen(patterns) + 1)
		if (fnmatch(patterns, name, 0) == 0)
			return true;
	return false;
}

static bool spawn_keeps(const struct master_spawn *plan, const char *entry)
{
	for (const char *const *name = kept_never; *name; name++)
		if (spawn_is(entry, *name))
			return false;
	if (plan->whole_environ)
		return true;
	for (const char *const *name = kept_always; *name; name++)
		if (spawn_is(entry, *name))
			return true;
	for (const char *const *name = kept_php; *name && plan->info->kind != SPAWN_POOL; name++)
		if (spawn_is(entry, *name))
			return true;
	return spawn_passes(plan->passed, entry);
}

/* Its entries are borrowed from environ, but for the first. */
static char **spawn_environ(const struct master_spawn *plan)
{
	size_t count = 0, kept = 1;
	char **list;

	while (environ[count])
		count++;
	list = xcalloc(count + 2, sizeof(*list));
	list[0] = xasprintf("%s=%s", SPAWN_ENV, kind_names[plan->info->kind]);
	for (size_t i = 0; i < count; i++)
		if (spawn_keeps(plan, environ[i]))
			list[kept++] = environ[i];
	return list;
}

static void spawn_reset_signals(enum spawn_kind kind)
{
	static const int blocked[] = { SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGHUP };
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t mask;

	for (int sig = 1; sig < NSIG; sig++)
		sigaction(sig, &dfl, NULL);
	sigemptyset(&mask);
	for (size_t i = 0; i < ARRAY_LEN(blocked) && kind != SPAWN_PROBE; i++)
		sigaddset(&mask, blocked[i]);
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

static void spawn_close_on_exec_from(int first)
{
	long most = sysconf(_SC_OPEN_MAX);

	if (close_range((unsigned)first, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		return;
	if (most < 0 || most > 65536)
		most = 65536;
	for (int fd = first; fd < most; fd++)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
}

/* First everything out of the way of the fixed numbers, then down into place: no source is overwritten. */
static int spawn_place(const struct master_spawn *plan, int info_fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int count = SPAWN_FD_LISTEN + (int)plan->info->listen_count;
	int *from = xcalloc((size_t)count, sizeof(int));

	if (null < 0)
		return -1;
	memcpy(from, (int[SPAWN_FD_LISTEN]){ -1, plan->out, plan->err, info_fd, plan->link, plan->log, plan->board,
					     plan->ready, plan->access, plan->slow, plan->status },
	       sizeof(int) * SPAWN_FD_LISTEN);
	for (int i = SPAWN_FD_LISTEN; i < count; i++)
		from[i] = plan->listen[i - SPAWN_FD_LISTEN];
	for (int i = 0; i < count; i++) {
		from[i] = fcntl(from[i] < 0 ? null : from[i], F_DUPFD_CLOEXEC, count);
		if (from[i] < 0)
			return -1;
	}
	for (int i = 0; i < count; i++)
		if (dup2(from[i], i) < 0)
			return -1;
	free(from);
	spawn_close_on_exec_from(count);
	return 0;
}

/* In the new process. Tells errno through fail_fd, which exec closes. */
static _Noreturn void spawn_exec(int exe_fd, const struct master_spawn *plan, char **env, int info_fd, int fail_fd)
{
	int above = SPAWN_FD_LISTEN + (int)plan->info->listen_count;
	char *argv[] = { (char *)plan->title, NULL };
	int why;

	exe_fd = fcntl(exe_fd, F_DUPFD_CLOEXEC, above);
	fail_fd = fcntl(fail_fd, F_DUPFD_CLOEXEC, above);
	if (exe_fd >= 0 && fail_fd >= 0 && spawn_place(plan, info_fd) == 0) {
		spawn_reset_signals(plan->info->kind);
		execveat(exe_fd, "", argv, env, AT_EMPTY_PATH);
	}
	why = errno;
	if (fail_fd >= 0)
		(void)fd_write_all(fail_fd, &why, sizeof(why));
	_exit(127);
}

/* Wait until pid has executed or has failed to. */
static int spawn_wait(pid_t pid, int fail_fd)
{
	int why = 0;
	ssize_t n;

	do
		n = read(fail_fd, &why, sizeof(why));
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return 0;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	errno = n == (ssize_t)sizeof(why) ? why : EIO;
	return -1;
}

static pid_t spawn_fork(int exe_fd, const struct master_spawn *plan, int info_fd, struct err *err)
{
	char **env;
	int fail[2];
	pid_t pid;

	if (pipe2(fail, O_CLOEXEC) < 0)
		return err_sys(err, "cannot start \"%s\": no pipe", plan->title);
	env = spawn_environ(plan);
	pid = fork();
	if (pid == 0)
		spawn_exec(exe_fd, plan, env, info_fd, fail[1]);
	fd_close(&fail[1]);
	if (pid < 0)
		err_sys(err, "cannot start \"%s\": fork", plan->title);
	if (pid > 0 && spawn_wait(pid, fail[0]) < 0)
		pid = err_sys(err, "cannot start \"%s\": exec of the running program", plan->title);
	fd_close(&fail[0]);
	free(env[0]);
	free(env);
	return pid;
}

pid_t master_spawn(int exe_fd, const struct master_spawn *plan, struct err *err)
{
	int info_fd = spawn_info_write(plan->info);
	pid_t pid;
	int saved;

	if (info_fd < 0)
		return err_sys(err, "cannot start \"%s\": no memory file for its orders", plan->title);
	pid = spawn_fork(exe_fd, plan, info_fd, err);
	saved = errno;
	fd_close(&info_fd);
	errno = saved;
	return pid;
}
