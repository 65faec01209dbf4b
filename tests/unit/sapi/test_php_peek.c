/* test_php_peek.c -- reading own memory that may not be there: never a signal, by either way. No PHP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>
#include "sapi/php/php_peek.h"

#define PAGE 4096

/* Two pages, the second of which is gone. */
struct hole { char *pages; };

static int set_up(void **state)
{
	static struct hole hole;

	hole.pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(hole.pages, MAP_FAILED);
	for (int i = 0; i < PAGE; i++)
		hole.pages[i] = (char)('a' + i % 26);
	munmap(hole.pages + PAGE, PAGE);
	*state = &hole;
	return 0;
}

static int set_up_refused(void **state)
{
	php_peek_refuse(true);
	return set_up(state);
}

static int tear_down(void **state)
{
	munmap(((struct hole *)*state)->pages, PAGE);
	php_peek_refuse(false);
	return 0;
}

static void what_is_there_is_copied(void **state)
{
	const char *pages = ((struct hole *)*state)->pages;
	static char big[10 * PAGE], copy[10 * PAGE];
	char out[PAGE];

	assert_true(php_peek(pages, out, PAGE));
	assert_memory_equal(out, pages, PAGE);
	assert_true(php_peek(pages + 5, out, 0));
	memset(big, 'x', sizeof(big));
	big[9 * PAGE] = 'y';
	assert_true(php_peek(big, copy, sizeof(big)));
	assert_memory_equal(big, copy, sizeof(big));
}

/* What was read of it before it failed comes up in no later answer. */
static void what_is_gone_is_told(void **state)
{
	const char *pages = ((struct hole *)*state)->pages;
	char out[PAGE];

	for (int i = 0; i < 100; i++) {
		assert_false(php_peek(pages + PAGE, out, 8));
		assert_false(php_peek(pages + PAGE - 8, out, 16));
		assert_false(php_peek(NULL, out, 8));
		assert_false(php_peek((const char *)(UINTPTR_MAX - 15), out, 8));
		assert_true(php_peek(pages + PAGE - 8, out, 8));
		assert_memory_equal(out, pages + PAGE - 8, 8);
	}
}

static void texts(void **state)
{
	char *pages = ((struct hole *)*state)->pages;
	char out[3 * PAGE];

	assert_int_equal(php_peek_text(pages + PAGE - 10, out, sizeof(out)), -1);
	assert_int_equal(php_peek_text(pages + PAGE - 10, out, 6), 5);
	assert_memory_equal(out, pages + PAGE - 10, 5);
	assert_int_equal(out[5], 0);
	pages[PAGE - 1] = '\0';
	assert_int_equal(php_peek_text(pages + PAGE - 10, out, sizeof(out)), 9);
	assert_string_equal(out, pages + PAGE - 10);
	assert_int_equal(php_peek_text(pages + PAGE - 1, out, sizeof(out)), 0);
	assert_int_equal(php_peek_text(pages, out, 0), -1);
	assert_int_equal(php_peek_text(pages, out, 1), 0);
}

static void addresses(void **state)
{
	(void)state;
	assert_true(php_peek_plausible(&state));
	assert_false(php_peek_plausible(NULL));
	assert_false(php_peek_plausible((const void *)8));
	assert_false(php_peek_plausible((const char *)&state + 1));
	assert_false(php_peek_plausible((const void *)0x6261000000000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_there_is_copied, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_there_is_copied, set_up_refused, tear_down),
		cmocka_unit_test_setup_teardown(what_is_gone_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_gone_is_told, set_up_refused, tear_down),
		cmocka_unit_test_setup_teardown(texts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(texts, set_up_refused, tear_down),
		cmocka_unit_test(addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
