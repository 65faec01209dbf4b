/* master_start.c -- the start, step by step, and the loop until the end. Master only.
 * What a step did is undone when a later one fails: a start that fails leaves no file, socket or process. */
#include <errno.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "src/base/exits.h"
#include "src/base/fd.h"
#include "src/base/log.h"
#include "pool/loop.h"
#include "src/base/mem.h"
#include "src/base/title.h"
#include "src/master/master_conf.h"
#include "src/master/master_daemon.h"
#include "src/master/master_inherit.h"
#include "src/master/master_log.h"
#include "src/master/master_notify.h"
#include "src/master/master_probe.h"
#include "src/master/master_priv.h"
#include "src/master/master_spawn.h"

#define START_PATIENCE_S 8              /* the caller of a start in the background waits no longer: MASTER_DAEMON_UP */

static int start_log(struct master *m, struct err *err)
{
	m->background = m->cli.background == MASTER_BACKGROUND_YES ||
			(m->cli.background == MASTER_BACKGROUND_CONFIGURED && m->conf->global.daemonize);
	m->log_to_stderr = !m->background && (m->cli.force_stderr || isatty(STDERR_FILENO));
	return master_log_start(m, err);
}

static int start_background(struct master *m, struct err *err)
{
	if (!m->background)
		return 0;
	m->daemon_pipe = master_daemon_fork(err);
	return m->daemon_pipe < 0 ? -1 : 0;
}

static int start_detach(struct master *m, struct err *err)
{
	(void)m;
	return master_daemon_detach(err);
}

static int start_limits(struct master *m, struct err *err)
{
	return master_daemon_limits(&m->conf->global, m->as_root, err);
}

static int start_user(struct master *m, struct err *err)
{
	return master_conf_pool_user(m, m->conf, err);
}

static int start_sockets(struct master *m, struct err *err)
{
	struct master_spec **specs;

	master_inherit(&m->listeners, &m->inherited, m->first_pid);
	specs = master_specs_open(m, m->conf, err);
	if (!specs)
		return -1;
	master_inherit_settle(&m->listeners, &m->inherited);
	m->pool_count = m->conf->pool_count;
	m->pools = xcalloc(m->pool_count, sizeof(*m->pools));
	for (size_t i = 0; i < m->pool_count; i++) {
		m->pools[i] = master_pool_new(m, specs[i]);
		master_spec_drop(m, &specs[i]);
	}
	free(specs);
	return 0;
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct master *m = arg;

	(void)fd;
	(void)what;
	if (master_is_ending(m))
		master_end_deadline(m);
	else if (m->phase == MASTER_STARTING)
		master_daemon_tell(&m->daemon_pipe, MASTER_DAEMON_UP);
	else
		master_reload_deadline(m);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	master_reload(arg);
}

static int start_loop(struct master *m, struct err *err)
{
	m->base = loop_new(m->conf->global.events_mechanism);
	if (!m->base)
		return err_set(err, "event mechanism '%s' is not available on this system: libevent was built without "
			       "it (events.mechanism)", m->conf->global.events_mechanism);
	m->deadline = evtimer_new(m->base, on_deadline, m);
	m->again = event_new(m->base, -1, 0, on_again, m);
	BUG_IF(!m->deadline || !m->again);
	master_notify_open(m);
	return master_signals_open(m, err);
}

static int start_family(struct master *m, struct err *err)
{
	(void)m;
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return err_sys(err, "cannot become the parent of orphans");
	return 0;
}

static int start_pid_file(struct master *m, struct err *err)
{
	const char *path = m->conf->global.pid;

	if (!path)
		return 0;
	if (master_pid_write(path, err) < 0)
		return -1;
	m->pid_file = xstrdup(path);
	return 0;
}

/* In php-fpm's order. */
static int (*const start_steps[])(struct master *m, struct err *err) = {
	start_user, start_log, start_background, start_detach, start_limits, start_sockets, start_loop, start_family,
	start_pid_file,
};

static int start_conf(struct master *m, struct conf_notes *notes)
{
	m->conf = master_conf_load(m, notes);
	if (m->conf && master_probe_threads(m, m->conf) < 0)
		return -1;
	if (m->conf) {
		master_log_form(&m->conf->global);
		return 0;
	}
	master_conf_say(notes);
	log_error("failed to load configuration file '%s'", m->conf_file);
	return -1;
}

static int start_all(struct master *m)
{
	struct conf_notes notes = { 0 };
	struct err err;
	int rc = start_conf(m, &notes);

	for (size_t i = 0; i < ARRAY_LEN(start_steps) && rc == 0; i++) {
		rc = start_steps[i](m, &err);
		if (rc < 0)
			log_error("%s", err.text);
		else if (start_steps[i] == start_log)
			master_conf_say(&notes);        /* into the log as well */
	}
	conf_notes_free(&notes);
	if (rc < 0)
		log_error("FPM initialization failed");
	return rc;
}

static bool start_is_vain(const struct master *m)
{
	for (size_t i = 0; i < m->pool_count; i++)
		if (!m->pools[i]->cannot_load)
			return false;
	return m->phase == MASTER_STARTING;
}

/* Nothing would ever be served: whoever started us is to know it. One pool that serves is worth to go on. */
static void start_give_up(struct master *m)
{
	m->start_failed = true;
	master_log_failed(m);
	log_error("no pool can load its application: the reasons stand in error_log (%s)", m->conf->global.error_log);
	log_error("FPM initialization failed");
	master_stop(m);
}

void master_round_over(struct master *m)
{
	if (master_is_ending(m))
		return;
	if (start_is_vain(m)) {
		start_give_up(m);
		return;
	}
	if (m->phase == MASTER_STARTING) {
		master_log_settled(m);
		master_daemon_tell(&m->daemon_pipe, MASTER_DAEMON_UP);
	}
	m->phase = MASTER_SERVING;
	event_del(m->deadline);
	log_notice("ready to handle connections");
	master_notify_ready(m);
	if (!m->reload_again)
		return;
	/* Not from here: whoever answered last is still at work on its pool. */
	m->reload_again = false;
	event_active(m->again, EV_TIMEOUT, 0);
}

static void serve(struct master *m)
{
	const struct timeval patience = { .tv_sec = START_PATIENCE_S };

	m->phase = MASTER_STARTING;
	m->unanswered = m->pool_count;
	event_add(m->deadline, &patience);
	for (size_t i = 0; i < m->pool_count; i++) {
		if (m->pools[i]->spec->ondemand)
			master_pool_rest(m->pools[i]);
		else
			master_pool_start(m->pools[i]);
	}
	event_base_dispatch(m->base);
}

/* The mirror of the start; whatever part of it was done. */
static void master_undo(struct master *m)
{
	for (size_t i = 0; i < m->pool_count; i++)
		master_pool_free(&m->pools[i]);
	free(m->pools);
	master_inherit_end(&m->listeners, &m->inherited);
	if (m->pid_file)
		master_pid_remove(m->pid_file);
	free(m->pid_file);
	master_notify_close(m);
	master_crashes_free(&m->crashes);
	master_signals_close(m);
	if (m->deadline)
		event_free(m->deadline);
	if (m->again)
		event_free(m->again);
	if (m->base)
		event_base_free(m->base);
	conf_free(&m->conf);
}

int master_serve(struct master *m)
{
	if (start_all(m) < 0) {
		master_undo(m);
		master_daemon_tell(&m->daemon_pipe, MASTER_DAEMON_FAILED);
		fd_close(&m->log_fd);
		return EXIT_CONFIG;
	}
	if (m->cli.names == SPAWN_NAMES_PHP_FPM)
		title_set("php-fpm: master process (%s)", m->conf_file);
	else
		title_set("weir: master");
	master_log_launched(m);
	log_notice("fpm is running, pid %d", (int)getpid());
	serve(m);
	if (!m->start_failed)
		log_notice("exiting, bye-bye!");
	master_undo(m);
	master_daemon_tell(&m->daemon_pipe, MASTER_DAEMON_FAILED);
	fd_close(&m->log_fd);
	return m->start_failed ? EXIT_CONFIG : EXIT_OK;
}
