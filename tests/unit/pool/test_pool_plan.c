/* test_pool_plan.c -- the plan, case by case, and bursts played through it every 10 ms by a clock of the
 * test. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "pool/pool_plan.h"

static const struct pool_limits fixed = { .pm = CONF_PM_STATIC, .max_children = 8, .max_spawn_rate = 32 };
static const struct pool_limits dynamic = { .pm = CONF_PM_DYNAMIC, .max_children = 20, .start_servers = 5,
	.min_spare = 3, .max_spare = 6, .max_spawn_rate = 32 };
static const struct pool_limits ondemand = { .pm = CONF_PM_ONDEMAND, .max_children = 10, .max_spawn_rate = 32,
	.idle_timeout_ms = 10000 };

/* A census whose total is the sum of its parts and whose bucket is full. */
static struct pool_census census(int starting, int idle, int busy, int waiting)
{
	return (struct pool_census){ .now_ms = 50000, .starting = starting, .idle = idle, .busy = busy,
		.total = starting + idle + busy, .waiting = waiting, .spawn_allowed = 32,
		.spawn_wait_ms = POOL_WAIT_NEVER, .surplus_wait_ms = POOL_WAIT_NEVER };
}

static void assert_plan(struct pool_plan plan, int spawn, int retire, uint64_t wait_ms)
{
	assert_int_equal(plan.spawn, spawn);
	assert_int_equal(plan.retire, retire);
	assert_int_equal(plan.wait_ms, wait_ms);
}

static void limits_come_from_the_configuration(void **state)
{
	struct conf_pool conf = { .pm = CONF_PM_DYNAMIC, .max_children = 9, .start_servers = 4,
		.min_spare_servers = 2, .max_spare_servers = 5, .max_spawn_rate = 7, .threads_per_child = 10,
		.min_spare_threads = 20, .max_spare_threads = 50,
		.process_idle_timeout_s = 11 };
	struct pool_limits lim;
	(void)state;

	pool_limits_read(&lim, &conf);
	assert_int_equal(lim.pm, CONF_PM_DYNAMIC);
	assert_int_equal(lim.max_children, 9);
	assert_int_equal(lim.start_servers, 4);
	assert_int_equal(lim.threads, 10);
	assert_int_equal(lim.min_spare, 20);
	assert_int_equal(lim.max_spare, 50);
	assert_int_equal(lim.max_spawn_rate, 7);
	assert_int_equal(lim.idle_timeout_ms, 11000);
	conf.min_spare_threads = conf.max_spare_threads = 0;    /* in children, then */
	pool_limits_read(&lim, &conf);
	assert_int_equal(lim.min_spare, 20);
	assert_int_equal(lim.max_spare, 50);
}

static void static_keeps_its_number(void **state)
{
	struct pool_census now = census(0, 0, 0, 0);
	(void)state;

	assert_plan(pool_plan(&fixed, &now), 8, 0, POOL_WAIT_NEVER);
	now = census(2, 3, 3, 0);
	assert_plan(pool_plan(&fixed, &now), 0, 0, POOL_WAIT_NEVER);
	now = census(0, 7, 0, 0);
	assert_plan(pool_plan(&fixed, &now), 1, 0, POOL_WAIT_NEVER);
	now.retiring = 1;                       /* it leaves, but is alive: its place is not free yet */
	now.total = 8;
	assert_plan(pool_plan(&fixed, &now), 0, 0, POOL_WAIT_NEVER);
}

static void static_is_saturated_when_somebody_waits(void **state)
{
	struct pool_census now = census(0, 0, 8, 0);
	(void)state;

	assert_false(pool_plan(&fixed, &now).at_max);
	now.waiting = 1;
	assert_true(pool_plan(&fixed, &now).at_max);
	now = census(0, 1, 7, 1);
	assert_false(pool_plan(&fixed, &now).at_max);
}

static void dynamic_first_fill_is_start_servers(void **state)
{
	struct pool_census now = census(0, 0, 0, 0);
	(void)state;

	now.booting = true;
	now.spawn_allowed = 0;
	assert_plan(pool_plan(&dynamic, &now), 5, 0, POOL_WAIT_NEVER);
	now = census(4, 0, 1, 0);
	now.booting = true;
	assert_plan(pool_plan(&dynamic, &now), 0, 0, POOL_WAIT_NEVER);
	now = census(0, 0, 5, 0);
	now.booting = true;
	assert_plan(pool_plan(&dynamic, &now), 3, 0, POOL_WAIT_NEVER);
}

static void dynamic_keeps_min_spare(void **state)
{
	struct pool_census now = census(0, 2, 3, 0);
	(void)state;

	assert_plan(pool_plan(&dynamic, &now), 1, 0, POOL_WAIT_NEVER);
	now = census(1, 2, 3, 0);
	assert_plan(pool_plan(&dynamic, &now), 0, 0, POOL_WAIT_NEVER);
	now = census(0, 3, 16, 0);
	assert_plan(pool_plan(&dynamic, &now), 0, 0, POOL_BUSY_MS);
	now = census(0, 6, 0, 0);
	assert_plan(pool_plan(&dynamic, &now), 0, 0, POOL_WAIT_NEVER);
}

static void dynamic_answers_what_waits(void **state)
{
	struct pool_census now = census(0, 0, 5, 1);
	(void)state;

	assert_int_equal(pool_plan(&dynamic, &now).spawn, 6);   /* "at least one": up to max_spare */
	now.waiting_exact = true;
	assert_int_equal(pool_plan(&dynamic, &now).spawn, 3);
	now.waiting = 11;
	assert_int_equal(pool_plan(&dynamic, &now).spawn, 11);
	now.waiting = 500;
	assert_int_equal(pool_plan(&dynamic, &now).spawn, 15);
	assert_true(pool_plan(&dynamic, &now).at_max);
	now = census(2, 2, 5, 4);                               /* these four are covered */
	assert_int_equal(pool_plan(&dynamic, &now).spawn, 0);
	now.waiting_exact = true;
	now.waiting = 5;
	assert_int_equal(pool_plan(&dynamic, &now).spawn, 1);
}

static void dynamic_stops_at_max_children(void **state)
{
	struct pool_census now = census(0, 0, 19, 9);
	struct pool_plan plan = pool_plan(&dynamic, &now);
	(void)state;

	assert_plan(plan, 1, 0, POOL_WAIT_NEVER);
	assert_true(plan.at_max);
	now = census(0, 0, 19, 9);
	now.retiring = 1;
	now.total = 20;
	assert_plan(pool_plan(&dynamic, &now), 0, 0, POOL_BUSY_MS);
	now.total = 25;                         /* another generation's children */
	assert_plan(pool_plan(&dynamic, &now), 0, 0, POOL_BUSY_MS);
	now = census(0, 3, 17, 0);
	assert_false(pool_plan(&dynamic, &now).at_max);
}

static void dynamic_retires_half_of_a_lasting_surplus(void **state)
{
	struct pool_census now = census(0, 16, 0, 0);
	(void)state;

	now.surplus_wait_ms = 400;              /* young */
	assert_plan(pool_plan(&dynamic, &now), 0, 0, 400);
	now.surplus_wait_ms = POOL_WAIT_NEVER;
	now.surplus = 10;
	assert_plan(pool_plan(&dynamic, &now), 0, 5, POOL_SETTLE_MS);
	now.surplus = 1;
	assert_plan(pool_plan(&dynamic, &now), 0, 1, POOL_WAIT_NEVER);
}

static void more_than_max_children_leave_at_once(void **state)
{
	struct pool_census now = census(0, 4, 8, 0);
	(void)state;

	assert_int_equal(pool_plan(&fixed, &now).retire, 4);
	now = census(0, 1, 9, 0);
	assert_int_equal(pool_plan(&fixed, &now).retire, 1);
}

static void ondemand_starts_empty_and_answers(void **state)
{
	struct pool_census now = census(0, 0, 0, 0);
	(void)state;

	now.booting = true;
	assert_plan(pool_plan(&ondemand, &now), 0, 0, POOL_WAIT_NEVER);
	now.waiting = 1;
	assert_int_equal(pool_plan(&ondemand, &now).spawn, 1);
	now = census(1, 0, 0, 1);
	assert_int_equal(pool_plan(&ondemand, &now).spawn, 0);
	now = census(0, 1, 4, 1);
	assert_int_equal(pool_plan(&ondemand, &now).spawn, 0);
	now = census(1, 0, 3, 6);
	assert_int_equal(pool_plan(&ondemand, &now).spawn, 5);
	now = census(0, 0, 8, 1);
	assert_int_equal(pool_plan(&ondemand, &now).spawn, 2);
	now.waiting_exact = true;
	assert_int_equal(pool_plan(&ondemand, &now).spawn, 1);
	now = census(0, 0, 10, 1);
	assert_int_equal(pool_plan(&ondemand, &now).spawn, 0);
	assert_true(pool_plan(&ondemand, &now).at_max);
}

static void ondemand_retires_all_that_expired(void **state)
{
	struct pool_census now = census(0, 0, 2, 0);
	(void)state;

	pool_census_idle(&now, &ondemand, 10000);
	pool_census_idle(&now, &ondemand, 700000);
	pool_census_idle(&now, &ondemand, 9000);
	pool_census_idle(&now, &ondemand, 9990);
	now.total = 6;
	assert_int_equal(now.idle, 4);
	assert_plan(pool_plan(&ondemand, &now), 0, 2, 10);
	now.waiting = 1;                        /* one stays for it: look again */
	now.next_idle_ms = 0;
	assert_plan(pool_plan(&ondemand, &now), 0, 1, POOL_SETTLE_MS);
}

static void ondemand_sleeps_until_the_first_expires(void **state)
{
	struct pool_census now = census(0, 0, 0, 0);
	(void)state;

	pool_census_idle(&now, &ondemand, 0);
	now.total = 1;
	assert_plan(pool_plan(&ondemand, &now), 0, 0, 10000);
	now = census(1, 0, 0, 0);
	assert_plan(pool_plan(&ondemand, &now), 0, 0, POOL_WAIT_NEVER);
}

/* That a long request has ended is no event for the pool: a sleep is never longer than it would matter. */
static void busy_children_are_looked_after(void **state)
{
	struct pool_census now = census(0, 0, 1, 0);
	(void)state;

	assert_plan(pool_plan(&ondemand, &now), 0, 0, 10000);
	now = census(0, 3, 3, 0);               /* no surplus can come of it */
	assert_plan(pool_plan(&dynamic, &now), 0, 0, POOL_WAIT_NEVER);
	now = census(0, 3, 4, 0);
	assert_plan(pool_plan(&dynamic, &now), 0, 0, POOL_BUSY_MS);
	now = census(0, 0, 8, 0);
	assert_plan(pool_plan(&fixed, &now), 0, 0, POOL_WAIT_NEVER);
}

static void draining_orders_nothing(void **state)
{
	struct pool_census now = census(0, 0, 0, 50);
	(void)state;

	now.draining = true;
	assert_plan(pool_plan(&fixed, &now), 0, 0, POOL_WAIT_NEVER);
	assert_plan(pool_plan(&dynamic, &now), 0, 0, POOL_WAIT_NEVER);
	assert_plan(pool_plan(&ondemand, &now), 0, 0, POOL_WAIT_NEVER);
}

static void backoff_holds_births_and_then_tries_one(void **state)
{
	struct pool_census now = census(0, 0, 0, 0);
	(void)state;

	now.failing = true;
	now.backoff_wait_ms = 800;
	assert_plan(pool_plan(&fixed, &now), 0, 0, 800);
	now.backoff_wait_ms = 0;
	assert_plan(pool_plan(&fixed, &now), 1, 0, POOL_WAIT_NEVER);
	now = census(1, 0, 0, 0);
	now.failing = true;
	assert_plan(pool_plan(&fixed, &now), 0, 0, POOL_WAIT_NEVER);
}

static void bucket_bounds_births(void **state)
{
	struct pool_census now = census(0, 0, 0, 0);
	(void)state;

	now.spawn_allowed = 3;
	now.spawn_wait_ms = 20;
	assert_plan(pool_plan(&fixed, &now), 3, 0, 20);
	now.spawn_allowed = 0;
	assert_plan(pool_plan(&fixed, &now), 0, 0, 20);
}

static void bucket_fills_evenly(void **state)
{
	struct pool_bucket b = { 0 };
	(void)state;

	pool_bucket_refill(&b, 32, 5000);
	assert_int_equal(pool_bucket_level(&b), 32);
	assert_int_equal(pool_bucket_wait_ms(&b, 32), POOL_WAIT_NEVER);
	pool_bucket_take(&b, 32);
	assert_int_equal(pool_bucket_level(&b), 0);
	assert_int_equal(pool_bucket_wait_ms(&b, 32), 32);
	for (uint64_t ms = 5001; ms <= 5500; ms++)
		pool_bucket_refill(&b, 32, ms);
	assert_int_equal(pool_bucket_level(&b), 16);
	pool_bucket_refill(&b, 32, 4000);       /* a clock does not go back; nothing is lost if it would */
	assert_int_equal(pool_bucket_level(&b), 16);
	pool_bucket_refill(&b, 32, 10 * 86400000ULL);
	assert_int_equal(pool_bucket_level(&b), 32);
	pool_bucket_take(&b, 1000);
	assert_int_equal(pool_bucket_level(&b), 0);
	pool_bucket_refill(&b, 0, 10 * 86400000ULL + 1000);
	assert_int_equal(pool_bucket_level(&b), 1);
}

static void bucket_gifts_flow_off(void **state)
{
	struct pool_bucket b = { 0 };
	(void)state;

	pool_bucket_refill(&b, 10, 0);
	pool_bucket_give(&b, 500, 100);
	assert_int_equal(pool_bucket_level(&b), 100);
	pool_bucket_give(&b, 500, 50);
	assert_int_equal(pool_bucket_level(&b), 100);
	pool_bucket_refill(&b, 10, 500);
	assert_int_equal(pool_bucket_level(&b), 95);
	pool_bucket_refill(&b, 10, 1500);
	assert_int_equal(pool_bucket_level(&b), 85);
	for (uint64_t ms = 1600; ms < 20000; ms += 100)
		pool_bucket_refill(&b, 10, ms);
	assert_int_equal(pool_bucket_level(&b), 10);
}

/* -- bursts: a model with a 10 ms clock. A child starts in one look; whoever is idle takes what waits. -- */

struct model {
	struct pool_limits lim;
	struct pool_pace pace;
	struct pool_census now;
	int clients;                    /* connections that wait */
	int spawned, retired, most, news;
};

static struct pool_plan look(struct model *m)
{
	struct pool_census *n = &m->now;

	n->idle += n->starting;
	n->starting = 0;
	int taken = n->idle < m->clients ? n->idle : m->clients;
	n->idle -= taken;
	n->busy += taken;
	m->clients -= taken;
	n->waiting = n->waiting_exact ? m->clients : m->clients > 0;
	n->total = n->idle + n->busy;
	struct pool_plan plan = pool_pace_plan(&m->pace, &m->lim, n);
	assert_true(plan.retire <= n->idle);
	n->starting = plan.spawn;
	n->idle -= plan.retire;
	m->spawned += plan.spawn;
	m->retired += plan.retire;
	m->news += plan.say_at_max;
	int total = n->starting + n->idle + n->busy;
	assert_true(total <= m->lim.max_children);
	m->most = total > m->most ? total : m->most;
	return plan;
}

static void looks(struct model *m, uint64_t ms)
{
	for (uint64_t t = 0; t < ms; t += 10, m->now.now_ms += 10)
		look(m);
}

static void boot(struct model *m)
{
	m->now.booting = true;
	look(m);
	m->now.booting = false;
	m->now.now_ms += 10;
	looks(m, 2000);
	m->spawned = 0;
}

static void burst_fills_a_dynamic_pool(struct model *m, uint64_t within_ms)
{
	boot(m);
	assert_int_equal(m->most, m->lim.start_servers);
	m->clients = 200;
	looks(m, within_ms);
	assert_int_equal(m->now.busy + m->now.starting, m->lim.max_children);
	assert_int_equal(m->spawned, m->lim.max_children - m->lim.start_servers);
	assert_int_equal(m->news, 1);
}

static void burst_reaches_the_maximum_in_tens_of_ms(void **state)
{
	struct model m = { .lim = dynamic };
	(void)state;

	burst_fills_a_dynamic_pool(&m, 50);
	m = (struct model){ .lim = dynamic, .now.waiting_exact = true };
	burst_fills_a_dynamic_pool(&m, 10);
	m = (struct model){ .lim = dynamic };   /* the smallest of reserves */
	m.lim.start_servers = m.lim.min_spare = 1;
	m.lim.max_spare = 3;
	burst_fills_a_dynamic_pool(&m, 80);
}

static void burst_beyond_the_bucket_goes_on_at_its_rate(void **state)
{
	struct model m = { .lim = dynamic, .now.waiting_exact = true };
	(void)state;

	m.lim.max_children = 100;
	boot(&m);
	m.clients = 200;
	looks(&m, 10);
	assert_int_equal(m.spawned, 32);
	looks(&m, 1000);
	assert_in_range(m.spawned, 63, 65);
	looks(&m, 2000);
	assert_int_equal(m.spawned, 95);
}

static void burst_shrinks_in_seconds(void **state)
{
	struct model m = { .lim = dynamic, .now.waiting_exact = true };
	(void)state;

	m.lim.max_children = 200;
	m.lim.max_spawn_rate = 200;
	boot(&m);
	m.clients = 200;
	looks(&m, 100);
	assert_int_equal(m.now.busy, 200);
	m.now.idle = 200;
	m.now.busy = 0;
	looks(&m, 1000);
	assert_int_equal(m.retired, 0);         /* the next wave may come */
	looks(&m, 1000);
	assert_int_equal(m.retired, 97);
	looks(&m, 8000);
	assert_int_equal(m.now.idle, 6);
	looks(&m, 60000);
	assert_int_equal(m.retired, 194);
}

static void waves_below_a_second_make_nobody_leave(void **state)
{
	struct model m = { .lim = dynamic, .now.waiting_exact = true };
	(void)state;

	boot(&m);
	for (int wave = 0; wave < 100; wave++) {
		m.clients = 15;
		looks(&m, 100);
		m.now.idle += m.now.busy;
		m.now.busy = 0;
		looks(&m, 700);
	}
	assert_int_equal(m.retired, 0);
	assert_in_range(m.spawned, 10, 15);
}

static void shrinking_needs_no_look_but_the_announced(void **state)
{
	struct model m = { .lim = dynamic };
	int wakes = 0;
	(void)state;

	m.lim.max_children = 200;
	m.now.idle = 200;
	for (;;) {
		struct pool_plan plan = look(&m);
		if (plan.wait_ms == POOL_WAIT_NEVER)
			break;
		m.now.now_ms += plan.wait_ms;
		assert_true(++wakes < 12);
	}
	assert_int_equal(m.now.idle, 6);
	assert_true(m.now.now_ms <= 9000);
}

static void burst_fills_an_ondemand_pool(void **state)
{
	struct model m = { .lim = ondemand, .now.waiting_exact = true };
	(void)state;

	boot(&m);
	assert_int_equal(m.most, 0);
	m.clients = 200;
	looks(&m, 20);
	assert_int_equal(m.now.busy, 10);
	m = (struct model){ .lim = ondemand };
	m.lim.max_children = 200;
	boot(&m);
	m.clients = 200;
	looks(&m, 200);
	assert_true(m.now.busy >= 32);
	looks(&m, 6000);
	assert_int_equal(m.now.busy, 200);
}

static void saturation_is_news_once(void **state)
{
	struct model m = { .lim = dynamic };
	(void)state;

	boot(&m);
	m.clients = 1000;
	looks(&m, 60000);
	assert_int_equal(m.news, 1);
	for (int i = 0; i < 5; i++) {           /* to and fro is one state */
		m.now.idle = 4;
		m.now.busy = 16;
		m.clients = 0;
		looks(&m, 1000);
		m.clients = 100;
		looks(&m, 1000);
	}
	assert_int_equal(m.news, 1);
	m.now.idle = 4;
	m.now.busy = 16;
	m.clients = 0;
	looks(&m, POOL_CALM_MS + 10);
	m.clients = 100;
	looks(&m, 1000);
	assert_int_equal(m.news, 2);
}

static void replacing_those_that_served_knows_no_rate(void **state)
{
	struct model m = { .lim = fixed };
	(void)state;

	m.lim.max_children = 100;
	boot(&m);
	for (int i = 0; i < 50; i++) {
		m.now.idle = 0;                 /* all reached max_requests at once */
		pool_pace_replace(&m.pace, &m.lim, 100);
		looks(&m, 100);
		assert_int_equal(m.now.idle, 100);
	}
	m.now.idle = 0;                         /* these did not serve */
	looks(&m, 100);
	assert_true(m.now.idle < 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_come_from_the_configuration),
		cmocka_unit_test(static_keeps_its_number),
		cmocka_unit_test(static_is_saturated_when_somebody_waits),
		cmocka_unit_test(dynamic_first_fill_is_start_servers),
		cmocka_unit_test(dynamic_keeps_min_spare),
		cmocka_unit_test(dynamic_answers_what_waits),
		cmocka_unit_test(dynamic_stops_at_max_children),
		cmocka_unit_test(dynamic_retires_half_of_a_lasting_surplus),
		cmocka_unit_test(more_than_max_children_leave_at_once),
		cmocka_unit_test(ondemand_starts_empty_and_answers),
		cmocka_unit_test(ondemand_retires_all_that_expired),
		cmocka_unit_test(ondemand_sleeps_until_the_first_expires),
		cmocka_unit_test(busy_children_are_looked_after),
		cmocka_unit_test(draining_orders_nothing),
		cmocka_unit_test(backoff_holds_births_and_then_tries_one),
		cmocka_unit_test(bucket_bounds_births),
		cmocka_unit_test(bucket_fills_evenly),
		cmocka_unit_test(bucket_gifts_flow_off),
		cmocka_unit_test(burst_reaches_the_maximum_in_tens_of_ms),
		cmocka_unit_test(burst_beyond_the_bucket_goes_on_at_its_rate),
		cmocka_unit_test(burst_shrinks_in_seconds),
		cmocka_unit_test(waves_below_a_second_make_nobody_leave),
		cmocka_unit_test(shrinking_needs_no_look_but_the_announced),
		cmocka_unit_test(burst_fills_an_ondemand_pool),
		cmocka_unit_test(saturation_is_news_once),
		cmocka_unit_test(replacing_those_that_served_knows_no_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
