/* test_conf_clients.c -- listen.allowed_clients: who may come in. */
#include "tests/unit/conf/conf_help.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

static bool allowed(struct conf_pool *pool, const char *address)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
		return conf_client_allowed(pool, (struct sockaddr *)&v4);
	assert_int_equal(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
	return conf_client_allowed(pool, (struct sockaddr *)&v6);
}

static const struct { const char *list, *yes, *no; } cases[] = {
	{ "127.0.0.1", "127.0.0.1", "127.0.0.2" },
	{ "127.0.0.1", "::ffff:127.0.0.1", "::1" },
	{ "::ffff:10.1.2.3", "10.1.2.3", "10.1.2.4" },
	{ "::1", "::1", "::2" },                        /* the last bytes count */
	{ "2001:db8::1", "2001:db8::1", "2001:db8::1:1" },
	{ "127.0.0.1,::1", "::1", "127.0.0.2" },
	{ " 127.0.0.1 , 10.0.0.1", "10.0.0.1", "10.0.0.2" },
	{ "10.0.0.0/8", "10.255.255.255", "11.0.0.0" },
	{ "10.0.0.0/8", "::ffff:10.1.1.1", "::10.1.1.1" },
	{ "192.168.4.0/22", "192.168.7.255", "192.168.8.0" },
	{ "192.168.4.77/22", "192.168.5.1", "192.168.3.255" },
	{ "10.0.0.1/32", "10.0.0.1", "10.0.0.0" },
	{ "0.0.0.0/0", "1.2.3.4", "::1" },
	{ "::/0", "2001:db8::1", "1.2.3.4" },
	{ "::/0", "::1", "::ffff:1.2.3.4" },
	{ "::ffff:0:0/96", "1.2.3.4", "::1" },
	{ "::ffff:10.0.0.0/104", "10.2.3.4", "11.2.3.4" },
	{ "2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1" },
	{ "fd00::/8", "fdff::1", "fe00::1" },
};

static void lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct conf_pool *pool = xcalloc(1, sizeof(*pool));
		struct err err;

		pool->listen_allowed_clients = xstrdup(cases[i].list);
		assert_int_equal(conf_clients_read(pool, &err), 0);
		if (!allowed(pool, cases[i].yes))
			fail_msg("%s refuses %s", cases[i].list, cases[i].yes);
		if (allowed(pool, cases[i].no))
			fail_msg("%s lets %s in", cases[i].list, cases[i].no);
		conf_pool_free(&pool);
	}
}

static void bad_lists(void **state)
{
	static const char *const lists[] = {
		"foo", "127.0.0.1,", ",", "127.0.0.1 ::1", "127.0.0.1/33", "::1/129", "127.0.0.1/", "127.0.0.1/a", "localhost",
		"127.0.0.1/-1", "127.1", "1.2.3.4.5", "10.0.0.0/8/8", "[::1]", "127.0.0.1/0008",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct conf_pool *pool = xcalloc(1, sizeof(*pool));
		struct err err = { "" };
		bool last = !strcmp(lists[i], "127.0.0.1,");

		pool->listen_allowed_clients = xstrdup(lists[i]);
		if ((conf_clients_read(pool, &err) == 0) != last)
			fail_msg("'%s': %s", lists[i], err.text);
		if (!last)
			assert_non_null(strstr(err.text, "Wrong IP address '"));
		conf_pool_free(&pool);
	}
}

static void no_list_and_other_families(void **state)
{
	struct conf_pool *pool = xcalloc(1, sizeof(*pool));
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr unspec = { .sa_family = AF_UNSPEC };
	struct err err;

	(void)state;
	assert_true(allowed(pool, "1.2.3.4"));
	pool->listen_allowed_clients = xstrdup("127.0.0.1");
	assert_int_equal(conf_clients_read(pool, &err), 0);
	assert_true(conf_client_allowed(pool, (struct sockaddr *)&un));
	assert_false(conf_client_allowed(pool, &unspec));
	conf_pool_free(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),
		cmocka_unit_test(bad_lists),
		cmocka_unit_test(no_list_and_other_families),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
