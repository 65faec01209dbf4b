/* master_probe.c -- asks PHP itself, in a throw-away process each time. Master only, before anything else is started.
 * The master never loads a runtime: it starts a probe, which takes the pool's identity, and reads what it says. */
#include "src/master/master_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "pool/zygote_confine.h"
#include "src/base/clock.h"
#include "src/base/exits.h"
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/conf/conf_module.h"
#include "src/master/master_conf.h"
#include "src/master/master_log.h"
#include "src/master/master_priv.h"
#include "src/master/master_spawn.h"

#define PROBE_MS   60000                /* so long may a probe take */
#define PROBE_MOST (256 * 1024)         /* bytes of complaints that are kept */

/* Until the other end closes, or time is over. */
static void probe_read(int fd, pid_t pid, struct buf *out)
{
	uint64_t until_ms = clock_ms() + PROBE_MS;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char space[4096];

	for (;;) {
		uint64_t now_ms = clock_ms();
		int rc = now_ms < until_ms ? poll(&p, 1, (int)(until_ms - now_ms)) : 0;
		ssize_t n;

		if (rc < 0 && errno == EINTR)
			continue;
		if (rc <= 0)
			break;
		n = read(fd, space, sizeof(space));
		if (n <= 0)
			return;
		if (out->len < PROBE_MOST)
			buf_add(out, space, (size_t)n);
	}
	kill(pid, SIGKILL);
	buf_printf(out, "no answer within %d seconds\n", PROBE_MS / 1000);
}

static pid_t probe_spawn(struct master *m, struct spawn_info *info, int err_fd, struct err *err)
{
	char *title = master_spawn_title(m->cli.names, SPAWN_PROBE, NULL);
	bool quiet = info->print == SPAWN_PRINT_NONE || info->print == SPAWN_PRINT_THREADS;
	struct master_spawn plan = {
		.title = title, .info = info, .whole_environ = true,
		.out = quiet ? err_fd : STDOUT_FILENO, .err = err_fd,
		.link = -1, .log = -1, .board = -1, .ready = -1, .access = -1, .slow = -1, .status = -1,
	};
	pid_t pid;

	info->kind = SPAWN_PROBE;
	info->names = m->cli.names;
	info->was_root = m->as_root;
	info->log_level = LOG_LEVEL_NOTICE;
	info->pool_uid = m->pool_uid;
	info->pool_gid = m->pool_gid;
	info->options = (char *)m->options.data;
	info->options_len = m->options.len;
	pid = master_spawn(m->exe_fd, &plan, err);
	free(title);
	return pid;
}

int master_probe_run(struct master *m, struct spawn_info *info, struct buf *words)
{
	int ends[2], status = 0;
	struct err err;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0) {
		buf_printf(words, "no pipe: %s\n", strerror(errno));
		return -1;
	}
	pid = probe_spawn(m, info, ends[1], &err);
	fd_close(&ends[1]);
	if (pid < 0) {
		buf_printf(words, "%s\n", err.text);
		fd_close(&ends[0]);
		return -1;
	}
	probe_read(ends[0], pid, words);
	fd_close(&ends[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status))
		buf_printf(words, "it died on signal %d (SIG%s)\n", WTERMSIG(status), sigabbrev_np(WTERMSIG(status)));
	else if (status != 0 && words->len == 0)
		buf_printf(words, "it ended with code %d and gave no reason\n", WEXITSTATUS(status));
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CONFIG)
		return MASTER_PROBE_REFUSED;
	return status == 0 ? 0 : -1;
}

static void probe_say(enum log_level level, const char *pool, struct buf *words)
{
	char *save = NULL, *text = xstrdup(buf_str(words));

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (*line == '[' && (strstr(line, "] WARNING: ") || strstr(line, "] ERROR: ")))
			fprintf(stderr, "%s\n", line);          /* a line of its own log: it has time and level */
		else
			log_at(level, "[pool %s] %s", pool, line);
	}
	free(text);
}

static int probe_pool(struct master *m, const struct conf *conf, const struct conf_pool *pool, const char *module,
		      struct buf *words)
{
	struct spawn_info info = { .module = (char *)module };
	struct buf section = { 0 };
	int rc;

	conf_pool_write(&conf->global, pool, &section);
	info.section = (char *)buf_str(&section);
	info.section_len = section.len;
	rc = master_probe_run(m, &info, words);
	buf_free(&section);
	return rc;
}

static void probe_complain(const struct conf_pool *pool, const char *module, struct buf *words)
{
	probe_say(LOG_LEVEL_ERROR, pool->name, words);
	log_error("[%s:%d] [pool %s] its SAPI cannot run: %s", pool->file, pool->line, pool->name, module);
}

static int test_probe(struct master *m, const struct conf *conf, const struct conf_pool *pool, const char *module)
{
	struct buf words = { 0 };
	int rc = probe_pool(m, conf, pool, module, &words);

	if (rc < 0)
		probe_complain(pool, module, &words);
	else
		probe_say(LOG_LEVEL_WARNING, pool->name, &words);
	buf_free(&words);
	return rc;
}

static bool is_refused(struct master *m, const struct conf *conf, const struct conf_pool *pool, const char *module)
{
	struct buf words = { 0 };
	bool refused = probe_pool(m, conf, pool, module, &words) == MASTER_PROBE_REFUSED;

	if (refused)
		probe_complain(pool, module, &words);
	buf_free(&words);
	return refused;
}

int master_probe_threads(struct master *m, const struct conf *conf)
{
	int rc = 0;

	for (size_t i = 0; i < conf->pool_count; i++) {
		const struct conf_pool *pool = conf->pools[i];
		char *module = NULL;

		/* Applications of Python's are safe for threads. */
		if (pool->threads_per_child > 1 && strcmp(pool->sapi, "wsgi") != 0
		    && conf_find_module(m->module_dir, pool->sapi, pool->php_version, &module, NULL) == 0
		    && is_refused(m, conf, pool, module))
			rc = -1;
		free(module);
	}
	return rc;
}

/* PHP's plug-ins once each, for the first pool that needs them; for other SAPIs each pool, since each has an
 * application of its own. */
static int test_probes(struct master *m, const struct conf *conf)
{
	char **seen = xcalloc(conf->pool_count + 1, sizeof(*seen));
	int rc = 0;

	for (size_t i = 0; i < conf->pool_count; i++) {
		const struct conf_pool *pool = conf->pools[i];
		size_t j = 0;
		struct err err;

		if (conf_find_module(m->module_dir, pool->sapi, pool->php_version, &seen[i], &err) < 0) {
			log_error("[pool %s] %s", pool->name, err.text);
			seen[i] = xstrdup("");
			rc = -1;
			continue;
		}
		while (j < i && (strcmp(pool->sapi, "php") != 0 || strcmp(seen[j], seen[i]) != 0 ||
				 pool->threads_per_child > 1))
			j++;
		if (j == i && test_probe(m, conf, pool, seen[i]) < 0)
			rc = -1;
	}
	for (size_t i = 0; i < conf->pool_count; i++)
		free(seen[i]);
	free(seen);
	return rc;
}

static void test_confinement(const struct conf_pool *pool)
{
	if (pool->apparmor_hat && !zygote_confine_possible())
		log_warning("[pool %s] apparmor_hat = %s: this kernel runs without AppArmor, or Weir was built without "
			    "libapparmor: the pool will not start here", pool->name, pool->apparmor_hat);
}

static int test_pool(const struct conf_pool *pool)
{
	struct master_listen_want want = master_spec_want(pool), status = master_spec_want_status(pool);
	struct err err;

	test_confinement(pool);
	if (master_listen_check(&want, &err) == 0 && (!status.listen || master_listen_check(&status, &err) == 0)
	    && master_files_check(pool, &err) == 0)
		return 0;
	log_error("[pool %s] %s", pool->name, err.text);
	return -1;
}

/* What a start would stumble over, without binding or making anything. */
static int test_surroundings(struct master *m, const struct conf *conf)
{
	struct master_log_name error_log = { "error_log", conf->global.error_log };
	struct err err;
	int rc = 0;

	if (!conf_logs_to_syslog(&conf->global) && master_log_check(&error_log, &err) < 0) {
		log_error("%s", err.text);
		rc = -1;
	}
	if (master_conf_pool_user(m, conf, &err) < 0) {
		log_error("%s", err.text);
		rc = -1;
	}
	for (size_t i = 0; i < conf->pool_count; i++)
		if (test_pool(conf->pools[i]) < 0)
			rc = -1;
	return rc;
}

/* As a log line, but for the tab before each key: php-fpm's watchers know it, and the log would show it as \x09. */
static void test_dump_line(const char *line)
{
	time_t now = time(NULL);
	char head[64] = "";
	struct tm tm;

	if (localtime_r(&now, &tm))
		strftime(head, sizeof(head), "%d-%b-%Y %H:%M:%S", &tm);
	fprintf(stderr, "[%s] NOTICE: %s\n", head, line);
}

static void test_dump(const struct conf *conf)
{
	struct buf dump = { 0 };
	char *save = NULL, *text;

	conf_dump(conf, &dump);
	text = xstrdup(buf_str(&dump));
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		test_dump_line(line);
	free(text);
	buf_free(&dump);
}

int master_test(struct master *m)
{
	struct conf_notes notes = { 0 };
	struct conf *conf = master_conf_load(m, &notes);
	int rc = conf ? 0 : -1;

	master_conf_say(&notes);
	conf_notes_free(&notes);
	if (!conf) {
		log_error("failed to load configuration file '%s'", m->conf_file);
	} else {
		if (test_surroundings(m, conf) < 0 || test_probes(m, conf) < 0)
			rc = -1;
		if (m->cli.tests > 1)
			test_dump(conf);
	}
	conf_free(&conf);
	if (rc < 0) {
		log_error("FPM initialization failed");
		return EXIT_CONFIG;
	}
	log_notice("configuration file %s test is successful", m->conf_file);
	(void)fd_write_all(STDERR_FILENO, "\n", 1);
	return EXIT_OK;
}
