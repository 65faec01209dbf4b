/* pool_tick.c -- runs in a pool process: looks at the scoreboard, asks the plan, obeys it. While anything changes it
 * looks every 10 ms; after a calm second it sleeps until an event, or until the plan or a limit in time would
 * differ by time alone. */
#include "pool/pool_priv.h"

#include "mpm/child_proto.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/master/master_proto.h"

#define TICK_MS         10
#define TICK_SLOW_MS    100             /* where nothing can be done sooner: static, or at max_children */
#define CALM_AFTER_MS   1000
#define OVERDUE_MS      2000            /* a child ends a late request itself; after this the pool process does */

struct look {
	struct pool_census census;
	uint64_t sum;                   /* differs when anything moved */
	uint64_t wait_ms;               /* until a limit in time is due */
	unsigned active;                /* children at work, of all generations */
};

static void sooner(struct look *k, uint64_t wait_ms)
{
	if (wait_ms < k->wait_ms)
		k->wait_ms = wait_ms;
}

/* A child that is stuck with its watcher too (stopped, or out of its mind) is killed from here. */
static void check_overdue(struct pool_child *c, const struct board_brief *b, struct look *k)
{
	const struct pool *p = c->gen->pool;
	uint64_t limit_ms = (uint64_t)p->conf->request_terminate_timeout_s * 1000;
	bool working = b->state == BOARD_RUNNING || b->state == BOARD_FINISHING;
	uint64_t age_ms;

	if (limit_ms == 0)
		return;
	if (!working || b->untimed) {
		if (working || b->owns_connection)
			sooner(k, limit_ms);
		return;
	}
	age_ms = board_age_ms(k->census.now_ms, b->request_start_ms);
	if (age_ms < limit_ms + OVERDUE_MS) {
		sooner(k, limit_ms + OVERDUE_MS - age_ms);
		return;
	}
	if (c->kill_ms == 0)
		log_warning("child %d does not end its late request: it is killed", (int)c->pid);
	pool_reap_kill(c, k->census.now_ms);
	sooner(k, CALM_AFTER_MS);
}

/* Each child that comes to serve ends a row of deaths, once. */
static void note_first_request(struct pool_child *c, const struct board_brief *b)
{
	if (c->has_served || b->served == 0)
		return;
	c->has_served = true;
	if (pool_backoff_ok(&c->gen->pool->child_backoff) == POOL_BACKOFF_WELL)
		log_notice("children serve again");
}

static void look_at_child(struct pool_child *c, struct look *k)
{
	struct pool *p = c->gen->pool;
	struct board_brief b;

	board_peek(c->gen->board, c->slot, &b);
	k->sum = k->sum * 31 + (uint64_t)b.state + b.served * 7 + b.accepted * 13 + (uint64_t)c->phase;
	k->census.total++;
	k->active += pool_status_active(b.state);
	check_overdue(c, &b, k);
	if (c->gen != p->gen)
		return;
	note_first_request(c, &b);
	if (c->phase == CHILD_ORDERED || c->phase == CHILD_BORN)
		k->census.starting++;
	else if (c->phase == CHILD_RETIRING)
		k->census.retiring++;
	else if (b.state == BOARD_IDLE)
		pool_census_idle(&k->census, &p->limits, board_age_ms(k->census.now_ms, b.since_ms));
	else
		k->census.busy++;
}

static void take_look(struct pool *p, struct look *k)
{
	struct generation *both[] = { p->gen, p->old };

	*k = (struct look){ .wait_ms = POOL_WAIT_NEVER };
	k->census.now_ms = clock_ms();
	for (size_t i = 0; i < ARRAY_LEN(both); i++)
		for (int slot = 0; both[i] && slot < p->conf->max_children; slot++)
			if (both[i]->children[slot])
				look_at_child(both[i]->children[slot], k);
	k->census.waiting = pool_park_waiting(p);
	k->census.draining = p->drain != DRAIN_NONE && p->drain != DRAIN_FINISH;
	k->census.booting = p->gen && p->gen->booting;
	k->census.failing = pool_backoff_failing(&p->child_backoff);
	k->census.backoff_wait_ms = pool_backoff_wait_ms(&p->child_backoff, k->census.now_ms);
	k->sum = k->sum * 31 + (uint64_t)k->census.waiting;
}

static void retire_one(struct generation *g)
{
	struct pool_child *longest = NULL;
	struct board_brief b;
	uint64_t since_ms = UINT64_MAX;

	for (int slot = 0; slot < g->pool->conf->max_children; slot++) {
		struct pool_child *c = g->children[slot];

		if (!c || c->phase != CHILD_SERVING)
			continue;
		board_peek(g->board, c->slot, &b);
		if (b.state == BOARD_IDLE && b.since_ms < since_ms) {
			since_ms = b.since_ms;
			longest = c;
		}
	}
	if (longest)
		pool_talk_order(longest, CHILD_DRAIN);
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

	if (!p->gen || !p->gen->ready || p->said_at_rest)
		return;
	plan = pool_pace_plan(&p->gen->pace, &p->limits, &k->census);
	for (int i = 0; i < plan.spawn; i++)
		if (!pool_spawn_child(p->gen))
			break;
	for (int i = 0; i < plan.retire; i++)
		retire_one(p->gen);
	if (plan.say_at_max)
		say_at_max(p);
	if (plan.spawn == 0 && !k->census.failing)
		p->gen->booting = false;
	if (plan.spawn > 0 || plan.retire > 0)
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
	if (p->idle_count + p->ready_count + p->linger_count > 0 || (p->gen && !pool_generation_empty(p->gen)))
		return;
	if (pool_status_busy(p) || (!p->gen && p->last_generation > 0))
		return;
	p->said_at_rest = true;
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
	take_look(p, &k);
	if (k.sum != p->last_sum || p->drain != DRAIN_NONE)
		p->busy_until_ms = k.census.now_ms + CALM_AFTER_MS;
	p->last_sum = k.sum;
	pool_status_look(p, k.active);
	order_late(p, &k);
	obey(p, &k);
	rest_if_done(p, &k);
	pool_drain_look(p);
	if (k.census.now_ms < p->busy_until_ms) {
		bool slow = p->conf->pm == CONF_PM_STATIC && p->drain == DRAIN_NONE;

		sooner(&k, slow ? TICK_SLOW_MS : TICK_MS);
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
