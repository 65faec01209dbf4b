/* test_conf_check_limits.c -- limits of the server, and the keys of a pool's access log. */
#include "tests/unit/conf/conf_help.h"

static void jitter(void **state)
{
	(void)state;
	assert_only_error("pm.max_requests_jitter = 5", "[f:5] [pool www] pm.max_requests_jitter(5) must be less than "
			  "pm.max_requests(0)");
}

static void bad_lists(void **state)
{
	(void)state;
	assert_only_error("access.suppress_path[] = x",
			  "[f:5] Values provided to field 'access.suppress_path' must begin with '/'");
	assert_only_error("access.suppress_path[k] = /x", "[f:5] Keys provided to field 'access.suppress_path' are ignored: "
			  "write access.suppress_path[] = VALUE, once for each");
}

static void access_log(void **state)
{
	struct loaded l = load(GOOD_POOL "prefix = /tmp\naccess.log = a.log\nslowlog = s.log\n");
	const struct conf_pool *p;

	(void)state;
	assert_good(&l);
	p = l.conf->pools[0];
	assert_string_equal(p->access_log, "/tmp/a.log");
	assert_string_equal(p->slowlog, "/tmp/s.log");
	assert_string_equal(p->access_format, "%R - %u %t \"%m %r\" %s");
	unload(&l);
}

static void bad_globals(void **state)
{
	static const struct { const char *line, *error; } cases[] = {
		{ "log_limit = 511", "[f:1] log_limit must be greater than 512" },
		{ "process.max = -1", "[f:1] process_max can't be negative" },
		{ "events.mechanism = kqueue", "[f:1] event mechanism 'kqueue' is not available on this system" },
		{ "events.mechanism =", "[f:1] event mechanism '' is not available on this system" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = xasprintf("%s\n%s", cases[i].line, GOOD_POOL);
		struct loaded l = load(text);

		assert_int_equal(l.notes.errors, 1);
		assert_string_equal(l.notes.at[0].text, cases[i].error);
		unload(&l);
		free(text);
	}
}

static void mechanism(void **state)
{
	struct loaded l = load("events.mechanism = Poll\n" GOOD_POOL);

	(void)state;
	assert_good(&l);
	assert_string_equal(l.conf->global.events_mechanism, "poll");
	unload(&l);
	l = load(GOOD_POOL);
	assert_string_equal(l.conf->global.events_mechanism, "epoll");
	unload(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(jitter), cmocka_unit_test(bad_lists), cmocka_unit_test(access_log),
		cmocka_unit_test(bad_globals), cmocka_unit_test(mechanism),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
