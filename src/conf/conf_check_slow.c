/* conf_check_slow.c -- the checks of a pool's slow log, in php-fpm's words. Runs in the master while it loads. It
 * opens nothing: whether the file can be written is seen when the pool starts. */
#include "src/conf/conf_priv.h"

#define DEPTH_DEFAULT 20                /* also what php-fpm makes of 0 */

static void check_timeout(struct conf_loading *l, struct conf_draft *d, const struct conf_pool *p)
{
	if (!p->slowlog)
		conf_note_key(l, d, CONF_ERROR, "request_slowlog_timeout",
			      "'slowlog' must be specified for use with 'request_slowlog_timeout'");
	if (p->request_terminate_timeout_s > 0 && p->request_slowlog_timeout_s > p->request_terminate_timeout_s)
		conf_note_key(l, d, CONF_ERROR, "request_slowlog_timeout", "'request_slowlog_timeout' (%lld) can't be "
			      "greater than 'request_terminate_timeout' (%lld)",
			      (long long)p->request_slowlog_timeout_s, (long long)p->request_terminate_timeout_s);
}

static void check_depth(struct conf_loading *l, struct conf_draft *d, struct conf_pool *p)
{
	if (p->request_slowlog_trace_depth == 0)
		p->request_slowlog_trace_depth = DEPTH_DEFAULT;
	else if (!p->slowlog && p->request_slowlog_trace_depth != DEPTH_DEFAULT)        /* that is what -tt shows */
		conf_note_key(l, d, CONF_ERROR, "request_slowlog_trace_depth",
			      "'slowlog' must be specified for use with 'request_slowlog_trace_depth'");
	if (p->request_slowlog_trace_depth < 0)
		conf_note_key(l, d, CONF_ERROR, "request_slowlog_trace_depth",
			      "'request_slowlog_trace_depth' (%d) must be a positive value",
			      p->request_slowlog_trace_depth);
}

void conf_check_slow(struct conf_loading *l, struct conf_draft *d)
{
	if (d->pool->request_slowlog_timeout_s > 0)
		check_timeout(l, d, d->pool);
	check_depth(l, d, d->pool);
}
