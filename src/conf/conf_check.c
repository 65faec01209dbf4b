/* conf_check.c -- the checks that look at a whole section, and those over all sections. Runs in the master
 * after all files are read. It says everything at once and stops at nothing; php-fpm's words where php-fpm
 * has the check. */
#include <string.h>
#include "src/base/mem.h"
#include "src/conf/conf_priv.h"

#define PRIORITY_MIN (-19)
#define PRIORITY_MAX 20
#define ACCESS_FORMAT "%R - %u %t \"%m %r\" %s"

static void check_priority(struct conf_loading *l, struct conf_draft *d, int priority)
{
	if (priority != CONF_PRIORITY_UNSET && (priority < PRIORITY_MIN || priority > PRIORITY_MAX))
		conf_note_key(l, d, CONF_ERROR, "process.priority",
			      "process.priority must be included into [%d,%d]",
			      PRIORITY_MIN, PRIORITY_MAX);
}

static void check_spare(struct conf_loading *l, struct conf_draft *d)
{
	const struct conf_pool *p = d->pool;

	if (p->min_spare_servers <= 0)
		conf_note_key(l, d, CONF_ERROR, "pm.min_spare_servers",
			      "pm.min_spare_servers(%d) must be a positive value", p->min_spare_servers);
	if (p->max_spare_servers <= 0)
		conf_note_key(l, d, CONF_ERROR, "pm.max_spare_servers",
			      "pm.max_spare_servers(%d) must be a positive value", p->max_spare_servers);
	if (p->max_spawn_rate < 1)
		conf_note_key(l, d, CONF_ERROR, "pm.max_spawn_rate",
			      "pm.max_spawn_rate must be a positive value");
	if (p->min_spare_servers <= 0 || p->max_spare_servers <= 0)
		return;
	if (p->max_children > 0 &&
	    (p->min_spare_servers > p->max_children || p->max_spare_servers > p->max_children))
		conf_note_key(l, d, CONF_ERROR, "pm.max_spare_servers", "pm.min_spare_servers(%d) and "
			      "pm.max_spare_servers(%d) cannot be greater than pm.max_children(%d)",
			      p->min_spare_servers, p->max_spare_servers, p->max_children);
	if (p->max_spare_servers < p->min_spare_servers)
		conf_note_key(l, d, CONF_ERROR, "pm.max_spare_servers",
			      "pm.max_spare_servers(%d) must not be less than "
			      "pm.min_spare_servers(%d)", p->max_spare_servers, p->min_spare_servers);
}

static void check_start_servers(struct conf_loading *l, struct conf_draft *d)
{
	struct conf_pool *p = d->pool;
	bool spare_good = p->min_spare_servers > 0 && p->max_spare_servers >= p->min_spare_servers;

	if (!spare_good || conf_is_bad(d, "pm.start_servers"))
		return;
	if (p->start_servers <= 0) {
		p->start_servers = p->min_spare_servers + (p->max_spare_servers - p->min_spare_servers) / 2;
		conf_note_pool(l, d, CONF_NOTICE, "pm.start_servers is not set. It's been set to %d.",
			       p->start_servers);
	} else if (p->start_servers < p->min_spare_servers || p->start_servers > p->max_spare_servers) {
		conf_note_key(l, d, CONF_ERROR, "pm.start_servers", "pm.start_servers(%d) must not be less "
			      "than pm.min_spare_servers(%d) and not greater than pm.max_spare_servers(%d)",
			      p->start_servers, p->min_spare_servers, p->max_spare_servers);
	}
}

static void check_pm(struct conf_loading *l, struct conf_draft *d)
{
	const struct conf_pool *p = d->pool;

	if (p->pm == CONF_PM_UNSET)
		conf_note_key(l, d, CONF_ERROR, "pm",
			      "the process manager is missing (static, dynamic or ondemand)");
	if (p->max_children < 1)
		conf_note_key(l, d, CONF_ERROR, "pm.max_children",
			      "pm.max_children must be a positive value");
	if (conf_check_mpm(l, d) && p->pm == CONF_PM_DYNAMIC) {
		check_spare(l, d);
		check_start_servers(l, d);
	}
	if (p->pm == CONF_PM_ONDEMAND && p->process_idle_timeout_s < 1)
		conf_note_key(l, d, CONF_ERROR, "pm.process_idle_timeout",
			      "pm.process_idle_timeout(%llds) must be greater than 0s",
			      (long long)p->process_idle_timeout_s);
}

/* The format that holds is shown by -tt where there is a log, as php-fpm does. */
static void fill_access_format(struct conf_pool *p)
{
	if (p->access_log && !p->access_format)
		p->access_format = xstrdup(ACCESS_FORMAT);
}

static void check_max_requests(struct conf_loading *l, struct conf_draft *d)
{
	const struct conf_pool *p = d->pool;

	if (p->max_requests_jitter > 0 && p->max_requests_jitter >= p->max_requests)
		conf_note_key(l, d, CONF_ERROR, "pm.max_requests_jitter", "pm.max_requests_jitter(%lld) must be less "
			      "than pm.max_requests(%lld)", (long long)p->max_requests_jitter,
			      (long long)p->max_requests);
}

static void check_extensions(struct conf_loading *l, struct conf_draft *d)
{
	if (strchr(d->pool->limit_extensions, ','))
		conf_note_key(l, d, CONF_WARNING, "security.limit_extensions", "security.limit_extensions = "
			      "%s: blanks, not commas, separate extensions, so this is one that no file has",
			      d->pool->limit_extensions);
}

static void check_pool(struct conf_loading *l, struct conf_draft *d)
{
	conf_pairs_settle(&d->pool->env);
	conf_pairs_settle(&d->pool->sapi_values);
	conf_pairs_settle(&d->pool->access_suppress_path);
	check_priority(l, d, d->pool->process_priority);
	conf_check_owner(l, d);
	conf_check_acl(l, d);
	conf_check_listen_owner(l, d);
	conf_check_paths(l, d);
	conf_check_listen(l, d);
	conf_check_status(l, d);
	check_pm(l, d);
	conf_check_event(l, d);
	conf_check_slow(l, d);
	check_max_requests(l, d);
	fill_access_format(d->pool);
	conf_check_sapi(l, d);
	check_extensions(l, d);
	conf_check_access(l, d);
}

void conf_check(struct conf_loading *l)
{
	const struct conf *c = l->conf;

	check_priority(l, &l->global, c->global.process_priority);
	conf_check_log_limit(l);
	conf_check_global(l);
	conf_check_paths(l, &l->global);
	conf_check_pool_process_user(l);
	for (size_t i = 0; i < c->pool_count; i++)
		check_pool(l, &l->pools[i]);
	conf_check_listen_twice(l);
	if (!c->pool_count)
		conf_notes_add(l->notes, CONF_ERROR, "[%s] No pool defined. at least one pool section must "
			       "be specified in config file", c->file);
}
