/* test_err.c -- sentences in a struct err: cut, never overrun; errno kept; an err may quote itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "src/base/err.h"

static void set_fills_and_returns_minus_one(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(err_set(&err, "%s:%d: no", "a.conf", 7), -1);
	assert_string_equal(err.text, "a.conf:7: no");
	assert_int_equal(err_set(NULL, "nobody asks"), -1);
	assert_int_equal(err_sys(NULL, "nobody asks"), -1);
}

static void sys_adds_the_reason_and_keeps_errno(void **state)
{
	struct err err;

	(void)state;
	errno = ENOENT;
	assert_int_equal(err_sys(&err, "cannot open %s", "/x"), -1);
	assert_int_equal(errno, ENOENT);
	assert_string_equal(err.text, "cannot open /x: No such file or directory");
}

static void an_err_may_quote_itself(void **state)
{
	struct err err;

	(void)state;
	err_set(&err, "inner");
	err_set(&err, "outer: %s", err.text);
	assert_string_equal(err.text, "outer: inner");
}

static void long_texts_are_cut(void **state)
{
	struct err err;
	char text[3000];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	err_set(&err, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	errno = EIO;
	err_sys(&err, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_fills_and_returns_minus_one),
		cmocka_unit_test(sys_adds_the_reason_and_keeps_errno),
		cmocka_unit_test(an_err_may_quote_itself),
		cmocka_unit_test(long_texts_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
