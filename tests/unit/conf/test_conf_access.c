/* test_conf_access.c -- access.format as a list of codes; what is wrong with one, in php-fpm's words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "src/base/mem.h"
#include "src/conf/conf.h"
#include "src/conf/conf_access.h"

static struct conf_access access;
static struct err err;

static void the_default(void **state)
{
	static const enum conf_access_code codes[] = {
		CONF_ACCESS_REMOTE, CONF_ACCESS_TEXT, CONF_ACCESS_USER, CONF_ACCESS_TEXT, CONF_ACCESS_BEGUN,
		CONF_ACCESS_TEXT, CONF_ACCESS_METHOD, CONF_ACCESS_TEXT, CONF_ACCESS_URI, CONF_ACCESS_TEXT,
		CONF_ACCESS_STATUS,
	};

	(void)state;
	assert_int_equal(conf_access_parse(NULL, &access, &err), 0);
	assert_int_equal(access.count, ARRAY_LEN(codes));
	for (size_t i = 0; i < access.count; i++)
		assert_int_equal(access.items[i].code, codes[i]);
	assert_string_equal(access.items[1].text, " - ");
	assert_string_equal(access.items[4].text, "%d/%b/%Y:%H:%M:%S %z");
	assert_true(access.needs_head && !access.needs_cpu && !access.json);
	conf_access_free(&access);
}

static void json(void **state)
{
	(void)state;
	assert_int_equal(conf_access_parse("json", &access, &err), 0);
	assert_true(access.json && access.needs_head && access.needs_cpu);
	assert_int_equal(access.count, 0);
	conf_access_free(&access);
	assert_int_equal(conf_access_parse("json ", &access, &err), 0);
	assert_false(access.json);
	conf_access_free(&access);
}

static void units_and_names(void **state)
{
	static const struct { const char *format; enum conf_access_code code; enum conf_access_unit unit; } cases[] = {
		{ "%C", CONF_ACCESS_CPU, CONF_ACCESS_TOTAL }, { "%{User}C", CONF_ACCESS_CPU, CONF_ACCESS_USERLAND },
		{ "%{system}C", CONF_ACCESS_CPU, CONF_ACCESS_SYSTEM }, { "%{}d", CONF_ACCESS_DURATION, CONF_ACCESS_SECONDS },
		{ "%{mili}d", CONF_ACCESS_DURATION, CONF_ACCESS_MILLI },
		{ "%{MICROSECONDS}d", CONF_ACCESS_DURATION, CONF_ACCESS_MICRO },
		{ "%W", CONF_ACCESS_QUEUED, CONF_ACCESS_SECONDS }, { "%{milli}W", CONF_ACCESS_QUEUED, CONF_ACCESS_MILLI },
		{ "%{kilo}M", CONF_ACCESS_MEMORY, CONF_ACCESS_KILO }, { "%{user}{mega}M", CONF_ACCESS_MEMORY, CONF_ACCESS_MEGA },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(conf_access_parse(cases[i].format, &access, &err), 0);
		assert_int_equal(access.count, 1);
		assert_int_equal(access.items[0].code, cases[i].code);
		assert_int_equal(access.items[0].unit, cases[i].unit);
		conf_access_free(&access);
	}
	assert_int_equal(conf_access_parse("%{A_b}e%{X-Y}o%{%Y}T", &access, &err), 0);
	assert_string_equal(access.items[0].text, "A_b");
	assert_string_equal(access.items[1].text, "X-Y");
	assert_string_equal(access.items[2].text, "%Y");
	conf_access_free(&access);
}

static void percents(void **state)
{
	(void)state;
	assert_int_equal(conf_access_parse("100%% a%", &access, &err), 0);
	assert_int_equal(access.count, 1);
	assert_string_equal(access.items[0].text, "100% a");
	assert_false(access.needs_head);
	conf_access_free(&access);
	assert_int_equal(conf_access_parse("", &access, &err), 0);
	assert_int_equal(access.count, 0);
	conf_access_free(&access);
}

static void faults(void **state)
{
	static const struct { const char *format, *why; } cases[] = {
		{ "a %x", "Invalid token in the access.format (%x)" },
		{ "%{x}x", "Invalid token in the access.format (%x)" },
		{ "%{a} %m", "Invalid token in the access.format (% )" },
		{ "%{a", "missing closing embrace in the access.format" },
		{ "%{a}", "missing closing embrace in the access.format" },
		{ "%m%{a}{b", "missing closing embrace in the access.format" },
		{ "%{a}m", "embrace is not allowed for modifier %m" },
		{ "%{a}%", "embrace is not allowed for modifier %%" },
		{ "%{a}i", "embrace is not allowed for modifier %i" },
		{ "%e", "the name of the environment variable must be set between embraces for %e" },
		{ "%{}o", "the name of the header must be set between embraces for %o" },
		{ "%{x}C", "only 'total', 'user' or 'system' are allowed as a modifier for %C ('x')" },
		{ "%{x}d", "only 'seconds', 'milli', 'milliseconds', 'micro' or 'microseconds' are allowed as a modifier for "
		  "%d ('x')" },
		{ "%{x}M", "only 'bytes', 'kilo', 'kilobytes', 'mega' or 'megabytes' are allowed as a modifier for %M ('x')" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(conf_access_parse(cases[i].format, &access, &err), -1);
		assert_string_equal(err.text, cases[i].why);
		assert_null(access.items);
	}
}

static void suppressed(void **state)
{
	struct conf_pair pairs[] = { { .sub = (char *)"", .value = (char *)"/a" }, { .sub = (char *)"", .value = (char *)"/b" } };
	struct conf_pool pool = { .access_suppress_path = { pairs, 2 } };

	(void)state;
	assert_true(conf_access_suppressed(&pool, "/a") && conf_access_suppressed(&pool, "/b"));
	assert_false(conf_access_suppressed(&pool, "/") || conf_access_suppressed(&pool, "/a/") || conf_access_suppressed(&pool, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_default), cmocka_unit_test(json), cmocka_unit_test(units_and_names),
		cmocka_unit_test(percents), cmocka_unit_test(faults), cmocka_unit_test(suppressed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
