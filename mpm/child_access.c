/* child_access.c -- runs in a child, in the slot's thread: times a request, and sends its line to the pool process,
 * which alone holds the access log. The line goes when the client has its answer already. */
#include "mpm/child_access.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "mpm/access_line.h"
#include "mpm/child_link.h"
#include "mpm/child_priv.h"
#include "mpm/child_request.h"
#include "src/base/clock.h"
#include "src/base/mem.h"

#define HEAD_MOST (64 * 1024)           /* bytes of a header block that are kept */
#define KEEP      (64 * 1024)           /* memory kept for the next request */

struct usage { uint64_t user_us, system_us; };

struct child_access {
	bool log;                       /* there is an access.log */
	bool cpu;                       /* somebody asks for CPU time */
	struct conf_access format;
	pid_t pid, parent;
	bool alone;                     /* the child's only slot: processes that the child waited for are its */
	struct usage own, children;     /* CPU time of the slot's thread until the last head; of processes that it had
	                                 * waited for at the end of the last request */
	uint64_t begun_us, begun_wall_us;
	bool head_over;
	struct buf head;                /* the reply's header block */
	struct buf line, uri, script, user;
};

static uint64_t time_us(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_usec;
}

/* RUSAGE_THREAD, RUSAGE_CHILDREN */
static struct usage usage_now(int whose)
{
	struct rusage r;

	if (getrusage(whose, &r) < 0)
		return (struct usage){ 0 };
	return (struct usage){ .user_us = time_us(r.ru_utime), .system_us = time_us(r.ru_stime) };
}

static uint64_t since(uint64_t now, uint64_t then)
{
	return now > then ? now - then : 0;
}

/* What was used since the head. A child waits for processes of its own within requests only. */
static struct usage usage_take(struct child_access *a)
{
	struct usage own, children, before = a->children;

	if (!a->cpu)
		return (struct usage){ 0 };
	own = usage_now(RUSAGE_THREAD);
	children = a->children = a->alone ? usage_now(RUSAGE_CHILDREN) : before;
	return (struct usage){
		since(own.user_us, a->own.user_us) + since(children.user_us, before.user_us),
		since(own.system_us, a->own.system_us) + since(children.system_us, before.system_us),
	};
}

struct child_access *child_access_new(const struct conf_pool *conf)
{
	struct child_access *a;
	struct err err;

	if (!conf->access_log && !conf->status_path && !conf->status_listen)
		return NULL;
	a = xcalloc(1, sizeof(*a));
	a->log = conf->access_log != NULL;
	BUG_IF(a->log && conf_access_parse(conf->access_format, &a->format, &err) < 0);
	a->format.needs_head |= conf->access_suppress_path.count > 0;
	a->cpu = a->format.needs_cpu || conf->status_path || conf->status_listen;
	a->pid = getpid();
	a->parent = getppid();
	a->alone = conf->threads_per_child <= 1;
	a->children = usage_now(RUSAGE_CHILDREN);
	return a;
}

void child_access_free(struct child_access **access)
{
	struct child_access *a = *access;

	*access = NULL;
	if (!a)
		return;
	conf_access_free(&a->format);
	buf_free(&a->head);
	buf_free(&a->line);
	buf_free(&a->uri);
	buf_free(&a->script);
	buf_free(&a->user);
	free(a);
}

void child_access_head(struct slot *s)
{
	struct child_access *a = s->access;

	if (!a)
		return;
	a->begun_us = clock_us();
	a->begun_wall_us = clock_wall_us();
	if (a->cpu)
		a->own = usage_now(RUSAGE_THREAD);
}

static void forget(struct buf *b)
{
	if (b->cap > KEEP)
		buf_free(b);
	buf_clear(b);
}

void child_access_begin(struct slot *s)
{
	struct child_access *a = s->access;

	if (!a)
		return;
	forget(&a->head);
	forget(&a->line);
	forget(&a->uri);
	forget(&a->script);
	forget(&a->user);
	a->head_over = !a->log || !a->format.needs_head;
	if (a->log)
		buf_add_str(&a->uri, child_request_param(s, "SCRIPT_NAME"));
}

/* Up to the blank line behind the header block, which may come in pieces. */
static size_t head_bytes(struct child_access *a, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char before = i > 0 ? data[i - 1] : a->head.len > 0 ? (char)a->head.data[a->head.len - 1] : '\n';
		char further = '\n';

		if (a->head.len + i > 1)
			further = i > 1 ? data[i - 2] : (char)a->head.data[a->head.len + i - 2];
		if (data[i] != '\n' || !(before == '\n' || (before == '\r' && further == '\n')))
			continue;
		a->head_over = true;
		return i + 1;
	}
	return len;
}

void child_access_reply(struct slot *s, const void *data, size_t len)
{
	struct child_access *a = s->access;

	if (!a || a->head_over)
		return;
	if (a->head.len + len > HEAD_MOST)
		len = HEAD_MOST - a->head.len;
	buf_add(&a->head, data, head_bytes(a, data, len));
	if (a->head.len >= HEAD_MOST)
		a->head_over = true;
}

static void replace(const struct slot *s, struct buf *text, const char *value)
{
	if (!s->access->log)
		return;
	buf_clear(text);
	buf_add_str(text, value);
}

void child_access_uri(struct slot *s, const char *uri)
{
	if (s->access)
		replace(s, &s->access->uri, uri);
}

void child_access_script(struct slot *s, const char *path)
{
	if (s->access)
		replace(s, &s->access->script, path);
}

void child_access_user(struct slot *s, const char *name)
{
	if (s->access)
		replace(s, &s->access->user, name);
}

static const char *param(const void *arg, const char *name)
{
	const struct slot *s = arg;

	return fcgi_params_get(&s->turn.params, name, NULL);
}

static int status_of(const struct child_access *a, enum reason reason, bool answered)
{
	if (answered && access_own_status(reason) > 0)
		return access_own_status(reason);
	if (a->head.len == 0 && reason == REASON_CLIENT_GONE)
		return ACCESS_STATUS_GONE;
	return access_status((const char *)a->head.data, a->head.len);
}

static void send_line(struct slot *s, const struct access_facts *f)
{
	struct child_access *a = s->access;

	if (access_suppressed(s->child->conf, f))
		return;
	access_line_put(&a->format, f, &a->line);
	if (a->line.len > 0)
		child_link_access((const char *)a->line.data, a->line.len);
}

static struct access_facts facts_new(struct slot *s, enum reason reason)
{
	const struct child_access *a = s->access;

	return (struct access_facts){
		.pool = s->child->conf->name, .pid = a->pid, .parent = a->parent, .id = s->id,
		.remote = access_remote(s->peer),
		.user = "", .method = "", .uri = "", .query = "", .script = "", .reason = reason,
		.begun_us = a->begun_wall_us, .duration_us = since(clock_us(), a->begun_us),
		.ended_us = clock_wall_us(), .queued_us = s->queued_us, .head = "",
	};
}

/* As PHP reads it: digits, whatever stands behind them. */
static uint64_t length_of(const struct slot *s)
{
	long long length = strtoll(child_request_param(s, "CONTENT_LENGTH"), NULL, 10);

	return length > 0 ? (uint64_t)length : 0;
}

void child_access_end(struct slot *s, enum reason reason, bool answered)
{
	struct child_access *a = s->access;
	struct access_facts f;
	struct usage used;

	if (!a)
		return;
	f = facts_new(s, reason);
	used = usage_take(a);
	board_slot_used(s->board, &(struct board_used){ .duration_us = f.duration_us,
	    .cpu_us = used.user_us + used.system_us, .peak_memory = s->req.peak_memory });
	if (!a->log)
		return;
	f.user = buf_str(&a->user);
	f.method = child_request_param(s, "REQUEST_METHOD");
	f.uri = buf_str(&a->uri);
	f.query = child_request_param(s, "QUERY_STRING");
	f.script = buf_str(&a->script);
	f.length = length_of(s);
	f.status = status_of(a, reason, answered);
	f.cpu_user_us = used.user_us;
	f.cpu_system_us = used.system_us;
	f.memory = s->req.peak_memory;
	f.head = buf_str(&a->head);
	f.head_len = a->head.len;
	f.param = param;
	f.arg = s;
	send_line(s, &f);
}

void child_access_refused(struct slot *s, enum reason reason)
{
	struct child_access *a = s->access;
	struct access_facts f;

	if (!a || !a->log)
		return;
	f = facts_new(s, reason);
	f.status = access_own_status(reason);
	forget(&a->line);
	send_line(s, &f);
}
