/* pool_dispatch_note.c -- runs in a pool process under mpm = event: what is told of requests of which no child tells,
 * because the dispatcher answered, refused or lost them. Each has its line in the access log; of each reason the error
 * log has one line a second, and how many more there were. */
#include "pool/pool_dispatch_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "mpm/access_line.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/base/mem.h"

#define SAY_AGAIN_US 1000000            /* one line in the log for each reason and second */

/* A request's parameters as texts; each stays until it is asked for again. */
enum text { TEXT_ID, TEXT_METHOD, TEXT_URI, TEXT_QUERY, TEXT_SCRIPT, TEXT_LENGTH, TEXT_ANY, TEXTS };

struct told {
	const struct dispatch_request *req;
	struct dispatch_facts facts;
	char own_id[64];
	struct buf texts[TEXTS];
};

static const char *text_of(struct told *t, enum text which, const char *name)
{
	struct buf *to = &t->texts[which];
	const char *value;
	size_t len;

	value = dispatch_param(t->req, name, &len);
	buf_clear(to);
	buf_add(to, value ? value : "", len);
	return buf_str(to);
}

static const char *param(const void *arg, const char *name)
{
	struct told *t = (struct told *)(uintptr_t)arg;
	size_t len;

	return dispatch_param(t->req, name, &len) ? text_of(t, TEXT_ANY, name) : NULL;
}

static const char *id_of(struct told *t)
{
	const char *sent = t->facts.whole ? text_of(t, TEXT_ID, "HTTP_X_REQUEST_ID") : "";

	return access_id_fits(sent) ? sent : t->own_id;
}

static struct told told_new(struct pool *p, const struct dispatch_request *r)
{
	struct pool_dispatch *pd = p->dispatch;
	struct told t = { .req = r };

	dispatch_facts(r, &t.facts);
	snprintf(t.own_id, sizeof(t.own_id), "%x-%x-%llx", (unsigned)getpid(), pd->id_seed,
	    (unsigned long long)pd->ids++);
	return t;
}

static void told_free(struct told *t)
{
	for (int i = 0; i < TEXTS; i++)
		buf_free(&t->texts[i]);
}

static uint64_t length_of(struct told *t)
{
	long long length = strtoll(text_of(t, TEXT_LENGTH, "CONTENT_LENGTH"), NULL, 10);

	return length > 0 ? (uint64_t)length : 0;
}

/* Of a head that did not come whole nothing is told, as children do. */
static void put_request(struct told *t, struct access_facts *f)
{
	if (!t->facts.whole)
		return;
	f->method = text_of(t, TEXT_METHOD, "REQUEST_METHOD");
	f->uri = text_of(t, TEXT_URI, "SCRIPT_NAME");
	f->query = text_of(t, TEXT_QUERY, "QUERY_STRING");
	f->length = length_of(t);
	f->param = param;
	f->arg = t;
}

static struct access_facts facts_new(struct pool *p, struct told *t)
{
	uint64_t now_us = clock_wall_us();
	struct access_facts f = {
		.pool = p->conf->name, .pid = getpid(), .parent = getppid(), .id = id_of(t),
		.remote = access_remote(t->facts.peer), .user = "", .method = "", .uri = "", .query = "", .script = "",
		.begun_us = now_us - t->facts.age_us, .ended_us = now_us,
		.duration_us = t->facts.age_us - t->facts.queued_us, .queued_us = t->facts.queued_us, .head = "",
	};

	put_request(t, &f);
	return f;
}

static void put_line(struct pool *p, const struct access_facts *f)
{
	struct buf line = { 0 };

	if (access_suppressed(p->conf, f))
		return;
	access_line_put(&p->access.format, f, &line);
	if (line.len > 0)
		pool_access_put(p, (const char *)line.data, line.len);
	buf_free(&line);
}

void dispatch_note_page(struct pool *p, const struct dispatch_request *r, const char *page)
{
	const char *body = strstr(page, "\r\n\r\n");
	struct access_facts f;
	struct told t;

	if (!p->access.on)
		return;
	t = told_new(p, r);
	f = facts_new(p, &t);
	f.head = page;
	f.head_len = body ? (size_t)(body - page) : strlen(page);
	f.status = access_status(f.head, f.head_len);
	put_line(p, &f);
	told_free(&t);
}

/* A client that went before its head had come asked for nothing. */
static void log_access(struct pool *p, struct told *t, enum reason reason)
{
	struct access_facts f;

	if (!p->access.on || t->facts.told || (reason == REASON_CLIENT_GONE && !t->facts.whole))
		return;
	f = facts_new(p, t);
	if (t->facts.whole)
		f.script = text_of(t, TEXT_SCRIPT, "SCRIPT_FILENAME");
	f.reason = reason;
	f.status = reason == REASON_CLIENT_GONE ? ACCESS_STATUS_GONE : access_own_status(reason);
	put_line(p, &f);
}

/* ---- the error log */

static const char *detail_of(const struct pool_dispatch *pd, enum reason reason)
{
	switch (reason) {
	case REASON_QUEUE_FULL:
		return "queue.max requests wait for a child already; raise pm.max_children, or queue.max if they may wait";
	case REASON_QUEUE_TIMEOUT:
		return "no child was free within queue.timeout; raise pm.max_children, or queue.timeout if it may wait";
	case REASON_HEADER_TIMEOUT:
		return "raise request.header_timeout if the front end is that slow";
	case REASON_BODY_TIMEOUT:
		return "its body stopped coming; raise request.body_timeout if the front end is that slow";
	case REASON_BODY_TOO_LARGE:
		return "its body is larger than request.max_body";
	case REASON_PARAMS_TOO_LARGE:
		return "its parameters are larger than request.max_params";
	case REASON_NO_STORAGE:
		return pd->storage_why;
	case REASON_CHILD_DIED:
		return "it is not given to another child (event.retry, event.retry_max)";
	case REASON_BAD_HEADER:
		return "it is not what the protocol says, or ended too soon";
	case REASON_SPAWN_FAILED:
		return "the application does not load, and no child is left";
	default:
		return NULL;
	}
}

static enum log_level level_of(enum reason reason)
{
	return reason == REASON_CLIENT_GONE ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARNING;
}

static void say(const struct pool_dispatch *pd, struct buf *line, enum reason reason)
{
	const char *detail = detail_of(pd, reason);

	buf_printf(line, ": %s%s%s", reason_name(reason), detail ? ": " : "", detail ? detail : "");
	log_text(level_of(reason), (const char *)line->data, line->len);
	buf_free(line);
}

static void say_request(const struct pool_dispatch *pd, struct told *t, enum reason reason)
{
	struct buf line = { 0 };

	buf_printf(&line, "request %s", id_of(t));
	if (t->facts.whole) {
		const char *uri = text_of(t, TEXT_URI, "REQUEST_URI");

		buf_printf(&line, " \"%s %s\"", text_of(t, TEXT_METHOD, "REQUEST_METHOD"),
		    *uri ? uri : text_of(t, TEXT_URI, "SCRIPT_NAME"));
		buf_printf(&line, ", script '%s'", text_of(t, TEXT_SCRIPT, "SCRIPT_FILENAME"));
	}
	say(pd, &line, reason);
}

static void say_connection(const struct pool_dispatch *pd, enum reason reason)
{
	struct buf line = { 0 };

	buf_add_str(&line, "a connection");
	say(pd, &line, reason);
}

static void say_others(struct pool_dispatch *pd, enum reason reason)
{
	struct buf line = { 0 };

	buf_printf(&line, "%llu other request%s since the last such line", (unsigned long long)pd->unsaid[reason],
	    pd->unsaid[reason] == 1 ? "" : "s");
	pd->unsaid[reason] = 0;
	say(pd, &line, reason);
}

/* When the lines that were left out are due; 0: none were. */
static uint64_t others_due(const struct pool_dispatch *pd)
{
	uint64_t due = 0;

	for (int i = 0; i < REASON_COUNT; i++)
		if (pd->unsaid[i] > 0 && (due == 0 || pd->said_us[i] + SAY_AGAIN_US < due))
			due = pd->said_us[i] + SAY_AGAIN_US;
	return due;
}

static void set_timer(struct pool_dispatch *pd)
{
	uint64_t now = clock_us(), due = others_due(pd), wait = due > now ? due - now : 0;
	struct timeval tv = { .tv_sec = (time_t)(wait / 1000000), .tv_usec = (suseconds_t)(wait % 1000000) };

	if (due > 0)
		evtimer_add(pd->note_timer, &tv);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct pool_dispatch *pd = ((struct pool *)arg)->dispatch;
	uint64_t now = clock_us();

	(void)fd;
	(void)what;
	for (int i = 0; i < REASON_COUNT; i++) {
		if (pd->unsaid[i] == 0 || now < pd->said_us[i] + SAY_AGAIN_US)
			continue;
		say_others(pd, (enum reason)i);
		pd->said_us[i] = now;
	}
	set_timer(pd);
}

/* Thousands may be refused a second. True: this one has a line of its own. */
static bool has_line(struct pool_dispatch *pd, enum reason reason)
{
	uint64_t now = clock_us();

	if (pd->unsaid[reason] == 0 && (pd->said_us[reason] == 0 || now >= pd->said_us[reason] + SAY_AGAIN_US)) {
		pd->said_us[reason] = now;
		return true;
	}
	if (pd->unsaid[reason]++ == 0)
		set_timer(pd);
	return false;
}

void dispatch_note(struct pool *p, const struct dispatch_request *r, enum reason reason)
{
	struct pool_dispatch *pd = p->dispatch;
	/* Its child has counted and said that, before it died of it. */
	bool said = reason == REASON_REQUEST_TIMEOUT && pd->child_said;
	/* Who connects and says nothing is only counted. */
	bool silent = !r && reason == REASON_HEADER_TIMEOUT;
	struct told t;

	if (reason == REASON_NO_STORAGE)
		snprintf(pd->storage_why, sizeof(pd->storage_why), "event.body_dir = %s: %s", p->conf->event_body_dir,
		    strerror(errno));
	p->reasons[reason] += !said;
	if (!r) {
		if (!silent && has_line(pd, reason))
			say_connection(pd, reason);
		return;
	}
	t = told_new(p, r);
	if (!said && has_line(pd, reason))
		say_request(pd, &t, reason);
	log_access(p, &t, reason);
	told_free(&t);
}

void dispatch_note_init(struct pool *p)
{
	struct pool_dispatch *pd = p->dispatch;

	pd->id_seed = (unsigned)clock_us();
	pd->note_timer = evtimer_new(p->base, on_timer, p);
	BUG_IF(!pd->note_timer);
}

void pool_dispatch_end(struct pool *p)
{
	for (int i = 0; p->dispatch && i < REASON_COUNT; i++)
		if (p->dispatch->unsaid[i] > 0)
			say_others(p->dispatch, (enum reason)i);
}
