/* pool_tick.c -- runs in a pool process: looks at the scoreboard, asks the plan, obeys it. While anything changes it
 * looks every 10 ms; after a calm second it sleeps until an event, or until the plan or a limit in time would
 * differ by time alone. */
#include "pool/pool_priv.h"

#include <malloc.h>
#include "mpm/child_proto.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/master/master_proto.h"

#define TICK_MS         10
#define TICK_SLOW_MS    100             /* where nothing can be done sooner: static, or at max_children */
#define CALM_AFTER_MS   1000

struct look {
	struct pool_census census;
	uint64_t sum;                   /* differs when anything moved */
	uint64_t wait_ms;               /* until a limit in time is due */
	unsigned active;                /* children at work, of all generations */
	bool blocked;                   /* births wait for the master */
};

static void sooner(struct look *k, uint64_t wait_ms)
{
	if (wait_ms < k->wait_ms)
		k->wait_ms = wait_ms;
}

/* Each child that comes to serve ends a row of deaths, once. */
static void note_first_request(struct pool_child *c, uint64_t served)
{
	if (c->has_served || served == 0)
		return;
	c->has_served = true;
	if (pool_backoff_ok(&c->gen->pool->child_backoff) == POOL_BACKOFF_WELL)
		log_notice("children serve again");
}

/* A child's slots, taken together. */
struct child_look {
	int idle;
	uint64_t idle_since_ms;         /* of the slot that became so last */
	int leaving;                    /* slots */
	bool marked;                    /* the child leaves */
	int active;                     /* as the status counts */
	uint64_t served;
	uint64_t sum;                   /* differs when anything moved */
};

static void look_at_slots(const struct pool_child *c, struct child_look *out)
{
	*out = (struct child_look){ .marked = board_leaves(c->gen->board, pool_child_slot(c, 0)) };
	for (int i = 0; i < c->gen->pool->threads; i++) {
		struct board_brief b;

		board_peek(c->gen->board, pool_child_slot(c, (uint32_t)i), &b);
		out->sum = out->sum * 31 + (uint64_t)b.state + b.served * 7 + b.accepted * 13 + (uint64_t)c->phase;
		out->served += b.served;
		out->leaving += b.state == BOARD_LEAVING;
		out->active += pool_status_active(b.state);
		if (b.state != BOARD_IDLE)
			continue;
		out->idle++;
		if (b.since_ms > out->idle_since_ms)
			out->idle_since_ms = b.since_ms;
	}
}

static bool has_places_to_leave(const struct pool *p)
{
	return conf_pool_leaves_slowly(p->conf);
}

/* Told to, or by itself, as after pm.max_requests. A slot that is given up leaves before its child. */
static bool leaves(const struct pool_child *c, const struct child_look *slots)
{
	if (c->phase == CHILD_RETIRING || slots->marked)
		return true;
	return !has_places_to_leave(c->gen->pool) && slots->leaving > 0;
}

/* All count, but for those that leave where they have places of their own. */
static bool counts(const struct pool_child *c, const struct child_look *slots)
{
	return !has_places_to_leave(c->gen->pool) || !leaves(c, slots);
}

/* One that leaves after it has served is replaced at once: that is no growth. */
static void note_replaced(struct pool_child *c)
{
	if (c->replaced || !c->asks)
		return;
	c->replaced = true;
	c->gen->pool->unmourned++;
	pool_pace_replace(&c->gen->pace, &c->gen->pool->limits, 1);
}

static void look_at_child(struct pool_child *c, struct look *k)
{
	struct pool *p = c->gen->pool;
	struct pool_census *now = &k->census;
	struct child_look slots;

	look_at_slots(c, &slots);
	k->sum = k->sum * 31 + slots.sum;
	k->active += (unsigned)slots.active;
	sooner(k, pool_overdue_child(c, now->now_ms));
	now->total += counts(c, &slots);
	if (c->gen != p->gen)
		return;
	note_first_request(c, slots.served);
	if (c->phase == CHILD_ORDERED || c->phase == CHILD_BORN) {
		now->starting += p->threads;
	} else if (leaves(c, &slots)) {
		now->retiring++;
		now->ending += slots.leaving == p->threads;
		now->apart += !counts(c, &slots);
		note_replaced(c);
	} else {
		now->serving++;
		now->asking += c->asks;
		now->asking_idle += c->asks && slots.idle + slots.leaving == p->threads;
		now->busy += p->threads - slots.idle;
		if (slots.idle == p->threads)
			pool_census_idle(now, &p->limits, board_age_ms(now->now_ms, slots.idle_since_ms));
		else
			now->idle += slots.idle;
	}
}

static void take_look(struct pool *p, struct look *k)
{
	*k = (struct look){ .wait_ms = POOL_WAIT_NEVER };
	k->census.now_ms = clock_ms();
	for (struct generation *g = pool_generation_first(p); g; g = pool_generation_after(g))
		for (int place = 0; place < p->places; place++)
			if (g->children[place])
				look_at_child(g->children[place], k);
	if (p->gen)
		sooner(k, pool_overdue_zygote(p->gen, k->census.now_ms));
	k->census.waiting = pool_park_waiting(p);
	k->census.waiting_exact = p->dispatch != NULL;
	k->census.draining = p->drain != DRAIN_NONE && p->drain != DRAIN_FINISH;
	k->census.booting = p->gen && p->gen->booting;
	k->census.limited = p->global.process_max > 0;
	k->census.granted = p->grants.has;
	k->census.failing = pool_backoff_failing(&p->child_backoff);
	k->census.backoff_wait_ms = pool_backoff_wait_ms(&p->child_backoff, k->census.now_ms);
	k->sum = k->sum * 31 + (uint64_t)k->census.waiting;
}

/* The one with the most idle slots, and of several that which was used least lately. Without any it stays, but where it
 * asks to leave: then those that do are meant, and no others. */
static void retire_one(struct generation *g, bool asking)
{
	struct pool_child *best = NULL;
	struct child_look best_look = { .idle = 0 }, slots;

	for (int place = 0; place < g->pool->places; place++) {
		struct pool_child *c = g->children[place];

		if (!c || c->phase != CHILD_SERVING || (asking && !c->asks))
			continue;
		look_at_slots(c, &slots);
		if (leaves(c, &slots) || slots.idle < best_look.idle || (slots.idle == 0 && !asking))
			continue;
		if (best && slots.idle == best_look.idle && slots.idle_since_ms >= best_look.idle_since_ms)
			continue;
		best = c;
		best_look = slots;
	}
	if (best)
		pool_talk_order(best, CHILD_DRAIN);
}

static void say_at_max(struct pool *p)
{
	p->at_max_count++;
	log_warning("server reached %s setting (%d), consider raising it",
	    p->conf->pm == CONF_PM_ONDEMAND ? "max_children" : "pm.max_children", p->conf->max_children);
}

static void obey(struct pool *p, struct look *k)
{
	struct pool_plan plan;

	if (!p->gen || !p->gen->ready || p->said_at_rest) {
		pool_grants_want(p, k->census.total + k->census.apart);
		return;
	}
	plan = pool_pace_plan(&p->gen->pace, &p->limits, &k->census);
	if (!k->census.draining)
		pool_grants_want(p, plan.want);
	k->blocked = plan.blocked;
	for (int i = 0; i < plan.spawn; i++)
		if (!pool_spawn_child(p->gen))
			break;
	for (int i = 0; i < plan.retire; i++)
		retire_one(p->gen, false);
	for (int i = 0; i < plan.release; i++)
		retire_one(p->gen, true);
	if (plan.say_at_max)
		say_at_max(p);
	if (plan.spawn == 0 && !k->census.failing && !plan.blocked)
		p->gen->booting = false;
	if (plan.spawn > 0 || plan.retire > 0 || plan.release > 0)
		p->busy_until_ms = k->census.now_ms + CALM_AFTER_MS;
	sooner(k, plan.wait_ms);
}

/* Woken for its status alone (pool.c), the pool has no application yet: now somebody else wants it. */
static void order_late(struct pool *p, const struct look *k)
{
	if (!p->last_generation && p->drain == DRAIN_NONE && k->census.waiting > 0)
		pool_generation_order(p);
}

/* An ondemand pool without a child or a connection is a socket in the master. */
static void rest_if_done(struct pool *p, const struct look *k)
{
	if (p->conf->pm != CONF_PM_ONDEMAND || p->drain != DRAIN_NONE || p->said_at_rest)
		return;
	if (p->old || (p->gen && !p->gen->ready) || k->census.total > 0 || k->census.waiting > 0)
		return;
	if (p->idle_count + p->ready_count + p->linger_count + pool_dispatch_conns(p) > 0)
		return;
	if (p->gen && !pool_generation_empty(p->gen))
		return;
	if (pool_status_busy(p) || (!p->gen && p->last_generation > 0))
		return;
	p->said_at_rest = true;
	if (p->dispatch)
		pool_dispatch_stop(p);  /* who comes now is the master's */
	pool_status_stop(p);
	pool_master_rest(p);
}

static void set_timer(struct pool *p, uint64_t ms)
{
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	evtimer_add(p->tick, &tv);
}

static void arm_sockets(struct pool *p)
{
	p->asleep = true;
	if (pool_dispatch_serves(p)) {  /* it pokes when it has something to do */
		malloc_trim(0);         /* what a burst of bodies took goes back */
		return;
	}
	event_add(p->ready_event, NULL);
	for (uint32_t i = 0; i < p->info->listen_count; i++)
		event_add(p->listening[i], NULL);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct pool *p = arg;
	struct look k;

	(void)fd;
	(void)what;
	p->asleep = false;
	take_look(p, &k);
	if (k.sum != p->last_sum || p->drain != DRAIN_NONE)
		p->busy_until_ms = k.census.now_ms + CALM_AFTER_MS;
	p->last_sum = k.sum;
	pool_status_look(p, k.active);
	order_late(p, &k);
	obey(p, &k);
	rest_if_done(p, &k);
	pool_refuse(p);
	pool_drain_look(p);
	if (k.census.now_ms < p->busy_until_ms) {
		bool slow = p->conf->pm == CONF_PM_STATIC && p->drain == DRAIN_NONE;

		sooner(&k, slow ? TICK_SLOW_MS : TICK_MS);
	} else if (k.blocked) {         /* a connection that waits is no news: nobody can be born for it */
		pool_grants_remind(p);
		sooner(&k, CALM_AFTER_MS);
	} else {
		arm_sockets(p);
	}
	if (k.wait_ms != POOL_WAIT_NEVER)
		set_timer(p, k.wait_ms > 0 ? k.wait_ms : 1);
}

static void on_arrival(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pool_poke(arg);
}

void pool_poke(struct pool *p)
{
	uint64_t now = clock_ms();

	if (p->busy_until_ms < now + CALM_AFTER_MS)
		p->busy_until_ms = now + CALM_AFTER_MS;
	set_timer(p, 0);
}

void pool_tick_init(struct pool *p)
{
	p->tick = evtimer_new(p->base, on_tick, p);
	p->listening = xcalloc(p->info->listen_count, sizeof(*p->listening));
	for (uint32_t i = 0; i < p->info->listen_count; i++)
		p->listening[i] = event_new(p->base, SPAWN_FD_LISTEN + (int)i, EV_READ, on_arrival, p);
	p->ready_event = event_new(p->base, p->ready_r, EV_READ, on_arrival, p);
}
