/* test_fcgi_mux.c -- from bytes to requests that interleave (sections 3.3 to 6), one dialogue a test: what is
 * served. What one request at a time looks like is tested with struct fcgi_turn, for both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <fastcgi.h>
#include "tests/unit/fcgi/mux_dialogue.h"

/* Appendix B, example 4: two requests, the second begins before the first has ended. */
static void the_specifications_fourth_example(void **state)
{
	(void)state;
	put_begin(1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put_text(FCGI_PARAMS, 1, "\013\002SERVER_PORT80\013\016SERVER_ADDR199.170.183.42");
	put_end(FCGI_PARAMS, 1);
	put_begin(2, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put_text(FCGI_PARAMS, 2, "\013\002SERVER_PORT80\013\016SERVER_ADDR199.170.183.42");
	put_end(FCGI_STDIN, 1);
	put_end(FCGI_PARAMS, 2);
	put_end(FCGI_STDIN, 2);
	expect("1 BEGIN role 1 keep 1\n"
	    "1 PARAMS \013\002SERVER_PORT80\013\016SERVER_ADDR199.170.183.42\n1 HEAD\n"
	    "2 BEGIN role 1 keep 1\n"
	    "2 PARAMS \013\002SERVER_PORT80\013\016SERVER_ADDR199.170.183.42\n"
	    "1 STDIN_END\n2 HEAD\n2 STDIN_END\n");
}

static void streams_interleave_record_by_record(void **state)
{
	(void)state;
	put_begin(65535, FCGI_RESPONDER, 0);
	put_begin(2, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put(FCGI_PARAMS, 2, "\1", 1, 7);
	put_text(FCGI_PARAMS, 65535, "\1\1a");
	put_text(FCGI_PARAMS, 2, "\1cd");
	put_text(FCGI_PARAMS, 65535, "b");
	put_end(FCGI_PARAMS, 65535);
	put_text(FCGI_STDIN, 65535, "one ");
	put(FCGI_PARAMS, 2, "", 0, 255);
	put_text(FCGI_STDIN, 2, "zwei ");
	put_text(FCGI_STDIN, 65535, "two ");
	put_text(FCGI_STDIN, 65535, "three");
	put_end(FCGI_STDIN, 65535);
	put_text(FCGI_STDIN, 2, "drei");
	put_end(FCGI_STDIN, 2);
	expect("65535 BEGIN role 1 keep 0\n2 BEGIN role 1 keep 1\n2 PARAMS \1\n65535 PARAMS \1\1a\n2 PARAMS \1cd\n"
	    "65535 PARAMS b\n65535 HEAD\n65535 STDIN one \n2 HEAD\n2 STDIN zwei \n65535 STDIN two three\n"
	    "65535 STDIN_END\n2 STDIN drei\n2 STDIN_END\n");
}

/* Section 6.3 gives an Authorizer no STDIN; what comes all the same is passed over, before its answer too. */
static void an_authorizer_needs_no_stdin(void **state)
{
	(void)state;
	put_begin(1, FCGI_AUTHORIZER, FCGI_KEEP_CONN);
	put_begin(2, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put_end(FCGI_PARAMS, 1);
	put_end(FCGI_PARAMS, 2);
	put_text(FCGI_STDIN, 1, "body");
	put_end(FCGI_STDIN, 1);
	put_end(FCGI_STDIN, 2);
	expect_when("1 BEGIN role 2 keep 1\n2 BEGIN role 1 keep 1\n1 HEAD\n1 STDIN_END\n2 HEAD\n2 STDIN_END\n",
	    MUX_TRACE_NEVER);
}

static void an_authorizers_end_needs_no_input(void **state)
{
	struct fcgi_mux m = { 0 };
	const uint8_t *at;
	size_t len;

	(void)state;
	put_begin(1, FCGI_AUTHORIZER, FCGI_KEEP_CONN);
	put_end(FCGI_PARAMS, 1);
	for (int done = 0; done < 2; done++) {
		at = in.data;
		len = in.len;
		assert_int_equal(fcgi_mux_next(&m, &limits, &at, &len, &reply), FCGI_MUX_BEGIN);
		assert_int_equal(fcgi_mux_next(&m, &limits, &at, &len, &reply), FCGI_MUX_HEAD);
		if (!done)
			assert_int_equal(fcgi_mux_next(&m, &limits, &at, &len, &reply), FCGI_MUX_STDIN_END);
		fcgi_mux_done(&m, 1);
		at = NULL;
		assert_int_equal(fcgi_mux_next(&m, &limits, &at, &len, &reply), FCGI_MUX_MORE);
	}
	fcgi_mux_free(&m);
}

static void a_filters_data_follows_its_stdin(void **state)
{
	(void)state;
	put_begin(7, FCGI_FILTER, FCGI_KEEP_CONN);
	put_begin(8, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put_end(FCGI_PARAMS, 7);
	put_text(FCGI_DATA, 8, "not a Filter's");
	put_text(FCGI_STDIN, 7, "form");
	put_end(FCGI_STDIN, 7);
	put_end(FCGI_PARAMS, 8);
	put_text(FCGI_DATA, 7, "the ");
	put_end(FCGI_DATA, 8);
	put_text(FCGI_DATA, 7, "file");
	put_end(FCGI_STDIN, 8);
	put_end(FCGI_DATA, 7);
	expect("7 BEGIN role 3 keep 1\n8 BEGIN role 1 keep 1\n7 HEAD\n7 STDIN form\n7 STDIN_END\n8 HEAD\n"
	    "7 DATA the file\n8 STDIN_END\n7 DATA_END\n");
}

static void an_abort_is_told_at_any_point(void **state)
{
	(void)state;
	put_begin(1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put_begin(2, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put_request(3, FCGI_KEEP_CONN, "");
	put_end(FCGI_PARAMS, 2);
	put_end(FCGI_ABORT_REQUEST, 1);
	put(FCGI_ABORT_REQUEST, 3, "", 0, 3);
	put_text(FCGI_STDIN, 2, "x");
	put_end(FCGI_ABORT_REQUEST, 2);
	put_end(FCGI_ABORT_REQUEST, 2);
	put_text(FCGI_STDIN, 2, "y");
	put_end(FCGI_STDIN, 2);
	put_text(FCGI_STDIN, 1, "not even in its place");
	expect_when("1 BEGIN role 1 keep 1\n2 BEGIN role 1 keep 1\n"
	    "3 BEGIN role 1 keep 1\n3 PARAMS \1\1ab\n3 HEAD\n3 STDIN_END\n"
	    "2 HEAD\n1 ABORT\n3 ABORT\n2 STDIN x\n2 ABORT\n", MUX_TRACE_NEVER);
}

static void an_inactive_id_is_passed_over(void **state)
{
	(void)state;
	put_end(FCGI_STDIN, 1);
	put_text(FCGI_PARAMS, 9, "\377");
	put_end(FCGI_ABORT_REQUEST, 9);
	put_text(FCGI_STDOUT, 9, "?");
	put(200, 9, "?", 1, 0);
	put_begin(1, FCGI_RESPONDER, 0);
	put_text(FCGI_STDIN, 9, "early");
	put_end(FCGI_PARAMS, 1);
	put(FCGI_GET_VALUES, 9, "\16\0FCGI_MAX_CONNS", 16, 0);
	put_end(FCGI_STDIN, 1);
	put_end(FCGI_STDIN, 1);
	put_text(FCGI_STDOUT, 1, "?");
	expect("1 BEGIN role 1 keep 0\n1 HEAD\n1 STDIN_END\n");
}

/* What follows a whole request means the same whether its answer was quick or slow. */
static void a_whole_request_is_passed_over(void **state)
{
	(void)state;
	put_request(1, FCGI_KEEP_CONN, "");
	put_text(FCGI_STDIN, 1, "more");
	put_text(FCGI_PARAMS, 1, "\377");
	put_text(FCGI_DATA, 1, "?");
	put_end(FCGI_STDOUT, 1);
	put(FCGI_GET_VALUES, 1, "", 0, 0);
	put_text(FCGI_ABORT_REQUEST, 1, "?");
	expect_when("1 BEGIN role 1 keep 1\n1 PARAMS \1\1ab\n1 HEAD\n1 STDIN_END\n", MUX_TRACE_NEVER);
	expect_when("1 BEGIN role 1 keep 1\n1 PARAMS \1\1ab\n1 HEAD\n1 STDIN_END\n", MUX_TRACE_WHOLE);
}

static void what_is_left_of_an_answered_request_is_passed_over(void **state)
{
	(void)state;
	put_begin(1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put_request(2, FCGI_KEEP_CONN, "of two");
	put_end(FCGI_PARAMS, 1);
	put_text(FCGI_STDIN, 1, "of one");
	put_begin(1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put_end(FCGI_PARAMS, 1);
	expect_when("1 BEGIN role 1 keep 1\n2 BEGIN role 1 keep 1\n2 PARAMS \1\1ab\n2 HEAD\n1 HEAD\n"
	    "1 BEGIN role 1 keep 1\n1 HEAD\n", MUX_TRACE_HEAD);
}

static void get_values_is_answered_between_records(void **state)
{
	static const char result[] = "\1\12\0\0\0\x40\0\0"
	    "\16\5FCGI_MAX_CONNS16384" "\15\12FCGI_MAX_REQS4000000000" "\17\1FCGI_MPXS_CONNS1";

	(void)state;
	put(FCGI_GET_VALUES, 0, "\17\0FCGI_MPXS_CONNS\15\0FCGI_MAX_REQS\4\0NOPE\16\0FCGI_MAX_CONNS", 54, 5);
	put_begin(1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put_text(FCGI_PARAMS, 1, "\1");
	put(FCGI_GET_VALUES, 0, "", 0, 0);
	put(77, 0, "what is that", 12, 2);
	put_text(FCGI_PARAMS, 1, "\1ab");
	put(FCGI_GET_VALUES_RESULT, 0, "\1\1ab", 4, 0);
	put(FCGI_UNKNOWN_TYPE, 0, "\11\0\0\0\0\0\0\0", 8, 0);
	put_end(FCGI_PARAMS, 1);
	buf_add(&reply, result, sizeof(result) - 1);
	fcgi_add_stream_end(&reply, FCGI_GET_VALUES_RESULT, 0);
	fcgi_add_unknown_type(&reply, 77);
	expect("1 BEGIN role 1 keep 1\n1 PARAMS \1\1ab\n1 HEAD\n");
}

static void a_long_get_values_is_answered_by_its_front(void **state)
{
	char body[3000] = { 0 };

	(void)state;
	memcpy(body, "\17\0FCGI_MPXS_CONNS\0\x80\0\12\0", 22);
	memcpy(body + 2980, "\16\0FCGI_MAX_CONNS", 16);
	put(FCGI_GET_VALUES, 0, body, sizeof(body), 0);
	buf_add(&reply, "\1\12\0\0\0\22\0\0\17\1FCGI_MPXS_CONNS1", 26);
	feed_in_steps(0, in.len, "", MUX_TRACE_WHOLE);
	feed_in_steps(0, 1, "", MUX_TRACE_WHOLE);
}

/* HAProxy's way: odd ids that climb for ever. */
static void ids_climb(void **state)
{
	struct mux_trace tr = { .lim = limits, .when = MUX_TRACE_LATE };

	(void)state;
	for (unsigned id = 1; id < 65536; id += 2) {
		buf_clear(&in);
		put_request((uint16_t)id, FCGI_KEEP_CONN, "x");
		mux_trace_feed(&tr, in.data, in.len);
		assert_int_equal(fcgi_mux_active(&tr.mux), 1);
		assert_null(tr.mux.table);
		assert_false(tr.bad);
	}
	mux_trace_free(&tr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIALOGUE_TEST(the_specifications_fourth_example),
		DIALOGUE_TEST(streams_interleave_record_by_record),
		DIALOGUE_TEST(an_authorizer_needs_no_stdin),
		DIALOGUE_TEST(an_authorizers_end_needs_no_input),
		DIALOGUE_TEST(a_filters_data_follows_its_stdin),
		DIALOGUE_TEST(an_abort_is_told_at_any_point),
		DIALOGUE_TEST(an_inactive_id_is_passed_over),
		DIALOGUE_TEST(a_whole_request_is_passed_over),
		DIALOGUE_TEST(what_is_left_of_an_answered_request_is_passed_over),
		DIALOGUE_TEST(get_values_is_answered_between_records),
		DIALOGUE_TEST(a_long_get_values_is_answered_by_its_front),
		DIALOGUE_TEST(ids_climb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
