/* test_conf_check.c -- the checks over a whole section: process manager, priorities, plug-ins, extensions. */
#include "tests/unit/conf/conf_help.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define DYNAMIC "pm = dynamic\npm.max_children = 5\npm.min_spare_servers = 1\npm.max_spare_servers = 3\n"

static void missing_keys(void **state)
{
	struct loaded l = load("[www]\n");

	(void)state;
	assert_int_equal(l.notes.errors, 3);
	assert_note(&l, CONF_ERROR, "[f:1] [pool www] no listen address have been defined!");
	assert_note(&l, CONF_ERROR, "[f:1] [pool www] the process manager is missing (static, dynamic or ondemand)");
	assert_note(&l, CONF_ERROR, "[f:1] [pool www] pm.max_children must be a positive value");
	unload(&l);
}

static void process_manager(void **state)
{
	static const struct { const char *lines, *error; } cases[] = {
		{ "pm.max_children = 0", "[f:5] [pool www] pm.max_children must be a positive value" },
		{ "pm.max_children = -3", "[f:5] [pool www] pm.max_children must be a positive value" },
		{ "pm.max_children = 4x", "[f:5] unable to parse value for entry 'pm.max_children': is not a valid number "
		  "(greater or equal than zero) (it is '4x')" },
		{ "pm.max_children = 99999999999", "[f:5] unable to parse value for entry 'pm.max_children': must be at most "
		  "100000 (it is '99999999999')" },
		{ "pm.max_children = 99999999999999999999", "[f:5] unable to parse value for entry 'pm.max_children': is too "
		  "large a number (it is '99999999999999999999')" },
		{ "pm.max_requests = -1", "[f:5] unable to parse value for entry 'pm.max_requests': must not be negative (it "
		  "is '-1')" },
		{ DYNAMIC "pm.min_spare_servers = 0", "[f:9] [pool www] pm.min_spare_servers(0) must be a positive value" },
		{ DYNAMIC "pm.max_spare_servers = 0", "[f:9] [pool www] pm.max_spare_servers(0) must be a positive value" },
		{ DYNAMIC "pm.min_spare_servers = 4", "[f:8] [pool www] pm.max_spare_servers(3) must not be less than "
		  "pm.min_spare_servers(4)" },
		{ DYNAMIC "pm.max_spare_servers = 7", "[f:9] [pool www] pm.min_spare_servers(1) and pm.max_spare_servers(7) "
		  "cannot be greater than pm.max_children(5)" },
		{ DYNAMIC "pm.start_servers = 4", "[f:9] [pool www] pm.start_servers(4) must not be less than "
		  "pm.min_spare_servers(1) and not greater than pm.max_spare_servers(3)" },
		{ DYNAMIC "pm.max_spawn_rate = 0", "[f:9] [pool www] pm.max_spawn_rate must be a positive value" },
		{ "pm = ondemand\npm.process_idle_timeout = 0", "[f:6] [pool www] pm.process_idle_timeout(0s) must be greater "
		  "than 0s" },
		{ "request_slowlog_timeout = 1", "[f:5] [pool www] 'slowlog' must be specified for use with "
		  "'request_slowlog_timeout'" },
		{ "slowlog =\nrequest_slowlog_timeout = 1", "[f:6] [pool www] 'slowlog' must be specified for use with "
		  "'request_slowlog_timeout'" },
		{ "slowlog = /s\nrequest_slowlog_timeout = 1m\nrequest_terminate_timeout = 3", "[f:6] [pool www] "
		  "'request_slowlog_timeout' (60) can't be greater than 'request_terminate_timeout' (3)" },
		{ "request_slowlog_trace_depth = 5", "[f:5] [pool www] 'slowlog' must be specified for use with "
		  "'request_slowlog_trace_depth'" },
		{ "slowlog = /s\nrequest_slowlog_trace_depth = -5", "[f:6] [pool www] 'request_slowlog_trace_depth' (-5) must "
		  "be a positive value" },
		{ "process.priority = 21", "[f:5] [pool www] process.priority must be included into [-19,20]" },
		{ "process.priority = -20", "[f:5] [pool www] process.priority must be included into [-19,20]" },
		{ "[global]\nprocess.priority = 64x", "[f:6] unable to parse value for entry 'process.priority': is not a valid "
		  "number (greater or equal than zero) (it is '64x')" },
		{ "[global]\nprocess.priority = 50", "[f:6] process.priority must be included into [-19,20]" },
		{ "request_terminate_timeout = 5y", "[f:5] unable to parse value for entry 'request_terminate_timeout': unknown "
		  "suffix used in time value (it is '5y')" },
		{ "request.max_params = 100", "[f:5] unable to parse value for entry 'request.max_params': must be at least 1024 "
		  "(it is '100')" },
		{ "rlimit_core = -5", "[f:5] unable to parse value for entry 'rlimit_core': must be greater than zero or "
		  "'unlimited' (it is '-5')" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_only_error(cases[i].lines, cases[i].error);
}

static void start_servers_in_the_middle(void **state)
{
	struct loaded l = load(GOOD_POOL DYNAMIC);

	(void)state;
	assert_good(&l);
	assert_note(&l, CONF_NOTICE, "[pool www] pm.start_servers is not set. It's been set to 2.");
	assert_int_equal(l.conf->pools[0]->start_servers, 2);
	unload(&l);
}

/* A refused value is complained about once, and not by the checks that would need it. */
static void no_error_twice(void **state)
{
	struct loaded l = load("[www]\nlisten = 127.0.0.1:1\npm = x\npm.max_children = y\n");

	(void)state;
	assert_int_equal(l.notes.errors, 2);
	unload(&l);
}

static void commas_between_extensions(void **state)
{
	struct loaded l = load(GOOD_POOL "security.limit_extensions = .php,.phtml\n");

	(void)state;
	assert_non_null(l.conf);
	assert_note(&l, CONF_WARNING, "[f:5] [pool www] security.limit_extensions = .php,.phtml: blanks, not commas, separate "
		    "extensions, so this is one that no file has");
	unload(&l);
}

static void plug_in_is_missing(void **state)
{
	char folder[] = "/tmp/test_conf_check.XXXXXX";
	struct conf_load_options opt = { .module_dir = folder };
	char *file, *error;
	struct loaded l;

	(void)state;
	assert_non_null(mkdtemp(folder));
	l = load_with(opt, GOOD_POOL "sapi = wsgi\n");
	error = xasprintf("[f:5] [pool www] 'sapi = wsgi' is not built into this version of Weir: no weir_wsgi.so in %s",
			  folder);
	assert_note(&l, CONF_ERROR, error);
	unload(&l);
	free(error);
	file = xasprintf("%s/weir_php8.2.so", folder);
	close(open(file, O_CREAT | O_WRONLY, 0600));
	l = load_with(opt, GOOD_POOL);
	assert_good(&l);
	unload(&l);
	l = load_with(opt, GOOD_POOL "php.version = 8.2\n");
	assert_good(&l);
	unload(&l);
	l = load_with(opt, GOOD_POOL "php.version = 8.4\n");
	error = xasprintf("[f:5] [pool www] 'php.version = 8.4' is not built into this installation of Weir: no "
			  "weir_php8.4.so in %s; PHP versions there are: 8.2", folder);
	assert_note(&l, CONF_ERROR, error);
	unload(&l);
	unlink(file);
	rmdir(folder);
	free(file);
	free(error);
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
	assert_only_error("access.suppress_path[] = x",
			  "[f:5] Values provided to field 'access.suppress_path' must begin with '/' (it is 'x')");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(access_log),
		cmocka_unit_test(missing_keys),
		cmocka_unit_test(process_manager),
		cmocka_unit_test(start_servers_in_the_middle),
		cmocka_unit_test(no_error_twice),
		cmocka_unit_test(commas_between_extensions),
		cmocka_unit_test(plug_in_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
