/* php_status.c -- fpm_get_status(), with php-fpm's keys and types. Runs in the child; the host brings the figures. */
#include "sapi/php/php_priv.h"

#include "src/base/status.h"

static void add_text(zval *to, const char *key, const char *text)
{
	add_assoc_string(to, key, *text ? text : "-");
}

static void add_since(zval *to, const struct status *s, uint64_t start_time)
{
	add_assoc_long(to, "start-time", (zend_long)start_time);
	add_assoc_long(to, "start-since", (zend_long)(s->now > start_time ? s->now - start_time : 0));
}

/* What the client asked for, in its two parts. */
static void add_uri(zval *to, const char *uri)
{
	const char *query = strchr(uri, '?');
	size_t len = query ? (size_t)(query - uri) : strlen(uri);

	if (len > 0)
		add_assoc_stringl(to, "request-uri", uri, len);
	else
		add_text(to, "request-uri", "");
	add_assoc_string(to, "query-string", query ? query + 1 : "");
}

static void add_child(zval *list, const struct status *s, const struct status_child *child)
{
	zval to;

	array_init(&to);
	add_assoc_long(&to, "pid", child->pid);
	add_assoc_string(&to, "state", status_state_name(child->state));
	add_since(&to, s, child->start_time);
	add_assoc_long(&to, "requests", (zend_long)child->requests);
	add_assoc_long(&to, "request-duration", (zend_long)child->duration_us);
	add_text(&to, "request-method", child->method);
	add_uri(&to, child->uri);
	add_assoc_long(&to, "request-length", (zend_long)child->content_length);
	add_text(&to, "user", child->user);
	add_text(&to, "script", child->script);
	add_assoc_double(&to, "last-request-cpu", child->last_cpu);
	add_assoc_long(&to, "last-request-memory", (zend_long)child->last_memory);
	add_next_index_zval(list, &to);
}

static void add_pool(zval *to, const struct status *s)
{
	add_assoc_string(to, "pool", s->pool);
	add_assoc_string(to, "process-manager", s->pm);
	add_since(to, s, s->start_time);
	add_assoc_long(to, "accepted-conn", (zend_long)s->accepted);
	add_assoc_long(to, "listen-queue", (zend_long)s->queue);
	add_assoc_long(to, "max-listen-queue", (zend_long)s->queue_max);
	add_assoc_long(to, "listen-queue-len", (zend_long)s->queue_limit);
	add_assoc_long(to, "idle-processes", (zend_long)s->idle);
	add_assoc_long(to, "active-processes", (zend_long)s->active);
	add_assoc_long(to, "total-processes", (zend_long)(s->idle + s->active));
	add_assoc_long(to, "max-active-processes", (zend_long)s->active_max);
	add_assoc_long(to, "max-children-reached", (zend_long)s->max_reached);
	add_assoc_long(to, "slow-requests", (zend_long)s->slow);
}

PHP_FUNCTION(fpm_get_status)
{
	const struct php_slot *slot = &php_slot;
	const struct status *s = NULL;
	zval list;

	ZEND_PARSE_PARAMETERS_NONE();
	if (slot->req && slot->ctx->host->status)
		s = slot->ctx->host->status(slot->req);
	if (!s)
		RETURN_FALSE;
	array_init(return_value);
	add_pool(return_value, s);
	array_init(&list);
	for (uint32_t i = 0; i < s->child_count; i++)
		add_child(&list, s, &s->children[i]);
	add_assoc_zval(return_value, "procs", &list);
}
