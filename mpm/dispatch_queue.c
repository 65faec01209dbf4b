/* dispatch_queue.c -- runs in a pool process: requests that wait for a slot, first in first out, and who gets them: the
 * slot that became free last, so that caches stay warm and children that are too many stay idle. */
#include "mpm/dispatch_priv.h"

static void queue_enter(struct dispatch_request *r)
{
	struct dispatch *d = r->d;

	r->state = REQUEST_QUEUED;
	if (++d->queued > d->figures.queued_max)
		d->figures.queued_max = d->queued;
}

/* What idle slots will get at the end of this call does not count. */
static bool is_full(const struct dispatch *d)
{
	const struct dispatch_slot *s;
	unsigned max = (unsigned)d->conf->queue_max, over;

	if (d->queued < max)
		return false;
	over = d->queued - max;
	TAILQ_FOREACH(s, &d->idle, next)
		if (over-- == 0)
			return false;
	return true;
}

void queue_add(struct dispatch_request *r)
{
	struct dispatch *d = r->d;

	if (is_full(d)) {
		request_answer(r, REASON_QUEUE_FULL);
		return;
	}
	r->queued_us = d->now_us;
	due_start(d, &r->due, DUE_QUEUE);
	queue_enter(r);
}

/* What it ran for already is no waiting. Its limit ends with that of who was the first: the list stays in order. */
void queue_add_first(struct dispatch_request *r)
{
	struct dispatch *d = r->d;

	struct due *first = TAILQ_FIRST(&d->due[DUE_QUEUE]);

	due_stop(d, &r->due);
	r->queued_us = d->now_us;
	r->due.kind = DUE_QUEUE;
	r->due.since_us = first ? first->since_us : d->now_us;
	TAILQ_INSERT_HEAD(&d->due[DUE_QUEUE], &r->due, next);
	queue_enter(r);
}

void queue_remove(struct dispatch_request *r)
{
	due_stop(r->d, &r->due);
	r->d->queued--;
	r->state = REQUEST_BODY;
}

/* Nobody was told when a client that is not watched went. */
static bool left_meanwhile(const struct dispatch_request *r)
{
	const struct dispatch_conn *c = r->conn;

	return c && !c->reads && r->queued_us < r->d->now_us &&
	       r->d->world->peek(c->io) == DISPATCH_PEEK_GONE;
}

void queue_run(struct dispatch *d)
{
	struct due *first;

	while ((first = TAILQ_FIRST(&d->due[DUE_QUEUE])) != NULL && !TAILQ_EMPTY(&d->idle)) {
		struct dispatch_request *r = due_request(first);

		if (left_meanwhile(r)) {
			conn_gone(r->conn);
			continue;
		}
		queue_remove(r);
		slot_give(TAILQ_FIRST(&d->idle), r);
	}
	if (d->queued > 0 && !d->said_busy)
		d->world->busy(d->arg);
	d->said_busy = d->queued > 0;
}
