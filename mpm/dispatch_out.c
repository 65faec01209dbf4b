/* dispatch_out.c -- runs in a pool process: bytes on their way to a client. A client that takes all is written to at
 * once, from the slot's own bytes; for others each request's records wait in a queue of its own, and the requests of a
 * connection take turns, one window of whole records each, so that a long reply holds up no short one. */
#include "mpm/dispatch_priv.h"

#include <errno.h>
#include <string.h>
#include "src/base/mem.h"

#define TURN_BYTES  (64 * 1024)         /* of one request, before another has its turn */
#define CALL_BYTES  (16 * TURN_BYTES)   /* to one connection: the others wait, for the disk too */
#define RESUME_PART 2                   /* a stopped slot goes on once so much of the limit is free: a half */

bool request_reply_waits(const struct dispatch_request *r)
{
	return spool_len(&r->reply) > 0 || r->overflow.len > 0;
}

static struct dispatch_request *next_waiting(const struct dispatch_conn *c)
{
	struct dispatch_request *r;

	for (r = TAILQ_FIRST(&c->requests); r; r = TAILQ_NEXT(r, of_conn))
		if (request_reply_waits(r))
			return r;
	return NULL;
}

bool out_waits(const struct dispatch_conn *c)
{
	return c->out.len > 0 || next_waiting(c) != NULL;
}

/* How much it took; what it did not take is the caller's. */
static size_t send_some(struct dispatch_conn *c, const struct iovec *iov, int count)
{
	ssize_t put = c->d->world->send(c->io, iov, count);

	if (put < 0 && errno != EAGAIN && errno != EINTR)
		conn_gone(c);
	return put > 0 ? (size_t)put : 0;
}

/* Keep all behind the first done bytes. */
static void keep_rest(struct buf *out, const struct iovec *iov, int count, size_t done)
{
	for (int i = 0; i < count; i++) {
		size_t skip = done < iov[i].iov_len ? done : iov[i].iov_len;

		buf_add(out, (const uint8_t *)iov[i].iov_base + skip, iov[i].iov_len - skip);
		done -= skip;
	}
}

/* In one piece: of a slot's bytes, which came in one read. */
static const uint8_t *join(struct dispatch *d, const struct iovec *iov, int count, size_t *len_out)
{
	size_t len = 0;

	for (int i = 0; i < count; i++) {
		BUG_IF(len + iov[i].iov_len > DISPATCH_WINDOW);
		memcpy(d->scratch + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	*len_out = len;
	return d->scratch;
}

/* All of it stays together, in memory or in the file: so that the front of the queue is always a whole record. */
static void wait_in_queue(struct dispatch_request *r, const struct iovec *iov, int count)
{
	struct dispatch *d = r->d;
	size_t len = iov[0].iov_len;
	const uint8_t *all = count == 1 ? iov[0].iov_base : join(d, iov, count, &len);

	if (r->overflow.len > 0 || spool_add(&r->reply, all, len) < 0)
		buf_add(&r->overflow, all, len);
	if (r->slot && (r->overflow.len > 0 || spool_len(&r->reply) >= d->conf->event_response_max))
		slot_stop(r->slot);
}

void conn_send(struct dispatch_conn *c, struct dispatch_request *r, const struct iovec *iov, int count)
{
	if (!c || c->dead)
		return;
	if (out_waits(c)) {
		wait_in_queue(r, iov, count);
	} else {
		size_t put = send_some(c, iov, count);

		if (!c->dead)
			keep_rest(&c->out, iov, count, put);
	}
	conn_watch(c, false);
}

/* The whole records within len bytes; the first record at least, if it is there whole. */
static size_t whole_records(const uint8_t *at, size_t len)
{
	size_t whole = 0;

	while (whole + 8 <= len && whole < TURN_BYTES) {
		size_t record = 8 + ((size_t)at[whole + 4] << 8 | at[whole + 5]) + at[whole + 6];

		if (whole + record > len)
			break;
		whole += record;
	}
	return whole;
}

/* What the queue holds in two pieces, so that its first record is cut: bring it together. The bytes of the first piece
 * leave the queue with that. */
static size_t join_front(struct dispatch_request *r, const uint8_t *first, size_t len)
{
	uint8_t *to = r->d->scratch;
	const uint8_t *at;
	size_t whole;
	ssize_t have;

	memmove(to, first, len);
	spool_drop(&r->reply, len);
	have = spool_front(&r->reply, to + len, DISPATCH_WINDOW - len, &at);
	if (have <= 0)
		return 0;
	if ((size_t)have > DISPATCH_WINDOW - len)
		have = (ssize_t)(DISPATCH_WINDOW - len);
	memmove(to + len, at, (size_t)have);
	whole = whole_records(to, len + (size_t)have);
	if (whole > 0)
		spool_drop(&r->reply, whole - len);
	return whole;
}

/* Take whole records from the front of what waits: at most a turn's worth, where it lies or in the scratch buffer. They
 * are the caller's until the queue is changed. 0: its file cannot be read. */
static size_t take_front(struct dispatch_request *r, const uint8_t **at_out, bool *joined_out)
{
	struct dispatch *d = r->d;
	size_t whole;
	ssize_t have;

	*joined_out = false;
	*at_out = r->overflow.data;
	if (spool_len(&r->reply) == 0)
		return whole_records(r->overflow.data, r->overflow.len);
	have = spool_front(&r->reply, d->scratch, DISPATCH_WINDOW, at_out);
	whole = have > 0 ? whole_records(*at_out, (size_t)have) : 0;
	if (whole > 0 || have <= 0)
		return whole;
	*joined_out = true;
	whole = join_front(r, *at_out, (size_t)have);
	*at_out = d->scratch;
	return whole;
}

static void drop_front(struct dispatch_request *r, size_t len, bool joined)
{
	uint64_t limit = r->d->conf->event_response_max;

	if (!joined && spool_len(&r->reply) > 0)
		spool_drop(&r->reply, len);
	else if (!joined)
		buf_drop_front(&r->overflow, len);
	if (r->slot && r->overflow.len == 0 && spool_len(&r->reply) <= limit / RESUME_PART)
		slot_resume(r->slot);
}

/* One turn of one request; *sum grows with it. False: the client takes no more for now. */
static bool write_turn(struct dispatch_conn *c, struct dispatch_request *r, size_t *sum)
{
	struct dispatch *d = c->d;
	const uint8_t *at;
	struct iovec iov;
	size_t len, put;
	bool joined;

	len = take_front(r, &at, &joined);
	if (len == 0) {                 /* what follows has no beginning */
		d->world->note(d->arg, r, REASON_NO_STORAGE);
		conn_gone(c);
		return false;
	}
	iov = (struct iovec){ .iov_base = (void *)(uintptr_t)at, .iov_len = len };
	put = send_some(c, &iov, 1);
	*sum += put;
	if (c->dead)
		return false;
	if (put > 0 || joined) {
		keep_rest(&c->out, &iov, 1, put);
		drop_front(r, len, joined);
		TAILQ_REMOVE(&c->requests, r, of_conn);
		TAILQ_INSERT_TAIL(&c->requests, r, of_conn);
	}
	return put == len;
}

static bool write_first(struct dispatch_conn *c)
{
	struct iovec iov = { .iov_base = c->out.data, .iov_len = c->out.len };
	size_t put;

	if (c->out.len == 0)
		return true;
	put = send_some(c, &iov, 1);
	if (c->dead)
		return false;
	buf_drop_front(&c->out, put);
	if (c->out.len == 0)
		buf_free(&c->out);      /* a parked connection holds no memory for what it sent once */
	return c->out.len == 0;
}

void out_write(struct dispatch_conn *c)
{
	struct dispatch_request *r;
	size_t sum = 0;

	if (c->dead || !write_first(c))
		return;
	while (sum < CALL_BYTES && (r = next_waiting(c)) != NULL) {
		bool all = write_turn(c, r, &sum);

		if (c->dead)
			return;
		if (r->state == REQUEST_ANSWERED && !request_reply_waits(r))
			request_over(r);
		if (!all)
			return;
	}
}
