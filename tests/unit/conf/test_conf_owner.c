/* test_conf_owner.c -- users and groups: as root and not. Needs the users root and nobody, which every system has. */
#include "tests/unit/conf/conf_help.h"
#include <pwd.h>
#include <unistd.h>

static struct loaded load_lines_as_root(const char *lines)
{
	char *text = xasprintf("%s%s\n", GOOD_POOL, lines);
	struct loaded l = load_as_root(text);

	free(text);
	return l;
}

static void root_pools_are_refused(void **state)
{
	static const struct { const char *lines, *error; } cases[] = {
		{ "", "[f:1] [pool www] user has not been defined: set user, or allow root with -R" },
		{ "user = root", "[f:5] [pool www] please specify user and group other than root: the pool would run with all "
		  "rights (-R allows it)" },
		{ "user = 0", "[f:5] [pool www] please specify user and group other than root: the pool would run with all "
		  "rights (-R allows it)" },
		{ "user = nobody\ngroup = root", "[f:6] [pool www] please specify user and group other than root: the pool "
		  "would run with all rights (-R allows it)" },
		{ "user = no-such-user", "[f:5] [pool www] cannot get uid for user 'no-such-user': there is no such user" },
		{ "user = nobody\ngroup = no-such-group", "[f:6] [pool www] cannot get gid for group 'no-such-group': there is "
		  "no such group" },
		{ "user = 999888777", "[f:5] [pool www] user 999888777 has no entry that tells its group: set group" },
		{ "user = nobody\nlisten.owner = no-such-user", "[f:6] [pool www] cannot get uid for user 'no-such-user' "
		  "(listen.owner): there is no such user" },
		{ "user = nobody\nlisten.group = no-such-group", "[f:6] [pool www] cannot get gid for group 'no-such-group' "
		  "(listen.group): there is no such group" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct loaded l = load_lines_as_root(cases[i].lines);

		assert_note(&l, CONF_ERROR, cases[i].error);
		assert_int_equal(l.notes.errors, 1);
		unload(&l);
	}
}

static void names_become_numbers(void **state)
{
	const struct passwd *pw = getpwnam("nobody");
	struct loaded l = load_lines_as_root("user = nobody\nlisten.owner = nobody\nlisten.group = 4321\n[global]\n"
					     "pool_process_user = 12345");

	(void)state;
	unload(&l);
	l = load_lines_as_root("user = nobody\nlisten.owner = nobody\nlisten.group = 4321");
	assert_non_null(l.conf);
	assert_int_equal(l.conf->pools[0]->owner.uid, pw->pw_uid);
	assert_int_equal(l.conf->pools[0]->owner.gid, pw->pw_gid);
	assert_true(l.conf->pools[0]->owner.group_count >= 1);
	assert_int_equal(l.conf->pools[0]->owner.groups[0], pw->pw_gid);
	assert_string_equal(l.conf->pools[0]->user_name, "nobody");
	assert_string_equal(l.conf->pools[0]->home, pw->pw_dir);
	assert_int_equal(l.conf->pools[0]->listen_uid, pw->pw_uid);
	assert_int_equal(l.conf->pools[0]->listen_gid, 4321);
	unload(&l);
}

static void number_without_entry(void **state)
{
	struct loaded l = load_lines_as_root("user = 999888777\ngroup = 999888776");

	(void)state;
	assert_good(&l);
	assert_int_equal(l.conf->pools[0]->owner.uid, 999888777);
	assert_int_equal(l.conf->pools[0]->owner.gid, 999888776);
	assert_int_equal(l.conf->pools[0]->owner.group_count, 1);
	assert_int_equal(l.conf->pools[0]->owner.groups[0], 999888776);
	assert_null(l.conf->pools[0]->user_name);
	assert_int_equal(l.conf->pools[0]->listen_uid, (uid_t)-1);
	unload(&l);
}

static void root_pools_are_allowed(void **state)
{
	struct conf_load_options opt = { .as_root = true, .allow_root_pools = true };
	struct loaded l = load_with(opt, GOOD_POOL);

	(void)state;
	assert_good(&l);
	assert_int_equal(l.conf->pools[0]->owner.uid, 0);
	unload(&l);
	l = load_with(opt, GOOD_POOL "user = root\n");
	assert_good(&l);
	unload(&l);
}

static void not_root(void **state)
{
	struct loaded l = load(GOOD_POOL "user = no-such-user\ngroup = x\nchroot = /nowhere\nprocess.priority = 5\n");

	(void)state;
	assert_good(&l);
	assert_int_equal(l.notes.count, 4);
	assert_note(&l, CONF_NOTICE, "[pool www] 'user' directive is ignored when FPM is not running as root");
	assert_note(&l, CONF_NOTICE, "[pool www] 'group' directive is ignored when FPM is not running as root");
	assert_note(&l, CONF_NOTICE, "[pool www] 'chroot' directive is ignored when FPM is not running as root");
	assert_note(&l, CONF_NOTICE, "[pool www] 'process.priority' directive is ignored when FPM is not running as root");
	assert_null(l.conf->pools[0]->chroot);
	assert_int_equal(l.conf->pools[0]->process_priority, CONF_PRIORITY_UNSET);
	assert_int_equal(l.conf->pools[0]->owner.uid, geteuid());
	unload(&l);
}

static void pool_process_user(void **state)
{
	struct loaded l = load(GOOD_POOL);

	(void)state;
	assert_string_equal(l.conf->global.pool_process_user, getpwnam("weir") ? "weir" : "nobody");
	unload(&l);
	assert_only_error("[global]\npool_process_user = no-such-user", "[f:6] pool_process_user = no-such-user: there is no "
			  "such user");
	assert_only_error("[global]\npool_process_user = root", "[f:6] pool_process_user = root: pool processes must not run "
			  "as root");
}

static void pool_process_user_of_its_own(void **state)
{
	static const char warning[] = "[f:5] [pool www] user = nobody is also pool_process_user: its children could reach into "
		"their pool process; create a system user 'weir', or set pool_process_user to a user of its own";
	struct loaded l = load_lines_as_root("user = nobody\n[global]\npool_process_user = nobody");

	(void)state;
	assert_int_equal(l.notes.errors, 0);
	assert_note(&l, CONF_WARNING, warning);
	unload(&l);
	l = load_lines_as_root("user = nobody\nsecurity.strict = yes\n[global]\npool_process_user = nobody");
	assert_note(&l, CONF_ERROR, warning);
	unload(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_pools_are_refused),
		cmocka_unit_test(names_become_numbers),
		cmocka_unit_test(number_without_entry),
		cmocka_unit_test(root_pools_are_allowed),
		cmocka_unit_test(not_root),
		cmocka_unit_test(pool_process_user),
		cmocka_unit_test(pool_process_user_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
