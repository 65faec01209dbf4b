/* test_fcgi_encode.c -- records as bytes, compared with what the specification draws; no length is ever
 * truncated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <fastcgi.h>
#include "src/fcgi/fcgi_encode.h"
#include "src/fcgi/fcgi_record.h"

static void assert_bytes(struct buf *b, const char *expected, size_t len)
{
	assert_int_equal(b->len, len);
	assert_memory_equal(b->data, expected, len);
	buf_free(b);
}

#define IS(b, bytes) assert_bytes(b, bytes, sizeof(bytes) - 1)

static void records_as_bytes(void **state)
{
	struct buf b = { 0 };

	(void)state;
	fcgi_add_begin(&b, 1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	IS(&b, "\1\1\0\1\0\10\0\0" "\0\1\1\0\0\0\0\0");
	fcgi_add_begin(&b, 0x1234, 0xabcd, 0);
	IS(&b, "\1\1\x12\x34\0\10\0\0" "\xab\xcd\0\0\0\0\0\0");
	fcgi_add_end(&b, 65535, 938, FCGI_REQUEST_COMPLETE);
	IS(&b, "\1\3\xff\xff\0\10\0\0" "\0\0\3\xaa\0\0\0\0");
	fcgi_add_end(&b, 1, 0x80000001, FCGI_UNKNOWN_ROLE);
	IS(&b, "\1\3\0\1\0\10\0\0" "\x80\0\0\1\3\0\0\0");
	fcgi_add_abort(&b, 2);
	IS(&b, "\1\2\0\2\0\0\0\0");
	fcgi_add_unknown_type(&b, 99);
	IS(&b, "\1\13\0\0\0\10\0\0" "\x63\0\0\0\0\0\0\0");
	fcgi_add_stream(&b, FCGI_STDOUT, 1, "hello", 5);
	IS(&b, "\1\6\0\1\0\5\0\0" "hello");
	fcgi_add_stream_end(&b, FCGI_STDOUT, 1);
	IS(&b, "\1\6\0\1\0\0\0\0");
	fcgi_add_stream(&b, FCGI_STDIN, 1, NULL, 0);
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

static void header_with_padding(void **state)
{
	uint8_t head[8] = { 9, 9, 9, 9, 9, 9, 9, 9 };

	(void)state;
	fcgi_put_header(head, FCGI_STDERR, 258, 65535, 255);
	assert_memory_equal(head, "\1\7\1\2\xff\xff\xff\0", 8);
}

static void pairs(void **state)
{
	static const char value[128];
	struct buf b = { 0 };

	(void)state;
	fcgi_add_pair(&b, "SERVER_PORT", 11, "80", 2);
	IS(&b, "\013\002SERVER_PORT80");
	fcgi_add_pair(&b, "", 0, "", 0);
	IS(&b, "\0\0");
	fcgi_add_pair(&b, "a", 1, value, 127);
	assert_int_equal(b.len, 2 + 1 + 127);
	buf_clear(&b);
	fcgi_add_pair(&b, "a", 1, value, 128);
	assert_int_equal(b.len, 5 + 1 + 128);
	assert_memory_equal(b.data, "\1\x80\0\0\x80" "a", 6);
	buf_free(&b);
}

/* Property: read back, the contents of a stream are what was given, in records no longer than they may be. */
static void streams_of_every_length(void **state)
{
	static const size_t lens[] = { 0, 1, 65534, 65535, 65536, 131070, 131071, 300000 };
	uint8_t *data = malloc(300000);

	(void)state;
	for (size_t i = 0; i < 300000; i++)
		data[i] = (uint8_t)(i * 31 >> 3);
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		struct buf b = { 0 }, back = { 0 };
		struct fcgi_record r = { 0 };
		enum fcgi_record_event event;
		size_t len, records = 0;
		const uint8_t *in;

		fcgi_add_stream(&b, FCGI_STDIN, 7, data, lens[i]);
		in = b.data;
		len = b.len;
		while ((event = fcgi_record_next(&r, &in, &len)) != FCGI_RECORD_MORE) {
			assert_int_not_equal(event, FCGI_RECORD_BAD);
			if (event == FCGI_RECORD_DATA)
				buf_add(&back, r.data, r.data_len);
			assert_int_equal(r.type, FCGI_STDIN);
			assert_int_equal(r.id, 7);
			records += event == FCGI_RECORD_END;
		}
		assert_int_equal(back.len, lens[i]);
		if (lens[i])
			assert_memory_equal(back.data, data, lens[i]);
		assert_int_equal(records, (lens[i] + 65534) / 65535);
		assert_int_equal(b.len, lens[i] + 8 * records);
		buf_free(&b);
		buf_free(&back);
	}
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_as_bytes),
		cmocka_unit_test(header_with_padding),
		cmocka_unit_test(pairs),
		cmocka_unit_test(streams_of_every_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
