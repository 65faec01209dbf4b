/* test_master_grants.c -- who gets what is left of process.max. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "src/master/master_grants.h"

#define POOLS 3

static struct master_grant grants[POOLS];
static struct master_grant *const all[POOLS] = { &grants[0], &grants[1], &grants[2] };

/* Pool by pool: want, has. */
static void given(const uint32_t numbers[POOLS][2])
{
	for (int i = 0; i < POOLS; i++)
		grants[i] = (struct master_grant){ .want = numbers[i][0], .has = numbers[i][1] };
}

static void assert_has(uint32_t a, uint32_t b, uint32_t c)
{
	assert_int_equal(grants[0].has, a);
	assert_int_equal(grants[1].has, b);
	assert_int_equal(grants[2].has, c);
}

static void everybody_gets_what_it_wants_while_there_is_enough(void **state)
{
	(void)state;
	given((const uint32_t[POOLS][2]){ { 5, 0 }, { 2, 1 }, { 0, 0 } });
	assert_false(master_grants_share(all, POOLS, 7));
	assert_has(5, 2, 0);
}

static void the_poorest_comes_first(void **state)
{
	(void)state;
	given((const uint32_t[POOLS][2]){ { 9, 6 }, { 9, 3 }, { 9, 0 } });
	assert_true(master_grants_share(all, POOLS, 10));
	assert_has(6, 3, 1);
	given((const uint32_t[POOLS][2]){ { 9, 2 }, { 9, 1 }, { 9, 0 } });
	assert_true(master_grants_share(all, POOLS, 10));
	assert_has(4, 3, 3);
}

static void nothing_is_taken_away(void **state)
{
	(void)state;
	given((const uint32_t[POOLS][2]){ { 4, 4 }, { 4, 4 }, { 1, 0 } });
	assert_true(master_grants_share(all, POOLS, 6));
	assert_has(4, 4, 0);
	grants[0] = (struct master_grant){ .want = 1, .has = 1 };
	assert_false(master_grants_share(all, POOLS, 6));
	assert_has(1, 4, 1);
}

static void nobody_is_no_want(void **state)
{
	(void)state;
	assert_false(master_grants_share(all, 0, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everybody_gets_what_it_wants_while_there_is_enough),
		cmocka_unit_test(the_poorest_comes_first),
		cmocka_unit_test(nothing_is_taken_away),
		cmocka_unit_test(nobody_is_no_want),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
