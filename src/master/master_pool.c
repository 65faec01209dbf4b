/* master_pool.c -- the state of each pool as the master sees it: at rest, running, waiting after deaths, closed.
 * Master only. A pool never touches another one: what goes wrong here costs this pool alone, and never a busy loop. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/master/master_priv.h"

struct master_pool *master_pool_new(struct master *m, struct master_spec *spec)
{
	struct master_pool *pool = xcalloc(1, sizeof(*pool));

	pool->m = m;
	pool->spec = master_spec_hold(spec);
	pool->totals.start_s = clock_wall_us() / 1000000;
	pool->state = MASTER_POOL_CLOSED;
	return pool;
}

void master_pool_free(struct master_pool **pool)
{
	struct master_pool *gone = *pool;

	*pool = NULL;
	if (!gone)
		return;
	master_pool_unwatch(gone);
	master_spec_drop(gone->m, &gone->spec);
	free(gone);
}

void master_pool_unwatch(struct master_pool *pool)
{
	if (pool->wake)
		event_free(pool->wake);
	pool->wake = NULL;
	if (pool->wake_status)
		event_free(pool->wake_status);
	pool->wake_status = NULL;
}

void master_pool_answered(struct master_pool *pool)
{
	struct master *m = pool->m;

	if (pool->answered)
		return;
	pool->answered = true;
	BUG_IF(m->unanswered == 0);
	if (--m->unanswered == 0)
		master_round_over(m);
}

static void pool_on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct master_pool *pool = arg;

	(void)fd;
	(void)what;
	if (pool->state == MASTER_POOL_WAITING && pool->spec->ondemand)
		master_pool_rest(pool);
	else
		master_pool_start(pool);
}

void master_pool_rest(struct master_pool *pool)
{
	master_pool_unwatch(pool);
	pool->state = MASTER_POOL_AT_REST;
	pool->wake = event_new(pool->m->base, pool->spec->listener->fd, EV_READ, pool_on_wake, pool);
	BUG_IF(!pool->wake || event_add(pool->wake, NULL) < 0);
	if (pool->spec->status) {
		pool->wake_status = event_new(pool->m->base, pool->spec->status->fd, EV_READ, pool_on_wake, pool);
		BUG_IF(!pool->wake_status || event_add(pool->wake_status, NULL) < 0);
	}
	master_pool_answered(pool);
}

static void pool_wait(struct master_pool *pool)
{
	uint64_t wait_ms = pool_backoff_wait_ms(&pool->backoff, clock_ms());
	struct timeval tv = {
		.tv_sec = (time_t)(wait_ms / 1000),
		.tv_usec = (suseconds_t)(wait_ms % 1000 * 1000),
	};

	master_pool_unwatch(pool);
	pool->state = MASTER_POOL_WAITING;
	pool->wake = evtimer_new(pool->m->base, pool_on_wake, pool);
	BUG_IF(!pool->wake || evtimer_add(pool->wake, &tv) < 0);
}

/* One try has failed; the next one comes with the timer. */
static void pool_failed_once(struct master_pool *pool, bool served, bool sigkill)
{
	enum pool_backoff_news news;

	if (master_is_ending(pool->m)) {
		master_pool_close(pool);
		return;
	}
	news = pool_backoff_died(&pool->backoff, clock_ms(), served, sigkill);
	pool_wait(pool);
	if (news == POOL_BACKOFF_FAILING && !pool->start_failed)
		log_error("[pool %s] its pool process dies at once, again and again: the next tries come with growing "
			  "delays, up to 10 seconds", pool->spec->name);
	master_pool_answered(pool);
}

/* What a reload brought does not work: back to what served before. */
static void pool_fall_back(struct master_pool *pool)
{
	struct master *m = pool->m;

	if (!master_is_ending(m))
		log_error("[pool %s] the new configuration did not become ready: pool process %d goes on serving with "
			  "the old one", pool->spec->name, (int)pool->standby->pid);
	master_pool_unwatch(pool);
	master_spec_drop(m, &pool->spec);
	pool->spec = master_spec_hold(pool->standby->spec);
	pool->proc = pool->standby;
	pool->standby = NULL;
	pool->state = MASTER_POOL_RUNNING;
	master_pool_answered(pool);
}

void master_pool_start(struct master_pool *pool)
{
	struct err err;

	master_pool_unwatch(pool);
	pool->proc = master_proc_start(pool, &err);
	if (pool->proc) {
		pool->state = MASTER_POOL_RUNNING;
		pool->start_failed = false;
		log_at(pool->backoff.deaths ? LOG_LEVEL_NOTICE : LOG_LEVEL_DEBUG, "[pool %s] pool process %d started",
		       pool->spec->name, (int)pool->proc->pid);
		return;
	}
	if (!pool->start_failed)
		log_error("[pool %s] %s; trying again", pool->spec->name, err.text);
	pool->start_failed = true;
	if (pool->standby)
		pool_fall_back(pool);
	else
		pool_failed_once(pool, false, false);
}

static void pool_unlink(struct master_pool *pool)
{
	master_listen_unlink(pool->spec->listener);
	if (pool->spec->status)
		master_listen_unlink(pool->spec->status);
}

void master_pool_close(struct master_pool *pool)
{
	master_pool_unwatch(pool);
	pool->state = MASTER_POOL_CLOSED;
	pool_unlink(pool);
}

/* The new process serves: the old one may go. */
static void pool_relieve(struct master_pool *pool)
{
	struct master_proc *old = pool->standby;
	struct master *m = pool->m;
	int64_t bound_s = m->conf->global.process_control_timeout_s;
	uint64_t budget_ms = bound_s > 0 ? (uint64_t)bound_s * 1000 : 0;

	pool->standby = NULL;
	if (!old)
		return;
	old->pool = NULL;
	if (old->state == MASTER_PROC_RESTING)
		return;
	if (old->spec->listener == pool->spec->listener)
		master_proc_drain_replaced(old, budget_ms);
	else
		master_proc_drain_end(old, budget_ms);
}

void master_pool_ready(struct master_pool *pool)
{
	if (pool_backoff_ok(&pool->backoff) == POOL_BACKOFF_WELL)
		log_notice("[pool %s] its pool process is well again", pool->spec->name);
	pool->cannot_load = false;
	pool_relieve(pool);
	master_pool_answered(pool);
}

void master_pool_failing(struct master_pool *pool, bool cannot_load)
{
	pool->cannot_load = cannot_load;
	if (pool->standby) {
		struct master_proc *failed = pool->proc;

		failed->pool = NULL;
		pool_fall_back(pool);
		master_proc_stop(failed, MASTER_PROC_STOPPING, MASTER_STOP_MS);
	}
	master_pool_answered(pool);
}

/* The old one ended before the new one was ready. */
static bool pool_lost_standby(struct master_pool *pool, const struct master_proc *proc)
{
	if (pool->standby != proc)
		return false;
	pool->standby = NULL;
	return true;
}

/* Nothing runs. Whoever connected before the path went is served all the same; at a foreign socket by the next
 * server. */
static void pool_end_rest(struct master_pool *pool, uint64_t budget_ms)
{
	const struct master_listener *l = pool->spec->listener;

	pool_unlink(pool);
	if (pool->m->phase == MASTER_ENDING && !l->foreign && master_listen_waiting(l)) {
		master_pool_start(pool);
		if (pool->proc)
			master_proc_drain_end(pool->proc, budget_ms);
		return;
	}
	master_pool_close(pool);
}

/* In a reload: what is not ready yet is given up, and the old one drains. */
void master_pool_end(struct master_pool *pool, uint64_t budget_ms)
{
	if (pool->standby)
		master_pool_failing(pool, false);
	if (pool->state == MASTER_POOL_AT_REST)
		pool_end_rest(pool, budget_ms);
	else if (pool->state != MASTER_POOL_RUNNING)
		master_pool_close(pool);
	else if (pool->proc->state != MASTER_PROC_RESTING)
		master_proc_drain_end(pool->proc, budget_ms);
}

static void pool_after_rest(struct master_pool *pool)
{
	if (!master_is_ending(pool->m))
		master_pool_rest(pool);
	else
		pool_end_rest(pool, pool->m->budget_ms);
}

void master_pool_proc_died(struct master_pool *pool, struct master_proc *proc, int status)
{
	bool sigkill = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;

	if (pool_lost_standby(pool, proc))
		return;
	BUG_IF(pool->proc != proc);
	pool->proc = NULL;
	if (proc->state == MASTER_PROC_RESTING)
		pool_after_rest(pool);
	else if (master_is_ending(pool->m))
		master_pool_close(pool);
	else if (pool->standby)
		pool_fall_back(pool);
	else
		pool_failed_once(pool, proc->was_ready, sigkill);
}
