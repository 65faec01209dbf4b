/* test_reason.c -- every reason has its word; whoever can be told gets a status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "src/base/reason.h"

static void every_reason_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < REASON_COUNT; i++) {
		assert_non_null(reason_name((enum reason)i));
		assert_int_equal(strspn(reason_name((enum reason)i), "abcdefghijklmnopqrstuvwxyz_"),
		    strlen(reason_name((enum reason)i)));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(reason_name((enum reason)i), reason_name((enum reason)j));
	}
	assert_string_equal(reason_name(REASON_NONE), "none");
	assert_string_equal(reason_name(REASON_PARAMS_TOO_LARGE), "params_too_large");
}

static void statuses(void **state)
{
	(void)state;
	assert_null(reason_status(REASON_NONE));
	assert_null(reason_status(REASON_CLIENT_GONE));
	assert_string_equal(reason_status(REASON_HEADER_TIMEOUT), "408 Request Timeout");
	assert_string_equal(reason_status(REASON_BODY_TOO_LARGE), "413 Content Too Large");
	assert_string_equal(reason_status(REASON_PARAMS_TOO_LARGE), "431 Request Header Fields Too Large");
	assert_string_equal(reason_status(REASON_REQUEST_TIMEOUT), "504 Gateway Timeout");
	assert_string_equal(reason_status(REASON_DENIED), "403 Forbidden");
}

static void pages(void **state)
{
	struct buf out = { 0 };

	(void)state;
	reason_page(REASON_DRAINING, true, &out);
	assert_string_equal(buf_str(&out), "Status: 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
	    "X-Weir-Reason: draining\r\n\r\n503 Service Unavailable (draining)\n");
	buf_clear(&out);
	reason_page(REASON_CLIENT_GONE, false, &out);
	assert_string_equal(buf_str(&out), "Status: 500 Internal Server Error\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n\r\n500 Internal Server Error (client_gone)\n");
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_has_a_name_of_its_own),
		cmocka_unit_test(statuses),
		cmocka_unit_test(pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
