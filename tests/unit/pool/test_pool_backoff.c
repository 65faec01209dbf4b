/* test_pool_backoff.c -- delays between births that fail, with a clock that the test moves. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "pool/pool_backoff.h"

#define T0 UINT64_C(1000000)

static void two_deaths_cost_nothing(void **state)
{
	struct pool_backoff b = { 0 };
	(void)state;

	assert_int_equal(pool_backoff_wait_ms(&b, T0), 0);
	assert_int_equal(pool_backoff_died(&b, T0, false, false), POOL_BACKOFF_SAME);
	assert_int_equal(pool_backoff_died(&b, T0, false, false), POOL_BACKOFF_SAME);
	assert_int_equal(pool_backoff_wait_ms(&b, T0), 0);
	assert_false(pool_backoff_failing(&b));
	assert_int_equal(pool_backoff_died(&b, T0, false, false), POOL_BACKOFF_FAILING);
	assert_int_equal(pool_backoff_wait_ms(&b, T0), POOL_BACKOFF_FIRST_MS);
	assert_int_equal(pool_backoff_wait_ms(&b, T0 + 99), 1);
	assert_int_equal(pool_backoff_wait_ms(&b, T0 + 100), 0);
	assert_true(pool_backoff_failing(&b));
}

/* Every try dies at once; each is made as soon as allowed. */
static void rate_decays_to_one_in_ten_seconds(void **state)
{
	struct pool_backoff b = { 0 };
	uint64_t now = T0;
	int tries = 0, news = 0;
	(void)state;

	while (now < T0 + 3600 * 1000) {
		now += pool_backoff_wait_ms(&b, now);
		news += pool_backoff_died(&b, now, false, false) != POOL_BACKOFF_SAME;
		tries++;
	}
	assert_int_equal(news, 1);
	assert_int_equal(pool_backoff_wait_ms(&b, now), POOL_BACKOFF_MOST_MS);
	assert_in_range(tries, 360, 372);
}

static void delays_double(void **state)
{
	static const uint64_t delays[] = { 0, 0, 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000 };
	struct pool_backoff b = { 0 };
	uint64_t now = T0;
	(void)state;

	for (unsigned i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
		pool_backoff_died(&b, now, false, false);
		assert_int_equal(pool_backoff_wait_ms(&b, now), delays[i]);
		now += delays[i];
	}
}

static void a_bunch_is_one_failure(void **state)
{
	struct pool_backoff b = { 0 };
	(void)state;

	for (int i = 0; i < 64; i++)
		pool_backoff_died(&b, T0 + (uint64_t)i / 8, false, false);
	assert_in_range(pool_backoff_wait_ms(&b, T0), 100, 107);
	for (int i = 0; i < 64; i++)
		pool_backoff_died(&b, T0 + 200, false, false);
	assert_int_equal(pool_backoff_wait_ms(&b, T0 + 200), 200);
}

static void sigkill_never_waits_long(void **state)
{
	struct pool_backoff b = { 0 };
	uint64_t now = T0;
	(void)state;

	for (int i = 0; i < 1000; i++) {
		pool_backoff_died(&b, now, false, true);
		assert_in_range(pool_backoff_wait_ms(&b, now), 0, POOL_BACKOFF_KILL_MS);
		now += pool_backoff_wait_ms(&b, now);
	}
	assert_int_equal(b.until_ms - now, 0);
	assert_int_equal(b.delay_ms, POOL_BACKOFF_KILL_MS);
}

static void sigkill_cuts_a_long_wait(void **state)
{
	struct pool_backoff b = { 0 };
	uint64_t now = T0;
	(void)state;

	for (int i = 0; i < 12; i++) {
		now += pool_backoff_wait_ms(&b, now);
		pool_backoff_died(&b, now, false, false);
	}
	assert_int_equal(pool_backoff_wait_ms(&b, now), POOL_BACKOFF_MOST_MS);
	assert_int_equal(pool_backoff_died(&b, now + 1, false, true), POOL_BACKOFF_SAME);
	assert_int_equal(pool_backoff_wait_ms(&b, now + 1), POOL_BACKOFF_KILL_MS);
}

static void serving_ends_it(void **state)
{
	struct pool_backoff b = { 0 };
	(void)state;

	assert_int_equal(pool_backoff_ok(&b), POOL_BACKOFF_SAME);
	for (int i = 0; i < 5; i++)
		pool_backoff_died(&b, T0 + 100 * (uint64_t)i, false, false);
	assert_int_equal(pool_backoff_ok(&b), POOL_BACKOFF_WELL);
	assert_int_equal(pool_backoff_ok(&b), POOL_BACKOFF_SAME);
	assert_int_equal(pool_backoff_wait_ms(&b, T0), 0);
	assert_int_equal(pool_backoff_died(&b, T0, false, false), POOL_BACKOFF_SAME);
	assert_int_equal(pool_backoff_died(&b, T0, false, false), POOL_BACKOFF_SAME);
	assert_int_equal(pool_backoff_died(&b, T0, false, false), POOL_BACKOFF_FAILING);
	assert_int_equal(pool_backoff_wait_ms(&b, T0), POOL_BACKOFF_FIRST_MS);
}

static void death_after_service_is_none_in_a_row(void **state)
{
	struct pool_backoff b = { 0 };
	(void)state;

	for (int i = 0; i < 100; i++) {
		assert_int_equal(pool_backoff_died(&b, T0, false, false), POOL_BACKOFF_SAME);
		assert_int_equal(pool_backoff_died(&b, T0, false, true), POOL_BACKOFF_SAME);
		assert_int_equal(pool_backoff_died(&b, T0, true, i % 2), POOL_BACKOFF_SAME);
	}
	for (int i = 0; i < 3; i++)
		pool_backoff_died(&b, T0, false, false);
	assert_int_equal(pool_backoff_died(&b, T0, true, false), POOL_BACKOFF_WELL);
}

static void reload_forgets_silently(void **state)
{
	struct pool_backoff b = { 0 };
	(void)state;

	for (int i = 0; i < 9; i++)
		pool_backoff_died(&b, T0, false, false);
	pool_backoff_reset(&b);
	assert_false(pool_backoff_failing(&b));
	assert_int_equal(pool_backoff_wait_ms(&b, T0), 0);
	assert_int_equal(pool_backoff_ok(&b), POOL_BACKOFF_SAME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_deaths_cost_nothing),
		cmocka_unit_test(rate_decays_to_one_in_ten_seconds),
		cmocka_unit_test(delays_double),
		cmocka_unit_test(a_bunch_is_one_failure),
		cmocka_unit_test(sigkill_never_waits_long),
		cmocka_unit_test(sigkill_cuts_a_long_wait),
		cmocka_unit_test(serving_ends_it),
		cmocka_unit_test(death_after_service_is_none_in_a_row),
		cmocka_unit_test(reload_forgets_silently),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
