/* test_privs.c -- giving up root. Each test is a process of its own; most can only be run by root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/wait.h>
#include <unistd.h>
#include "src/base/privs.h"

static const gid_t groups[] = { 60101, 60102 };
static const struct privs_identity somebody = {
	.uid = 60001, .gid = 60100, .groups = groups, .group_count = 2,
};

#define CHECK(cond) do { if (!(cond)) return __LINE__ % 250 + 1; } while (0)

/* 0, or the line of the check that failed (modulo 250, plus 1). */
static int in_a_process(int (*body)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int has_cap(cap_value_t cap, cap_flag_t flag)
{
	cap_flag_value_t value = CAP_CLEAR;
	cap_t caps = cap_get_proc();

	cap_get_flag(caps, cap, flag, &value);
	cap_free(caps);
	return value == CAP_SET;
}

static int is_somebody(void)
{
	gid_t have[8];

	CHECK(getuid() == somebody.uid && geteuid() == somebody.uid);
	CHECK(getgid() == somebody.gid && getegid() == somebody.gid);
	CHECK(getgroups(8, have) == 2);
	CHECK(have[0] == groups[0] && have[1] == groups[1]);
	CHECK(setuid(0) < 0 && setgid(0) < 0 && seteuid(0) < 0);
	CHECK(setgroups(0, NULL) < 0);
	return 0;
}

static int keeps_nothing_body(void)
{
	struct err err;
	int rc;

	CHECK(privs_become(&somebody, PRIVS_NONE, &err) == 0);
	rc = is_somebody();
	CHECK(rc == 0);
	CHECK(!has_cap(CAP_SYS_CHROOT, CAP_PERMITTED) && !has_cap(CAP_SETUID, CAP_PERMITTED));
	CHECK(chroot("/") < 0 && errno == EPERM);
	CHECK(privs_drop_last(&err) == 0);
	return 0;
}

static int keeps_chroot_body(void)
{
	struct err err;
	int rc;

	CHECK(privs_become(&somebody, PRIVS_CHROOT, &err) == 0);
	rc = is_somebody();
	CHECK(rc == 0);
	CHECK(has_cap(CAP_SYS_CHROOT, CAP_EFFECTIVE) && has_cap(CAP_SYS_CHROOT, CAP_PERMITTED));
	CHECK(!has_cap(CAP_SYS_CHROOT, CAP_INHERITABLE) && !has_cap(CAP_SETUID, CAP_PERMITTED));
	CHECK(chroot("/") == 0);
	CHECK(privs_drop_last(&err) == 0);
	CHECK(!has_cap(CAP_SYS_CHROOT, CAP_PERMITTED) && !has_cap(CAP_SYS_CHROOT, CAP_EFFECTIVE));
	CHECK(chroot("/") < 0 && errno == EPERM);
	return 0;
}

static int root_by_intention_body(void)
{
	const struct privs_identity root = { .uid = 0, .gid = 0, .groups = groups, .group_count = 1 };
	struct err err;
	gid_t have[8];

	CHECK(privs_become(&root, PRIVS_CHROOT, &err) == 0);
	CHECK(getgroups(8, have) == 1 && have[0] == groups[0]);
	CHECK(privs_drop_last(&err) == 0);
	CHECK(geteuid() == 0);
	CHECK(chroot("/") == 0);
	return 0;
}

static int user_0_group_body(void)
{
	const struct privs_identity gid_0 = { .uid = 60001, .gid = 0 };
	struct err err;
	gid_t have[8];

	CHECK(privs_become(&gid_0, PRIVS_NONE, &err) == 0);
	CHECK(getgroups(8, have) == 0);
	CHECK(getegid() == 0);
	return 0;
}

static int not_root_body(void)
{
	struct privs_identity us = { .groups = groups };
	struct err err = { "" };

	if (geteuid() == 0)
		CHECK(setresgid(60100, 60100, 60100) == 0 && setresuid(60001, 60001, 60001) == 0);
	us.uid = geteuid();
	us.gid = getegid();
	CHECK(privs_become(&us, PRIVS_NONE, &err) == 0);
	CHECK(privs_drop_last(&err) == 0);
	us.uid++;
	CHECK(privs_become(&us, PRIVS_NONE, &err) == -1);
	CHECK(strstr(err.text, "only root") != NULL);
	return 0;
}

static void as_root(int (*body)(void))
{
	if (geteuid() != 0)
		skip();
	assert_int_equal(in_a_process(body), 0);
}

static void keeps_nothing(void **state)
{
	(void)state;
	as_root(keeps_nothing_body);
}

static void keeps_chroot_until_the_last_is_dropped(void **state)
{
	(void)state;
	as_root(keeps_chroot_body);
}

static void root_by_intention(void **state)
{
	(void)state;
	as_root(root_by_intention_body);
}

static void group_0_is_a_group(void **state)
{
	(void)state;
	as_root(user_0_group_body);
}

static void somebody_else_stays_who_he_is(void **state)
{
	(void)state;
	assert_int_equal(in_a_process(not_root_body), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_nothing),
		cmocka_unit_test(keeps_chroot_until_the_last_is_dropped),
		cmocka_unit_test(root_by_intention),
		cmocka_unit_test(group_0_is_a_group),
		cmocka_unit_test(somebody_else_stays_who_he_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
