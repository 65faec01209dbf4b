/* test_conf_check_global.c -- what [global] may not say. */
#include "tests/unit/conf/conf_help.h"

static void global(const char *lines, enum conf_severity severity, const char *note)
{
	char *whole = xasprintf("[global]\n%s\n" GOOD_POOL, lines);
	struct loaded l = load(whole);

	assert_note(&l, severity, note);
	assert_int_equal(l.notes.errors, severity == CONF_ERROR);
	unload(&l);
	free(whole);
}

static void refused_in_php_fpm_s_words(void **state)
{
	(void)state;
	global("process.max = -1", CONF_ERROR, "[f:2] process_max can't be negative");
	global("log_limit = 511", CONF_ERROR, "[f:2] log_limit must be greater than 512");
	global("log_limit = -1", CONF_ERROR, "[f:2] log_limit must be greater than 512");
	global("events.mechanism = kqueue", CONF_ERROR, "[f:2] event mechanism 'kqueue' is not available on this system: "
	       "epoll, poll and select are");
	global("process.priority = 21", CONF_ERROR, "[f:2] process.priority must be included into [-19,20]");
}

static void half_of_a_pair_is_a_warning(void **state)
{
	(void)state;
	global("emergency_restart_threshold = 3", CONF_WARNING, "[f:2] emergency_restart_threshold does nothing without "
	       "emergency_restart_interval");
	global("emergency_restart_interval = 3", CONF_WARNING, "[f:2] emergency_restart_interval does nothing without "
	       "emergency_restart_threshold");
}

static void the_mechanism_is_shown_when_it_is_not_given(void **state)
{
	struct loaded l = load(GOOD_POOL);
	(void)state;

	assert_good(&l);
	assert_string_equal(l.conf->global.events_mechanism, "epoll");
	unload(&l);
}

static void jitter_stays_below_max_requests(void **state)
{
	(void)state;
	assert_only_error("pm.max_requests_jitter = 1", "[f:5] [pool www] pm.max_requests_jitter(1) must be less than "
			  "pm.max_requests(0)");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_in_php_fpm_s_words),
		cmocka_unit_test(half_of_a_pair_is_a_warning),
		cmocka_unit_test(the_mechanism_is_shown_when_it_is_not_given),
		cmocka_unit_test(jitter_stays_below_max_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
