/* master_log.c -- logs, the error log first. Master only: no other process opens it, pool processes get descriptors. */
#include "src/master/master_log.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/master/master_priv.h"
#include "src/master/master_std.h"

static const struct log_words {
	const char *key, *failed;       /* php-fpm's words, one path in them */
} log_words[] = {
	{ "error_log", "failed to open error_log (%s)" },
	{ "access.log", "failed to open access log (%s)" },
	{ "slowlog", "Unable to create or open slowlog(%s)" },
};

static char *log_failed_words(const char *key, const char *path)
{
	for (size_t i = 0; i < ARRAY_LEN(log_words); i++) {
		const char *words = log_words[i].failed, *at = strstr(words, "%s");

		if (strcmp(log_words[i].key, key) == 0)
			return xasprintf("%.*s%s%s", (int)(at - words), words, path, at + 2);
	}
	return xasprintf("failed to open %s (%s)", key, path);
}

/* And what to do, where that is plain. */
static int log_open_failed(const struct master_log_name *name, struct err *err)
{
	int why = errno;
	char *copy = xstrdup(name->path), *folder = dirname(copy), *words = log_failed_words(name->key, name->path);
	struct stat st;
	bool missing = why == ENOENT && stat(folder, &st) < 0;

	err_set(err, "%s: %s (%d)%s%s%s%s", words, strerror(why), why,
		missing ? ": make the folder '" : "", missing ? folder : "", missing ? "' or set " : "",
		missing ? name->key : "");
	free(words);
	free(copy);
	return -1;
}

/* A FIFO is opened for reading too: then it needs no reader to be opened, keeps what is written while there is none,
 * and a reader may come and go. No log makes its writer wait in the kernel. */
int master_log_open(const struct master_log_name *name, struct err *err)
{
	int std = master_std_open(name->path), fd;
	struct stat st;
	bool fifo = std < 0 && stat(name->path, &st) == 0 && S_ISFIFO(st.st_mode);

	if (std >= 0)
		return std;
	fd = open(name->path, (fifo ? O_RDWR : O_WRONLY | O_CREAT) | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		  0600);
	return fd < 0 ? log_open_failed(name, err) : fd;
}

/* As open would find it. */
static int log_check_path(const char *path)
{
	char *copy;
	struct stat st;
	int rc;

	if (stat(path, &st) == 0) {
		errno = EISDIR;
		return S_ISDIR(st.st_mode) ? -1 : access(path, W_OK);
	}
	if (errno != ENOENT)
		return -1;
	copy = xstrdup(path);
	rc = access(dirname(copy), W_OK | X_OK);
	free(copy);
	return rc;
}

int master_log_check(const struct master_log_name *name, struct err *err)
{
	return log_check_path(name->path) < 0 ? log_open_failed(name, err) : 0;
}

int master_log_open_error(const struct conf_global *global, int *fd_out, struct err *err)
{
	struct master_log_name name = { "error_log", global->error_log };

	*fd_out = -1;
	if (conf_logs_to_syslog(global))
		return 0;
	*fd_out = master_log_open(&name, err);
	return *fd_out < 0 ? -1 : 0;
}

void master_log_form(const struct conf_global *global)
{
	log_set_level((enum log_level)global->log_level);
	log_set_json(global->log_format == CONF_LOG_JSON);
	log_set_limit((size_t)global->log_limit);
}

void master_log_use(struct master *m, const struct conf_global *global, int fd)
{
	int old = m->log_fd;

	m->log_fd = fd;
	m->log_to_syslog = fd < 0;
	log_to_fd(fd);
	log_to_syslog(fd < 0 ? global->syslog_ident : NULL, global->syslog_facility);
	/* Whatever a library writes to stderr belongs there too. */
	if (m->launched && !m->log_to_stderr && fd >= 0)
		dup2(fd, STDERR_FILENO);
	fd_close(&old);
}

/* Started by somebody whose stderr is this very file. */
static bool log_is_stderr(int fd)
{
	struct stat log, err;

	return fstat(fd, &log) == 0 && fstat(STDERR_FILENO, &err) == 0 && log.st_dev == err.st_dev &&
	       log.st_ino == err.st_ino;
}

int master_log_start(struct master *m, struct err *err)
{
	int fd;

	master_std_keep(m->conf, m->background);
	if (master_log_open_error(&m->conf->global, &fd, err) < 0)
		return -1;
	if (m->log_to_stderr) {
		fd_close(&fd);
		fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
		if (fd < 0)
			return err_sys(err, "cannot use stderr as the log");
	} else if (!log_is_stderr(fd)) {
		log_also_to_fd(STDERR_FILENO);
	}
	master_log_use(m, &m->conf->global, fd);
	return 0;
}

void master_log_launched(struct master *m)
{
	if (!m->log_to_stderr)
		log_also_to_fd(-1);
}

void master_log_settled(struct master *m)
{
	int null;

	m->launched = true;
	if (m->log_to_stderr)
		return;
	if (m->log_fd >= 0)
		dup2(m->log_fd, STDERR_FILENO);
	if (!m->log_to_syslog || !m->background)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0)
		dup2(null, STDERR_FILENO);
	fd_close(&null);
}

void master_log_failed(struct master *m)
{
	if (!m->log_to_stderr && !m->launched)
		log_also_to_fd(STDERR_FILENO);
}

static void error_log_reopen(struct master *m)
{
	const struct conf_global *global = &m->conf->global;
	struct err err;
	int fd;

	if (master_log_open_error(global, &fd, &err) < 0) {
		log_error("%s; the old one stays in use", err.text);
		return;
	}
	if (m->log_to_stderr) {
		fd_close(&fd);
	} else {
		master_log_use(m, global, fd);
		for (struct master_proc *p = m->procs; p && fd >= 0; p = p->next)
			master_proc_log(p, MASTER_LOG_ERROR, m->log_fd);
	}
	log_notice("error log file re-opened");
}

void master_log_reopen(struct master *m)
{
	error_log_reopen(m);
	master_files_reopen(m);
}
