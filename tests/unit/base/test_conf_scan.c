/* test_conf_scan.c -- one line of a configuration file: a table of lines and what they read as. The values without
 * "ours" behind them were compared with what php-fpm 8.2 prints for the same line. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "src/base/conf_const.h"
#include "src/base/conf_scan.h"
#include "src/base/mem.h"

static const char *env(void *arg, const char *name)
{
	(void)arg;
	if (!strcmp(name, "FOO") || !strcmp(name, "FO O"))
		return "foo val";
	if (!strcmp(name, "QUOTE"))
		return "a\"b";
	return strcmp(name, "YES") ? NULL : "yes";
}

static void scan(const char *line, struct conf_scan_token *t)
{
	conf_scan_line(line, strlen(line), env, NULL, t);
}

static void assert_text(const char *line, const char *is, const char *wanted)
{
	if (!is || strcmp(is, wanted))
		fail_msg("%s: '%s', not '%s'", line, is ? is : "(none)", wanted);
}

static const struct { const char *value, *reads; } values[] = {
	{ "foo", "foo" }, { "foo bar  baz  ", "foo bar  baz" }, { "", "" }, { "\"\"", "" }, { "\t tab\ttab\t", "tab\ttab" },
	{ "foo ; comment", "foo" }, { "foo;comment", "foo" }, { "\"foo;bar\" ; c", "foo;bar" }, { "a # b", "a # b" },
	{ "foo\\bar", "foo\\bar" }, { "foo\\;bar", "foo\\" }, { "foo{bar}", "foo{bar}" }, { "a[b]", "a[b]" },
	{ "?foo", "?foo" }, { "007", "007" }, { "-5", "-5" }, { "1.5", "1.5" }, { "a,b", "a,b" }, { "\"x=y\"", "x=y" },
	/* double quotes */
	{ "\"foo \\\" bar\"", "foo \" bar" }, { "\"foo \\\\ bar \\n\"", "foo \\ bar \\n" }, { "\"a\\$b\"", "a$b" },
	{ "\"a\\'b\"", "a\\'b" }, { "\"a\\\\\"", "a\\" }, { "\"a\\\"", "a\\" }, { "\"\\\"", "\\" },
	{ "\"a\\\"\" ; c", "a\"" }, { "\"foo\" bar", "foobar" }, { "foo \"bar\"", "foobar" }, { "a  \"b\"  c", "abc" },
	{ "\"foo\"\"bar\"", "foobar" }, { "\"a\\\\\\\"b\"", "a\\\"b" },
	/* single quotes */
	{ "'foo \"x\" ; bar'", "foo \"x\" ; bar" }, { "'it''s'", "its" }, { "a 'b' c", "a b c" }, { "'a\\'", "a\\" },
	{ "'${FOO}'", "${FOO}" }, { "''", "" /* ours */ },
	/* variables */
	{ "${FOO}", "foo val" }, { "pre ${FOO} post", "pre foo val post" }, { "\"<${FOO}>\"", "<foo val>" },
	{ "${NOT_THERE}", "" }, { "x${NOT_THERE}y", "xy" }, { "${QUOTE}", "a\"b" }, { "\"${QUOTE}\"", "a\"b" },
	{ "${YES}", "yes" }, { "\"a\\${FOO}b\"", "a${FOO}b" }, { "$FOO", "$FOO" }, { "a$", "a$" }, { "$$", "$$" },
	{ "${FO O}", "foo val" }, { "${FOO}${FOO}", "foo valfoo val" },
	/* words */
	{ "yes", "1" }, { "YES", "1" }, { "True", "1" }, { "on ; c", "1" }, { "no", "" }, { "none", "" }, { "Null", "" },
	{ "off", "" }, { "false", "" }, { "\"yes\"", "yes" }, { "'no'", "no" }, { "yesno", "yesno" }, { "yes/no", "yes/no" },
	/* constants and arithmetic */
	{ "E_ALL", "32767" }, { "E_ALL & ~E_NOTICE", "32759" }, { "E_ALL ^ E_NOTICE", "32759" }, { "~E_ALL", "-32768" },
	{ "!E_ALL", "0" }, { "!0", "1" }, { "(E_ALL & ~E_NOTICE) | E_STRICT", "32759" }, { "1 | 2 & 4", "0" },
	{ "~1 | 2", "-2" }, { "!1 | 2", "2" }, { "~~5", "5" }, { "!~5", "0" }, { "7 & ~(1|2)", "4" }, { "-1 & 255", "255" },
	{ "\"1\" | \"2\"", "3" }, { "((1))", "1" }, { "(foo)", "foo" }, { "foo E_ALL bar", "foo 32767 bar" },
	{ "E_ALL.x", "E_ALL.x" }, { "\"E_ALL\"", "E_ALL" }, { "E_all", "E_all" }, { "E_ALL\"x\"", "32767x" },
	{ "E_ALL;x", "32767" }, { "LOG_ERR", "3" }, { "PHP_INT_MAX", "9223372036854775807" },
};

static void test_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		char *line = xasprintf("key = %s", values[i].value);
		struct conf_scan_token t;

		scan(line, &t);
		if (t.kind != CONF_SCAN_ASSIGN)
			fail_msg("%s: %s", line, t.why.text);
		assert_text(line, t.name, "key");
		assert_null(t.sub);
		assert_text(line, t.value, values[i].reads);
		if (t.doubt.text[0])
			fail_msg("%s: doubt: %s", line, t.doubt.text);
		conf_scan_token_free(&t);
		free(line);
	}
}

static const struct { const char *line, *why; } bad_lines[] = {
	{ "foo", "has no value" }, { "foo ; c", "has no value" }, { "foo[a]", "has no value" }, { "= foo", "without a name" },
	{ "a = foo=bar", "unexpected '='" }, { "a == x", "'=' in the wrong place" }, { "a = yes sir", "'yes' stands beside" },
	{ "a = foo yes", "'yes' stands beside" }, { "a = (yes)", "'yes' stands beside" }, { "a = 1 | yes", "'yes' stands" },
	{ "a = yes | 1", "'yes' stands beside" }, { "a = \"x\"no", "'no' stands beside" }, { "a = \"foo", "no end" },
	{ "a = 'foo", "no end" }, { "a = \"a\\\" ; c", "no end" }, { "a = ${FOO", "without its '}'" },
	{ "a = ${}", "names no environment variable" }, { "a = \"${FOO\"", "without its '}'" }, { "a = | 1", "wrong place" },
	{ "a = 1 |", "ends where" }, { "a = ()", "wrong place" }, { "a = (1", "without its ')'" }, { "a = (1) 2", "unexpected" },
	{ "a = foo(bar)", "unexpected '('" }, { "a = foo)", "unexpected ')'" }, { "a = a~b", "unexpected '~'" },
	{ "a = foo!", "unexpected '!'" }, { "a = ~", "ends where" }, { "a[b = c", "without its ']'" },
	{ "a[b;c] = d", "without its ']'" }, { "a[b]x = c", "unexpected 'x' behind 'a'" }, { "\"a\" = b", "unexpected '\"'" },
	{ "a{b = c", "unexpected '{' behind 'a'" }, { "[foo", "without its ']'" }, { "[foo] bar", "behind the ']' of [foo]" },
	{ "[]", "names no section" }, { "a = 99999999999 | 0", "too large" }, { "a = b\rc", "carriage return" },
	{ "# comment", "has no value" }, { "a[\"b] = c", "no end" },
};

static void test_bad_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad_lines); i++) {
		struct conf_scan_token t;

		scan(bad_lines[i].line, &t);
		if (t.kind != CONF_SCAN_ERROR || !strstr(t.why.text, bad_lines[i].why))
			fail_msg("%s: %d '%s', not '%s'", bad_lines[i].line, t.kind, t.why.text, bad_lines[i].why);
		conf_scan_token_free(&t);
	}
}

static void test_names(void **state)
{
	static const struct { const char *line, *name, *sub; } lines[] = {
		{ " key=v", "key", NULL }, { "\tkey\t=\tv", "key", NULL }, { "a b = v", "a b", NULL }, { "a.b-c: = v", "a.b-c:", NULL },
		{ "env[A] = v", "env", "A" }, { "env [A]= v", "env", "A" }, { "env[\"A]B\"] = v", "env", "A]B" },
		{ "env['A'] = v", "env", "A" }, { "env[ A ] = v", "env", "A" /* ours */ }, { "env[${FOO}] = v", "env", "foo val" },
		{ "env[] = v", "env", "" }, { "env[a=b|c(d!e$f] = v", "env", "a=b|c(d!e$f" }, { "env[yes] = v", "env", "yes" },
		{ "\xef\xbb\xbfkey = v", "key", NULL }, { "key = v\r\n", "key", NULL }, { "env[\" \"] = v\n", "env", " " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct conf_scan_token t;

		scan(lines[i].line, &t);
		if (t.kind != CONF_SCAN_ASSIGN)
			fail_msg("%s: %s", lines[i].line, t.why.text);
		assert_text(lines[i].line, t.name, lines[i].name);
		assert_text(lines[i].line, t.value, "v");
		assert_true(!lines[i].sub == !t.sub);
		if (t.sub)
			assert_text(lines[i].line, t.sub, lines[i].sub);
		conf_scan_token_free(&t);
	}
}

static void test_sections(void **state)
{
	static const struct { const char *line, *name; } lines[] = {
		{ "[www]", "www" }, { "[ www ] ; c", "www" /* ours */ }, { "\t[www]\n", "www" }, { "[\"www\"]", "www" },
		{ "['www']", "www" }, { "[${FOO}]", "foo val" }, { "[E_ALL]", "E_ALL" }, { "[yes]", "yes" }, { "[a=b|c]", "a=b|c" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct conf_scan_token t;

		scan(lines[i].line, &t);
		if (t.kind != CONF_SCAN_SECTION)
			fail_msg("%s: %s", lines[i].line, t.why.text);
		assert_text(lines[i].line, t.name, lines[i].name);
		conf_scan_token_free(&t);
	}
}

static void test_blank_lines(void **state)
{
	static const char *const lines[] = { "", "\n", "\r\n", "  \t", "; c", " ; c = [", "\xef\xbb\xbf" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct conf_scan_token t;

		scan(lines[i], &t);
		assert_int_equal(t.kind, CONF_SCAN_BLANK);
		conf_scan_token_free(&t);
	}
}

static void test_doubts(void **state)
{
	static const struct { const char *line, *value, *doubt; } lines[] = {
		{ "a = pa&ss", "0", "'ss' counts as the number 0" }, { "a = a | 1", "1", "'a' counts as the number 0" },
		{ "a = 12abc | 1", "13", "'12abc' counts as the number 12" }, { "a = !foo", "1", "'foo' counts" },
		{ "a = don't", "don", "from the single quote on is ignored" }, { "a = PHP_VERSION", "PHP_VERSION", "constant of PHP" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct conf_scan_token t;

		scan(lines[i].line, &t);
		assert_int_equal(t.kind, CONF_SCAN_ASSIGN);
		assert_text(lines[i].line, t.value, lines[i].value);
		assert_non_null(strstr(t.doubt.text, lines[i].doubt));
		conf_scan_token_free(&t);
	}
}

static void test_nul_byte(void **state)
{
	static const char line[] = "a = b\0c";
	struct conf_scan_token t;

	(void)state;
	conf_scan_line(line, sizeof(line) - 1, env, NULL, &t);
	assert_int_equal(t.kind, CONF_SCAN_ERROR);
	assert_non_null(strstr(t.why.text, "NUL byte"));
	conf_scan_token_free(&t);
}

static void test_without_environment(void **state)
{
	struct conf_scan_token t;

	(void)state;
	conf_scan_line("a = <${FOO}>", 12, NULL, NULL, &t);
	assert_string_equal(t.value, "<>");
	conf_scan_token_free(&t);
}

static void test_long_line(void **state)
{
	size_t len = 1024 * 1024;
	char *line = xcalloc(len + 5, 1);
	struct conf_scan_token t;

	(void)state;
	memcpy(line, "a = ", 4);
	memset(line + 4, 'x', len);
	scan(line, &t);
	assert_int_equal(t.kind, CONF_SCAN_ASSIGN);
	assert_int_equal(strlen(t.value), len);
	conf_scan_token_free(&t);
	free(line);
}

static void test_depth_is_bounded(void **state)
{
	static const char *const signs = "~!(";
	struct conf_scan_token t;
	char line[4096];

	(void)state;
	for (const char *sign = signs; *sign; sign++) {
		memset(line, *sign, sizeof(line) - 1);
		line[sizeof(line) - 1] = '\0';
		memcpy(line, "a = ", 4);
		scan(line, &t);
		assert_int_equal(t.kind, CONF_SCAN_ERROR);
		assert_non_null(strstr(t.why.text, "inside each other"));
		conf_scan_token_free(&t);
	}
}

static void test_constants(void **state)
{
	(void)state;
	assert_string_equal(conf_const_find("E_ALL", 5), "32767");
	assert_string_equal(conf_const_find("E_ALLx", 5), "32767");
	assert_null(conf_const_find("E_ALL", 4));
	assert_null(conf_const_find("e_all", 5));
	assert_true(conf_const_like("PHP_VERSION", 11));
	assert_false(conf_const_like("PHP_Version", 11));
	assert_false(conf_const_like("PHP_", 4));
	assert_false(conf_const_like("PATH", 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_bad_lines),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_blank_lines),
		cmocka_unit_test(test_doubts),
		cmocka_unit_test(test_nul_byte),
		cmocka_unit_test(test_without_environment),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_depth_is_bounded),
		cmocka_unit_test(test_constants),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
