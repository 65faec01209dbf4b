/* dispatch.c -- runs in a pool process: the dispatcher as a whole, from its start to its end. What was let go in a call
 * from outside is freed at that call's end, here and nowhere else, so that no function of the dispatcher has to fear
 * for what it holds. */
#include "mpm/dispatch_priv.h"

#include <stdlib.h>
#include <string.h>
#include "src/base/mem.h"

struct dispatch *dispatch_new(const struct conf_pool *conf, const struct dispatch_world *world, void *arg)
{
	struct dispatch *d = xcalloc(1, sizeof(*d));

	d->conf = conf;
	d->world = world;
	d->arg = arg;
	/* Which roles an application serves only its slots know: they answer to the others. */
	d->limits = (struct fcgi_limits){
		.max_params = conf->request_max_params,
		.roles = UINT32_MAX,
		.max_conns = (uint32_t)conf->event_max_connections,
		.max_reqs = (uint32_t)(conf_pool_slots(conf) + conf->queue_max),
	};
	TAILQ_INIT(&d->conns);
	TAILQ_INIT(&d->dead_conns);
	TAILQ_INIT(&d->dead_requests);
	TAILQ_INIT(&d->slots);
	TAILQ_INIT(&d->idle);
	TAILQ_INIT(&d->dead_slots);
	due_init(d);
	d->scratch = xrealloc(NULL, DISPATCH_WINDOW);
	return d;
}

static void free_requests(struct dispatch *d)
{
	struct dispatch_request *r;

	while ((r = TAILQ_FIRST(&d->dead_requests)) != NULL) {
		TAILQ_REMOVE(&d->dead_requests, r, of_conn);
		buf_free(&r->params);
		buf_free(&r->overflow);
		spool_clear(&r->body);
		spool_clear(&r->data);
		spool_clear(&r->reply);
		free(r);
	}
}

static void free_conns(struct dispatch *d)
{
	struct dispatch_conn *c;

	while ((c = TAILQ_FIRST(&d->dead_conns)) != NULL) {
		TAILQ_REMOVE(&d->dead_conns, c, next);
		d->world->close_conn(c->io, c->unread ? DISPATCH_LINGER : DISPATCH_CLOSE);
		fcgi_mux_free(&c->mux);
		buf_free(&c->out);
		free(c);
	}
}

static void free_slots(struct dispatch *d)
{
	struct dispatch_slot *s;

	while ((s = TAILQ_FIRST(&d->dead_slots)) != NULL) {
		TAILQ_REMOVE(&d->dead_slots, s, next);
		d->world->close_slot(s->io);
		buf_free(&s->out);
		free(s);
	}
}

void dispatch_settle(struct dispatch *d)
{
	queue_run(d);
	free_requests(d);
	free_conns(d);
	free_slots(d);
}

void dispatch_time(struct dispatch *d, uint64_t now_us)
{
	if (now_us > d->now_us)
		d->now_us = now_us;
}

void dispatch_closing(struct dispatch *d)
{
	struct dispatch_conn *c;

	d->closing = true;
	for (c = TAILQ_FIRST(&d->conns); c; c = TAILQ_NEXT(c, next))
		c->last |= c->out.len > 0;
}

void dispatch_close_parked(struct dispatch *d)
{
	struct due *due, *after;

	for (due = TAILQ_FIRST(&d->due[DUE_PARKED]); due; due = after) {
		after = TAILQ_NEXT(due, next);
		if (d->world->peek(due_conn(due)->io) != DISPATCH_PEEK_BYTES)
			conn_let_go(due_conn(due), DISPATCH_CLOSE);
	}
	dispatch_settle(d);
}

bool dispatch_full(const struct dispatch *d)
{
	return d->conn_count >= (unsigned)d->conf->event_max_connections;
}

bool dispatch_has_room(const struct dispatch *d)
{
	return !dispatch_full(d) || !TAILQ_EMPTY(&d->due[DUE_PARKED]) || !TAILQ_EMPTY(&d->due[DUE_FIRST]);
}

/* What it has sent meanwhile is read in this same turn of the loop: few are like that. */
static struct due *longest_silent(struct dispatch *d, enum due_kind kind)
{
	struct due *due;

	for (due = TAILQ_FIRST(&d->due[kind]); due; due = TAILQ_NEXT(due, next))
		if (d->world->peek(due_conn(due)->io) != DISPATCH_PEEK_BYTES)
			return due;
	return NULL;
}

bool dispatch_drop_parked(struct dispatch *d)
{
	struct due *first = longest_silent(d, DUE_PARKED);

	if (!first)
		first = longest_silent(d, DUE_FIRST);
	if (!first)
		first = TAILQ_FIRST(&d->due[DUE_PARKED]);
	if (!first)
		first = TAILQ_FIRST(&d->due[DUE_FIRST]);
	if (!first)
		return false;
	conn_let_go(due_conn(first), DISPATCH_CLOSE);
	dispatch_settle(d);
	return true;
}

void dispatch_refuse_queued(struct dispatch *d, enum reason reason)
{
	struct due *first;

	while ((first = TAILQ_FIRST(&d->due[DUE_QUEUE])) != NULL)
		request_answer(due_request(first), reason);
	dispatch_settle(d);
}

static struct dispatch_request *first_unread(struct dispatch *d, bool bodies)
{
	struct due *due = TAILQ_FIRST(&d->due[DUE_HEAD]);

	if (due)
		return due_request(due);
	for (due = TAILQ_FIRST(&d->due[DUE_BODY]); bodies && due; due = TAILQ_NEXT(due, next))
		if (due_request(due)->state == REQUEST_BODY)
			return due_request(due);
	return NULL;
}

void dispatch_refuse_unread(struct dispatch *d, bool bodies, enum reason reason)
{
	struct dispatch_request *r;

	while ((r = first_unread(d, bodies)) != NULL)
		request_answer(r, reason);
	dispatch_settle(d);
}

void dispatch_free(struct dispatch **d)
{
	struct dispatch_conn *c;
	struct dispatch_slot *s;

	while ((c = TAILQ_FIRST(&(*d)->conns)) != NULL)
		conn_gone(c);
	while ((s = TAILQ_FIRST(&(*d)->idle)) != NULL || (s = TAILQ_FIRST(&(*d)->slots)) != NULL)
		dispatch_slot_end(s);
	dispatch_refuse_queued(*d, REASON_DRAINING);
	free((*d)->scratch);
	free(*d);
	*d = NULL;
}
