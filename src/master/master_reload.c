/* master_reload.c -- SIGUSR2, SIGHUP: the next configuration takes over. Master only.
 * Until everything that can be refused has been looked at nothing is touched: a bad file changes nothing. Then every
 * pool gets a new process on the same socket, and its old one leaves when the new one is ready. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/master/master_conf.h"
#include "src/master/master_daemon.h"
#include "src/master/master_log.h"
#include "src/master/master_notify.h"
#include "src/master/master_probe.h"
#include "src/master/master_priv.h"

struct reload {                         /* what is prepared, and thrown away when something is wrong */
	struct conf *conf;
	struct master_spec **specs;
	bool log_changes;
	int log_fd;                     /* the new log; -1: the system's */
};

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static int reload_load(struct master *m, struct reload *r)
{
	struct conf_notes notes = { 0 };

	r->conf = master_conf_load(m, &notes);
	master_conf_say(&notes);
	conf_notes_free(&notes);
	if (!r->conf)
		log_error("failed to load configuration file '%s'", m->conf_file);
	return r->conf ? master_probe_threads(m, r->conf) : -1;
}

static bool same_log(const struct conf_global *a, const struct conf_global *b)
{
	return same_text(a->error_log, b->error_log) && same_text(a->syslog_ident, b->syslog_ident) &&
	       a->syslog_facility == b->syslog_facility;
}

static int reload_log(struct master *m, struct reload *r)
{
	struct err err;

	if (m->log_to_stderr || same_log(&r->conf->global, &m->conf->global))
		return 0;
	r->log_changes = true;
	if (master_log_open_error(&r->conf->global, &r->log_fd, &err) == 0)
		return 0;
	log_error("%s", err.text);
	return -1;
}

static int reload_user(struct master *m, struct reload *r)
{
	struct err err;

	if (master_conf_pool_user(m, r->conf, &err) == 0)
		return 0;
	log_error("%s", err.text);
	return -1;
}

static int reload_prepare(struct master *m, struct reload *r)
{
	struct err err;

	if (reload_load(m, r) < 0 || reload_user(m, r) < 0 || reload_log(m, r) < 0)
		return -1;
	log_notice("reloading: %s", m->conf_file);
	r->specs = master_specs_open(m, r->conf, &err);
	if (!r->specs)
		log_error("%s", err.text);
	return r->specs ? 0 : -1;
}

static void reload_socket(const struct master_spec *spec, struct master_listener *l,
			  const struct master_listen_want *want)
{
	struct err err;

	if (master_listen_apply(l, want, &err) < 0)
		log_warning("[pool %s] %s; the socket stays as it was", spec->name, err.text);
}

/* What of it can fail now is said, and does not stop the reload. */
static void reload_global(struct master *m, struct reload *r)
{
	struct err err;
	const char *pid = r->conf->global.pid;

	if (r->log_changes)
		master_log_use(m, &r->conf->global, r->log_fd);
	master_log_form(&r->conf->global);
	if (master_daemon_limits(&r->conf->global, m->as_root, &err) < 0)
		log_warning("%s; it stays as it was", err.text);
	for (size_t i = 0; i < r->conf->pool_count; i++) {
		struct master_listen_want want = master_spec_want(r->conf->pools[i]);
		struct master_listen_want status = master_spec_want_status(r->conf->pools[i]);

		reload_socket(r->specs[i], r->specs[i]->listener, &want);
		if (r->specs[i]->status)
			reload_socket(r->specs[i], r->specs[i]->status, &status);
	}
	if (same_text(pid, m->pid_file))
		return;
	if (pid && master_pid_write(pid, &err) < 0) {
		log_warning("%s; the old one stays", err.text);
		return;
	}
	if (m->pid_file)
		master_pid_remove(m->pid_file);
	free(m->pid_file);
	m->pid_file = pid ? xstrdup(pid) : NULL;
}

/* The old pool that this one follows: of the same socket, else of the same name. */
static struct master_pool *reload_predecessor(struct master_pool **old, size_t count, const struct master_spec *spec)
{
	for (size_t i = 0; i < count; i++)
		if (old[i] && old[i]->spec->listener == spec->listener)
			return old[i];
	for (size_t i = 0; i < count; i++)
		if (old[i] && strcmp(old[i]->spec->name, spec->name) == 0)
			return old[i];
	return NULL;
}

/* The old pool's process goes on for the new pool. */
static void reload_inherit(struct master_pool *pool, struct master_pool *old)
{
	struct master_proc *p = old->proc;

	pool->generation = old->generation;
	old->proc = NULL;
	if (!p)
		return;
	if (p->state == MASTER_PROC_FAILING) {  /* it serves nobody: there is nothing to fall back to */
		p->pool = NULL;
		master_proc_stop(p, MASTER_PROC_STOPPING, MASTER_STOP_MS);
		return;
	}
	pool->standby = p;
	p->pool = pool;
}

/* A pool whose section is gone. */
static void reload_remove(struct master *m, struct master_pool *old)
{
	struct master_proc *p = old->proc;
	int64_t bound_s = m->conf->global.process_control_timeout_s;

	if (!p)
		return;
	log_notice("[pool %s] is not configured any more: ending", old->spec->name);
	p->pool = NULL;
	if (p->state != MASTER_PROC_RESTING)
		master_proc_drain_end(p, bound_s > 0 ? (uint64_t)bound_s * 1000 : 0);
}

static void reload_start(struct master_pool *pool)
{
	if (pool->standby || !pool->spec->ondemand)
		master_pool_start(pool);
	else
		master_pool_rest(pool);
}

static void reload_swap(struct master *m, struct reload *r)
{
	struct master_pool **old = m->pools;
	size_t old_count = m->pool_count;

	m->pool_count = m->unanswered = r->conf->pool_count;
	m->pools = xcalloc(m->pool_count, sizeof(*m->pools));
	for (size_t i = 0; i < m->pool_count; i++)
		m->pools[i] = master_pool_new(m, r->specs[i]);
	for (size_t i = 0; i < m->pool_count; i++) {
		struct master_pool *before = reload_predecessor(old, old_count, r->specs[i]);

		if (before)
			reload_inherit(m->pools[i], before);
		for (size_t j = 0; j < old_count && before; j++)
			if (old[j] == before)
				master_pool_free(&old[j]);
	}
	for (size_t j = 0; j < old_count; j++) {
		if (old[j])
			reload_remove(m, old[j]);
		master_pool_free(&old[j]);
	}
	free(old);
}

static void reload_drop(struct master *m, struct reload *r)
{
	for (size_t i = 0; r->specs && r->specs[i]; i++)
		master_spec_drop(m, &r->specs[i]);
	free(r->specs);
	fd_close(&r->log_fd);
	conf_free(&r->conf);
}

static void reload_commit(struct master *m, struct reload *r)
{
	const struct timeval patience = { .tv_sec = MASTER_RELOAD_MS / 1000 };
	struct conf *old = m->conf;

	m->phase = MASTER_RELOADING;
	reload_global(m, r);
	r->log_fd = -1;
	m->conf = r->conf;
	reload_swap(m, r);
	r->conf = old;
	log_notice("fpm is running, pid %d", (int)getpid());
	event_add(m->deadline, &patience);
	for (size_t i = 0; i < m->pool_count; i++)
		reload_start(m->pools[i]);
}

void master_reload(struct master *m)
{
	struct reload r = { .log_fd = -1 };

	if (master_is_ending(m))
		return;
	log_notice("Reloading in progress ...");
	if (m->phase != MASTER_SERVING) {
		log_notice("the start or reload before it goes on: this one follows");
		m->reload_again = true;
		return;
	}
	master_notify_reloading(m);
	if (reload_prepare(m, &r) == 0) {
		reload_commit(m, &r);
	} else {
		log_error("reload refused: everything goes on as before");
		master_notify_ready(m);
	}
	reload_drop(m, &r);
}

/* Nothing was heard for very long: the reload is over for those pools, and they keep what they have. */
void master_reload_deadline(struct master *m)
{
	for (size_t i = 0; i < m->pool_count; i++) {
		struct master_pool *pool = m->pools[i];

		if (pool->answered)
			continue;
		log_error("[pool %s] neither ready nor failing after %d seconds", pool->spec->name,
			  MASTER_RELOAD_MS / 1000);
		if (pool->standby)
			master_pool_failing(pool, false);
		else
			master_pool_answered(pool);
	}
}
