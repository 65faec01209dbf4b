/* dispatch_figures.c -- runs in a pool process: what the dispatcher does and did. Figures that can be counted are
 * counted when somebody asks. */
#include "mpm/dispatch_priv.h"

uint64_t dispatch_bucket_us(unsigned i)
{
	return i + 1 < DISPATCH_BUCKETS ? (uint64_t)16 << i : DISPATCH_NEVER;
}

void times_add(struct dispatch_times *t, uint64_t us)
{
	unsigned i = 0;

	while (i + 1 < DISPATCH_BUCKETS && us >= (uint64_t)16 << i)
		i++;
	t->counts[i]++;
	t->count++;
	t->sum_us += us;
}

void dispatch_facts(const struct dispatch_request *r, struct dispatch_facts *out)
{
	const struct dispatch_conn *c = r->conn ? r->conn : r->d->going;
	uint64_t now_us = r->d->now_us;

	*out = (struct dispatch_facts){
		.peer = c ? c->peer : "",
		.whole = r->head_us != 0,
		.told = r->slot || r->state == REQUEST_ANSWERED,
		.age_us = now_us - r->begun_us,
	};
	if (r->state == REQUEST_QUEUED)
		out->queued_us = now_us - r->queued_us;
	else if (r->tries > 0)
		out->queued_us = r->given_us - r->queued_us;
}

uint64_t dispatch_given_wait_us(const struct dispatch *d)
{
	return d->given_wait_us;
}

static void count_requests(const struct dispatch_conn *c, struct dispatch_figures *out)
{
	const struct dispatch_request *r;

	for (r = TAILQ_FIRST(&c->requests); r; r = TAILQ_NEXT(r, of_conn)) {
		out->reading += r->state == REQUEST_HEAD || r->state == REQUEST_BODY;
		out->writing += r->state == REQUEST_ANSWERED;
	}
	out->writing += TAILQ_EMPTY(&c->requests) && c->out.len > 0;    /* the end of an answer */
}

static void count_slots(const struct dispatch *d, struct dispatch_figures *out)
{
	const struct dispatch_slot *s;

	for (s = TAILQ_FIRST(&d->slots); s; s = TAILQ_NEXT(s, next)) {
		out->running += s->use == SLOT_BUSY;
		out->finished += s->use == SLOT_FINISHED;
	}
}

unsigned dispatch_queued(const struct dispatch *d)
{
	return d->queued;
}

unsigned dispatch_conns(const struct dispatch *d)
{
	return d->conn_count;
}

uint64_t dispatch_silent_us(const struct dispatch *d)
{
	const struct due *last = TAILQ_LAST(&d->due[DUE_FIRST], due_list);

	return last ? last->since_us : 0;
}

bool dispatch_flying(const struct dispatch *d, uint64_t since_us)
{
	const struct dispatch_request *r;
	const struct dispatch_conn *c;

	for (c = TAILQ_FIRST(&d->conns); c; c = TAILQ_NEXT(c, next)) {
		if (TAILQ_EMPTY(&c->requests) && c->out.len > 0)
			return true;
		for (r = TAILQ_FIRST(&c->requests); r; r = TAILQ_NEXT(r, of_conn))
			if (r->state != REQUEST_HEAD && r->begun_us < since_us)
				return true;
	}
	return false;
}

unsigned dispatch_in_hand(const struct dispatch *d)
{
	struct dispatch_figures now;

	dispatch_figures(d, &now);
	return now.reading + now.queued + now.running + now.writing;
}

void dispatch_figures(const struct dispatch *d, struct dispatch_figures *out)
{
	const struct due *first = TAILQ_FIRST(&d->due[DUE_QUEUE]);
	const struct dispatch_conn *c;
	const struct due *due;

	*out = d->figures;
	out->conns = d->conn_count;
	out->queued = d->queued;
	out->oldest_us = first ? d->now_us - first->since_us : 0;
	out->parked = 0;
	for (due = TAILQ_FIRST(&d->due[DUE_PARKED]); due; due = TAILQ_NEXT(due, next))
		out->parked++;
	for (c = TAILQ_FIRST(&d->conns); c; c = TAILQ_NEXT(c, next))
		count_requests(c, out);
	count_slots(d, out);
}
