/* conf_check_mpm.c -- checks the keys of the multi-processing model, and fills in what follows from them. Runs in the
 * master after all files are read. All that the plan counts is in slots: a slot is a thread of a child, so under
 * prefork, where a child has one, threads and children are the same number. */
#include "src/base/mem.h"
#include "src/conf/conf_priv.h"

#define THREADS_DEFAULT 25

static void check_threads(struct conf_loading *l, struct conf_draft *d)
{
	struct conf_pool *p = d->pool;
	bool given = conf_is_given(d, "mpm.threads_per_child");

	if (given && p->threads_per_child < 1)
		conf_note_key(l, d, CONF_ERROR, "mpm.threads_per_child",
			      "mpm.threads_per_child must be a positive value");
	if (p->mpm == CONF_MPM_PREFORK && given && p->threads_per_child > 1)
		conf_note_key(l, d, CONF_ERROR, "mpm.threads_per_child", "mpm.threads_per_child = %d: under mpm = "
			      "prefork a child has one thread; set mpm = worker or event, or remove the line",
			      p->threads_per_child);
	if (p->threads_per_child < 1)
		p->threads_per_child = p->mpm == CONF_MPM_WORKER ? THREADS_DEFAULT : 1;
}

/* As Apache's MaxRequestWorkers beside ServerLimit: it can lower the number of children, not raise it. */
static void check_workers(struct conf_loading *l, struct conf_draft *d)
{
	struct conf_pool *p = d->pool;
	int64_t most = (int64_t)p->max_children * p->threads_per_child;
	int children = p->max_request_workers / p->threads_per_child;

	if (p->max_children < 1 || p->max_request_workers == 0)
		return;
	if (p->max_request_workers > most) {
		conf_note_key(l, d, CONF_ERROR, "mpm.max_request_workers", "mpm.max_request_workers(%d) cannot be "
			      "greater than pm.max_children(%d) times mpm.threads_per_child(%d): raise one of those",
			      p->max_request_workers, p->max_children, p->threads_per_child);
		return;
	}
	if (children < 1) {
		conf_note_key(l, d, CONF_ERROR, "mpm.max_request_workers", "mpm.max_request_workers(%d) is not even "
			      "one child of mpm.threads_per_child(%d)", p->max_request_workers, p->threads_per_child);
		return;
	}
	if (p->max_request_workers % p->threads_per_child)
		conf_note_key(l, d, CONF_WARNING, "mpm.max_request_workers", "mpm.max_request_workers(%d) is no "
			      "multiple of mpm.threads_per_child(%d): it's been set to %d, for %d whole children",
			      p->max_request_workers, p->threads_per_child, children * p->threads_per_child, children);
	p->max_request_workers = children * p->threads_per_child;
	p->max_children = children;
}

static void check_slots(struct conf_loading *l, struct conf_draft *d)
{
	const struct conf_pool *p = d->pool;

	if (p->max_children >= 1 && (int64_t)p->max_children * p->threads_per_child > CONF_SLOTS_MAX)
		conf_note_key(l, d, CONF_ERROR, "pm.max_children", "pm.max_children(%d) times mpm.threads_per_child(%d) "
			      "cannot be greater than %d: lower one of those", p->max_children, p->threads_per_child,
			      CONF_SLOTS_MAX);
}

static bool spare_keys_fit(struct conf_loading *l, struct conf_draft *d)
{
	const struct conf_pool *p = d->pool;
	bool fit = false;

	if (p->mpm == CONF_MPM_PREFORK)
		conf_note_key(l, d, CONF_ERROR, "mpm.min_spare_threads", "mpm.min_spare_threads and "
			      "mpm.max_spare_threads are for mpm = worker and event: under prefork use pm.min_spare_servers and "
			      "pm.max_spare_servers");
	else if (conf_is_given(d, "pm.min_spare_servers") || conf_is_given(d, "pm.max_spare_servers"))
		conf_note_key(l, d, CONF_ERROR, "mpm.min_spare_threads", "give either mpm.min_spare_threads and "
			      "mpm.max_spare_threads, or pm.min_spare_servers and pm.max_spare_servers: one counts "
			      "threads, the other children");
	else if (p->min_spare_threads < 1)
		conf_note_key(l, d, CONF_ERROR, "mpm.min_spare_threads",
			      "mpm.min_spare_threads(%d) must be a positive value", p->min_spare_threads);
	else if (p->min_spare_threads > conf_pool_slots(p))
		conf_note_key(l, d, CONF_ERROR, "mpm.min_spare_threads", "mpm.min_spare_threads(%d) cannot be "
			      "greater than all threads of all children(%d)", p->min_spare_threads,
			      conf_pool_slots(p));
	else
		fit = true;
	return fit;
}

/* With less than a child's threads between them, one child would be started and retired for ever. */
static void check_spare_threads(struct conf_loading *l, struct conf_draft *d)
{
	struct conf_pool *p = d->pool;
	int least = p->min_spare_threads + p->threads_per_child;
	int first = (p->min_spare_threads + p->threads_per_child - 1) / p->threads_per_child;

	if (!spare_keys_fit(l, d))
		return;
	if (p->max_spare_threads < least) {
		conf_note_key(l, d, CONF_WARNING, "mpm.max_spare_threads", "mpm.max_spare_threads(%d) must be at least "
			      "mpm.min_spare_threads(%d) plus mpm.threads_per_child(%d): it's been set to %d",
			      p->max_spare_threads, p->min_spare_threads, p->threads_per_child, least);
		p->max_spare_threads = least;
	}
	if (conf_is_bad(d, "pm.start_servers"))
		return;
	if (p->start_servers <= 0)
		p->start_servers = first;
	else if (p->start_servers > p->max_children)
		conf_note_key(l, d, CONF_ERROR, "pm.start_servers", "pm.start_servers(%d) must not be greater than "
			      "pm.max_children(%d)", p->start_servers, p->max_children);
}

bool conf_check_mpm(struct conf_loading *l, struct conf_draft *d)
{
	const struct conf_pool *p = d->pool;

	check_threads(l, d);
	check_workers(l, d);
	check_slots(l, d);
	if (p->min_spare_threads == 0 && p->max_spare_threads == 0)
		return true;
	check_spare_threads(l, d);
	return false;
}
