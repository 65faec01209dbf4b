/* master_log.c -- the error log's file. Master only: no other process opens it, pool processes get descriptors. */
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
static int log_open_failed(const char *key, const char *path, struct err *err)
{
	int why = errno;
	char *copy = xstrdup(path), *folder = dirname(copy), *words = log_failed_words(key, path);
	struct stat st;
	bool missing = why == ENOENT && stat(folder, &st) < 0;

	err_set(err, "%s: %s (%d)%s%s%s%s", words, strerror(why), why,
		missing ? ": make the folder '" : "", missing ? folder : "", missing ? "' or set " : "",
		missing ? key : "");
	free(words);
	free(copy);
	return -1;
}

int master_log_open(const char *key, const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);

	return fd < 0 ? log_open_failed(key, path, err) : fd;
}

int master_log_check(const char *key, const char *path, struct err *err)
{
	char *copy = xstrdup(path);
	int rc = access(path, F_OK) == 0 ? access(path, W_OK) : access(dirname(copy), W_OK | X_OK);

	free(copy);
	return rc < 0 ? log_open_failed(key, path, err) : 0;
}

void master_log_use(struct master *m, int fd)
{
	int old = m->log_fd;

	m->log_fd = fd;
	log_to_fd(fd);
	/* Whatever a library writes to stderr belongs there too. */
	if (m->launched && !m->log_to_stderr)
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
	int fd = master_log_open("error_log", m->conf->global.error_log, err);

	if (fd < 0)
		return -1;
	if (m->log_to_stderr) {
		fd_close(&fd);
		fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
		if (fd < 0)
			return err_sys(err, "cannot use stderr as the log");
	} else if (!log_is_stderr(fd)) {
		log_also_to_fd(STDERR_FILENO);
	}
	master_log_use(m, fd);
	return 0;
}

void master_log_launched(struct master *m)
{
	if (!m->log_to_stderr)
		log_also_to_fd(-1);
}

void master_log_settled(struct master *m)
{
	m->launched = true;
	if (!m->log_to_stderr)
		dup2(m->log_fd, STDERR_FILENO);
}

void master_log_failed(struct master *m)
{
	if (!m->log_to_stderr && !m->launched)
		log_also_to_fd(STDERR_FILENO);
}

static void error_log_reopen(struct master *m)
{
	struct err err;
	int fd = master_log_open("error_log", m->conf->global.error_log, &err);

	if (fd < 0) {
		log_error("%s; the old one stays in use", err.text);
		return;
	}
	if (m->log_to_stderr) {
		fd_close(&fd);
	} else {
		master_log_use(m, fd);
		for (struct master_proc *p = m->procs; p; p = p->next)
			master_proc_log(p, MASTER_LOG_ERROR, m->log_fd);
	}
	log_notice("error log file re-opened");
}

void master_log_reopen(struct master *m)
{
	error_log_reopen(m);
	master_files_reopen(m);
}
