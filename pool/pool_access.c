/* pool_access.c -- runs in a pool process: the access log. Children send their lines here, so that none can write
 * another's; what could forge a second line is shown as \xNN. A reader that does not read never stops the pool: lines
 * wait in memory up to a limit, then they are dropped and counted. */
#include "pool/pool_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "mpm/access_line.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/base/mem.h"

#define WAITING_MOST (1024 * 1024)      /* bytes */
#define AGAIN_MS     10
#define END_WAIT_MS  200                /* at the end, for a reader that is slow */

static void drop(struct pool *p, const char *why)
{
	struct pool_access *a = &p->access;

	a->dropped++;
	a->dropped_all++;
	if (a->failing)
		return;
	a->failing = true;
	log_warning("access.log %s: %s; lines are dropped until it can be written", p->conf->access_log, why);
}

static void written(struct pool *p)
{
	struct pool_access *a = &p->access;

	if (!a->failing)
		return;
	a->failing = false;
	log_notice("access.log %s can be written again: %llu lines were dropped", p->conf->access_log,
	    (unsigned long long)a->dropped);
	a->dropped = 0;
}

/* False: there is no room for it. */
static bool write_line(struct pool *p, const uint8_t *line, size_t len, int wait_ms)
{
	switch (fd_line_write(&p->access.to, line, len, wait_ms)) {
	case FD_LINE_FULL:
		return false;
	case FD_LINE_FAILED:
		drop(p, strerror(errno));
		return true;
	case FD_LINE_WRITTEN:
		written(p);
	}
	return true;
}

static void again_later(struct pool *p)
{
	const struct timeval soon = { .tv_usec = AGAIN_MS * 1000 };

	event_add(p->access.again, &soon);
}

/* Write what waits, line by line. */
static void flush(struct pool *p, int wait_ms)
{
	struct buf *waiting = &p->access.waiting;
	size_t done = 0;

	while (done < waiting->len) {
		const uint8_t *start = waiting->data + done, *end = memchr(start, '\n', waiting->len - done);
		size_t len = (size_t)(end - start) + 1;

		if (!write_line(p, start, len, wait_ms))
			break;
		done += len;
	}
	buf_drop_front(waiting, done);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	struct pool *p = arg;

	(void)fd;
	(void)what;
	flush(p, 0);
	if (p->access.waiting.len > 0)
		again_later(p);
	else
		buf_free(&p->access.waiting);
}

void pool_access_init(struct pool *p)
{
	struct pool_access *a = &p->access;
	struct err err;

	a->on = p->conf->access_log != NULL;
	if (!a->on)
		return;
	BUG_IF(conf_access_parse(p->conf->access_format, &a->format, &err) < 0);
	fd_line_set(&a->to, SPAWN_FD_ACCESS);
	a->again = evtimer_new(p->base, on_again, p);
}

void pool_access_reopened(struct pool *p)
{
	if (!p->access.on)
		return;
	fd_line_set(&p->access.to, SPAWN_FD_ACCESS);
	flush(p, 0);
}

void pool_access_put(struct pool *p, const char *text, size_t len)
{
	struct buf *waiting = &p->access.waiting;
	size_t had = waiting->len;
	char *end;

	if (!p->access.on)
		return;
	if (had > 0 && had + len > WAITING_MOST) {
		drop(p, "its reader does not read");
		return;
	}
	buf_reserve(waiting, len * LOG_ESCAPED + 1);
	end = log_escape((char *)waiting->data + had, text, len, true);
	*end++ = '\n';
	waiting->len = (size_t)(end - (char *)waiting->data);
	if (had > 0)
		return;
	flush(p, 0);
	if (waiting->len > 0)
		again_later(p);
}

void pool_access_end(struct pool *p)
{
	if (!p->access.on || p->access.waiting.len == 0)
		return;
	p->access.to.stuck = false;
	flush(p, END_WAIT_MS);
	for (size_t i = 0; i < p->access.waiting.len; i++)
		p->access.dropped_all += p->access.waiting.data[i] == '\n';
}

/* Of what the scoreboard keeps the parameters that it came from. */
static const char *param(const void *arg, const char *name)
{
	const struct board_view *v = arg;

	if (!strcmp(name, "REQUEST_URI"))
		return v->uri;
	if (!strcmp(name, "REQUEST_METHOD"))
		return v->method;
	return NULL;
}

void pool_access_lost(struct pool_child *c, const struct pool_slot *slot, enum reason reason)
{
	const struct board_view *v = slot->view;
	struct pool *p = c->gen->pool;
	uint64_t ran_ms = board_age_ms(clock_ms(), v->brief.request_start_ms), now_us = clock_wall_us();
	char *uri = xstrdup(v->uri), *query = strchr(uri, '?');
	struct access_facts f = {
		.pool = p->conf->name, .pid = c->pid, .parent = c->gen->zygote, .id = v->id, .remote = "",
		.user = v->user, .method = v->method, .uri = uri, .query = "", .script = v->script,
		.length = v->content_length, .status = access_own_status(reason), .reason = reason,
		.begun_us = now_us - ran_ms * 1000, .ended_us = now_us, .duration_us = ran_ms * 1000,
		.queued_us = slot->queued_us, .head = "", .param = param, .arg = v,
	};
	struct buf line = { 0 };

	if (query) {
		*query++ = '\0';
		f.query = query;
	}
	if (p->access.on) {
		access_line_put(&p->access.format, &f, &line);
		pool_access_put(p, (const char *)line.data, line.len);
	}
	buf_free(&line);
	free(uri);
}
