/* test_fcgi_params.c -- name-value pairs (section 3.4): both forms of a length, cut at every byte, lying
 * lengths, limits, and memory that follows what came and not what was claimed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "src/fcgi/fcgi_encode.h"
#include "src/fcgi/fcgi_params.h"

#define NO_LIMIT SIZE_MAX

/* "name=value;" of all pairs, in their order */
static void tell(const struct fcgi_params *p, struct buf *out)
{
	buf_clear(out);
	for (size_t i = 0; i < fcgi_params_count(p); i++) {
		const struct fcgi_param *q = fcgi_params_at(p, i);

		assert_int_equal(fcgi_params_name(p, q)[q->name_len], 0);
		assert_int_equal(fcgi_params_value(p, q)[q->value_len], 0);
		buf_add(out, fcgi_params_name(p, q), q->name_len);
		buf_add_str(out, "=");
		buf_add(out, fcgi_params_value(p, q), q->value_len);
		buf_add_str(out, ";");
	}
}

static void assert_pairs(const struct fcgi_params *p, const char *expected)
{
	struct buf said = { 0 };

	tell(p, &said);
	assert_string_equal(buf_str(&said), expected);
	buf_free(&said);
}

#define FEED(p, bytes, max) fcgi_params_feed(p, (const uint8_t *)(bytes), sizeof(bytes) - 1, max)

/* The example of appendix B: "\013\002SERVER_PORT80\013\016SERVER_ADDR199.170.183.42" (both lengths
 * octal). */
static void the_specifications_example(void **state)
{
	struct fcgi_params p = { 0 };
	size_t len;

	(void)state;
	assert_int_equal(FEED(&p, "\013\002SERVER_PORT80\013\016SERVER_ADDR199.170.183.42", NO_LIMIT),
	    FCGI_PARAMS_OK);
	assert_int_equal(fcgi_params_finish(&p), FCGI_PARAMS_OK);
	assert_int_equal(fcgi_params_count(&p), 2);
	assert_string_equal(fcgi_params_get(&p, "SERVER_PORT", &len), "80");
	assert_int_equal(len, 2);
	assert_string_equal(fcgi_params_get(&p, "SERVER_ADDR", NULL), "199.170.183.42");
	assert_null(fcgi_params_get(&p, "SERVER", NULL));
	assert_null(fcgi_params_get(&p, "SERVER_PORS", NULL));
	assert_null(fcgi_params_get(&p, "", NULL));
	fcgi_params_free(&p);
}

/* The four forms, FCGI_NameValuePair11, 14, 41, 44; four bytes are legal for a short length too. */
static void all_four_forms(void **state)
{
	static const char bytes[] =
	    "\1\1ab"
	    "\1\x80\0\0\1cd"
	    "\x80\0\0\1\1ef"
	    "\x80\0\0\1\x80\0\0\2ghi"
	    "\x80\0\0\0\0"
	    "\0\x80\0\0\0";

	(void)state;
	for (size_t cut = 0; cut < sizeof(bytes); cut++) {
		struct fcgi_params p = { 0 };

		assert_int_equal(fcgi_params_feed(&p, (const uint8_t *)bytes, cut, NO_LIMIT), FCGI_PARAMS_OK);
		assert_int_equal(fcgi_params_feed(&p, (const uint8_t *)bytes + cut, sizeof(bytes) - 1 - cut,
		    NO_LIMIT), FCGI_PARAMS_OK);
		assert_int_equal(fcgi_params_finish(&p), FCGI_PARAMS_OK);
		assert_pairs(&p, "a=b;c=d;e=f;g=hi;=;=;");
		fcgi_params_free(&p);
	}
}

static void long_names_and_values(void **state)
{
	static const size_t lens[] = { 0, 1, 126, 127, 128, 129, 255, 256, 65535, 65536, 70000 };
	static char text[70000];
	size_t count = sizeof(lens) / sizeof(lens[0]);

	(void)state;
	memset(text, 'q', sizeof(text));
	for (size_t i = 0; i < count * count; i++) {
		size_t name_len = lens[i / count], value_len = lens[i % count];
		struct fcgi_params p = { 0 };
		struct buf in = { 0 };
		const struct fcgi_param *q;

		fcgi_add_pair(&in, text, name_len, text, value_len);
		fcgi_add_pair(&in, "z", 1, "1", 1);
		assert_int_equal(fcgi_params_feed(&p, in.data, in.len / 2, in.len), FCGI_PARAMS_OK);
		assert_int_equal(fcgi_params_feed(&p, in.data + in.len / 2, in.len - in.len / 2, in.len),
		    FCGI_PARAMS_OK);
		assert_int_equal(fcgi_params_finish(&p), FCGI_PARAMS_OK);
		q = fcgi_params_at(&p, 0);
		assert_int_equal(q->name_len, name_len);
		assert_int_equal(q->value_len, value_len);
		assert_memory_equal(fcgi_params_value(&p, q), text, value_len);
		assert_string_equal(fcgi_params_get(&p, "z", NULL), "1");
		buf_free(&in);
		fcgi_params_free(&p);
	}
}

static void the_last_of_equal_names_counts(void **state)
{
	struct fcgi_params p = { 0 };
	size_t len;

	(void)state;
	assert_int_equal(FEED(&p, "\1\1a1\1\3b2\0003\1\1a4\1\0c", NO_LIMIT), FCGI_PARAMS_OK);
	assert_string_equal(fcgi_params_get(&p, "a", NULL), "4");
	assert_memory_equal(fcgi_params_get(&p, "b", &len), "2\0003", 3);
	assert_int_equal(len, 3);
	assert_string_equal(fcgi_params_get(&p, "c", &len), "");
	assert_int_equal(len, 0);
	fcgi_params_free(&p);
}

static void a_stream_that_ends_inside_a_pair_lies(void **state)
{
	static const char bytes[] = "\1\1ab\x80\0\0\3\x80\0\0\2xyzuv";

	(void)state;
	for (size_t len = 0; len < sizeof(bytes); len++) {
		struct fcgi_params p = { 0 };
		bool whole = len == 0 || len == 4 || len == sizeof(bytes) - 1;

		assert_int_equal(fcgi_params_feed(&p, (const uint8_t *)bytes, len, NO_LIMIT), FCGI_PARAMS_OK);
		assert_int_equal(fcgi_params_finish(&p), whole ? FCGI_PARAMS_OK : FCGI_PARAMS_LYING);
		fcgi_params_free(&p);
	}
}

/* The limit is exact, and as good for one piece as for many. */
static void the_limit(void **state)
{
	static const char bytes[] = "\2\3abcde\1\1fg";
	size_t size = sizeof(bytes) - 1;

	(void)state;
	for (size_t max = 0; max < size + 2; max++) {
		for (size_t step = 1; step <= size; step++) {
			struct fcgi_params p = { 0 };
			enum fcgi_params_end end = FCGI_PARAMS_OK;

			for (size_t at = 0; at < size && end == FCGI_PARAMS_OK; at += step)
				end = fcgi_params_feed(&p, (const uint8_t *)bytes + at,
				    size - at < step ? size - at : step, max);
			assert_int_equal(end, max < size ? FCGI_PARAMS_TOO_LARGE : FCGI_PARAMS_OK);
			fcgi_params_free(&p);
		}
	}
}

static void a_claim_past_the_limit_is_too_large_at_once(void **state)
{
	struct fcgi_params p = { 0 };

	(void)state;
	assert_int_equal(FEED(&p, "\x80\x10\0\0\0", 1 << 20), FCGI_PARAMS_TOO_LARGE);
	fcgi_params_free(&p);
	assert_int_equal(FEED(&p, "\xff\xff\xff\xff\xff\xff\xff\xff", NO_LIMIT), FCGI_PARAMS_TOO_LARGE);
	fcgi_params_free(&p);
	/* 5 bytes of lengths, 95 claimed: just right */
	assert_int_equal(FEED(&p, "\1\x80\0\0\x5e", 100), FCGI_PARAMS_OK);
	fcgi_params_free(&p);
	assert_int_equal(FEED(&p, "\1\x80\0\0\x5f", 100), FCGI_PARAMS_TOO_LARGE);
	fcgi_params_free(&p);
}

static void memory_follows_what_came(void **state)
{
	struct fcgi_params p = { 0 };

	(void)state;
	assert_int_equal(FEED(&p, "\x90\0\0\0\x90\0\0\0abc", NO_LIMIT), FCGI_PARAMS_OK);
	assert_true(p.arena.cap <= 4096);
	assert_int_equal(p.index.cap, 0);
	fcgi_params_free(&p);
	/* the pairs that cost most for what they bring */
	for (int i = 0; i < 10000; i++)
		assert_int_equal(FEED(&p, "\0\0", NO_LIMIT), FCGI_PARAMS_OK);
	assert_int_equal(fcgi_params_count(&p), 10000);
	assert_true(p.arena.len <= 20000 && p.arena.cap <= 2 * 20000 + 256);
	assert_true(p.index.cap <= 2 * 160000 + 256);
	fcgi_params_free(&p);
}

/* One byte may end a name and the empty value behind it: three bytes in the arena, at any fill of it. */
static void the_arena_is_never_overrun(void **state)
{
	static char name[1100];

	(void)state;
	memset(name, 'n', sizeof(name));
	for (size_t name_len = 120; name_len < sizeof(name); name_len++) {
		struct fcgi_params p = { 0 };
		struct buf in = { 0 };

		fcgi_add_pair(&in, name, name_len, "", 0);
		for (size_t at = 0; at < in.len; at++) {
			assert_int_equal(fcgi_params_feed(&p, in.data + at, 1, NO_LIMIT), FCGI_PARAMS_OK);
			assert_true(p.arena.len <= p.arena.cap);
		}
		assert_int_equal(fcgi_params_count(&p), 1);
		buf_free(&in);
		fcgi_params_free(&p);
	}
}

static void reset_keeps_memory_up_to_a_measure(void **state)
{
	static uint8_t value[100000];
	struct fcgi_params p = { 0 };
	struct buf in = { 0 };
	uint8_t *arena;

	(void)state;
	assert_int_equal(FEED(&p, "\1\1ab\5", NO_LIMIT), FCGI_PARAMS_OK);
	arena = p.arena.data;
	fcgi_params_reset(&p);
	assert_int_equal(fcgi_params_count(&p), 0);
	assert_null(fcgi_params_get(&p, "a", NULL));
	assert_int_equal(FEED(&p, "\1\1cd", NO_LIMIT), FCGI_PARAMS_OK);
	assert_pairs(&p, "c=d;");
	assert_ptr_equal(p.arena.data, arena);
	fcgi_add_pair(&in, "n", 1, (const char *)value, sizeof(value));
	assert_int_equal(fcgi_params_feed(&p, in.data, in.len, NO_LIMIT), FCGI_PARAMS_OK);
	fcgi_params_reset(&p);
	assert_int_equal(p.arena.cap, 0);
	assert_true(p.index.cap > 0);
	buf_free(&in);
	fcgi_params_free(&p);
}

static unsigned next_random(unsigned *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 16 & 0x7fff;
}

/* Property: what the encoder wrote is read back, however it is cut. */
static void round_trip(void **state)
{
	unsigned seed = 1;
	char text[400];

	(void)state;
	for (int round = 0; round < 300; round++) {
		struct fcgi_params p = { 0 };
		struct buf in = { 0 }, expected = { 0 }, said = { 0 };

		for (unsigned n = next_random(&seed) % 20; n > 0; n--) {
			size_t name_len = next_random(&seed) % 200, value_len = next_random(&seed) % 200;

			for (size_t i = 0; i < sizeof(text); i++)
				text[i] = (char)next_random(&seed);
			fcgi_add_pair(&in, text, name_len, text + 200, value_len);
			buf_add(&expected, text, name_len);
			buf_add_str(&expected, "=");
			buf_add(&expected, text + 200, value_len);
			buf_add_str(&expected, ";");
		}
		for (size_t at = 0, len; at < in.len; at += len) {
			len = 1 + next_random(&seed) % 300;
			if (len > in.len - at)
				len = in.len - at;
			assert_int_equal(fcgi_params_feed(&p, in.data + at, len, in.len), FCGI_PARAMS_OK);
		}
		assert_int_equal(fcgi_params_finish(&p), FCGI_PARAMS_OK);
		tell(&p, &said);
		assert_int_equal(said.len, expected.len);
		if (said.len)
			assert_memory_equal(said.data, expected.data, said.len);
		assert_true(p.arena.len <= in.len);
		buf_free(&in);
		buf_free(&expected);
		buf_free(&said);
		fcgi_params_free(&p);
	}
}

static void pairs_in_place(void **state)
{
	static const uint8_t bytes[] = "\1\2abb\x80\0\0\1\0c\1\3def";
	const uint8_t *at = bytes, *end = bytes + sizeof(bytes) - 1;
	struct fcgi_pair pair;

	(void)state;
	assert_true(fcgi_pair_next(&at, end, &pair));
	assert_int_equal(pair.name_len, 1);
	assert_int_equal(pair.value_len, 2);
	assert_memory_equal(pair.value, "bb", 2);
	assert_true(fcgi_pair_next(&at, end, &pair));
	assert_int_equal(pair.name_len, 1);
	assert_int_equal(pair.value_len, 0);
	assert_memory_equal(pair.name, "c", 1);
	assert_false(fcgi_pair_next(&at, end, &pair));
	assert_ptr_equal(at, bytes + 11);
	for (size_t len = 0; len < 6; len++) {
		const uint8_t lengths[] = { 0x80, 0, 0, 0, 0, 0 };

		at = lengths;
		assert_int_equal(fcgi_pair_next(&at, lengths + len, &pair), len >= 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_specifications_example),
		cmocka_unit_test(all_four_forms),
		cmocka_unit_test(long_names_and_values),
		cmocka_unit_test(the_last_of_equal_names_counts),
		cmocka_unit_test(a_stream_that_ends_inside_a_pair_lies),
		cmocka_unit_test(the_limit),
		cmocka_unit_test(a_claim_past_the_limit_is_too_large_at_once),
		cmocka_unit_test(memory_follows_what_came),
		cmocka_unit_test(the_arena_is_never_overrun),
		cmocka_unit_test(reset_keeps_memory_up_to_a_measure),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(pairs_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
