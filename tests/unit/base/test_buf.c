/* test_buf.c -- growable bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "src/base/buf.h"

static void zeroed_is_empty_and_valid(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_clear(&b);
	buf_drop_front(&b, 0);
	buf_add(&b, NULL, 0);
	assert_null(b.data);
	assert_string_equal(buf_str(&b), "");
	assert_int_equal(b.len, 0);
	buf_free(&b);
	buf_free(&b);
	assert_null(b.data);
	assert_int_equal(b.cap, 0);
}

static void lent_memory_is_used_while_it_lasts(void **state)
{
	char space[16];
	struct buf b = { 0 };

	(void)state;
	buf_lend(&b, space, sizeof(space));
	buf_add_str(&b, "0123456789abcdef");
	assert_ptr_equal(b.data, space);
	buf_add_str(&b, "g");
	assert_ptr_not_equal(b.data, space);
	assert_string_equal(buf_str(&b), "0123456789abcdefg");
	assert_memory_equal(space, "0123456789abcdef", 16);
	buf_free(&b);
	buf_lend(&b, space, sizeof(space));
	buf_free(&b);
	assert_null(b.data);
}

static void adds_and_drops(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_add_str(&b, "hello ");
	buf_add(&b, "wor\0ld", 6);
	assert_int_equal(b.len, 12);
	assert_memory_equal(b.data, "hello wor\0ld", 12);
	buf_drop_front(&b, 6);
	assert_int_equal(b.len, 6);
	assert_memory_equal(b.data, "wor\0ld", 6);
	buf_drop_front(&b, 6);
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

static void grows_byte_by_byte(void **state)
{
	struct buf b = { 0 };

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint8_t byte = (uint8_t)(i * 7);

		buf_add(&b, &byte, 1);
	}
	assert_int_equal(b.len, 100000);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(b.data[i], (uint8_t)(i * 7));
	assert_true(b.cap < 2 * 100000);
	buf_free(&b);
}

static void reserve_makes_room_once(void **state)
{
	struct buf b = { 0 };
	uint8_t *before;

	(void)state;
	buf_reserve(&b, 5000);
	assert_true(b.cap >= 5000);
	before = b.data;
	for (int i = 0; i < 500; i++)
		buf_add_str(&b, "0123456789");
	assert_ptr_equal(b.data, before);
	buf_free(&b);
}

/* Around the size at which printf has to try a second time. */
static void printf_of_any_length(void **state)
{
	char text[600];

	(void)state;
	for (int len = 0; len < 600; len++) {
		struct buf b = { 0 };

		memset(text, 'a', (size_t)len);
		text[len] = '\0';
		buf_add_str(&b, "<");
		buf_printf(&b, "%s|%d", text, len);
		buf_add_str(&b, ">");
		assert_int_equal(strlen(buf_str(&b)), b.len);
		assert_true(b.len >= (size_t)len + 4);
		assert_memory_equal(b.data + 1, text, (size_t)len);
		assert_int_equal(b.data[1 + len], '|');
		assert_int_equal(b.data[b.len - 1], '>');
		buf_free(&b);
	}
}

static void str_puts_a_nul_that_does_not_count(void **state)
{
	struct buf b = { 0 };

	(void)state;
	for (int i = 0; i < 300; i++) {
		assert_int_equal(strlen(buf_str(&b)), i);
		buf_add_str(&b, "x");
	}
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zeroed_is_empty_and_valid),
		cmocka_unit_test(lent_memory_is_used_while_it_lasts),
		cmocka_unit_test(adds_and_drops),
		cmocka_unit_test(grows_byte_by_byte),
		cmocka_unit_test(reserve_makes_room_once),
		cmocka_unit_test(printf_of_any_length),
		cmocka_unit_test(str_puts_a_nul_that_does_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
