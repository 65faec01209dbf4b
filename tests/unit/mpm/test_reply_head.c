/* test_reply_head.c -- what a reply's head says, in pieces of any size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "mpm/reply_head.h"

static struct reply_head see(const char *text, size_t cut)
{
	struct reply_head h = { .over = false };
	size_t len = strlen(text);

	for (size_t at = 0; at < len; at += cut)
		reply_head_see(&h, text + at, len - at < cut ? len - at : cut);
	return h;
}

static void asked_for(void **state)
{
	static const char *const heads[] = {
		"X-Accel-Buffering: no\r\n\r\n", "x-accel-buffering:NO\n\n", "A: b\r\nX-ACCEL-Buffering: \t no \r\nC: d\r\n\r\nbody",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++)
		for (size_t cut = 1; cut < 80; cut++) {
			struct reply_head h = see(heads[i], cut);

			assert_true(h.over);
			assert_true(h.unbuffered);
		}
}

static void not_asked_for(void **state)
{
	static const char *const heads[] = {
		"\r\n\r\nX-Accel-Buffering: no\r\n\r\n", "X-Accel-Buffering: yes\r\n\r\n", "X-Accel-Buffering:\r\n\r\n",
		"X-Accel-Buffering: no\r\nX-Accel-Buffering: yes\r\n\r\n", "XX-Accel-Buffering: no\r\n\r\n",
		"X-Accel-Buffering: none\r\n\r\n", "X-Accel-Buffering: n\r\n\r\n", "X-Accel-Bufferingno\r\n\r\n",
		"A: 123456789012345678901234567890 X-Accel-Buffering: no\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++)
		for (size_t cut = 1; cut < 80; cut++) {
			struct reply_head h = see(heads[i], cut);

			assert_true(h.over);
			assert_false(h.unbuffered);
		}
	assert_false(see("A: b\r\nX-Accel-Buffering: no\r\n", 5).over);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(asked_for), cmocka_unit_test(not_asked_for) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
