/* conf_check_pages.c -- checks of the keys for what a pool tells about itself: status and ping pages, slow log; and of
 * the server's own limits. Runs in the master while it loads; php-fpm's words, as it has these checks. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "src/base/mem.h"
#include "src/conf/conf_priv.h"

#define LOG_LIMIT_MIN 512
#define ACCESS_FORMAT "%R - %u %t \"%m %r\" %s"
#define TRACE_DEPTH 20                  /* where the file says 0 */

/* what: "ping" or "status", as php-fpm's errors name it. */
static void check_page(struct conf_loading *l, struct conf_draft *d, const char *key, const char *what,
		       const char *path, size_t least)
{
	const char *c = path;

	if (!path)
		return;
	while (isalnum((unsigned char)*c) || (*c && strchr("/_-.~", *c)))
		c++;
	if (*path != '/')
		conf_note_key(l, d, CONF_ERROR, key, "the %s path '%s' must start with a '/'", what, path);
	else if (strlen(path) < least)
		conf_note_key(l, d, CONF_ERROR, key, "the %s path '%s' is not long enough", what, path);
	else if (*c)
		conf_note_key(l, d, CONF_ERROR, key, "the %s path '%s' must contain only the following characters "
			      "'[alphanum]/_-.~'", what, path);
}

static void check_slow(struct conf_loading *l, struct conf_draft *d)
{
	struct conf_pool *p = d->pool;
	int64_t slow = p->request_slowlog_timeout_s, end = p->request_terminate_timeout_s;

	if (slow > 0 && !p->slowlog)
		conf_note_key(l, d, CONF_ERROR, "request_slowlog_timeout",
			      "'slowlog' must be specified for use with 'request_slowlog_timeout'");
	if (slow > 0 && end > 0 && slow > end)
		conf_note_key(l, d, CONF_ERROR, "request_slowlog_timeout", "'request_slowlog_timeout' (%lld) can't be "
			      "greater than 'request_terminate_timeout' (%lld)", (long long)slow, (long long)end);
	if (p->request_slowlog_trace_depth < 0)
		conf_note_key(l, d, CONF_ERROR, "request_slowlog_trace_depth",
			      "'request_slowlog_trace_depth' (%d) must be a positive value",
			      p->request_slowlog_trace_depth);
	if (p->request_slowlog_trace_depth == 0)
		p->request_slowlog_trace_depth = TRACE_DEPTH;
}

void conf_check_pages(struct conf_loading *l, struct conf_draft *d)
{
	struct conf_pool *p = d->pool;

	if (p->access_log && !p->access_format)
		p->access_format = xstrdup(ACCESS_FORMAT);
	/* An address of its own has no application's URIs beside it: "/" will do. */
	check_page(l, d, "pm.status_path", "status", p->status_path, p->status_listen ? 1 : 2);
	check_page(l, d, "ping.path", "ping", p->ping_path, 2);
	if (p->ping_path && !p->ping_response && conf_is_given(d, "ping.response"))
		conf_note_key(l, d, CONF_ERROR, "ping.response", "the ping response page '' is not long enough");
	check_slow(l, d);
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

void conf_check_limits(struct conf_loading *l)
{
	struct conf_global *g = &l->conf->global;

	if (g->log_limit < LOG_LIMIT_MIN)
		conf_note_key(l, &l->global, CONF_ERROR, "log_limit", "log_limit must be greater than %d",
			      LOG_LIMIT_MIN);
	if (g->process_max < 0)
		conf_note_key(l, &l->global, CONF_ERROR, "process.max", "process_max can't be negative");
	check_mechanism(l, &g->events_mechanism);
}
