/* dispatch_slot.c -- runs in a pool process: what goes to a slot over its pair, one request at a time. A small request
 * is one write. Whole records only: a turn that is cut short leaves nothing half sent behind. */
#include "mpm/dispatch_priv.h"

#include <errno.h>
#include <fastcgi.h>
#include <stdlib.h>
#include <string.h>
#include "mpm/event_proto.h"
#include "src/base/mem.h"
#include "src/fcgi/fcgi_encode.h"

#define BODY_RECORD (32 * 1024)         /* bytes of a body in one record, at most */
#define RECORDS     32                  /* at once: other connections wait, for the disk too */
#define UNREAD_BYTES (256 * 1024)       /* of a turn that is over: record headers, and the body's last record */
#define UNFILL_BYTES (32 * 1024)        /* no more than that waits for the slot: the client may go on */
#define HEADER      FCGI_HEADER_LEN

struct dispatch_slot *dispatch_slot_new(struct dispatch *d, void *io)
{
	struct dispatch_slot *s = xcalloc(1, sizeof(*s));

	s->d = d;
	s->io = io;
	TAILQ_INSERT_TAIL(&d->idle, s, next);
	d->world->watch(io, true, false);
	dispatch_settle(d);
	return s;
}

bool dispatch_slot_idle(const struct dispatch_slot *s)
{
	return s->use == SLOT_IDLE;
}

void slot_watch(struct dispatch_slot *s)
{
	bool writes = s->out.len > 0 || s->more;

	if (s->dead || (writes == s->writes && s->stopped == s->was_stopped))
		return;
	s->writes = writes;
	s->was_stopped = s->stopped;
	s->d->world->watch(s->io, !s->stopped, writes);
}

void slot_stop(struct dispatch_slot *s)
{
	s->stopped = true;
	slot_watch(s);
}

void slot_resume(struct dispatch_slot *s)
{
	s->stopped = false;
	slot_watch(s);
}

/* An error is no news: the pair's end is, and it comes by another way. */
static void slot_send(struct dispatch_slot *s, const struct iovec *iov, int count)
{
	ssize_t put = s->out.len == 0 ? s->d->world->send(s->io, iov, count) : 0;
	size_t done = put > 0 ? (size_t)put : 0;

	for (int i = 0; i < count; i++) {
		size_t skip = done < iov[i].iov_len ? done : iov[i].iov_len;

		if (iov[i].iov_len > skip)
			buf_add(&s->out, (const uint8_t *)iov[i].iov_base + skip, iov[i].iov_len - skip);
		done -= skip;
	}
	slot_watch(s);
}

/* The next piece of a body. False: there is none now. */
static bool send_body(struct dispatch_slot *s, struct spool *from, uint8_t type)
{
	struct dispatch *d = s->d;
	const uint8_t *at;
	ssize_t have = spool_len(from) > 0 ? spool_front(from, d->scratch, BODY_RECORD, &at) : 0;
	uint16_t len = have < BODY_RECORD ? (uint16_t)(have > 0 ? have : 0) : BODY_RECORD;
	uint8_t head[HEADER];
	struct iovec iov[2];

	if (have < 0)
		request_answer(s->req, REASON_NO_STORAGE);
	if (have <= 0)
		return false;
	fcgi_put_header(head, type, s->id, len, 0);
	iov[0] = (struct iovec){ .iov_base = head, .iov_len = sizeof(head) };
	iov[1] = (struct iovec){ .iov_base = (void *)(uintptr_t)at, .iov_len = len };
	slot_send(s, iov, 2);
	spool_drop(from, len);
	return true;
}

static void send_end(struct dispatch_slot *s, uint8_t type)
{
	uint8_t head[HEADER];
	struct iovec iov = { .iov_base = head, .iov_len = sizeof(head) };

	fcgi_put_header(head, type, s->id, 0, 0);
	slot_send(s, &iov, 1);
}

/* The client may go on sending once half of what waits has been taken. */
static void unfill(struct dispatch_request *r)
{
	struct dispatch_conn *c = r->conn;

	if (!c || !c->full || spool_len(&r->body) > UNFILL_BYTES)
		return;
	c->full = false;
	if (!r->stdin_ended)
		due_start(r->d, &r->due, DUE_BODY);
	conn_watch(c, true);
}

/* All of the request's input. */
static bool is_sent(const struct dispatch_slot *s)
{
	return s->req->role == FCGI_FILTER ? s->input_ended : s->req->stdin_sent;
}

void slot_pump(struct dispatch_slot *s)
{
	struct dispatch_request *r = s->req;
	int left = RECORDS;

	while (s->req && s->out.len == 0 && !r->stdin_sent && left > 0) {
		if (send_body(s, &r->body, FCGI_STDIN)) {
			left--;
			continue;
		}
		if (!s->req || !r->stdin_ended)
			break;
		send_end(s, FCGI_STDIN);
		r->stdin_sent = true;
	}
	while (s->req && s->out.len == 0 && r->role == FCGI_FILTER && r->stdin_sent && !s->input_ended && left > 0) {
		if (send_body(s, &r->data, FCGI_DATA)) {
			left--;
			continue;
		}
		if (s->req)
			send_end(s, FCGI_DATA);
		s->input_ended = true;
	}
	s->more = s->req && left == 0;
	slot_watch(s);
	if (s->req && s->abort_due && is_sent(s))
		slot_abort(s);
	if (s->req)
		unfill(r);
}

/* A request whose head and body fit one record each, which is nearly every one: all of it at once. */
static bool send_whole(struct dispatch_slot *s, const uint8_t *front, size_t front_len)
{
	struct dispatch_request *r = s->req;
	uint8_t between[2 * HEADER], end[HEADER];
	const uint8_t *body = NULL;
	struct iovec iov[5] = { { .iov_base = (void *)(uintptr_t)front, .iov_len = front_len } };
	uint64_t len = spool_len(&r->body);
	int count = 1;

	if (r->role == FCGI_FILTER || !r->stdin_ended || len > BODY_RECORD || spool_in_file(&r->body))
		return false;
	if (len > 0 && spool_front(&r->body, NULL, 0, &body) < (ssize_t)len)
		return false;
	fcgi_put_header(between, FCGI_PARAMS, r->id, 0, 0);
	fcgi_put_header(between + HEADER, FCGI_STDIN, r->id, (uint16_t)len, 0);
	fcgi_put_header(end, FCGI_STDIN, r->id, 0, 0);
	iov[count++] = (struct iovec){ .iov_base = r->params.data, .iov_len = r->params.len };
	iov[count++] = (struct iovec){ .iov_base = between, .iov_len = sizeof(between) };
	if (len > 0) {
		iov[count++] = (struct iovec){ .iov_base = (void *)(uintptr_t)body, .iov_len = len };
		iov[count++] = (struct iovec){ .iov_base = end, .iov_len = sizeof(end) };
	}
	slot_send(s, iov, count);
	spool_drop(&r->body, len);
	r->stdin_sent = s->input_ended = true;
	return true;
}

static size_t put_turn(const struct dispatch_request *r, uint8_t *out)
{
	struct event_turn turn = { .queued_us = r->given_us - r->queued_us };
	const FCGI_BeginRequestBody begin = {
		.roleB1 = (uint8_t)(r->role >> 8), .roleB0 = (uint8_t)r->role, .flags = FCGI_KEEP_CONN,
	};

	if (r->conn)
		memcpy(turn.peer, r->conn->peer, sizeof(r->conn->peer));
	fcgi_put_header(out, EVENT_RECORD, FCGI_NULL_REQUEST_ID, sizeof(turn), 0);
	memcpy(out + HEADER, &turn, sizeof(turn));
	out += HEADER + sizeof(turn);
	fcgi_put_header(out, FCGI_BEGIN_REQUEST, r->id, sizeof(begin), 0);
	memcpy(out + HEADER, &begin, sizeof(begin));
	return 2 * HEADER + sizeof(turn) + sizeof(begin);
}

static void send_large(struct dispatch_slot *s, const uint8_t *front, size_t front_len)
{
	struct dispatch_request *r = s->req;
	struct buf all = { 0 };
	struct iovec iov;

	buf_add(&all, front, front_len);
	fcgi_add_stream(&all, FCGI_PARAMS, r->id, r->params.data, r->params.len);
	fcgi_add_stream_end(&all, FCGI_PARAMS, r->id);
	iov = (struct iovec){ .iov_base = all.data, .iov_len = all.len };
	slot_send(s, &iov, 1);
	buf_free(&all);
	slot_pump(s);
}

void slot_give(struct dispatch_slot *s, struct dispatch_request *r)
{
	uint8_t front[3 * HEADER + sizeof(struct event_turn) + sizeof(FCGI_BeginRequestBody)];
	struct dispatch *d = s->d;
	size_t len;

	TAILQ_REMOVE(&d->idle, s, next);
	TAILQ_INSERT_TAIL(&d->slots, s, next);
	s->use = SLOT_BUSY;
	s->req = r;
	s->id = r->id;
	s->aborted = s->abort_due = s->answered = s->input_ended = false;
	r->slot = s;
	r->state = REQUEST_RUNNING;
	r->tries++;
	r->given_us = d->now_us;
	d->given_wait_us = r->given_us - r->queued_us;
	times_add(&d->figures.queue, d->given_wait_us);
	d->world->give(s->io);
	len = put_turn(r, front);
	if (r->params.len > 0 && r->params.len <= FCGI_RECORD_MAX) {
		fcgi_put_header(front + len, FCGI_PARAMS, r->id, (uint16_t)r->params.len, 0);
		if (send_whole(s, front, len + HEADER))
			return;
	}
	send_large(s, front, len);
	/* A body that has not ended must go on coming; queueing stopped its clock. But not while it is held back. */
	if (!r->stdin_ended && !r->dead && r->slot && !(r->conn && r->conn->full))
		due_start(d, &r->due, DUE_BODY);
	if (r->conn)
		conn_watch(r->conn, false);
}

void slot_abort(struct dispatch_slot *s)
{
	uint8_t head[HEADER];
	struct iovec iov = { .iov_base = head, .iov_len = sizeof(head) };

	if (s->aborted || s->use != SLOT_BUSY)
		return;
	s->aborted = s->input_ended = true;
	if (s->req)
		s->req->stdin_sent = true;
	fcgi_put_header(head, FCGI_ABORT_REQUEST, s->id, 0, 0);
	slot_send(s, &iov, 1);
}

void slot_unwanted(struct dispatch_slot *s)
{
	bool whole = s->req->stdin_ended;

	s->abort_due = whole && !is_sent(s);
	if (!s->abort_due)
		slot_abort(s);
	if (!whole)
		spool_clear(&s->req->body);
}

void dispatch_slot_writable(struct dispatch_slot *s)
{
	struct iovec iov = { .iov_base = s->out.data, .iov_len = s->out.len };
	struct dispatch *d = s->d;
	ssize_t put = s->out.len > 0 ? d->world->send(s->io, &iov, 1) : 0;

	if (put < 0 && errno != EAGAIN && errno != EINTR)
		buf_clear(&s->out);     /* nobody is there: its end comes by another way */
	if (put > 0)
		buf_drop_front(&s->out, (size_t)put);
	if (s->out.len == 0)
		buf_free(&s->out);
	slot_pump(s);
	slot_watch(s);
	dispatch_settle(d);
}

/* It will get nothing more: once it is free, tell it so. */
static void end_if_free(struct dispatch_slot *s)
{
	if (!s->leaving || s->ended || s->mad || s->use != SLOT_IDLE)
		return;
	s->ended = true;
	s->d->world->end_slot(s->io);
}

/* Only the end of a body, or the parameters of a role it does not serve, need not be read before an answer. */
static bool answers_unread(const struct dispatch_slot *s)
{
	return s->out.len > (size_t)s->d->limits.max_params + UNREAD_BYTES;
}

void slot_turn_over(struct dispatch_slot *s, bool leaving)
{
	struct dispatch *d = s->d;

	if (answers_unread(s)) {
		slot_mad(s, "answers to requests that it has not read");
		return;
	}
	s->use = SLOT_IDLE;
	s->leaving |= leaving;
	if (!s->leaving) {
		TAILQ_REMOVE(&d->slots, s, next);
		TAILQ_INSERT_HEAD(&d->idle, s, next);
	}
	end_if_free(s);
	if (leaving)
		d->world->slot_leaves(s->io);
}

/* It gets nothing more. */
static void set_leaving(struct dispatch_slot *s)
{
	struct dispatch *d = s->d;

	if (s->dead || s->leaving)
		return;
	s->leaving = true;
	if (s->use != SLOT_IDLE)
		return;
	TAILQ_REMOVE(&d->idle, s, next);
	TAILQ_INSERT_TAIL(&d->slots, s, next);
}

void dispatch_slot_retire(struct dispatch_slot *s)
{
	set_leaving(s);
	end_if_free(s);
}

void slot_mad(struct dispatch_slot *s, const char *why)
{
	if (s->mad)
		return;
	s->mad = true;
	set_leaving(s);
	s->d->world->slot_is_mad(s->io, why);
}

void dispatch_slot_end(struct dispatch_slot *s)
{
	struct dispatch_request *r = s->req;
	struct dispatch *d = s->d;
	struct dispatch_death how = { 0 };

	if (s->dead)
		return;
	if (r)
		how = d->world->death(s->io);
	if (s->mad)                     /* ended by us, but not for the request */
		how = (struct dispatch_death){ .started = true };
	s->dead = true;
	if (s->use == SLOT_IDLE && !s->leaving)
		TAILQ_REMOVE(&d->idle, s, next);
	else
		TAILQ_REMOVE(&d->slots, s, next);
	TAILQ_INSERT_TAIL(&d->dead_slots, s, next);
	s->use = SLOT_GONE;
	s->req = NULL;
	if (r)
		request_lost(r, &how);
	d->world->slot_leaves(s->io);
	dispatch_settle(d);
}
