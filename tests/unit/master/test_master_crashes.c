/* test_master_crashes.c -- so many crashes within so long, with the times given. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "src/master/master_crashes.h"

#define T0 UINT64_C(5000)

static void the_third_within_the_interval(void **state)
{
	struct master_crashes c = { 0 };
	(void)state;

	assert_false(master_crashes_note(&c, T0, 3, 1000));
	assert_false(master_crashes_note(&c, T0 + 1, 3, 1000));
	assert_true(master_crashes_note(&c, T0 + 1000, 3, 1000));
	/* They are forgotten then. */
	assert_false(master_crashes_note(&c, T0 + 1001, 3, 1000));
	assert_false(master_crashes_note(&c, T0 + 1002, 3, 1000));
	assert_true(master_crashes_note(&c, T0 + 1003, 3, 1000));
	master_crashes_free(&c);
}

static void old_ones_do_not_count(void **state)
{
	struct master_crashes c = { 0 };
	(void)state;

	for (uint64_t i = 0; i < 20; i++)
		assert_false(master_crashes_note(&c, T0 + i * 600, 3, 1000));
	assert_true(master_crashes_note(&c, T0 + 19 * 600 + 1, 3, 1000));
	master_crashes_free(&c);
}

static void one_is_enough_where_one_is_asked(void **state)
{
	struct master_crashes c = { 0 };
	(void)state;

	assert_true(master_crashes_note(&c, T0, 1, 1));
	assert_true(master_crashes_note(&c, T0 + 50000, 1, 1));
	master_crashes_free(&c);
}

static void off_is_off_and_a_new_threshold_begins_anew(void **state)
{
	struct master_crashes c = { 0 };
	(void)state;

	assert_false(master_crashes_note(&c, T0, 0, 1000));
	assert_false(master_crashes_note(&c, T0, 2, 0));
	assert_false(master_crashes_note(&c, T0, 2, 1000));
	assert_false(master_crashes_note(&c, T0, 3, 1000));
	assert_false(master_crashes_note(&c, T0, 3, 1000));
	assert_true(master_crashes_note(&c, T0, 3, 1000));
	master_crashes_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_third_within_the_interval),
		cmocka_unit_test(old_ones_do_not_count),
		cmocka_unit_test(one_is_enough_where_one_is_asked),
		cmocka_unit_test(off_is_off_and_a_new_threshold_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
