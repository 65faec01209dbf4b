/* test_conf_listen.c -- a pool's listen, taken apart. */
#include "tests/unit/conf/conf_help.h"
#include "src/conf/conf_listen.h"

static void kinds(void **state)
{
	static const struct {
		const char *text;
		enum conf_listen_kind kind;
		const char *name;
		unsigned port;
	} cases[] = {
		{ "127.0.0.1:9000", CONF_LISTEN_TCP, "127.0.0.1", 9000 }, { "[::1]:1", CONF_LISTEN_TCP, "::1", 1 },
		{ "9000", CONF_LISTEN_TCP, "", 9000 }, { ":9000", CONF_LISTEN_TCP, "", 9000 },
		{ "a.example:65535", CONF_LISTEN_TCP, "a.example", 65535 }, { "::1:9000", CONF_LISTEN_TCP, "::1", 9000 },
		{ "/run/a:b.sock", CONF_LISTEN_UNIX, "/run/a:b.sock", 0 }, { "x.sock", CONF_LISTEN_UNIX, "x.sock", 0 },
		{ "@a:1", CONF_LISTEN_ABSTRACT, "a:1", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct conf_listen l;
		struct err err;

		if (conf_listen_parse(cases[i].text, &l, &err) < 0)
			fail_msg("%s: %s", cases[i].text, err.text);
		assert_int_equal(l.kind, cases[i].kind);
		assert_int_equal(l.port, cases[i].port);
		assert_string_equal(l.kind == CONF_LISTEN_TCP ? l.host : l.path, cases[i].name);
	}
}

static void bad_ones(void **state)
{
	static const char *const texts[] = { "", "@", "a:", "a:x", "a:0", "a:65536", "a:-1", "a: 1", "[::1:1", "[]:1", "[a]:1",
					     "a:b:1", "99999", "[:1", "]:1:1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct conf_listen l;
		struct err err = { "" };

		assert_int_equal(conf_listen_parse(texts[i], &l, &err), -1);
		assert_string_not_equal(err.text, "");
	}
}

static void long_host(void **state)
{
	char text[300];
	struct conf_listen l;
	struct err err;

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text + 255, ":1", 3);
	assert_int_equal(conf_listen_parse(text, &l, &err), 0);
	memcpy(text + 255, "a:1", 4);
	assert_int_equal(conf_listen_parse(text, &l, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),
		cmocka_unit_test(bad_ones),
		cmocka_unit_test(long_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
