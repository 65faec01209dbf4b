/* pool_drain.c -- runs in a pool process: its end, in order. Sockets stay served until the requests that were in
 * flight are done, or until the time is nearly over; then the master lets no new connection in, idle ones are closed,
 * the backlog is served, and everybody leaves. */
#include "pool/pool_priv.h"

#include "mpm/child_proto.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/master/master_proto.h"

#define UNNEEDED_MS 1000                /* children that had nothing to do for so long are sent away */
#define NEARLY_MS 1000                  /* of the budget, at most a tenth, kept for the last phase */

static void each_child(struct pool *p, void (*fn)(struct pool_child *c))
{
	for (struct generation *g = pool_generation_first(p); g; g = pool_generation_after(g))
		for (int place = 0; place < p->places; place++)
			if (g->children[place])
				fn(g->children[place]);
}

static bool in_flight(const struct board_brief *b)
{
	return b->state == BOARD_RUNNING || b->state == BOARD_FINISHING;
}

static void note_flight(struct pool_child *c)
{
	for (int i = 0; i < c->gen->pool->threads; i++) {
		struct board_brief b;

		board_peek(c->gen->board, pool_child_slot(c, (uint32_t)i), &b);
		c->slots[i].drain_waits = in_flight(&b);
		c->slots[i].drain_served = b.served;
	}
	pool_talk_order(c, CHILD_CLOSING);
}

static bool child_flies(struct pool_child *c)
{
	bool flies = false;

	for (int i = 0; i < c->gen->pool->threads; i++) {
		struct pool_slot *s = &c->slots[i];
		struct board_brief b;

		if (!s->drain_waits)
			continue;
		board_peek(c->gen->board, pool_child_slot(c, (uint32_t)i), &b);
		s->drain_waits = in_flight(&b) && b.served == s->drain_served;
		flies |= s->drain_waits;
	}
	return flies;
}

static bool flying(struct pool *p)
{
	if (p->dispatch && pool_dispatch_flying(p, p->drain_us))
		return true;
	for (struct generation *g = pool_generation_first(p); g; g = pool_generation_after(g))
		for (int place = 0; place < p->places; place++)
			if (g->children[place] && child_flies(g->children[place]))
				return true;
	return false;
}

static void tell_queue(struct pool_child *c)
{
	pool_talk_order(c, CHILD_QUEUE);
}

static void tell_last(struct pool_child *c)
{
	if (c->phase == CHILD_ORDERED || c->phase == CHILD_BORN || c->told_last)
		return;
	c->told_last = true;
	pool_talk_order(c, CHILD_LAST);
}

static void tell_drain(struct pool_child *c)
{
	if (c->phase != CHILD_RETIRING && c->phase != CHILD_ORDERED && c->phase != CHILD_BORN)
		pool_talk_order(c, CHILD_DRAIN);
}

/* Its children serve for as long as the dispatcher may have anything for them. A slow reader needs none, but who
 * multiplexes may ask again at any time. */
static bool needs_children(struct pool *p)
{
	uint64_t now = clock_ms();

	if (pool_dispatch_needs_children(p))
		p->needed_ms = now;
	return !pool_dispatch_empty(p) && now < p->needed_ms + UNNEEDED_MS;
}

static void dispatch_look(struct pool *p)
{
	if (p->orphaned) {              /* no child's death would be told any more: they see the end of their links */
		if (pool_dispatch_empty(p))
			pool_exit(p);
	} else if (!needs_children(p)) {
		each_child(p, tell_drain);
	}
}

static void tell_stop(struct pool_child *c)
{
	bool busy = false;

	for (int i = 0; i < c->gen->pool->threads; i++) {
		struct board_brief b;

		board_peek(c->gen->board, pool_child_slot(c, (uint32_t)i), &b);
		busy |= in_flight(&b) || b.state == BOARD_READING;
	}
	if (busy)
		pool_talk_stop(c, REASON_DRAINING);
}

static void kill_now(struct pool_child *c)
{
	pool_reap_kill(c, clock_ms());
}

void pool_drain_newcomer(struct pool_child *c)
{
	switch (c->gen->pool->drain) {
	case DRAIN_NONE:
		return;
	case DRAIN_FINISH:
	case DRAIN_ASKED:
		pool_talk_order(c, CHILD_CLOSING);
		return;
	case DRAIN_LAST:
		if (!c->gen->pool->dispatch)
			tell_last(c);
		return;
	case DRAIN_REPLACED:
		if (!c->gen->pool->dispatch)
			tell_queue(c);
	}
}

/* What waits with nobody left to serve it gets one more child, and before that a zygote, as long as that is known to
 * work. */
static void serve_rest(struct pool *p)
{
	uint64_t now = clock_ms();
	bool failing = pool_backoff_failing(&p->zygote_backoff) || pool_backoff_failing(&p->child_backoff);

	if (p->orphaned || p->drain_hurry || failing)
		pool_exit(p);
	if (!p->gen)
		pool_generation_order(p);
	else if (p->gen->ready && pool_backoff_wait_ms(&p->child_backoff, now) == 0)
		pool_spawn_child(p->gen);
}

/* No child is left. Who sends a request or reads its answer needs none for now. */
static void without_children(struct pool *p, int waiting)
{
	if (waiting > 0)
		serve_rest(p);
	else if (!p->dispatch || p->drain_hurry || pool_dispatch_empty(p))
		pool_exit(p);
}

void pool_drain_look(struct pool *p)
{
	if (p->dispatch && (p->drain == DRAIN_LAST || p->drain == DRAIN_REPLACED))
		dispatch_look(p);
	switch (p->drain) {
	case DRAIN_NONE:
	case DRAIN_ASKED:
		return;
	case DRAIN_FINISH:
		if (flying(p) && !p->drain_hurry)
			return;
		p->drain = DRAIN_ASKED;
		pool_master_say(p, POOL_DRAINED);
		return;
	case DRAIN_LAST:
		if (pool_child_count(p) > 0)
			return;
		pool_park_close_idle(p);        /* what the last child handed over may have spoken */
		without_children(p, pool_park_waiting(p));
		return;
	case DRAIN_REPLACED:
		if (pool_child_count(p) > 0)
			return;
		pool_park_close_idle(p);
		without_children(p, pool_park_queued(p));
	}
}

void pool_drain_last(struct pool *p)
{
	if (p->drain != DRAIN_ASKED)
		return;
	p->drain = DRAIN_LAST;
	pool_park_close_idle(p);
	if (p->dispatch) {
		pool_dispatch_last(p);
		pool_dispatch_refuse_unread(p, false, REASON_DRAINING);
	} else {
		each_child(p, tell_last);
	}
	pool_drain_look(p);
	pool_poke(p);
}

static void set_timer(struct pool *p, uint64_t ms)
{
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	evtimer_add(p->drain_timer, &tv);
}

/* The time is nearly over: requests in flight give up with an answer; who does not even do that is killed. */
static void on_time(evutil_socket_t fd, short what, void *arg)
{
	struct pool *p = arg;

	(void)fd;
	(void)what;
	if (p->drain_hurry) {
		each_child(p, kill_now);
		set_timer(p, NEARLY_MS);
		return;
	}
	log_notice("the time to finish is over: what still runs is ended (%s)", reason_name(REASON_DRAINING));
	p->drain_hurry = true;
	each_child(p, tell_stop);
	if (p->dispatch) {
		pool_dispatch_refuse(p, REASON_DRAINING);
		pool_dispatch_refuse_unread(p, true, REASON_DRAINING);
	}
	set_timer(p, NEARLY_MS);
	pool_drain_look(p);
	pool_poke(p);
}

void pool_drain_begin(struct pool *p, uint32_t kind, uint64_t budget_ms)
{
	uint64_t reserve_ms = budget_ms / 10 < NEARLY_MS ? budget_ms / 10 : NEARLY_MS;

	if (p->said_at_rest)
		pool_exit(p);
	if (!p->drain_timer)
		p->drain_timer = evtimer_new(p->base, on_time, p);
	if (budget_ms > 0)
		set_timer(p, budget_ms - reserve_ms);
	if (p->drain != DRAIN_NONE)             /* a replaced one is told again, with a bound, when the server ends */
		return;
	p->drain_us = clock_us();
	if (kind == MASTER_DRAIN_REPLACED) {
		p->drain = DRAIN_REPLACED;
		pool_status_stop(p);
		pool_park_close_idle(p);
		if (p->dispatch) {
			pool_dispatch_stop(p);
			pool_dispatch_last(p);
		} else {
			each_child(p, tell_queue);
		}
	} else {
		if (p->dispatch)
			pool_dispatch_closing(p);
		p->drain = DRAIN_FINISH;
		each_child(p, note_flight);
	}
	pool_drain_look(p);
	pool_poke(p);
}

void pool_drain_orphaned(struct pool *p)
{
	p->orphaned = true;
	if (!p->dispatch || p->said_at_rest)    /* children finish what they have in hand without us */
		pool_exit(p);
	p->drain_us = clock_us();
	p->drain = DRAIN_REPLACED;
	pool_status_stop(p);
	pool_dispatch_unlisten(p);
	pool_dispatch_last(p);
	pool_dispatch_refuse_unread(p, false, REASON_DRAINING);
	pool_drain_look(p);
	pool_poke(p);
}
