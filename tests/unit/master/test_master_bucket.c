/* test_master_bucket.c -- how often a pool process may order a zygote, with a clock that the test moves. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "src/master/master_bucket.h"

#define T0 UINT64_C(5000)

static unsigned take_all(struct master_bucket *b, uint64_t now_ms)
{
	unsigned taken = 0;

	while (master_bucket_take(b, now_ms))
		taken++;
	return taken;
}

static void a_burst_then_two_a_second(void **state)
{
	struct master_bucket b;
	(void)state;

	master_bucket_fill(&b, T0);
	assert_int_equal(take_all(&b, T0), MASTER_BUCKET_MOST);
	assert_int_equal(take_all(&b, T0 + 499), 0);
	assert_int_equal(take_all(&b, T0 + 500), 1);
	assert_int_equal(take_all(&b, T0 + 1500), MASTER_BUCKET_PER_SECOND);
}

static void a_long_rest_fills_it_and_no_more(void **state)
{
	struct master_bucket b;
	(void)state;

	master_bucket_fill(&b, T0);
	take_all(&b, T0);
	assert_int_equal(take_all(&b, UINT64_MAX), MASTER_BUCKET_MOST);
	assert_int_equal(take_all(&b, UINT64_MAX), 0);
}

static void asking_in_vain_costs_nothing(void **state)
{
	struct master_bucket b;
	unsigned taken = 0;
	(void)state;

	master_bucket_fill(&b, T0);
	take_all(&b, T0);
	for (uint64_t ms = 1; ms <= 10000; ms++)
		taken += master_bucket_take(&b, T0 + ms);
	assert_int_equal(taken, 10 * MASTER_BUCKET_PER_SECOND);
}

static void a_clock_that_stands_still_or_goes_back_gives_nothing(void **state)
{
	struct master_bucket b;
	(void)state;

	master_bucket_fill(&b, T0);
	take_all(&b, T0);
	assert_int_equal(take_all(&b, T0 - 1000), 0);
	assert_int_equal(take_all(&b, T0 - 1000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_then_two_a_second),
		cmocka_unit_test(a_long_rest_fills_it_and_no_more),
		cmocka_unit_test(asking_in_vain_costs_nothing),
		cmocka_unit_test(a_clock_that_stands_still_or_goes_back_gives_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
