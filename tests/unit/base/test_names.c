/* test_names.c -- users and groups: asked here and apart the answers are the same. Needs the user root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "src/base/names.h"

static void users_by_name_and_number(void **state)
{
	struct names_user user;

	(void)state;
	assert_true(names_user("root", 0, &user));
	assert_int_equal(user.uid, 0);
	assert_string_equal(user.name, "root");
	assert_string_equal(user.home, getpwuid(0)->pw_dir);
	names_user_free(&user);
	assert_null(user.name);
	assert_true(names_user(NULL, 0, &user));
	assert_string_equal(user.name, "root");
	names_user_free(&user);
	assert_false(names_user("no-such-user", 0, &user));
	assert_false(names_user(NULL, 999888777, &user));
	assert_null(user.name);
}

static void groups(void **state)
{
	gid_t *all;
	size_t count = names_groups("root", 4321, &all);

	(void)state;
	assert_int_equal(names_group("root"), getgrgid(0)->gr_gid);
	assert_int_equal(names_group("no-such-group"), (gid_t)-1);
	assert_true(count >= 1);
	assert_int_equal(all[0], 4321);
	free(all);
}

static int from_now_on_apart(void **state)
{
	(void)state;
	names_ask_apart();
	return 0;
}

static void nobody_is_left_behind(void **state)
{
	(void)state;
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

int main(void)
{
	const struct CMUnitTest here[] = { cmocka_unit_test(users_by_name_and_number), cmocka_unit_test(groups) };
	const struct CMUnitTest apart[] = {
		cmocka_unit_test(users_by_name_and_number),
		cmocka_unit_test(groups),
		cmocka_unit_test(nobody_is_left_behind),
	};
	int failed = cmocka_run_group_tests_name("here", here, NULL, NULL);

	return failed + cmocka_run_group_tests_name("apart", apart, from_now_on_apart, NULL);
}
