/* test_pool_plan_threads.c -- the plan where a child has several slots: it counts slots, and moves whole children. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "pool/pool_plan.h"

static const struct pool_limits fixed = { .pm = CONF_PM_STATIC, .max_children = 3, .threads = 10,
	.max_spawn_rate = 32 };
static const struct pool_limits dynamic = { .pm = CONF_PM_DYNAMIC, .max_children = 8, .threads = 10, .start_servers = 2,
	.min_spare = 15, .max_spare = 35, .max_spawn_rate = 32 };
static const struct pool_limits ondemand = { .pm = CONF_PM_ONDEMAND, .max_children = 4, .threads = 10,
	.max_spawn_rate = 32, .idle_timeout_ms = 10000 };

/* So many READY children, of whose slots so many are busy. */
static struct pool_census census(int children, int busy, int waiting)
{
	return (struct pool_census){ .now_ms = 50000, .idle = children * 10 - busy, .busy = busy, .serving = children,
		.total = children, .waiting = waiting, .spawn_allowed = 32, .spawn_wait_ms = POOL_WAIT_NEVER,
		.surplus_wait_ms = POOL_WAIT_NEVER };
}

static void static_counts_children(void **state)
{
	struct pool_census now = census(0, 0, 0);
	(void)state;

	assert_int_equal(pool_plan(&fixed, &now).spawn, 3);
	now = census(3, 30, 4);
	assert_int_equal(pool_plan(&fixed, &now).spawn, 0);
	assert_true(pool_plan(&fixed, &now).at_max);
	now = census(3, 29, 1);         /* one slot is free for it */
	assert_false(pool_plan(&fixed, &now).at_max);
}

static void booting_makes_children(void **state)
{
	struct pool_census now = census(0, 0, 0);
	(void)state;

	now.booting = true;
	assert_int_equal(pool_plan(&dynamic, &now).spawn, 2);
}

static void idle_slots_are_kept_in_whole_children(void **state)
{
	struct pool_census now = census(2, 5, 0);       /* 15 idle: just enough */
	(void)state;

	assert_int_equal(pool_plan(&dynamic, &now).spawn, 0);
	now = census(2, 6, 0);                          /* one slot short is one child short */
	assert_int_equal(pool_plan(&dynamic, &now).spawn, 1);
	now = census(2, 20, 0);                         /* 15 short: two children */
	assert_int_equal(pool_plan(&dynamic, &now).spawn, 2);
	now.starting = 20;
	assert_int_equal(pool_plan(&dynamic, &now).spawn, 0);
}

static void a_surplus_is_a_whole_child(void **state)
{
	struct pool_census now = census(4, 0, 0);
	(void)state;

	now.surplus = 9;
	assert_int_equal(pool_plan(&dynamic, &now).retire, 0);
	now.surplus = 10;
	assert_int_equal(pool_plan(&dynamic, &now).retire, 1);
	now = census(8, 8, 0);                          /* one busy slot in each: they leave all the same */
	now.surplus = 37;
	assert_int_equal(pool_plan(&dynamic, &now).retire, 2);
}

static void slots_that_come_free_one_by_one_are_a_surplus_in_the_end(void **state)
{
	struct pool_pace pace = { 0 };
	uint64_t now_ms = 1000000;
	int children = 5;

	(void)state;
	for (int busy = 15; busy >= 0; busy--) {        /* from max_spare idle up to all */
		struct pool_census now = census(children, busy, 0);

		now.now_ms = now_ms++;
		assert_int_equal(pool_pace_plan(&pace, &dynamic, &now).retire, 0);
	}
	for (int looks = 0; looks < 5; looks++) {
		struct pool_census now = census(children, 0, 0);

		now.now_ms = now_ms += POOL_SETTLE_MS;
		children -= pool_pace_plan(&pace, &dynamic, &now).retire;
	}
	assert_int_equal(children, 4);                  /* 40 idle: less than a child above max_spare */
}

static void never_more_leave_than_may_serve(void **state)
{
	struct pool_census now = census(8, 8, 0);
	(void)state;

	now.surplus = 37;
	now.retiring = 7;
	assert_int_equal(pool_plan(&dynamic, &now).retire, 1);
	now.retiring = 8;
	assert_int_equal(pool_plan(&dynamic, &now).retire, 0);
	now.ending = 1;                                 /* it is as good as gone */
	assert_int_equal(pool_plan(&dynamic, &now).retire, 1);
	now.retiring = 16;
	now.ending = 16;                                /* but they hold all places */
	assert_int_equal(pool_plan(&dynamic, &now).retire, 0);
}

static void who_asks_leaves_when_there_is_a_place_for_it(void **state)
{
	struct pool_census now = census(8, 80, 0);
	(void)state;

	now.asking = 3;
	now.retiring = 8;
	assert_int_equal(pool_plan(&dynamic, &now).release, 0);
	now.retiring = 6;
	assert_int_equal(pool_plan(&dynamic, &now).release, 2);
	now.retiring = 0;
	assert_int_equal(pool_plan(&dynamic, &now).release, 3);
	now.draining = true;
	assert_int_equal(pool_plan(&dynamic, &now).release, 0);
}

static void those_that_leave_hold_no_place(void **state)
{
	struct pool_census now = census(8, 80, 5);
	(void)state;

	assert_true(pool_plan(&dynamic, &now).at_max);
	now = census(6, 60, 5);
	now.retiring = 2;                               /* not in total: they keep places of their own */
	assert_int_equal(pool_plan(&dynamic, &now).spawn, 2);
}

static void ondemand_counts_what_waits(void **state)
{
	struct pool_census now = census(0, 0, 1);
	(void)state;

	assert_int_equal(pool_plan(&ondemand, &now).spawn, 1);
	now.waiting = 25;
	now.waiting_exact = true;
	assert_int_equal(pool_plan(&ondemand, &now).spawn, 3);
	now = census(1, 0, 0);
	now.idle = 0;
	pool_census_idle(&now, &ondemand, 10000);
	assert_int_equal(now.idle, 10);
	assert_int_equal(pool_plan(&ondemand, &now).retire, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(static_counts_children),
		cmocka_unit_test(booting_makes_children),
		cmocka_unit_test(idle_slots_are_kept_in_whole_children),
		cmocka_unit_test(a_surplus_is_a_whole_child),
		cmocka_unit_test(slots_that_come_free_one_by_one_are_a_surplus_in_the_end),
		cmocka_unit_test(never_more_leave_than_may_serve),
		cmocka_unit_test(who_asks_leaves_when_there_is_a_place_for_it),
		cmocka_unit_test(those_that_leave_hold_no_place),
		cmocka_unit_test(ondemand_counts_what_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
