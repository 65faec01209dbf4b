/* conf_check_log.c -- the checks of log_limit and access.format, in php-fpm's words. Runs in the master while it
 * loads. */
#include "src/base/mem.h"
#include "src/conf/conf_access.h"
#include "src/conf/conf_priv.h"

#define LOG_LIMIT_MIN 512

void conf_check_log_limit(struct conf_loading *l)
{
	if (l->conf->global.log_limit < LOG_LIMIT_MIN)
		conf_note_key(l, &l->global, CONF_ERROR, "log_limit", "log_limit must be greater than %d", LOG_LIMIT_MIN);
}

void conf_check_access(struct conf_loading *l, struct conf_draft *d)
{
	struct conf_access access;
	struct err why;

	if (!d->pool->access_log)
		return;
	if (!d->pool->access_format)
		d->pool->access_format = xstrdup(CONF_ACCESS_DEFAULT);
	if (conf_access_parse(d->pool->access_format, &access, &why) == 0)
		conf_access_free(&access);
	else
		conf_note_key(l, d, CONF_ERROR, "access.format", "wrong format for access.format '%s': %s",
			      d->pool->access_format, why.text);
}
