/* master_proc.c -- one life of a pool process: birth, orders to it, death. Master only.
 * Decides nothing about the pool: what follows from a death is master_pool.c's business. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/ipc.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/master/master_notify.h"
#include "src/master/master_priv.h"
#include "src/master/master_spawn.h"

#define LINK_CLOSED_MS 2000             /* so long may a process live that has closed its link */

static void proc_on_link(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	master_orders_read(arg);
}

static void proc_on_late(evutil_socket_t fd, short what, void *arg)
{
	struct master_proc *p = arg;

	(void)fd;
	(void)what;
	log_warning("[pool %s] pool process %d did not end in time: killed", p->spec->name, (int)p->pid);
	kill(p->pid, SIGKILL);
}

static pid_t proc_spawn(struct master_proc *p, int link, struct err *err)
{
	struct master *m = p->m;
	const struct master_spec *spec = p->spec;
	struct spawn_info info = {
		.kind = SPAWN_POOL,
		.names = m->cli.names,
		.was_root = m->as_root,
		.generation = p->pool->generation + 1,
		.listen_count = 1,
		.log_level = m->conf->global.log_level,
		.log_to_syslog = m->log_to_syslog,
		.pool_uid = m->pool_uid,
		.pool_gid = m->pool_gid,
		.section = spec->section,
		.section_len = spec->section_len,
		.module = spec->module,
		.options = (char *)m->options.data,
		.options_len = m->options.len,
	};
	char *title = master_spawn_title(m->cli.names, SPAWN_POOL, spec->name);
	struct master_spawn plan = {
		.title = title, .info = &info, .out = -1, .err = -1, .link = link, .log = m->log_fd,
		.board = -1, .ready = -1, .access = spec->files[MASTER_FILE_ACCESS].fd,
		.slow = spec->files[MASTER_FILE_SLOW].fd, .status = spec->status ? spec->status->fd : -1,
		.listen = &spec->listener->fd,
	};
	pid_t pid = master_spawn(m->exe_fd, &plan, err);

	free(title);
	return pid;
}

static void proc_free(struct master_proc *p)
{
	struct master *m = p->m;

	for (struct master_proc **at = &m->procs; *at; at = &(*at)->next) {
		if (*at != p)
			continue;
		*at = p->next;
		m->proc_count--;
		break;
	}
	if (p->link_event)
		event_free(p->link_event);
	if (p->late)
		event_free(p->late);
	fd_close(&p->link);
	master_spec_drop(m, &p->spec);
	free(p);
}

struct master_proc *master_proc_start(struct master_pool *pool, struct err *err)
{
	struct master *m = pool->m;
	struct master_proc *p = xcalloc(1, sizeof(*p));
	int pair[2];

	p->m = m;
	p->pool = pool;
	p->spec = master_spec_hold(pool->spec);
	p->state = MASTER_PROC_STARTING;
	p->link = -1;
	p->born_us = clock_us();
	master_bucket_fill(&p->orders, clock_ms());
	if (ipc_pair(pair) < 0) {
		err_sys(err, "cannot start a pool process: no socket pair");
		proc_free(p);
		return NULL;
	}
	p->link = pair[0];
	master_proc_tell(p, MASTER_TOTALS, 0, &pool->totals, sizeof(pool->totals), -1);
	p->pid = proc_spawn(p, pair[1], err);
	fd_close(&pair[1]);
	if (p->pid < 0) {
		proc_free(p);
		return NULL;
	}
	p->link_event = event_new(m->base, p->link, EV_READ | EV_PERSIST, proc_on_link, p);
	p->late = evtimer_new(m->base, proc_on_late, p);
	BUG_IF(!p->link_event || !p->late || event_add(p->link_event, NULL) < 0);
	p->next = m->procs;
	m->procs = p;
	m->proc_count++;
	return p;
}

void master_proc_tell(struct master_proc *proc, enum master_msg type, uint32_t generation, const void *body,
		      size_t len, int fd)
{
	struct ipc_msg msg = {
		.head = { .type = type, .generation = generation },
		.body = body, .body_len = len, .fds = { fd }, .fd_count = fd >= 0,
	};

	if (proc->dead || ipc_send(proc->link, &msg) == 0)
		return;
	/* It has gone, or does not read: the deadline of what it was told ends it. */
	log_debug("[pool %s] pool process %d could not be told %d: %s", proc->spec->name, (int)proc->pid, (int)type,
		  strerror(errno));
}

void master_proc_late(struct master_proc *proc, uint64_t patience_ms)
{
	struct timeval tv = {
		.tv_sec = (time_t)(patience_ms / 1000),
		.tv_usec = (suseconds_t)(patience_ms % 1000 * 1000),
	};

	event_add(proc->late, &tv);
}

static void proc_drain(struct master_proc *proc, enum master_drain_kind kind, uint64_t budget_ms)
{
	struct master_drain drain = { .kind = kind, .budget_ms = budget_ms };

	master_proc_tell(proc, MASTER_DRAIN, 0, &drain, sizeof(drain), -1);
	if (budget_ms > 0)
		master_proc_late(proc, budget_ms + MASTER_GRACE_MS);
}

void master_proc_drain_end(struct master_proc *proc, uint64_t budget_ms)
{
	if (proc->spec->listener->foreign) {    /* what comes from now on waits for who serves the socket next */
		master_proc_drain_replaced(proc, budget_ms);
		return;
	}
	proc->state = MASTER_PROC_ENDING;
	proc_drain(proc, MASTER_DRAIN_END, budget_ms);
}

void master_proc_drain_replaced(struct master_proc *proc, uint64_t budget_ms)
{
	proc->state = MASTER_PROC_REPLACED;
	proc_drain(proc, MASTER_DRAIN_REPLACED, budget_ms);
}

void master_proc_last(struct master_proc *proc)
{
	proc->state = MASTER_PROC_LAST;
	master_proc_tell(proc, MASTER_LAST, 0, NULL, 0, -1);
}

void master_proc_stop(struct master_proc *proc, enum master_proc_state state, uint64_t patience_ms)
{
	proc->state = state;
	master_proc_tell(proc, MASTER_STOP, 0, NULL, 0, -1);
	master_proc_late(proc, patience_ms);
}

void master_proc_log(struct master_proc *proc, enum master_log_file file, int fd)
{
	struct master_log body = { .file = file };

	master_proc_tell(proc, MASTER_LOG, 0, &body, sizeof(body), fd);
}

void master_proc_link_closed(struct master_proc *proc)
{
	event_del(proc->link_event);
	if (!evtimer_pending(proc->late, NULL))
		master_proc_late(proc, LINK_CLOSED_MS);
}

static bool proc_was_told_to_end(const struct master_proc *p)
{
	return p->state >= MASTER_PROC_REPLACED;
}

static void proc_say_dead(const struct master_proc *p, int status)
{
	enum log_level level = LOG_LEVEL_WARNING;
	uint64_t lived_us = clock_us() - p->born_us;
	char how[96];

	if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "on signal %d (SIG%s%s)", WTERMSIG(status),
			 sigabbrev_np(WTERMSIG(status)) ? sigabbrev_np(WTERMSIG(status)) : "?",
			 WCOREDUMP(status) ? " - core dumped" : "");
	else
		snprintf(how, sizeof(how), "with code %d", WEXITSTATUS(status));
	if (proc_was_told_to_end(p) && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		level = LOG_LEVEL_DEBUG;
	log_at(level, "[pool %s] pool process %d exited %s after %llu.%06llu seconds from start", p->spec->name,
	       (int)p->pid, how, (unsigned long long)(lived_us / 1000000), (unsigned long long)(lived_us % 1000000));
}

void master_proc_died(struct master_proc *proc, int status)
{
	struct master *m = proc->m;
	struct master_pool *pool;

	/* READY may still lie in the link: it decides whether this death is one in a row. */
	proc->dead = true;
	master_orders_read(proc);
	proc_say_dead(proc, status);
	master_zygotes_orphan(proc);
	pool = proc->pool;
	if (pool)
		master_pool_proc_died(pool, proc, status);
	m->gone.requests += proc->figures.requests;
	m->gone.slow += proc->figures.slow;
	proc_free(proc);
	master_grants_share_out(m);
	master_notify_heard(m);
	master_end_check(m);
}
