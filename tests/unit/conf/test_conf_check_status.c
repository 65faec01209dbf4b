/* test_conf_check_status.c -- addresses of status and ping, in php-fpm's words. */
#include "tests/unit/conf/conf_help.h"

static void refused(void **state)
{
	static const struct { const char *lines, *error; } cases[] = {
		{ "pm.status_path = a", "[f:5] [pool www] the status path 'a' must start with a '/'" },
		{ "pm.status_path = /", "[f:5] [pool www] the status path '/' is not long enough" },
		{ "pm.status_path = /a?b", "[f:5] [pool www] the status path '/a?b' must contain only the following "
		  "characters '[alphanum]/_-.~'" },
		{ "ping.path = a", "[f:5] [pool www] the ping path 'a' must start with a '/'" },
		{ "pm.status_listen = 127.0.0.1:9001\nping.path = /",
		  "[f:6] [pool www] the ping path '/' is not long enough" },
		{ "ping.path = /a+", "[f:5] [pool www] the ping path '/a+' must contain only the following characters "
		  "'[alphanum]/_-.~'" },
		{ "ping.path = /p\nping.response =", "[f:6] [pool www] the ping response page '' is not long enough" },
		{ "pm.status_listen =", "[f:5] [pool www] no listen address have been defined!" },
		{ "pm.status_listen = 127.0.0.1:99999", "[f:5] [pool www] pm.status_listen = 127.0.0.1:99999: invalid "
		  "port value '99999': a port is a number from 1 to 65535" },
		{ "pm.status_listen = 127.0.0.1:9000", "[f:5] [pool www] unable to set listen address as it's already "
		  "used in another pool 'www': give each pool an address of its own, not 127.0.0.1:9000" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_only_error(cases[i].lines, cases[i].error);
}

static void filled_in(void **state)
{
	struct loaded l = load(GOOD_POOL "pm.status_listen = 127.0.0.1:9001\nping.path = /ping\n");
	const struct conf_pool *p;

	(void)state;
	assert_good(&l);
	p = l.conf->pools[0];
	assert_string_equal(p->status_path, "/");
	assert_string_equal(p->ping_response, "pong");
	unload(&l);
	l = load(GOOD_POOL "pm.status_path = \"/a-b_c.d/~9\"\nping.response = x\n");
	assert_good(&l);
	assert_string_equal(l.conf->pools[0]->status_path, "/a-b_c.d/~9");
	assert_null(l.conf->pools[0]->ping_response);   /* nobody asks for it */
	unload(&l);
	l = load(GOOD_POOL "pm.status_path = \"\"\nping.path = \"\"\nping.response = \"\"\n");
	assert_good(&l);
	unload(&l);
}

static void relative(void **state)
{
	struct loaded l = load(GOOD_POOL "prefix = /tmp\npm.status_listen = $pool.sock\n");

	(void)state;
	assert_good(&l);
	assert_string_equal(l.conf->pools[0]->status_listen, "/tmp/www.sock");
	unload(&l);
}

static void of_another_pool(void **state)
{
	struct loaded l = load(GOOD_POOL "pm.status_listen = 127.0.0.1:9001\n"
			       "[b]\nlisten = 127.0.0.1:9001\npm = static\npm.max_children = 1\n");

	(void)state;
	assert_note(&l, CONF_ERROR, "[f:5] [pool www] unable to set listen address as it's already used in another pool "
		    "'b': give each pool an address of its own, not 127.0.0.1:9001");
	unload(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused),
		cmocka_unit_test(filled_in),
		cmocka_unit_test(relative),
		cmocka_unit_test(of_another_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
