/* dispatch_conn.c -- runs in a pool process: a client's connection, on which any number of requests run at once. It
 * decides when the connection is read, parked and let go, never what becomes of a request. */
#include "mpm/dispatch_priv.h"

#include <errno.h>
#include <fastcgi.h>
#include <stdio.h>
#include <stdlib.h>
#include "src/base/mem.h"

struct dispatch_conn *dispatch_conn_new(struct dispatch *d, void *io, const char *peer)
{
	struct dispatch_conn *c = xcalloc(1, sizeof(*c));

	c->d = d;
	c->io = io;
	c->due.kind = DUE_KINDS;
	snprintf(c->peer, sizeof(c->peer), "%s", peer);
	TAILQ_INIT(&c->requests);
	TAILQ_INSERT_TAIL(&d->conns, c, next);
	d->conn_count++;
	d->figures.accepted++;
	due_start(d, &c->due, DUE_FIRST);
	return c;
}

#define OUT_MAX      (2 * DISPATCH_WINDOW)      /* bytes in c->out, and */
#define ANSWERED_MAX 256                        /* answers that wait: it is not read before it takes some */

/* Else who asks and never listens would cost memory without end. */
static bool may_read(const struct dispatch_conn *c)
{
	return !c->dead && !c->no_more_input && !c->full && c->out.len < OUT_MAX && c->answered < ANSWERED_MAX;
}

/* Every request has come whole and waits for its reply: nothing is expected of this client but its end. */
static bool only_waits(const struct dispatch_conn *c)
{
	const struct dispatch_request *r;

	for (r = TAILQ_FIRST(&c->requests); r; r = TAILQ_NEXT(r, of_conn))
		if (!request_is_whole(r))
			return false;
	return !TAILQ_EMPTY(&c->requests);
}

void conn_watch(struct dispatch_conn *c, bool run)
{
	bool may = may_read(c);
	bool reads = may && (c->reads || run || !only_waits(c));
	bool writes = !c->dead && out_waits(c);

	if (may && !reads && c->due.kind == DUE_KINDS)
		due_start(c->d, &c->due, DUE_UNWATCHED);
	if (reads == c->reads && writes == c->writes)
		return;
	c->reads = reads;
	c->writes = writes;
	if (!c->dead)
		c->d->world->watch(c->io, reads, writes);
}

bool dispatch_conn_reads(const struct dispatch_conn *c)
{
	return may_read(c);
}

void conn_let_go(struct dispatch_conn *c, enum dispatch_close how)
{
	struct dispatch *d = c->d;

	if (c->dead)
		return;
	c->dead = true;
	c->unread = how == DISPATCH_LINGER;
	due_stop(d, &c->due);
	TAILQ_REMOVE(&d->conns, c, next);
	TAILQ_INSERT_TAIL(&d->dead_conns, c, next);
	d->conn_count--;
}

void conn_gone(struct dispatch_conn *c)
{
	struct dispatch_request *r;

	conn_let_go(c, DISPATCH_CLOSE);
	c->d->going = c;
	while ((r = TAILQ_FIRST(&c->requests)) != NULL) {
		TAILQ_REMOVE(&c->requests, r, of_conn);
		r->conn = NULL;
		request_orphan(r);
	}
	c->d->going = NULL;
}

bool conn_rests(const struct dispatch_conn *c)
{
	return TAILQ_EMPTY(&c->requests) && c->out.len == 0;
}

/* How long it may now say nothing. Half a record is the begin of a head, whatever came before; so is what let one stay
 * that was to close. */
static void set_due(struct dispatch_conn *c)
{
	enum due_kind kind = c->has_asked && !c->last && fcgi_mux_clean(&c->mux) ? DUE_PARKED : DUE_FIRST;

	if (!conn_rests(c)) {
		if (c->due.kind == DUE_PARKED || c->due.kind == DUE_FIRST)
			due_stop(c->d, &c->due);
	} else if (c->due.kind != kind) {
		due_start(c->d, &c->due, kind);
	}
}

/* Who multiplexes may have asked again before it knew: that would be lost without a word. */
static bool is_over(const struct dispatch_conn *c)
{
	if (c->closing || c->no_more_input)
		return true;
	return c->last && fcgi_mux_clean(&c->mux) && c->d->world->peek(c->io) != DISPATCH_PEEK_BYTES;
}

void conn_rest(struct dispatch_conn *c)
{
	if (c->dead)
		return;
	if (conn_rests(c) && is_over(c)) {
		conn_let_go(c, c->unread && !c->no_more_input ? DISPATCH_LINGER : DISPATCH_CLOSE);
		return;
	}
	set_due(c);
	conn_watch(c, false);
}

static void on_begin(struct dispatch_conn *c)
{
	c->has_asked = true;
	if (c->broken)
		fcgi_mux_done(&c->mux, c->mux.id);
	else
		fcgi_mux_set_user(&c->mux, c->mux.id, request_new(c));
}

/* What it said cannot be believed, so nothing that is still to come can. */
static void on_bad(struct dispatch_conn *c)
{
	struct dispatch *d = c->d;

	d->world->note(d->arg, NULL, REASON_BAD_HEADER);
	conn_gone(c);
	c->unread = true;
}

static void on_event(struct dispatch_conn *c, enum fcgi_mux_event event)
{
	struct dispatch_request *r = c->mux.user;

	switch (event) {
	case FCGI_MUX_BEGIN:
		on_begin(c);
		return;
	case FCGI_MUX_PARAMS:
		request_params(r, c->mux.data, c->mux.data_len);
		return;
	case FCGI_MUX_HEAD:
		request_head(r);
		return;
	case FCGI_MUX_STDIN:
		request_input(r, &r->body, c->mux.data, c->mux.data_len);
		return;
	case FCGI_MUX_STDIN_END:
		r->stdin_ended = true;
		if (r->role != FCGI_FILTER)
			request_input_end(r);
		return;
	case FCGI_MUX_DATA:
		request_input(r, &r->data, c->mux.data, c->mux.data_len);
		return;
	case FCGI_MUX_DATA_END:
		request_input_end(r);
		return;
	case FCGI_MUX_ABORT:
		request_abort(r);
		return;
	case FCGI_MUX_BAD:
		on_bad(c);
		return;
	case FCGI_MUX_MORE:
		return;
	}
}

void dispatch_conn_input(struct dispatch_conn *c, const uint8_t *data, size_t len)
{
	enum fcgi_mux_event event;
	struct dispatch *d = c->d;
	size_t had = c->out.len;

	while (!c->dead && (event = fcgi_mux_next(&c->mux, &d->limits, &data, &len, &c->out)) != FCGI_MUX_MORE)
		on_event(c, event);
	if (!c->dead && c->mux.rejected_last)   /* its streams may still be on their way */
		c->closing = c->unread = true;
	if (!c->dead && c->out.len > had) {
		c->has_asked = true;
		out_write(c);
	}
	conn_rest(c);
	dispatch_settle(d);
}

void dispatch_conn_end(struct dispatch_conn *c, bool gone)
{
	struct dispatch_request *r, *after;
	struct dispatch *d = c->d;

	if (gone || conn_rests(c)) {
		conn_gone(c);
		dispatch_settle(d);
		return;
	}
	/* It still reads. What it has not said whole it will never say. */
	c->no_more_input = true;
	for (r = TAILQ_FIRST(&c->requests); r; r = after) {
		after = TAILQ_NEXT(r, of_conn);
		if (!c->dead && !request_is_whole(r))
			request_answer(r, REASON_BAD_HEADER);
	}
	conn_rest(c);
	conn_watch(c, false);
	dispatch_settle(d);
}

void dispatch_conn_writable(struct dispatch_conn *c)
{
	struct dispatch *d = c->d;
	bool read = may_read(c);

	out_write(c);
	conn_rest(c);
	if (!read && may_read(c))
		conn_watch(c, true);
	dispatch_settle(d);
}
