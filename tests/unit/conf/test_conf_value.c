/* test_conf_value.c -- single values: each type's texts, and that nothing wraps around. */
#include "tests/unit/conf/conf_help.h"
#include "src/conf/conf_value.h"

static struct conf_pool *pool;

static int make_pool(void **state)
{
	(void)state;
	pool = xcalloc(1, sizeof(*pool));
	conf_value_defaults(CONF_IN_POOL, pool);
	return 0;
}

static int drop_pool(void **state)
{
	(void)state;
	conf_pool_free(&pool);
	return 0;
}

static const struct { const char *key, *text, *shows; } good[] = {
	{ "pm.max_children", "5", "5" }, { "pm.max_children", "", "0" }, { "pm.max_children", "-5", "-5" },
	{ "pm.max_children", "007", "7" }, { "listen.backlog", "-1", "-1" }, { "pm.max_requests", "9223372036854775807",
	  "9223372036854775807" },
	{ "request_terminate_timeout", "90", "90s" }, { "request_terminate_timeout", "2m", "120s" },
	{ "request_terminate_timeout", "2 h", "7200s" }, { "request_terminate_timeout", "1d", "86400s" },
	{ "request_terminate_timeout", "0", "0s" }, { "pm.process_idle_timeout", "1m", "60" },
	{ "request.max_params", "64K", "65536" }, { "request.max_params", "1m", "1048576" }, { "request.max_body", "8 G",
	  "8589934592" }, { "request.max_body", "0", "0" }, { "request.max_body", "5", "5" },
	{ "rlimit_core", "unlimited", "unlimited" }, { "rlimit_core", "Unlimited", "unlimited" }, { "rlimit_core", "7", "7" },
	{ "listen.mode", "0660", "0660" }, { "listen.mode", "600", "0600" }, { "listen.mode", "0", "0000" },
	{ "pm", "Static", "static" }, { "pm", "ONDEMAND", "ondemand" }, { "mpm", "Prefork", "prefork" },
	{ "clear_env", "1", "yes" }, { "clear_env", "on", "yes" }, { "clear_env", "", "no" }, { "clear_env", "none", "no" },
	{ "process.priority", "-19", "-19" }, { "security.limit_extensions", "", "" }, { "user", "x", "x" },
};

static void good_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		const struct conf_key *key = conf_key_find(CONF_IN_POOL, good[i].key);
		struct buf shown = { 0 };
		struct err why;

		assert_non_null(key);
		if (conf_value_set(key, pool, good[i].text, &why) < 0)
			fail_msg("%s = %s: %s", good[i].key, good[i].text, why.text);
		assert_true(conf_value_show(key, pool, &shown));
		if (strcmp(buf_str(&shown), good[i].shows))
			fail_msg("%s = %s shows as %s", good[i].key, good[i].text, buf_str(&shown));
		buf_free(&shown);
	}
}

static const struct { const char *key, *text, *why; } bad[] = {
	{ "pm.max_children", "5x", "is not a valid number (greater or equal than zero)" },
	{ "pm.max_children", "-", "is not a valid number (greater or equal than zero)" },
	{ "pm.max_children", "+5", "is not a valid number (greater or equal than zero)" },
	{ "pm.max_children", " 5", "is not a valid number (greater or equal than zero)" },
	{ "pm.max_children", "4294967297", "must be at most 100000" },
	{ "pm.max_requests", "9223372036854775808", "is too large a number" },
	{ "listen.backlog", "-2", "must be at least -1" },
	{ "process.priority", "4294967296", "must be at most 2147483647" },
	{ "request_terminate_timeout", "", "invalid time value" },
	{ "request_terminate_timeout", "s", "invalid time value" },
	{ "request_terminate_timeout", "1.5s", "invalid time value" },
	{ "request_terminate_timeout", "5S", "unknown suffix used in time value" },
	{ "request_terminate_timeout", "5y", "unknown suffix used in time value" },
	{ "request_terminate_timeout", "-5", "must not be negative" },
	{ "request_terminate_timeout", "106751991167301d", "is too large a number" },
	{ "request_terminate_timeout", "99999999999999999999s", "is too large a number" },
	{ "request_terminate_timeout", "24856d", "must be at most 2147483647" },
	{ "request.max_body", "5X", "unknown suffix used in size value (K, M or G)" },
	{ "request.max_body", "9223372036854775807K", "is too large a number" },
	{ "request.max_body", "-1", "must not be negative" },
	{ "request.max_body", "", "invalid size value" },
	{ "rlimit_core", "-1", "must be greater than zero or 'unlimited'" },
	{ "rlimit_core", "x", "is not a valid number (greater or equal than zero)" },
	{ "rlimit_files", "-1", "must not be negative" },
	{ "pm", "static static", "invalid process manager (static, dynamic or ondemand)" },
	{ "clear_env", "YES", "invalid boolean value" },
	{ "clear_env", "2", "invalid boolean value" },
	{ "sapi", "", "it is empty" },
};

static void bad_values_change_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const struct conf_key *key = conf_key_find(CONF_IN_POOL, bad[i].key);
		struct buf before = { 0 }, after = { 0 };
		struct err why = { "" };

		conf_value_show(key, pool, &before);
		assert_int_equal(conf_value_set(key, pool, bad[i].text, &why), -1);
		if (strcmp(why.text, bad[i].why))
			fail_msg("%s = %s: '%s', not '%s'", bad[i].key, bad[i].text, why.text, bad[i].why);
		conf_value_show(key, pool, &after);
		assert_string_equal(buf_str(&before), buf_str(&after));
		buf_free(&before);
		buf_free(&after);
	}
}

static void levels(void **state)
{
	static const char *const names[] = { "debug", "NOTICE", "warn", "Warning", "error", "alert" };
	const struct conf_key *key = conf_key_find(CONF_IN_GLOBAL, "log_level");
	struct conf_global global = { 0 };
	struct err why;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		assert_int_equal(conf_value_set(key, &global, names[i], &why), 0);
	assert_int_equal(conf_value_set(key, &global, "loud", &why), -1);
	assert_string_equal(why.text, "invalid value for 'log_level'");
}

/* What the table says is the default is the default. */
static void defaults(void **state)
{
	struct conf_global global = { 0 };

	(void)state;
	conf_value_defaults(CONF_IN_GLOBAL, &global);
	assert_int_equal(global.process_control_timeout_s, -1);
	assert_int_equal(global.process_priority, CONF_PRIORITY_UNSET);
	assert_true(global.daemonize);
	conf_global_free(&global);
	assert_int_equal(pool->max_spawn_rate, 32);
	assert_int_equal(pool->process_idle_timeout_s, 10);
	assert_int_equal(pool->listen_mode, 0660);
	assert_int_equal(pool->listen_backlog, -1);
	assert_int_equal(pool->request_max_params, 1024 * 1024);
	assert_int_equal(pool->request_max_body, 0);
	assert_int_equal(pool->request_header_timeout_s, 60);
	assert_int_equal(pool->request_body_timeout_s, 60);
	assert_true(pool->clear_env && pool->decorate_workers_output);
	assert_false(pool->catch_workers_output || pool->process_dumpable);
	assert_false(pool->security_strict || pool->reason_header);
	assert_string_equal(pool->limit_extensions, ".php .phar");
	assert_string_equal(pool->sapi, "php");
	assert_null(pool->php_version);
	assert_int_equal(pool->mpm, CONF_MPM_PREFORK);
	assert_int_equal(pool->pm, CONF_PM_UNSET);
	assert_int_equal(pool->process_priority, CONF_PRIORITY_UNSET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(good_values, make_pool, drop_pool),
		cmocka_unit_test_setup_teardown(bad_values_change_nothing, make_pool, drop_pool),
		cmocka_unit_test(levels),
		cmocka_unit_test_setup_teardown(defaults, make_pool, drop_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
