/* master_end.c -- the end: drain, then nothing left. Master only.
 * A drain gives each pool the same time; what has not ended some seconds past it is killed, so the end always comes. */
#include <signal.h>
#include "src/base/log.h"
#include "src/master/master_notify.h"
#include "src/master/master_priv.h"

#define END_GIVE_UP_MS 5000             /* what SIGKILL does not end in this time is left to the kernel */

bool master_is_ending(const struct master *m)
{
	return m->phase == MASTER_ENDING || m->phase == MASTER_STOPPING;
}

static void end_deadline(struct master *m, uint64_t ms)
{
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	event_add(m->deadline, &tv);
}

/* Processes that no pool has any more: replaced by a reload, or of a section that is gone. */
static void end_poolless(struct master *m, uint64_t budget_ms)
{
	for (struct master_proc *p = m->procs; p; p = p->next) {
		if (p->pool)
			continue;
		if (p->state == MASTER_PROC_REPLACED)
			master_proc_drain_replaced(p, budget_ms);
		else if (p->state == MASTER_PROC_ENDING)
			master_proc_drain_end(p, budget_ms);
		else if (p->state == MASTER_PROC_LAST)
			master_proc_late(p, budget_ms + MASTER_GRACE_MS);
	}
}

void master_end(struct master *m)
{
	int64_t bound_s = m->conf->global.process_control_timeout_s;

	if (master_is_ending(m))
		return;
	if (bound_s == 0) {             /* explicitly: as php-fpm, which then waits for nothing */
		master_stop(m);
		return;
	}
	m->phase = MASTER_ENDING;
	m->budget_ms = bound_s > 0 ? (uint64_t)bound_s * 1000 : MASTER_END_MS;
	master_notify_stopping(m, m->budget_ms + MASTER_GRACE_MS + END_GIVE_UP_MS);
	end_deadline(m, m->budget_ms + MASTER_GRACE_MS);
	end_poolless(m, m->budget_ms);
	for (size_t i = 0; i < m->pool_count; i++)
		master_pool_end(m->pools[i], m->budget_ms);
	master_end_check(m);
}

void master_stop(struct master *m)
{
	if (m->phase == MASTER_STOPPING)
		return;
	if (m->phase != MASTER_ENDING)
		master_notify_stopping(m, MASTER_STOP_MS + END_GIVE_UP_MS);
	m->phase = MASTER_STOPPING;
	end_deadline(m, MASTER_STOP_MS);
	for (struct master_proc *p = m->procs; p; p = p->next)
		master_proc_stop(p, MASTER_PROC_STOPPING, MASTER_STOP_MS);
	for (size_t i = 0; i < m->pool_count; i++)
		if (m->pools[i]->state != MASTER_POOL_RUNNING)
			master_pool_close(m->pools[i]);
	master_end_check(m);
}

void master_end_check(struct master *m)
{
	if (!master_is_ending(m) || m->procs || m->zygotes)
		return;
	if (master_kin_left(m)) {
		if (m->killed)
			master_kill_left(m);
		return;                 /* the next death comes back to here, or the deadline does */
	}
	event_base_loopbreak(m->base);
}

void master_end_deadline(struct master *m)
{
	if (m->killed) {
		log_warning("processes are left that SIGKILL does not end");
		event_base_loopbreak(m->base);
		return;
	}
	m->killed = true;
	for (struct master_proc *p = m->procs; p; p = p->next)
		kill(p->pid, SIGKILL);
	for (struct master_zygote *z = m->zygotes; z; z = z->next)
		kill(z->pid, SIGKILL);
	master_kill_left(m);
	end_deadline(m, END_GIVE_UP_MS);
	master_end_check(m);
}
