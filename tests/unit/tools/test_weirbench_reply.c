/* test_weirbench_reply.c -- replies cut at every byte, and each fault with its own words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "src/fcgi/fcgi_encode.h"
#include "src/tools/weirbench_reply.c"  /* the tool is no library: its tests take its files in */

static void add_text(struct buf *b, uint8_t type, const char *text)
{
	fcgi_add_stream(b, type, PLAN_REQUEST_ID, text, strlen(text));
}

static enum reply_end feed_in_steps(struct reply *r, const struct reply_want *want, const struct buf *b,
	size_t step)
{
	enum reply_end end = REPLY_MORE;
	size_t len;

	reply_reset(r);
	for (size_t at = 0; at < b->len && end == REPLY_MORE; at += len) {
		len = b->len - at < step ? b->len - at : step;
		end = reply_feed(r, want, b->data + at, len);
	}
	return end;
}

static void add_usual_reply(struct buf *b)
{
	add_text(b, FCGI_STDERR, "PHP message: oh\n");
	add_text(b, FCGI_STDOUT, "Status: 404 Not Found\r\nContent-type: text/plain\r\n\r\nabab");
	add_text(b, FCGI_STDOUT, "abac and more");
	fcgi_add_stream_end(b, FCGI_STDOUT, PLAN_REQUEST_ID);
	fcgi_add_end(b, PLAN_REQUEST_ID, 0, FCGI_REQUEST_COMPLETE);
}

static void test_cut_anywhere(void **state)
{
	struct buf b = { 0 };
	struct reply r = { 0 };
	struct reply_want want;

	(void)state;
	add_usual_reply(&b);
	reply_want_init(&want, "ababac", true);
	for (size_t step = 1; step <= b.len; step++) {
		assert_int_equal(feed_in_steps(&r, &want, &b, step), REPLY_DONE);
		assert_int_equal(r.status, 404);
		assert_int_equal(r.body_bytes, 17);
		assert_int_equal(r.error_bytes, 16);
		assert_string_equal(buf_str(&r.error_text), "PHP message: oh\n");
		assert_true(r.text_found);
	}
	reply_want_free(&want);
	reply_free(&r);
	buf_free(&b);
}

static void test_text_in_head_does_not_count(void **state)
{
	struct buf b = { 0 };
	struct reply r = { 0 };
	struct reply_want want;

	(void)state;
	add_usual_reply(&b);
	reply_want_init(&want, "plain", false);
	assert_int_equal(feed_in_steps(&r, &want, &b, b.len), REPLY_DONE);
	assert_false(r.text_found);
	assert_int_equal(r.error_text.len, 0);
	reply_want_free(&want);
	reply_free(&r);
	buf_free(&b);
}

static int status_of(const char *head)
{
	struct buf b = { 0 };
	struct reply r = { 0 };
	struct reply_want want = { 0 };
	int status;

	add_text(&b, FCGI_STDOUT, head);
	fcgi_add_end(&b, PLAN_REQUEST_ID, 0, FCGI_REQUEST_COMPLETE);
	status = feed_in_steps(&r, &want, &b, b.len) == REPLY_DONE ? r.status : -1;
	reply_free(&r);
	buf_free(&b);
	return status;
}

static void test_status(void **state)
{
	(void)state;
	assert_int_equal(status_of("Content-Type: x\r\n\r\n"), 200);
	assert_int_equal(status_of("Content-Type: x\n\n"), 200);
	assert_int_equal(status_of("X-Status: 500\nstatus:503 Busy\n\n"), 503);
	assert_int_equal(status_of("Location: /x\r\n\r\n"), 302);
	assert_int_equal(status_of("Location: /x\r\nStatus: 201 Created\r\n\r\n"), 201);
	assert_int_equal(status_of("Status: 9 lives\r\n\r\n"), -1);
	assert_int_equal(status_of("Status: 99999\r\n\r\n"), -1);
	assert_int_equal(status_of("no end of the head"), -1);
}

static void assert_bad(struct buf *b, const char *why)
{
	struct reply r = { 0 };
	struct reply_want want = { 0 };

	assert_int_equal(feed_in_steps(&r, &want, b, b->len), REPLY_BAD);
	assert_non_null(strstr(r.why, why));
	reply_free(&r);
	buf_free(b);
}

static void test_faults(void **state)
{
	struct buf b = { 0 };
	uint8_t head[8];

	(void)state;
	buf_add_str(&b, "HTTP/1.1 400 Bad Request\r\n\r\n");
	assert_bad(&b, "not FastCGI");
	fcgi_add_stream(&b, FCGI_STDOUT, 2, "x", 1);
	assert_bad(&b, "another request id");
	fcgi_add_stream(&b, FCGI_STDIN, PLAN_REQUEST_ID, "x", 1);
	assert_bad(&b, "no reply holds");
	fcgi_put_header(head, FCGI_END_REQUEST, PLAN_REQUEST_ID, 4, 0);
	buf_add(&b, head, sizeof(head));
	assert_bad(&b, "not 8 bytes");
	fcgi_add_end(&b, PLAN_REQUEST_ID, 0, FCGI_REQUEST_COMPLETE);
	assert_bad(&b, "no complete head");
	add_usual_reply(&b);
	buf_add_str(&b, "x");
	assert_bad(&b, "behind END_REQUEST");
}

static void test_head_has_a_limit(void **state)
{
	struct buf b = { 0 };
	char space[32 * 1024];

	(void)state;
	memset(space, 'a', sizeof(space));
	for (int i = 0; i < 3; i++)
		fcgi_add_stream(&b, FCGI_STDOUT, PLAN_REQUEST_ID, space, sizeof(space));
	assert_bad(&b, "longer than 64 KiB");
}

static void test_refused_needs_no_head(void **state)
{
	struct buf b = { 0 };
	struct reply r = { 0 };
	struct reply_want want = { 0 };

	(void)state;
	fcgi_add_end(&b, PLAN_REQUEST_ID, 0, FCGI_OVERLOADED);
	assert_int_equal(feed_in_steps(&r, &want, &b, 3), REPLY_DONE);
	assert_int_equal(r.protocol_status, FCGI_OVERLOADED);
	reply_free(&r);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_text_in_head_does_not_count),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_head_has_a_limit),
		cmocka_unit_test(test_refused_needs_no_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
