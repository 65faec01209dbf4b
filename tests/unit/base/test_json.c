/* test_json.c -- texts as JSON strings: valid whatever they hold, and nothing is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "src/base/json.h"

static char out[256 * 256 * 8];

static const char *json(const char *text, size_t len)
{
	*json_put(out, text, len) = '\0';
	return out;
}

static void plain_text_stays(void **state)
{
	static const char text[] = "a b/c <&> \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 \xc2\xa0 App\\Foo";

	(void)state;
	assert_string_equal(json(text, sizeof(text) - 1),
	    "a b/c <&> \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 \xc2\xa0 App\\\\Foo");
}

static void controls_and_quotes_are_escaped(void **state)
{
	static const char text[] = "\"\n\t\0\x1b\x7f\xc2\x9b";

	(void)state;
	assert_string_equal(json(text, sizeof(text) - 1), "\\\"\\u000A\\u0009\\u0000\\u001B\\u007F\\u009B");
}

static void bytes_that_are_no_utf8_are_named(void **state)
{
	static const struct { const char *text, *json; } cases[] = {
		{ "\xff", "\\\\xFF" }, { "a\x80z", "a\\\\x80z" }, { "\xc3", "\\\\xC3" }, { "\xc3(", "\\\\xC3(" },
		{ "\xc0\xaf", "\\\\xC0\\\\xAF" }, { "\xe0\x80\x80", "\\\\xE0\\\\x80\\\\x80" },
		{ "\xed\xa0\x80", "\\\\xED\\\\xA0\\\\x80" }, { "\xf4\x90\x80\x80", "\\\\xF4\\\\x90\\\\x80\\\\x80" },
		{ "\xf0\x9f\x98", "\\\\xF0\\\\x9F\\\\x98" }, { "\xe2\x82\xc3\xa4", "\\\\xE2\\\\x82\xc3\xa4" },
		{ "\xf5\x80\x80\x80", "\\\\xF5\\\\x80\\\\x80\\\\x80" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(json(cases[i].text, strlen(cases[i].text)), cases[i].json);
}

static void what_looks_like_such_a_name_is_told_from_it(void **state)
{
	(void)state;
	assert_string_equal(json("\\xFF", 4), "\\\\x5CxFF");
	assert_string_equal(json("\\xdebug", 7), "\\\\x5Cxdebug");
	assert_string_equal(json("\\x4", 3), "\\\\x4");
	assert_string_equal(json("\\x4\xff", 4), "\\\\x4\\\\xFF");
}

/* Undo JSON's escapes, then ours. */
static size_t decode(char *text)
{
	static char mid[sizeof(out)];
	char *to = mid, hex[5] = "";
	size_t len, done = 0;

	for (char *c = text; *c; c++) {
		assert_true((unsigned char)*c >= 0x20 && *c != '"');
		if (*c != '\\') {
			*to++ = *c;
		} else if (*++c == 'u') {
			unsigned long code;

			memcpy(hex, c + 1, 4);
			code = strtoul(hex, NULL, 16);
			if (code >= 0x80)
				*to++ = '\xc2';
			*to++ = (char)code;
			c += 4;
		} else {
			assert_true(*c == '\\' || *c == '"');
			*to++ = *c;
		}
	}
	len = (size_t)(to - mid);
	memset(hex, 0, sizeof(hex));
	for (size_t i = 0; i < len; i++) {
		if (len - i >= 4 && mid[i] == '\\' && mid[i + 1] == 'x' && isxdigit((unsigned char)mid[i + 2])
		    && isxdigit((unsigned char)mid[i + 3])) {
			memcpy(hex, mid + i + 2, 2);
			text[done++] = (char)strtoul(hex, NULL, 16);
			i += 3;
		} else {
			text[done++] = mid[i];
		}
	}
	return done;
}

static void nothing_is_lost(void **state)
{
	static const char set[] = "\\x4fF\"\n\xc2\x9b\xe2\x82\xac\xff ";
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char text[24];
		size_t len = 0;

		for (; len < sizeof(text); len++) {
			seed = seed * 1103515245 + 12345;
			text[len] = round % 2 ? (char)(seed >> 16) : set[(seed >> 16) % (sizeof(set) - 1)];
		}
		*json_put(out, text, len) = '\0';
		assert_true(strlen(out) <= len * JSON_MOST);
		assert_int_equal(decode(out), len);
		assert_memory_equal(out, text, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text_stays),
		cmocka_unit_test(controls_and_quotes_are_escaped),
		cmocka_unit_test(bytes_that_are_no_utf8_are_named),
		cmocka_unit_test(what_looks_like_such_a_name_is_told_from_it),
		cmocka_unit_test(nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
