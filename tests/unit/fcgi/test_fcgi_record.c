/* test_fcgi_record.c -- records out of bytes (section 3.3): every length and padding, cut at every byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <fastcgi.h>
#include "src/base/buf.h"
#include "src/fcgi/fcgi_encode.h"
#include "src/fcgi/fcgi_record.h"

/* Feed one piece; events are written as text, adjoining contents as one. Contents must lie inside the
 * piece. */
static void feed(struct fcgi_record *r, const uint8_t *in, size_t len, struct buf *said)
{
	const uint8_t *from = in, *end = in + len;
	enum fcgi_record_event event;

	while ((event = fcgi_record_next(r, &in, &len)) != FCGI_RECORD_MORE) {
		assert_true(in + len == end);
		if (event == FCGI_RECORD_START)
			buf_printf(said, "(%d %d %d %d:", r->type, r->id, r->length, r->padding);
		if (event == FCGI_RECORD_DATA) {
			assert_true(r->data >= from && r->data_len > 0 && r->data + r->data_len <= end);
			buf_add(said, r->data, r->data_len);
		}
		if (event == FCGI_RECORD_END)
			buf_add_str(said, ")");
		if (event == FCGI_RECORD_BAD) {
			buf_add_str(said, "BAD");
			return;
		}
	}
	assert_int_equal(len, 0);
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void put(struct buf *b, uint8_t type, uint16_t id, const char *text, uint8_t padding)
{
	static const char dirt[255] = { '\1' };
	uint8_t head[8];

	fcgi_put_header(head, type, id, (uint16_t)strlen(text), padding);
	buf_add(b, head, sizeof(head));
	buf_add_str(b, text);
	buf_add(b, dirt, padding);
}

static void header_is_read(void **state)
{
	/* 0xff in the reserved byte: it means nothing */
	static const uint8_t bytes[] = { 1, 11, 0xff, 0xfe, 0, 3, 2, 0xff, 'a', 'b', 'c', 9, 9 };
	struct fcgi_record r = { 0 };
	struct buf said = { 0 };

	(void)state;
	feed(&r, bytes, sizeof(bytes), &said);
	assert_string_equal(buf_str(&said), "(11 65534 3 2:abc)");
	buf_free(&said);
}

static void cut_anywhere_it_is_the_same(void **state)
{
	static const char *const expected = "(1 1 8 0:12345678)(4 65535 0 7:)(5 256 5 255:hello)(5 1 0 0:)";
	struct buf in = { 0 };

	(void)state;
	put(&in, 1, 1, "12345678", 0);
	put(&in, 4, 65535, "", 7);
	put(&in, 5, 256, "hello", 255);
	put(&in, 5, 1, "", 0);
	for (size_t a = 0; a <= in.len; a++) {
		for (size_t b = a; b <= in.len; b += 1 + (b - a) / 4) {
			struct fcgi_record r = { 0 };
			struct buf said = { 0 };

			feed(&r, in.data, a, &said);
			feed(&r, in.data + a, b - a, &said);
			feed(&r, in.data + b, in.len - b, &said);
			assert_string_equal(buf_str(&said), expected);
			buf_free(&said);
		}
	}
	buf_free(&in);
}

static void byte_by_byte_it_is_the_same(void **state)
{
	struct fcgi_record r = { 0 };
	struct buf in = { 0 }, said = { 0 };

	(void)state;
	put(&in, 9, 0, "x", 3);
	put(&in, 9, 0, "", 0);
	for (size_t i = 0; i < in.len; i++)
		feed(&r, in.data + i, 1, &said);
	assert_string_equal(buf_str(&said), "(9 0 1 3:x)(9 0 0 0:)");
	buf_free(&in);
	buf_free(&said);
}

static void every_padding_is_passed_over(void **state)
{
	(void)state;
	for (int padding = 0; padding < 256; padding++) {
		struct fcgi_record r = { 0 };
		struct buf in = { 0 }, said = { 0 }, expected = { 0 };

		put(&in, 5, 1, "abc", (uint8_t)padding);
		put(&in, 5, 1, "", (uint8_t)padding);
		put(&in, 5, 2, "d", 0);
		buf_printf(&expected, "(5 1 3 %d:abc)(5 1 0 %d:)(5 2 1 0:d)", padding, padding);
		feed(&r, in.data, in.len, &said);
		assert_string_equal(buf_str(&said), buf_str(&expected));
		buf_free(&in);
		buf_free(&said);
		buf_free(&expected);
	}
}

/* 65,535 bytes and 255 of padding: their sum does not fit 16 bits. */
static void the_longest_record(void **state)
{
	static uint8_t bytes[8 + 65535 + 255 + 8];
	static const size_t steps[] = { 1, 7, 8, 4096, 65535, 65543, sizeof(bytes) };

	(void)state;
	memset(bytes, 'z', sizeof(bytes));
	fcgi_put_header(bytes, 5, 1, 65535, 255);
	fcgi_put_header(bytes + 8 + 65535 + 255, 5, 1, 0, 0);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct fcgi_record r = { 0 };
		struct buf said = { 0 };

		for (size_t at = 0; at < sizeof(bytes); at += steps[i])
			feed(&r, bytes + at, smaller(sizeof(bytes) - at, steps[i]), &said);
		assert_int_equal(said.len, strlen("(5 1 65535 255:") + 65535 + strlen(")(5 1 0 0:)"));
		assert_string_equal(buf_str(&said) + said.len - 11, ")(5 1 0 0:)");
		buf_free(&said);
	}
}

static void another_version_is_bad_for_good(void **state)
{
	struct buf in = { 0 };

	(void)state;
	for (int version = 0; version < 256; version++) {
		struct fcgi_record r = { 0 };
		struct buf said = { 0 };

		buf_clear(&in);
		put(&in, 5, 1, "a", 1);
		put(&in, 5, 1, "b", 0);
		in.data[10] = (uint8_t)version;
		feed(&r, in.data, 11, &said);
		feed(&r, in.data + 11, in.len - 11, &said);
		assert_string_equal(buf_str(&said), version == 1 ?
		    "(5 1 1 1:a)(5 1 1 0:b)" : "(5 1 1 1:a)BADBAD");
		buf_free(&said);
	}
	buf_free(&in);
}

/* Does an abort of request 1 come, and how many bytes were passed over? */
static void ahead(const struct buf *in, size_t len, bool comes, size_t passed)
{
	size_t whole = 99;
	uint8_t *copy = malloc(len + 1);        /* for a sanitizer to see a byte too far */

	memcpy(copy, in->data, len);
	assert_int_equal(fcgi_record_aborts(copy, len, 1, &whole), comes);
	assert_int_equal(whole, passed);
	free(copy);
}

static void an_abort_is_seen_ahead(void **state)
{
	struct buf in = { 0 };
	(void)state;

	put(&in, FCGI_STDIN, 1, "body", 4);             /* 16 bytes */
	put(&in, FCGI_ABORT_REQUEST, 2, "", 0);         /* of another request */
	put(&in, FCGI_ABORT_REQUEST, 1, "", 0);
	ahead(&in, 0, false, 0);
	ahead(&in, 15, false, 0);                       /* cut in the padding */
	ahead(&in, 16, false, 16);
	ahead(&in, 23, false, 16);
	ahead(&in, 31, false, 24);
	ahead(&in, 32, true, 24);
	buf_clear(&in);
	put(&in, FCGI_BEGIN_REQUEST, 1, "12345678", 0);
	put(&in, FCGI_ABORT_REQUEST, 1, "", 0);         /* of the next request */
	ahead(&in, in.len, false, 0);
	in.data[0] = 2;
	ahead(&in, in.len, false, 0);
	buf_free(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_is_read),
		cmocka_unit_test(cut_anywhere_it_is_the_same),
		cmocka_unit_test(byte_by_byte_it_is_the_same),
		cmocka_unit_test(every_padding_is_passed_over),
		cmocka_unit_test(the_longest_record),
		cmocka_unit_test(another_version_is_bad_for_good),
		cmocka_unit_test(an_abort_is_seen_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
