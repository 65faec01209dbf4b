/* test_conf_acl.c -- the lists of who may connect, by name and number. */
#include "tests/unit/conf/conf_help.h"

static void names_and_numbers(void **state)
{
	struct loaded l = load(GOOD_POOL "listen.acl_users = root, 12345,root ,\nlisten.acl_groups = 77\n");
	const struct conf_pool *p;
	(void)state;

	assert_good(&l);
	p = l.conf->pools[0];
	assert_int_equal(p->listen_acl_count, 3);
	assert_true(!p->listen_acl[0].is_group && p->listen_acl[0].id == 0);
	assert_true(!p->listen_acl[1].is_group && p->listen_acl[1].id == 12345);
	assert_true(p->listen_acl[2].is_group && p->listen_acl[2].id == 77);
	unload(&l);
}

static void who_does_not_exist_is_named(void **state)
{
	(void)state;
	assert_only_error("listen.acl_users = root,no-such", "[f:5] [pool www] cannot get uid for user 'no-such' "
			  "(listen.acl_users): there is no such user");
	assert_only_error("listen.acl_groups = no-such", "[f:5] [pool www] cannot get gid for group 'no-such' "
			  "(listen.acl_groups): there is no such group");
}

static void owner_and_group_are_ignored_beside_a_list(void **state)
{
	struct loaded l = load(GOOD_POOL "listen.acl_users = root\nlisten.owner = 5\nlisten.group = 6\n");
	(void)state;

	assert_note(&l, CONF_WARNING, "[pool www] ACL set, listen.owner = '5' is ignored");
	assert_note(&l, CONF_WARNING, "[pool www] ACL set, listen.group = '6' is ignored");
	assert_true(l.conf->pools[0]->listen_uid == (uid_t)-1 && l.conf->pools[0]->listen_gid == (gid_t)-1);
	unload(&l);
}

static void an_empty_list_is_none(void **state)
{
	struct loaded l = load(GOOD_POOL "listen.acl_users =\nlisten.owner = 5\n");
	(void)state;

	assert_good(&l);
	assert_int_equal(l.conf->pools[0]->listen_acl_count, 0);
	assert_int_equal(l.conf->pools[0]->listen_uid, 5);
	unload(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_numbers),
		cmocka_unit_test(who_does_not_exist_is_named),
		cmocka_unit_test(owner_and_group_are_ignored_beside_a_list),
		cmocka_unit_test(an_empty_list_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
