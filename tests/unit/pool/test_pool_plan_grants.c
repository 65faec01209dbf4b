/* test_pool_plan_grants.c -- the plan with process.max: births need grants, and what is not needed is not asked for. */
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

static const struct pool_limits threads = { .pm = CONF_PM_STATIC, .max_children = 4, .places = 12, .threads = 10,
	.max_spawn_rate = 32 };

static struct pool_census census(int idle, int busy)
{
	return (struct pool_census){ .now_ms = 50000, .idle = idle, .busy = busy, .total = idle + busy,
		.spawn_allowed = 32, .spawn_wait_ms = POOL_WAIT_NEVER, .surplus_wait_ms = POOL_WAIT_NEVER,
		.limited = true };
}

static void no_birth_without_a_grant(void **state)
{
	struct pool_census now = census(0, 0);
	struct pool_plan plan = pool_plan(&fixed, &now);
	(void)state;

	assert_int_equal(plan.spawn, 0);
	assert_int_equal(plan.wait_ms, POOL_WAIT_NEVER);
	assert_true(plan.blocked);
	assert_int_equal(plan.want, 8);
	now.granted = 5;
	plan = pool_plan(&fixed, &now);
	assert_int_equal(plan.spawn, 5);
	assert_false(plan.blocked);
	assert_int_equal(plan.want, 8);
	now = census(5, 0);
	now.granted = 5;
	assert_true(pool_plan(&fixed, &now).blocked);
}

static void what_is_not_needed_is_not_wanted(void **state)
{
	struct pool_census now = census(3, 1);
	(void)state;

	now.granted = 9;
	assert_int_equal(pool_plan(&dynamic, &now).want, 4);
	assert_false(pool_plan(&dynamic, &now).blocked);
	now = census(0, 3);
	now.granted = 3;
	assert_int_equal(pool_plan(&dynamic, &now).want, 6);
	now = census(1, 0);
	assert_int_equal(pool_plan(&ondemand, &now).want, 1);
	now = census(0, 0);
	now.failing = true;             /* one at a time, to see if it lives */
	assert_int_equal(pool_plan(&fixed, &now).want, 1);
}

/* Four children of ten slots, of those that ask so many without a request in hand, and those that leave. */
static struct pool_census threads_census(int asking, int asking_idle, int leaving)
{
	struct pool_census now = census(0, 40);

	now.total = now.serving = 4;
	now.asking = asking;
	now.asking_idle = asking_idle;
	now.retiring = now.apart = leaving;
	return now;
}

static void those_that_leave_need_grants_too(void **state)
{
	struct pool_census now = threads_census(0, 0, 2);
	(void)state;

	now.total = now.serving = 2;
	now.granted = 5;
	assert_int_equal(pool_plan(&threads, &now).spawn, 1);
	assert_int_equal(pool_plan(&threads, &now).want, 6);
}

static void who_asks_to_leave_needs_one_for_the_next(void **state)
{
	struct pool_census now = threads_census(2, 0, 1);
	struct pool_plan plan;
	(void)state;

	now.granted = 6;
	assert_int_equal(pool_plan(&threads, &now).release, 1);
	now.granted = 5;
	plan = pool_plan(&threads, &now);
	assert_int_equal(plan.release, 0);
	assert_int_equal(plan.want, 6);
	assert_int_equal(plan.wait_ms, POOL_SETTLE_MS); /* who has nothing in hand by then may go */
}

static void without_one_a_child_leaves_where_that_leaves_others(void **state)
{
	struct pool_census now = threads_census(3, 0, 0);
	(void)state;

	now.granted = 4;
	assert_int_equal(pool_plan(&threads, &now).release, 1);
	now = threads_census(2, 0, 1);                  /* one a time */
	now.granted = 5;
	assert_int_equal(pool_plan(&threads, &now).release, 0);
	now = threads_census(2, 1, 1);                  /* but for one that will be gone at once */
	now.granted = 5;
	assert_int_equal(pool_plan(&threads, &now).release, 1);
	now = threads_census(1, 0, 0);
	now.total = now.serving = now.granted = 1;      /* nobody else would serve */
	assert_int_equal(pool_plan(&threads, &now).release, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_birth_without_a_grant),
		cmocka_unit_test(what_is_not_needed_is_not_wanted),
		cmocka_unit_test(those_that_leave_need_grants_too),
		cmocka_unit_test(who_asks_to_leave_needs_one_for_the_next),
		cmocka_unit_test(without_one_a_child_leaves_where_that_leaves_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
