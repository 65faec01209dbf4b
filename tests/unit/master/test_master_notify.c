/* test_master_notify.c -- the addresses that NOTIFY_SOCKET may hold. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include "src/master/master_notify.h"

static void paths_and_abstract_names(void **state)
{
	struct sockaddr_un a;
	size_t len;
	(void)state;

	assert_int_equal(master_notify_addr("/run/x", &a, &len), 0);
	assert_string_equal(a.sun_path, "/run/x");
	assert_int_equal(len, offsetof(struct sockaddr_un, sun_path) + 7);
	assert_int_equal(master_notify_addr("@name", &a, &len), 0);
	assert_memory_equal(a.sun_path, "\0name", 5);
	assert_int_equal(len, offsetof(struct sockaddr_un, sun_path) + 5);
}

static void what_is_no_address(void **state)
{
	char longest[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	struct sockaddr_un a;
	size_t len;
	(void)state;

	assert_int_equal(master_notify_addr("", &a, &len), -1);
	assert_int_equal(master_notify_addr("/", &a, &len), -1);
	assert_int_equal(master_notify_addr("run/x", &a, &len), -1);
	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(master_notify_addr(longest, &a, &len), -1);
	longest[sizeof(longest) - 2] = '\0';
	assert_int_equal(master_notify_addr(longest, &a, &len), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_and_abstract_names),
		cmocka_unit_test(what_is_no_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
