/* master_daemon.c -- into the background, limits, pid file: php-fpm's ways. Master only.
 * The folder is not changed and nothing is forked twice: relative paths on the command line keep their meaning for
 * reloads. */
#include "src/master/master_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "src/base/clock.h"
#include "src/base/exits.h"
#include "src/base/fd.h"

#define DAEMON_WAIT_MS 10000

/* What came over the pipe in time; the other end closing is a failure. */
static enum master_daemon_news daemon_heard(int fd)
{
	uint64_t until_ms = clock_ms() + DAEMON_WAIT_MS;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int32_t said = MASTER_DAEMON_FAILED;

	for (;;) {
		uint64_t now_ms = clock_ms();
		int rc = poll(&p, 1, now_ms < until_ms ? (int)(until_ms - now_ms) : 0);

		if (rc < 0 && errno == EINTR)
			continue;
		if (rc > 0 && read(fd, &said, sizeof(said)) == (ssize_t)sizeof(said))
			return said == MASTER_DAEMON_UP ? MASTER_DAEMON_UP : MASTER_DAEMON_FAILED;
		return MASTER_DAEMON_FAILED;
	}
}

int master_daemon_fork(struct err *err)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, "cannot go into the background: no pipe");
	pid = fork();
	if (pid < 0)
		return err_sys(err, "cannot go into the background: fork");
	if (pid > 0) {
		close(ends[1]);
		_exit(daemon_heard(ends[0]) == MASTER_DAEMON_UP ? EXIT_OK : EXIT_SOFTWARE);
	}
	close(ends[0]);
	return ends[1];
}

void master_daemon_tell(int *pipe, enum master_daemon_news news)
{
	int32_t said = news;

	if (*pipe >= 0)
		(void)fd_write_all(*pipe, &said, sizeof(said));
	fd_close(pipe);
}

int master_daemon_detach(struct err *err)
{
	int rc, null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return err_sys(err, "cannot open /dev/null");
	setsid();                       /* fails for the leader of a group: a shell's job in the foreground */
	rc = dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ? -1 : 0;
	if (rc < 0)
		err_sys(err, "cannot turn stdin and stdout to /dev/null");
	close(null);
	return rc;
}

/* The words are php-fpm's, what stands in brackets is ours. */
static int limits_one(int which, const char *key, int64_t value, struct err *err)
{
	rlim_t n = value < 0 ? RLIM_INFINITY : (rlim_t)value;
	struct rlimit limit = { .rlim_cur = n, .rlim_max = n };

	if (value == 0 || setrlimit(which, &limit) == 0)
		return 0;
	return err_sys(err, "failed to set %s for this pool. Please check your system limits or decrease %s. setrlimit(%s, "
		       "%lld) (the master's own limit, of [global]; the one that Weir was started with is lower)", key,
		       key, which == RLIMIT_CORE ? "RLIMIT_CORE" : "RLIMIT_NOFILE", (long long)value);
}

int master_daemon_limits(const struct conf_global *global, bool as_root, struct err *err)
{
	if (limits_one(RLIMIT_NOFILE, "rlimit_files", global->rlimit_files, err) < 0 ||
	    limits_one(RLIMIT_CORE, "rlimit_core", global->rlimit_core, err) < 0)
		return -1;
	if (!as_root || global->process_priority == CONF_PRIORITY_UNSET)
		return 0;
	if (setpriority(PRIO_PROCESS, 0, global->process_priority) < 0)
		return err_sys(err, "cannot set process.priority to %d", global->process_priority);
	return 0;
}

int master_pid_write(const char *path, struct err *err)
{
	char text[24];
	int fd, len = snprintf(text, sizeof(text), "%d", (int)getpid());

	if (unlink(path) < 0 && errno != ENOENT)
		return err_sys(err, "cannot replace the pid file '%s'", path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(err, "cannot make the pid file '%s'", path);
	if (fchmod(fd, 0644) < 0 || fd_write_all(fd, text, (size_t)len) < 0) {
		err_sys(err, "cannot write the pid file '%s'", path);
		fd_close(&fd);
		unlink(path);
		return -1;
	}
	fd_close(&fd);
	return 0;
}

void master_pid_remove(const char *path)
{
	char text[24] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	fd_close(&fd);
	if (n > 0 && strtol(text, NULL, 10) == (long)getpid())
		unlink(path);
}
