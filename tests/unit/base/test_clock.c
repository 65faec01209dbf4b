/* test_clock.c -- time runs, and stands still for tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <time.h>
#include "src/base/clock.h"

static void runs_forward(void **state)
{
	uint64_t a = clock_us(), b = clock_us();
	uint64_t wall = clock_wall_us() / 1000000, now = (uint64_t)time(NULL);

	(void)state;
	assert_true(b >= a);
	assert_true(clock_ms() >= a / 1000);
	/* time() reads a coarser clock, which may be a tick behind */
	assert_true(wall <= now + 1 && now <= wall + 1);
}

static void stands_still_for_tests(void **state)
{
	(void)state;
	clock_freeze(5000123);
	assert_int_equal(clock_us(), 5000123);
	assert_int_equal(clock_ms(), 5000);
	assert_int_equal(clock_wall_us(), 5000123);
	clock_run();
	assert_int_not_equal(clock_wall_us(), 5000123);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_forward),
		cmocka_unit_test(stands_still_for_tests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
