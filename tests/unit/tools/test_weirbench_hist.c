/* test_weirbench_hist.c -- the histogram: buckets without gaps, quantiles within their promise, extremes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include "src/base/mem.h"
#include "src/tools/weirbench_hist.c"   /* the tool is no library: its tests take its files in */

static struct hist *hist_of(uint64_t from, uint64_t to, uint64_t step)
{
	struct hist *h = xcalloc(1, sizeof(*h));

	for (uint64_t v = from; v <= to; v += step)
		hist_add(h, v);
	return h;
}

static void test_buckets_follow_each_other(void **state)
{
	(void)state;
	for (size_t i = 0; i + 1 < HIST_BUCKETS; i++) {
		uint64_t last = hist_bucket_last(i);

		assert_int_equal(hist_index(last), i);
		assert_int_equal(hist_index(last + 1), i + 1);
	}
	assert_int_equal(hist_index(UINT64_MAX), HIST_BUCKETS - 1);
	assert_true(hist_bucket_last(HIST_BUCKETS - 1) == UINT64_MAX);
}

static void test_buckets_are_narrow(void **state)
{
	(void)state;
	for (uint64_t v = 1; v < UINT64_MAX / 3; v = v * 3 + 1) {
		uint64_t last = hist_bucket_last(hist_index(v));

		assert_true(last >= v);
		assert_true((double)(last - v) <= 0.008 * (double)v);
	}
}

static void test_quantiles_of_a_ramp(void **state)
{
	static const double shares[] = { 0.5, 0.9, 0.99, 0.999, 1.0 };
	struct hist *h = hist_of(1, 100000, 1);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(shares); i++) {
		double want = shares[i] * 100000, got = (double)hist_quantile(h, shares[i]);

		assert_true(got >= want && got <= want * 1.008);
	}
	assert_int_equal(h->min, 1);
	assert_int_equal(h->max, 100000);
	assert_true(hist_mean(h) == 50000.5);
	free(h);
}

static void test_small_counts(void **state)
{
	struct hist *h = hist_of(1, 0, 1);

	(void)state;
	assert_int_equal(hist_quantile(h, 0.5), 0);
	assert_true(hist_mean(h) == 0);
	hist_add(h, 1000003);
	assert_int_equal(hist_quantile(h, 0), 1000003);
	assert_int_equal(hist_quantile(h, 0.5), 1000003);       /* the bucket's end is above max */
	hist_add(h, 7);
	assert_int_equal(hist_quantile(h, 0.5), 7);
	assert_int_equal(hist_quantile(h, 0.51), 1000003);
	assert_int_equal(h->min, 7);
	free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buckets_follow_each_other),
		cmocka_unit_test(test_buckets_are_narrow),
		cmocka_unit_test(test_quantiles_of_a_ramp),
		cmocka_unit_test(test_small_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
