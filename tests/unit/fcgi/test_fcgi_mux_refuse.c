/* test_fcgi_mux_refuse.c -- what a connection that multiplexes refuses, and how it stands then. What it refuses of
 * one request at a time is tested with struct fcgi_turn, for both. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <fastcgi.h>
#include "tests/unit/fcgi/mux_dialogue.h"

static void the_id_of_an_active_request_is_taken(void **state)
{
	(void)state;
	put_begin(1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put_begin(2, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put_begin(1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put_request(3, FCGI_KEEP_CONN, "never seen");
	expect("1 BEGIN role 1 keep 1\n2 BEGIN role 1 keep 1\nBAD a BEGIN_REQUEST with the id of an active request\n");
}

static void also_of_one_that_is_whole_or_aborted(void **state)
{
	(void)state;
	put_request(1, FCGI_KEEP_CONN, "");
	put_begin(2, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put_end(FCGI_ABORT_REQUEST, 2);
	put_begin(2, FCGI_RESPONDER, FCGI_KEEP_CONN);
	expect_when("1 BEGIN role 1 keep 1\n1 PARAMS \1\1ab\n1 HEAD\n1 STDIN_END\n2 BEGIN role 1 keep 1\n2 ABORT\n"
	    "BAD a BEGIN_REQUEST with the id of an active request\n", MUX_TRACE_NEVER);
	buf_clear(&in);
	put_request(1, FCGI_KEEP_CONN, "");
	put_begin(1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	expect_when("1 BEGIN role 1 keep 1\n1 PARAMS \1\1ab\n1 HEAD\n1 STDIN_END\n"
	    "BAD a BEGIN_REQUEST with the id of an active request\n", MUX_TRACE_NEVER);
}

/* Each stream has a place of its own in its request; what another does says nothing of it. */
static void each_stream_has_its_own_order(void **state)
{
	(void)state;
	put_begin(1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put_begin(2, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put_end(FCGI_PARAMS, 1);
	put_text(FCGI_STDIN, 1, "x");
	put_text(FCGI_STDIN, 2, "y");
	expect("1 BEGIN role 1 keep 1\n2 BEGIN role 1 keep 1\n1 HEAD\n1 STDIN x\nBAD STDIN before the end of PARAMS\n");
}

static void bad_is_said_again(void **state)
{
	struct fcgi_mux m = { 0 };
	const uint8_t *at;
	size_t len;

	(void)state;
	put_begin(1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put(FCGI_GET_VALUES, 0, "\16\1FCGI_MAX_CONNS", 16, 0);
	put_request(2, FCGI_KEEP_CONN, "");
	at = in.data;
	len = in.len;
	assert_int_equal(fcgi_mux_next(&m, &limits, &at, &len, &reply), FCGI_MUX_BEGIN);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fcgi_mux_next(&m, &limits, &at, &len, &reply), FCGI_MUX_BAD);
		assert_string_equal(m.why, "a GET_VALUES that ends inside a name or value");
		assert_false(fcgi_mux_clean(&m));
	}
	assert_int_equal(reply.len, 0);
	fcgi_mux_done(&m, 1);
	assert_int_equal(fcgi_mux_active(&m), 0);
	assert_int_equal(fcgi_mux_next(&m, &limits, &at, &len, &reply), FCGI_MUX_BAD);
	assert_false(fcgi_mux_idle(&m));
	assert_null(m.values.data);
	fcgi_mux_free(&m);
	assert_true(fcgi_mux_idle(&m));
}

static void a_role_not_served_is_refused(void **state)
{
	static const uint16_t roles[] = { 0, 4, 33, 257, 65535 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
		buf_clear(&in);
		buf_clear(&reply);
		put_begin(1, FCGI_RESPONDER, FCGI_KEEP_CONN);
		put_begin(5, roles[i], FCGI_KEEP_CONN);
		put_params(5);
		put_end(FCGI_STDIN, 5);
		put_begin(5, FCGI_RESPONDER, FCGI_KEEP_CONN);
		fcgi_add_end(&reply, 5, 0, FCGI_UNKNOWN_ROLE);
		expect("1 BEGIN role 1 keep 1\n5 BEGIN role 1 keep 1\n");
	}
}

/* Without KEEP_CONN the connection ends, but not under the feet of the others. */
static void a_refused_begin_without_keep_conn_is_the_last(void **state)
{
	struct mux_trace tr = { .lim = limits, .when = MUX_TRACE_WHOLE };

	(void)state;
	put_begin(1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put_begin(5, 9, 0);
	mux_trace_feed(&tr, in.data, in.len);
	assert_true(tr.mux.rejected_last);
	assert_int_equal(fcgi_mux_active(&tr.mux), 1);
	put_params(1);
	put_end(FCGI_STDIN, 1);
	put_request(6, FCGI_KEEP_CONN, "");
	put_text(99, 0, "not even looked at");
	buf_add_str(&in, "GET / HTTP/1.0");
	mux_trace_feed(&tr, in.data + 32, in.len - 32);
	assert_int_equal(fcgi_mux_active(&tr.mux), 0);
	assert_false(fcgi_mux_idle(&tr.mux));
	mux_trace_free(&tr);
	fcgi_add_end(&reply, 5, 0, FCGI_UNKNOWN_ROLE);
	expect("1 BEGIN role 1 keep 1\n1 PARAMS \1\1ab\n1 HEAD\n1 STDIN_END\n");
}

static void too_many_at_once(void **state)
{
	struct mux_trace tr = { .lim = limits, .when = MUX_TRACE_NEVER };

	(void)state;
	for (unsigned i = 0; i < FCGI_MUX_STREAMS; i++)
		put_begin((uint16_t)(65535 - 16 * i), FCGI_RESPONDER, FCGI_KEEP_CONN);
	mux_trace_feed(&tr, in.data, in.len);
	assert_false(tr.bad);
	assert_int_equal(fcgi_mux_active(&tr.mux), FCGI_MUX_STREAMS);
	buf_clear(&in);
	put_begin(2, FCGI_RESPONDER, FCGI_KEEP_CONN);
	mux_trace_feed(&tr, in.data, in.len);
	assert_true(tr.bad);
	assert_string_equal(tr.mux.why, "too many requests at once on a connection");
	mux_trace_free(&tr);
}

/* After each byte: is a record half read, may the connection be parked? */
static void clean_and_idle(void **state)
{
	struct mux_trace tr = { .lim = limits, .when = MUX_TRACE_LATE };
	size_t values, whole;

	(void)state;
	put(FCGI_GET_VALUES, 0, "\0\0", 2, 1);
	values = in.len;
	put_begin(1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put_end(FCGI_PARAMS, 1);
	put_end(FCGI_STDIN, 1);
	whole = in.len;
	for (size_t i = 1; i <= in.len; i++) {
		mux_trace_feed(&tr, in.data + i - 1, 1);
		assert_int_equal(fcgi_mux_clean(&tr.mux),
		    i == values || i == values + 16 || i == values + 24 || i == whole);
		assert_int_equal(fcgi_mux_idle(&tr.mux), i == values);
	}
	mux_trace_done(&tr, 1);
	assert_true(fcgi_mux_idle(&tr.mux));
	mux_trace_free(&tr);
}

/* The rest of a record half read is the old request's. */
static void done_in_the_middle_of_a_record(void **state)
{
	(void)state;
	put_begin(1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put_end(FCGI_PARAMS, 1);
	put_text(FCGI_STDIN, 1, "0123456789");
	put_end(FCGI_STDIN, 1);
	put_begin(1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put_end(FCGI_PARAMS, 1);
	put_text(FCGI_STDIN, 1, "next");
	for (size_t cut = 24; cut < 51; cut++) {
		struct mux_trace tr = { .lim = limits, .when = MUX_TRACE_NEVER };

		mux_trace_feed(&tr, in.data, cut);
		mux_trace_done(&tr, 1);
		mux_trace_end(&tr);
		buf_clear(&tr.said);
		mux_trace_feed(&tr, in.data + cut, in.len - cut);
		assert_string_equal(buf_str(&tr.said), "1 BEGIN role 1 keep 1\n1 HEAD\n1 STDIN next");
		mux_trace_free(&tr);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIALOGUE_TEST(the_id_of_an_active_request_is_taken),
		DIALOGUE_TEST(also_of_one_that_is_whole_or_aborted),
		DIALOGUE_TEST(each_stream_has_its_own_order),
		DIALOGUE_TEST(bad_is_said_again),
		DIALOGUE_TEST(a_role_not_served_is_refused),
		DIALOGUE_TEST(a_refused_begin_without_keep_conn_is_the_last),
		DIALOGUE_TEST(too_many_at_once),
		DIALOGUE_TEST(clean_and_idle),
		DIALOGUE_TEST(done_in_the_middle_of_a_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
