/* master_grants.c -- process.max. Master only. Pool processes ask before births; the sum of what they may have never
 * exceeds the limit. Processes that a reload replaces do not count: else the new ones could wait for them for ever. */
#include "src/master/master_grants.h"

#include <stdlib.h>
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/master/master_priv.h"

static struct master_grant *grants_poorest(struct master_grant *const *all, size_t count)
{
	struct master_grant *poorest = NULL;

	for (size_t i = 0; i < count; i++)
		if (all[i]->want > all[i]->has && (!poorest || all[i]->has < poorest->has))
			poorest = all[i];
	return poorest;
}

bool master_grants_share(struct master_grant *const *all, size_t count, uint32_t most)
{
	struct master_grant *next = grants_poorest(all, count);
	uint64_t used = 0;

	for (size_t i = 0; i < count; i++)
		used += all[i]->has;
	for (; next && used < most; used++) {
		next->has++;
		next = grants_poorest(all, count);
	}
	return next;
}

static void grants_say_reached(struct master *m)
{
	uint64_t now_ms = clock_ms();
	bool news = m->grants_short_ms == 0 || now_ms - m->grants_short_ms >= MASTER_GRANTS_CALM_MS;

	m->grants_short_ms = now_ms;
	if (news)
		log_warning("The maximum number of processes has been reached. Please review your configuration and "
			    "consider raising 'process.max'");
}

static bool grants_count(const struct master_proc *p)
{
	return p->pool && p->pool->proc == p && !p->dead;
}

static void grants_tell(struct master_proc *p)
{
	struct master_wish said = { .seq = p->grant.seq, .count = p->grant.has };

	master_proc_tell(p, MASTER_GRANT, 0, &said, sizeof(said), -1);
}

/* answer: told in any case, for its wish; NULL: nobody asked. */
static void grants_share_out(struct master *m, const struct master_proc *answer)
{
	struct master_proc **who = xcalloc(m->proc_count + 1, sizeof(*who));
	struct master_grant **all = xcalloc(m->proc_count + 1, sizeof(*all));
	uint32_t *before = xcalloc(m->proc_count + 1, sizeof(*before));
	size_t count = 0;

	for (struct master_proc *p = m->procs; p; p = p->next) {
		if (!grants_count(p))
			continue;
		who[count] = p;
		before[count] = p->grant.has;
		all[count++] = &p->grant;
	}
	if (master_grants_share(all, count, (uint32_t)m->conf->global.process_max))
		grants_say_reached(m);
	for (size_t i = 0; i < count; i++)
		if (who[i]->grant.has != before[i] || who[i] == answer)
			grants_tell(who[i]);
	free(who);
	free(all);
	free(before);
}

void master_grants_wanted(struct master_proc *proc, uint32_t seq, uint32_t count)
{
	proc->grant.seq = seq;
	proc->grant.want = count;
	if (proc->grant.has > count)
		proc->grant.has = count;
	/* Without a limit nobody asks, but for a process that has not heard of the reload that took it away. */
	if (proc->m->conf->global.process_max == 0 || !grants_count(proc)) {
		proc->grant.has = count;
		grants_tell(proc);
		return;
	}
	grants_share_out(proc->m, proc);
	/* Its application is loaded, and it has to wait for others: no start or reload waits for that. */
	if (count > 0 && proc->grant.has == 0 && proc->state == MASTER_PROC_STARTING)
		master_pool_ready(proc->pool);
}

void master_grants_share_out(struct master *m)
{
	if (m->conf && m->conf->global.process_max > 0 && !master_is_ending(m))
		grants_share_out(m, NULL);
}
