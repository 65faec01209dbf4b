/* php_log.c -- where PHP's messages go: those of a request to the front end's error log (FCGI_STDERR), and with
 * catch_workers_output to the pool's as well; those of PHP's own start to the pool's. Runs in zygote and child.
 * error_log and syslog stay PHP's business: what they take never comes here. */
#include "sapi/php/php_priv.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include "src/base/mem.h"

static _Atomic unsigned startup_count;

unsigned php_log_startup_count(void)
{
	return startup_count;
}

/* This plug-in's own lines take the same way as PHP's. */
void php_log_sink(void *arg, enum log_level level, const char *text, size_t len)
{
	const struct sapi_host *host = ((struct sapi_ctx *)arg)->host;

	if (host && host->log)
		host->log(level, text, len);
}

/* As php-fpm has it: one text after the other, "; " between them, no line ends. */
static void to_front_end(struct php_slot *slot, const char *head, const char *text, size_t len)
{
	const struct request_ops *ops = slot->req->ops;

	if (!CGI(logging))
		return;
	if (slot->spoken)
		ops->error(slot->req, "; ", 2);
	slot->spoken = true;
	if (*head)
		ops->error(slot->req, head, strlen(head));
	ops->error(slot->req, text, len);
}

static void about_request(enum log_level level, const char *head, const char *text)
{
	struct php_slot *slot = &php_slot;
	char *line;

	to_front_end(slot, head, text, strlen(text));
	if (!php_settings.catch_output)
		return;
	line = xasprintf("request %s: %s%s", slot->req->id, head, text);
	php_log_sink(slot->ctx, level, line, strlen(line));
	free(line);
}

void php_log_message(const char *text, int syslog_level)
{
	enum log_level level = syslog_level <= LOG_ERR ? LOG_LEVEL_ERROR :
			       syslog_level == LOG_WARNING ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE;

	if (php_slot.req) {
		about_request(LOG_LEVEL_NOTICE, "PHP message: ", text);
		return;
	}
	startup_count++;
	if (!php_slot.ctx)
		return;
	php_log_sink(php_slot.ctx, level, text, strlen(text));
	php_missing_explain(text);
}

void php_log_request(enum log_level level, const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (text)
		about_request(level, "", text);
	free(text);
}
