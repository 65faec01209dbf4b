/* dispatch_request.c -- runs in a pool process: a request from its first byte to its end. It is given to a slot once it
 * is whole, so that what a client does slowly costs no slot; a large body that comes fast is the exception. */
#include "mpm/dispatch_priv.h"

#include <ctype.h>
#include <fastcgi.h>
#include <stdlib.h>
#include <string.h>
#include "mpm/answer.h"
#include "src/base/mem.h"
#include "src/fcgi/fcgi_encode.h"
#include "src/fcgi/fcgi_params.h"

#define FAST_BYTES_US  10               /* a front end's speed: 10 MB/s */
#define FULL_BYTES     (64 * 1024)      /* of a streamed body that waits for its slot: the client is not read */
#define STREAM_MEMORY  (4 * FULL_BYTES)
#define UNSTARTED_MAX  10               /* slots that may die before they begin with the same request */

struct dispatch_request *request_new(struct dispatch_conn *c)
{
	struct dispatch_request *r = xcalloc(1, sizeof(*r));
	struct dispatch *d = c->d;

	r->d = d;
	r->conn = c;
	r->id = c->mux.id;
	r->role = c->mux.role;
	r->keep_conn = c->mux.keep_conn;
	r->begun_us = d->now_us;
	r->due.kind = DUE_KINDS;
	spool_init(&r->body, d->conf->event_body_dir, d->conf->event_body_memory, UINT64_MAX);
	spool_init(&r->data, d->conf->event_body_dir, d->conf->event_body_memory, UINT64_MAX);
	spool_init(&r->reply, d->conf->event_body_dir, d->conf->event_response_memory, UINT64_MAX);
	spool_keep(&r->body, true);
	spool_keep(&r->data, true);
	TAILQ_INSERT_TAIL(&c->requests, r, of_conn);
	due_start(d, &r->due, DUE_HEAD);
	d->figures.requests++;
	return r;
}

bool request_is_whole(const struct dispatch_request *r)
{
	return r->state == REQUEST_ANSWERED || (r->state >= REQUEST_QUEUED && r->stdin_ended);
}

/* From its connection's list to the dead. */
static void bury(struct dispatch_request *r)
{
	struct dispatch *d = r->d;

	if (r->dead)
		return;
	if (r->state == REQUEST_QUEUED)
		queue_remove(r);
	due_stop(d, &r->due);
	if (r->conn) {
		r->conn->answered -= r->state == REQUEST_ANSWERED;
		TAILQ_REMOVE(&r->conn->requests, r, of_conn);
	}
	r->dead = true;
	d->figures.over++;
	TAILQ_INSERT_TAIL(&d->dead_requests, r, of_conn);
}

void request_over(struct dispatch_request *r)
{
	struct dispatch_conn *c = r->conn;

	bury(r);
	r->conn = NULL;
	if (c)
		conn_rest(c);
}

/* The slot that has it goes on by itself until it says that it is free. */
static void leave_slot(struct dispatch_request *r)
{
	struct dispatch_slot *s = r->slot;

	if (!s)
		return;
	slot_abort(s);
	slot_resume(s);
	s->req = NULL;
	r->slot = NULL;
	r->state = REQUEST_BODY;
}

void request_ended(struct dispatch_request *r)
{
	struct dispatch_conn *c = r->conn;
	struct dispatch *d = r->d;

	r->ended = true;
	due_stop(d, &r->due);
	r->state = REQUEST_ANSWERED;
	times_add(&d->figures.total, d->now_us - r->begun_us);
	d->figures.answered++;
	if (!c) {
		request_over(r);
		return;
	}
	fcgi_mux_done(&c->mux, r->id);
	c->answered++;
	c->closing |= !r->keep_conn;
	c->last |= d->closing;
	c->unread |= !r->stdin_ended || r->role == FCGI_AUTHORIZER;
	if (c->full) {
		c->full = false;
		conn_watch(c, false);
	}
	if (!request_reply_waits(r))
		request_over(r);
}

static void reply(struct dispatch_request *r, struct buf *page)
{
	struct buf out = { 0 };
	struct iovec iov;

	if (page && r->is_head)
		answer_without_body(page);
	if (page) {
		fcgi_add_stream(&out, FCGI_STDOUT, r->id, page->data, page->len);
		fcgi_add_stream_end(&out, FCGI_STDOUT, r->id);
	}
	fcgi_add_end(&out, r->id, 0, FCGI_REQUEST_COMPLETE);
	iov = (struct iovec){ .iov_base = out.data, .iov_len = out.len };
	conn_send(r->conn, r, &iov, 1);
	if (!r->dead)
		request_ended(r);
	buf_free(&out);
}

/* A part of its reply was sent: nothing but the connection's end tells the client that the rest is missing. */
static void break_off(struct dispatch_request *r)
{
	struct dispatch_conn *c = r->conn;

	if (c) {
		fcgi_mux_done(&c->mux, r->id);
		c->closing = c->broken = c->unread = true;
		c->full = false;
	}
	request_over(r);
}

static bool ends_connection(enum reason reason)
{
	return reason == REASON_HEADER_TIMEOUT || reason == REASON_BODY_TIMEOUT || reason == REASON_BODY_TOO_LARGE ||
	       reason == REASON_PARAMS_TOO_LARGE || reason == REASON_NO_STORAGE || reason == REASON_BAD_HEADER;
}

void request_answer(struct dispatch_request *r, enum reason reason)
{
	struct dispatch *d = r->d;
	struct buf page = { 0 };
	bool wait = reason == REASON_QUEUE_FULL || reason == REASON_QUEUE_TIMEOUT || reason == REASON_SPAWN_FAILED;

	d->world->note(d->arg, r, reason);
	if (r->state == REQUEST_QUEUED)
		queue_remove(r);
	leave_slot(r);
	if (r->conn && ends_connection(reason)) {
		r->conn->closing = true;
		r->conn->unread = true;
	}
	if (r->begun || !r->conn) {
		break_off(r);
		return;
	}
	reason_page_retry(reason, d->conf->reason_header, wait ? d->conf->queue_retry_after_s : 0, &page);
	reply(r, &page);
	buf_free(&page);
}

void request_params(struct dispatch_request *r, const uint8_t *data, size_t len)
{
	if (r->params.len + len > r->d->limits.max_params)
		request_answer(r, REASON_PARAMS_TOO_LARGE);
	else
		buf_add(&r->params, data, len);
}

static bool is_name(const struct fcgi_pair *pair, const char *name, size_t len)
{
	return pair->name_len == len && memcmp(pair->name, name, len) == 0;
}

static bool is_value(const struct fcgi_pair *pair, const char *value)
{
	return pair->value_len == strlen(value) && memcmp(pair->value, value, pair->value_len) == 0;
}

/* -1: none, or no number. */
static int64_t length_of(const struct fcgi_pair *pair)
{
	int64_t length = 0;

	if (pair->value_len == 0 || pair->value_len > 18)
		return -1;
	for (uint32_t i = 0; i < pair->value_len; i++) {
		if (!isdigit(pair->value[i]))
			return -1;
		length = length * 10 + (pair->value[i] - '0');
	}
	return length;
}

static const uint8_t *params_end(const struct dispatch_request *r)
{
	return r->params.data ? r->params.data + r->params.len : NULL;
}

/* What the dispatcher itself has to know. False: the parameters end inside a name or value. */
static bool read_params(struct dispatch_request *r, int64_t *announced_out)
{
	const uint8_t *at = r->params.data, *end = params_end(r);
	struct fcgi_pair pair;

	*announced_out = -1;
	while (at < end && fcgi_pair_next(&at, end, &pair)) {
		if (is_name(&pair, "REQUEST_METHOD", 14)) {
			r->is_head = is_value(&pair, "HEAD");
			r->safe = r->is_head || is_value(&pair, "GET") || is_value(&pair, "OPTIONS");
		} else if (is_name(&pair, "CONTENT_LENGTH", 14)) {
			*announced_out = length_of(&pair);
		}
	}
	return at == end;
}

const char *dispatch_param(const struct dispatch_request *r, const char *name, size_t *len_out)
{
	const uint8_t *at = r->params.data, *end = params_end(r);
	const char *found = NULL;
	size_t name_len = strlen(name);
	struct fcgi_pair pair;

	*len_out = 0;
	while (at < end && fcgi_pair_next(&at, end, &pair))
		if (is_name(&pair, name, name_len)) {
			found = (const char *)pair.value;
			*len_out = pair.value_len;
		}
	return found;
}

/* Pages of the pool itself need no slot. */
static bool answer_page(struct dispatch_request *r)
{
	struct dispatch *d = r->d;
	struct buf page = { 0 };
	bool is_page = d->world->page(d->arg, r, &page);

	if (is_page)
		reply(r, &page);
	buf_free(&page);
	return is_page;
}

/* Give it before its body is whole. */
static void stream(struct dispatch_request *r)
{
	r->streamed = r->kept = true;
	if (r->d->conf->event_body_memory < STREAM_MEMORY)
		spool_memory(&r->body, STREAM_MEMORY);
	queue_add(r);
}

void request_head(struct dispatch_request *r)
{
	struct dispatch *d = r->d;
	uint64_t max = d->conf->request_max_body;
	int64_t announced;

	r->head_us = d->now_us;
	if (!read_params(r, &announced)) {
		request_answer(r, REASON_BAD_HEADER);
		return;
	}
	if (answer_page(r))
		return;
	if (max > 0 && announced > 0 && (uint64_t)announced > max) {
		request_answer(r, REASON_BODY_TOO_LARGE);
		return;
	}
	r->state = REQUEST_BODY;
	due_start(d, &r->due, DUE_BODY);
	if (d->conf->event_request_buffering == CONF_BUFFERING_NO && r->role == FCGI_RESPONDER && announced != 0)
		stream(r);
}

/* A large body at a front end's speed does not hold the slot for long, and needs no file. */
static bool may_stream(const struct dispatch_request *r)
{
	const struct dispatch *d = r->d;

	return d->conf->event_request_buffering == CONF_BUFFERING_AUTO && r->role == FCGI_RESPONDER &&
	       r->body_bytes > d->conf->event_body_memory && !TAILQ_EMPTY(&d->idle) && d->queued == 0 &&
	       r->body_bytes >= FAST_BYTES_US * (d->now_us - r->head_us);
}

/* Its slot has begun with it: no other will get it. */
static void keep_no_more(struct dispatch_request *r)
{
	if (!r->kept || !r->slot || !r->d->world->has_begun(r->slot->io))
		return;
	r->kept = false;
	spool_keep(&r->body, false);
}

/* What a slot takes slowly waits in the kernel, unless others would have to wait behind it. */
static void hold_back(struct dispatch_request *r)
{
	struct dispatch_conn *c = r->conn;

	if (!r->streamed || spool_len(&r->body) < FULL_BYTES || TAILQ_NEXT(TAILQ_FIRST(&c->requests), of_conn))
		return;
	c->full = true;
	if (r->state == REQUEST_RUNNING)        /* it is not the client who is slow */
		due_stop(r->d, &r->due);
}

void request_input(struct dispatch_request *r, struct spool *to, const uint8_t *data, size_t len)
{
	struct dispatch *d = r->d;
	uint64_t max = d->conf->request_max_body;

	r->body_bytes += len;
	if (max > 0 && r->body_bytes > max) {
		request_answer(r, REASON_BODY_TOO_LARGE);
		return;
	}
	if (r->state == REQUEST_BODY && may_stream(r))
		stream(r);
	if (r->ended)                   /* refused meanwhile */
		return;
	keep_no_more(r);
	if (spool_add(to, data, len) < 0) {
		request_answer(r, REASON_NO_STORAGE);
		return;
	}
	if (r->state != REQUEST_QUEUED)
		due_start(d, &r->due, DUE_BODY);
	if (r->slot)
		slot_pump(r->slot);
	if (!r->dead && r->conn)
		hold_back(r);
}

void request_input_end(struct dispatch_request *r)
{
	r->stdin_ended = true;
	if (r->state == REQUEST_BODY) {
		due_stop(r->d, &r->due);
		queue_add(r);
	} else if (r->slot) {
		due_stop(r->d, &r->due);
		slot_pump(r->slot);
	}
}

static bool drops(const struct dispatch_request *r)
{
	switch (r->d->conf->queue_abandoned) {
	case CONF_ABANDONED_DROP:
		return true;
	case CONF_ABANDONED_RUN:
		return false;
	case CONF_ABANDONED_DROP_SAFE:
		break;
	}
	return r->safe;
}

/* The client does not want it any more. True: nor does anybody else. */
static bool give_up(struct dispatch_request *r)
{
	struct dispatch *d = r->d;

	if (r->state == REQUEST_RUNNING) {
		r->unwanted = true;
		due_stop(d, &r->due);
		slot_unwanted(r->slot);
		if (d->conf->request_on_abort == CONF_ON_ABORT_KILL)
			d->world->kill_slot(r->slot->io, REASON_CLIENT_GONE);
		return false;
	}
	if (r->state == REQUEST_QUEUED && r->stdin_ended && !drops(r))
		return false;
	d->figures.abandoned += r->state == REQUEST_QUEUED;
	d->world->note(d->arg, r, REASON_CLIENT_GONE);
	return true;
}

/* Section 5.4: told with END_REQUEST, at once unless the application runs. */
void request_abort(struct dispatch_request *r)
{
	if (give_up(r)) {
		if (r->state == REQUEST_QUEUED)
			queue_remove(r);
		reply(r, NULL);
	}
	r->stdin_ended = true;
	if (r->slot)
		slot_pump(r->slot);
}

void request_orphan(struct dispatch_request *r)
{
	spool_clear(&r->reply);
	buf_free(&r->overflow);
	if (r->state == REQUEST_ANSWERED || give_up(r)) {
		bury(r);
		return;
	}
	if (r->slot)
		slot_resume(r->slot);
}

/* May another slot have it? */
static bool goes_on(const struct dispatch_request *r, const struct dispatch_death *how)
{
	const struct conf_pool *conf = r->d->conf;

	if (how->ended_by_us || r->begun || (r->streamed && r->body_bytes > 0 && !r->kept))
		return false;
	if (r->unwanted && (r->streamed || drops(r)))   /* a streamed one may never become whole */
		return false;
	if (!how->started)
		return r->unstarted <= UNSTARTED_MAX;
	return r->conn && (r->safe || conf->event_retry == CONF_RETRY_ALL) &&
	       r->tries - r->unstarted <= (unsigned)conf->event_retry_max;
}

void request_lost(struct dispatch_request *r, const struct dispatch_death *how)
{
	r->slot = NULL;
	r->state = REQUEST_BODY;
	r->unstarted += !how->started;
	if (!goes_on(r, how)) {
		request_answer(r, how->ended_by_us ? REASON_REQUEST_TIMEOUT : REASON_CHILD_DIED);
		return;
	}
	r->d->figures.retried++;
	r->stdin_sent = false;
	if (!r->streamed || r->kept) {  /* else nothing had come */
		spool_rewind(&r->body);
		spool_rewind(&r->data);
	}
	queue_add_first(r);
}
