/* dispatch_due.c -- runs in a pool process: limits in time. Whatever has the same limit stands in one list, in the
 * order in which it began, so that starting and stopping one costs nothing, and only firsts are looked at. */
#include "mpm/dispatch_priv.h"

#include <stddef.h>

#define UNWATCHED_US 100000             /* a request runs so long before its client's end is watched for */

static uint64_t seconds(int64_t s)
{
	return (uint64_t)s * 1000000;
}

void due_init(struct dispatch *d)
{
	const struct conf_pool *conf = d->conf;

	d->due_us[DUE_FIRST] = d->due_us[DUE_HEAD] = seconds(conf->request_header_timeout_s);
	d->due_us[DUE_PARKED] = seconds(conf->keepalive_timeout_s);
	d->due_us[DUE_UNWATCHED] = UNWATCHED_US;
	d->due_us[DUE_BODY] = seconds(conf->request_body_timeout_s);
	d->due_us[DUE_QUEUE] = seconds(conf->queue_timeout_s);
	for (int kind = 0; kind < DUE_KINDS; kind++)
		TAILQ_INIT(&d->due[kind]);
}

struct dispatch_conn *due_conn(struct due *due)
{
	return (struct dispatch_conn *)((char *)due - offsetof(struct dispatch_conn, due));
}

struct dispatch_request *due_request(struct due *due)
{
	return (struct dispatch_request *)((char *)due - offsetof(struct dispatch_request, due));
}

void due_stop(struct dispatch *d, struct due *due)
{
	if (due->kind == DUE_KINDS)
		return;
	TAILQ_REMOVE(&d->due[due->kind], due, next);
	due->kind = DUE_KINDS;
}

void due_start(struct dispatch *d, struct due *due, enum due_kind kind)
{
	due_stop(d, due);
	due->kind = (uint8_t)kind;
	due->since_us = d->now_us;
	TAILQ_INSERT_TAIL(&d->due[kind], due, next);
}

/* A connection that says nothing more is no use to anybody, unless it has just begun to speak. */
static void on_parked(struct dispatch *d, struct due *due)
{
	struct dispatch_conn *c = due_conn(due);

	if (d->world->peek(c->io) == DISPATCH_PEEK_BYTES)
		due_start(d, due, DUE_PARKED);
	else
		conn_let_go(c, DISPATCH_CLOSE);
}

static void on_due(struct dispatch *d, enum due_kind kind, struct due *due)
{
	switch (kind) {
	case DUE_FIRST:
		d->world->note(d->arg, NULL, REASON_HEADER_TIMEOUT);
		conn_let_go(due_conn(due), DISPATCH_LINGER);
		return;
	case DUE_PARKED:
		on_parked(d, due);
		return;
	case DUE_UNWATCHED:
		due_stop(d, due);
		conn_watch(due_conn(due), true);
		return;
	case DUE_HEAD:
		request_answer(due_request(due), REASON_HEADER_TIMEOUT);
		return;
	case DUE_BODY:
		request_answer(due_request(due), REASON_BODY_TIMEOUT);
		return;
	case DUE_QUEUE:
		request_answer(due_request(due), REASON_QUEUE_TIMEOUT);
		return;
	case DUE_KINDS:
		return;
	}
}

static bool is_due(const struct dispatch *d, int kind, const struct due *due)
{
	return due && d->due_us[kind] > 0 && d->now_us >= due->since_us + d->due_us[kind];
}

uint64_t dispatch_tick(struct dispatch *d)
{
	struct due *due;

	for (int kind = 0; kind < DUE_KINDS; kind++)
		while ((due = TAILQ_FIRST(&d->due[kind])) != NULL && is_due(d, kind, due))
			on_due(d, (enum due_kind)kind, due);
	dispatch_settle(d);
	return dispatch_next(d);
}

uint64_t dispatch_next(const struct dispatch *d)
{
	uint64_t next = DISPATCH_NEVER;

	for (int kind = 0; kind < DUE_KINDS; kind++) {
		const struct due *due = TAILQ_FIRST(&d->due[kind]);

		if (due && d->due_us[kind] > 0 && due->since_us + d->due_us[kind] < next)
			next = due->since_us + d->due_us[kind];
	}
	return next;
}
