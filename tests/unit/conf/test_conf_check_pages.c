/* test_conf_check_pages.c -- what may stand behind the keys of status and ping pages, logs of a pool and limits. */
#include "tests/unit/conf/conf_help.h"

static void bad_pages(void **state)
{
	static const struct { const char *line, *error; } cases[] = {
		{ "ping.path = ping", "the ping path 'ping' must start with a '/'" },
		{ "ping.path = /", "the ping path '/' is not long enough" },
		{ "ping.path = \"/a?b\"", "the ping path '/a?b' must contain only the following characters '[alphanum]/_-.~'" },
		{ "pm.status_path = s", "the status path 's' must start with a '/'" },
		{ "pm.status_path = /", "the status path '/' is not long enough" },
		{ "request_slowlog_timeout = 3", "'slowlog' must be specified for use with 'request_slowlog_timeout'" },
		{ "request_slowlog_trace_depth = -1", "'request_slowlog_trace_depth' (-1) must be a positive value" },
		{ "pm.max_requests_jitter = 5",
		  "pm.max_requests_jitter(5) must be less than pm.max_requests(0)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *error = xasprintf("[f:5] [pool www] %s", cases[i].error);

		assert_only_error(cases[i].line, error);
		free(error);
	}
	assert_only_error("ping.path = /p\nping.response =", "[f:6] [pool www] the ping response page '' is not long enough");
	assert_only_error("slowlog = /s\nrequest_slowlog_timeout = 5\nrequest_terminate_timeout = 3",
			  "[f:6] [pool www] 'request_slowlog_timeout' (5) can't be greater than 'request_terminate_timeout' (3)");
}

static void bad_lists(void **state)
{
	(void)state;
	assert_only_error("access.suppress_path[] = x",
			  "[f:5] Values provided to field 'access.suppress_path' must begin with '/'");
	assert_only_error("access.suppress_path[k] = /x", "[f:5] Keys provided to field 'access.suppress_path' are ignored: "
			  "write access.suppress_path[] = VALUE, once for each");
}

static void good_pages(void **state)
{
	struct loaded l = load("[www]\nlisten = 127.0.0.1:9000\npm = static\npm.max_children = 2\nprefix = /tmp\n"
			       "pm.status_path = /\npm.status_listen = 127.0.0.1:9001\nping.path = /p-_.1\naccess.log = a.log\n"
			       "slowlog = s.log\nrequest_slowlog_timeout = 3\nrequest_terminate_timeout = 3\n"
			       "request_slowlog_trace_depth = 0\n");
	const struct conf_pool *p;

	(void)state;
	assert_good(&l);
	p = l.conf->pools[0];
	assert_string_equal(p->access_log, "/tmp/a.log");
	assert_string_equal(p->slowlog, "/tmp/s.log");
	assert_string_equal(p->access_format, "%R - %u %t \"%m %r\" %s");
	assert_int_equal(p->request_slowlog_trace_depth, 20);
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
		cmocka_unit_test(bad_pages), cmocka_unit_test(bad_lists), cmocka_unit_test(good_pages),
		cmocka_unit_test(bad_globals), cmocka_unit_test(mechanism),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
