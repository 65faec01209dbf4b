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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_birth_without_a_grant),
		cmocka_unit_test(what_is_not_needed_is_not_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
