/* conf_check_limits.c -- checks of the server's own limits, and of a pool's that belong together; fills in what -tt
 * then shows. Runs in the master while it loads; php-fpm's words where php-fpm has the check. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "src/base/mem.h"
#include "src/conf/conf_priv.h"

#define LOG_LIMIT_MIN 512
#define ACCESS_FORMAT "%R - %u %t \"%m %r\" %s"

void conf_check_limits(struct conf_loading *l, struct conf_draft *d)
{
	struct conf_pool *p = d->pool;

	if (p->access_log && !p->access_format)
		p->access_format = xstrdup(ACCESS_FORMAT);
	if (p->max_requests_jitter && p->max_requests_jitter >= p->max_requests)
		conf_note_key(l, d, CONF_ERROR, "pm.max_requests_jitter",
			      "pm.max_requests_jitter(%lld) must be less than pm.max_requests(%lld)",
			      (long long)p->max_requests_jitter, (long long)p->max_requests);
}

/* Known names in any case; unset, the one that holds is filled in. */
static void check_mechanism(struct conf_loading *l, char **name)
{
	static const char *const known[] = { "epoll", "poll", "select" };
	const char *wanted = *name ? *name : conf_is_given(&l->global, "events.mechanism") ? "" : known[0];
	char *found = NULL;

	for (size_t i = 0; i < ARRAY_LEN(known) && !found; i++)
		if (!strcasecmp(known[i], wanted))
			found = xstrdup(known[i]);
	if (!found) {
		conf_note_key(l, &l->global, CONF_ERROR, "events.mechanism",
			      "event mechanism '%s' is not available on this system", wanted);
		return;
	}
	free(*name);
	*name = found;
}

void conf_check_global_limits(struct conf_loading *l)
{
	struct conf_global *g = &l->conf->global;

	if (g->log_limit < LOG_LIMIT_MIN)
		conf_note_key(l, &l->global, CONF_ERROR, "log_limit", "log_limit must be greater than %d",
			      LOG_LIMIT_MIN);
	if (g->process_max < 0)
		conf_note_key(l, &l->global, CONF_ERROR, "process.max", "process_max can't be negative");
	check_mechanism(l, &g->events_mechanism);
}
