/* test_conf_near.c -- which key was meant. */
#include "tests/unit/conf/conf_help.h"

static void guesses(void **state)
{
	static const struct { enum conf_where where; const char *name, *meant; } cases[] = {
		{ CONF_IN_POOL, "pm.max_childern", "pm.max_children" }, { CONF_IN_POOL, "pm.max-children", "pm.max_children" },
		{ CONF_IN_POOL, "max_children", "pm.max_children" }, { CONF_IN_POOL, "lissten", "listen" },
		{ CONF_IN_POOL, "listen.alowed_client", "listen.allowed_clients" }, { CONF_IN_POOL, "usr", "user" },
		{ CONF_IN_POOL, "request_teminate_timeout", "request_terminate_timeout" },
		{ CONF_IN_POOL, "php_admin_valeu", "php_admin_value" }, { CONF_IN_POOL, "PM.MAX_CHILDRN", "pm.max_children" },
		{ CONF_IN_GLOBAL, "deamonize", "daemonize" }, { CONF_IN_GLOBAL, "error-log", "error_log" },
		{ CONF_IN_POOL, "wholly.different", NULL }, { CONF_IN_POOL, "x", NULL }, { CONF_IN_GLOBAL, "listen", NULL },
		{ CONF_IN_POOL, "", NULL },
		{ CONF_IN_POOL, "pm.max_children_pm.max_children_pm.max_children_pm.max_children_pm.max_children", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct conf_key *key = conf_key_near(cases[i].where, cases[i].name);

		if (!key != !cases[i].meant || (key && strcmp(key->name, cases[i].meant)))
			fail_msg("%s: %s, not %s", cases[i].name, key ? key->name : "(none)",
				 cases[i].meant ? cases[i].meant : "(none)");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guesses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
