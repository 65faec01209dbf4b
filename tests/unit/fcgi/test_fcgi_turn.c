/* test_fcgi_turn.c -- from bytes to requests (sections 3 to 6), one dialogue a test: what is served. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <fastcgi.h>
#include "tests/unit/fcgi/turn_dialogue.h"

static void the_specifications_first_example(void **state)
{
	(void)state;
	put_begin(1, FCGI_RESPONDER, 0);
	put_text(FCGI_PARAMS, 1, "\013\002SERVER_PORT80\013\016SERVER_ADDR199.170.183.42");
	put_end(FCGI_PARAMS, 1);
	put_end(FCGI_STDIN, 1);
	expect("HEAD 1 role 1 keep 0: SERVER_PORT=80;SERVER_ADDR=199.170.183.42;\nBODY_END\n");
}

static void the_specifications_second_example(void **state)
{
	(void)state;
	put_begin(1, FCGI_RESPONDER, 0);
	put_text(FCGI_PARAMS, 1, "\013\002SERVER_PORT80\013\016SER");
	put_text(FCGI_PARAMS, 1, "VER_ADDR199.170.183.42");
	put_end(FCGI_PARAMS, 1);
	put_text(FCGI_STDIN, 1, "quantity=100&item=3047936");
	put_end(FCGI_STDIN, 1);
	expect("HEAD 1 role 1 keep 0: SERVER_PORT=80;SERVER_ADDR=199.170.183.42;\n"
	    "BODY quantity=100&item=3047936\nBODY_END\n");
}

static void a_body_in_many_records(void **state)
{
	(void)state;
	put_begin(65535, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put(FCGI_PARAMS, 65535, "", 0, 8);
	put(FCGI_STDIN, 65535, "one ", 4, 4);
	put(FCGI_STDIN, 65535, "two ", 4, 255);
	put(FCGI_STDIN, 65535, "three", 5, 1);
	put(FCGI_STDIN, 65535, "", 0, 3);
	expect("HEAD 65535 role 1 keep 1: \nBODY one two three\nBODY_END\n");
}

static void every_padding(void **state)
{
	(void)state;
	for (int padding = 0; padding < 256; padding++) {
		buf_clear(&in);
		put(FCGI_BEGIN_REQUEST, 3, "\0\1\1\0\0\0\0\0", 8, (uint8_t)padding);
		put(FCGI_PARAMS, 3, "\1\1ab", 4, (uint8_t)padding);
		put(FCGI_PARAMS, 3, "", 0, (uint8_t)padding);
		put(FCGI_STDIN, 3, "x", 1, (uint8_t)padding);
		put(FCGI_STDIN, 3, "", 0, (uint8_t)padding);
		feed_in_steps(0, in.len, "HEAD 3 role 1 keep 1: a=b;\nBODY x\nBODY_END\n", false);
		feed_in_steps(0, 1, "HEAD 3 role 1 keep 1: a=b;\nBODY x\nBODY_END\n", false);
	}
}

static void requests_follow_each_other(void **state)
{
	(void)state;
	put_request(1, FCGI_KEEP_CONN, "x");
	put_request(1, FCGI_KEEP_CONN, "");
	put_request(300, 0, "y");
	expect("HEAD 1 role 1 keep 1: a=b;\nBODY x\nBODY_END\nHEAD 1 role 1 keep 1: a=b;\nBODY_END\n"
	    "HEAD 300 role 1 keep 0: a=b;\nBODY y\nBODY_END\n");
}

/* Flags and reserved bytes that are not defined mean nothing (section 5.1). */
static void undefined_flags_mean_nothing(void **state)
{
	(void)state;
	put(FCGI_BEGIN_REQUEST, 1, "\0\1\xfe\7\7\7\7\7", 8, 0);
	put_params(1);
	put_end(FCGI_STDIN, 1);
	expect("HEAD 1 role 1 keep 0: a=b;\nBODY_END\n");
}

/* Section 6.3 gives an Authorizer no STDIN; some front ends end it all the same, or send a body. */
static void an_authorizer_needs_no_stdin(void **state)
{
	(void)state;
	put_begin(1, FCGI_AUTHORIZER, FCGI_KEEP_CONN);
	put_params(1);
	put_begin(1, FCGI_AUTHORIZER, FCGI_KEEP_CONN);
	put_params(1);
	put_end(FCGI_STDIN, 1);
	put_begin(1, FCGI_AUTHORIZER, FCGI_KEEP_CONN);
	put_params(1);
	put_text(FCGI_STDIN, 1, "body");
	put_end(FCGI_STDIN, 1);
	put_request(1, 0, "z");
	expect("HEAD 1 role 2 keep 1: a=b;\nBODY_END\nHEAD 1 role 2 keep 1: a=b;\nBODY_END\n"
	    "HEAD 1 role 2 keep 1: a=b;\nBODY_END\nHEAD 1 role 1 keep 0: a=b;\nBODY z\nBODY_END\n");
}

static void an_inactive_id_is_passed_over(void **state)
{
	(void)state;
	put_end(FCGI_STDIN, 1);
	put_text(FCGI_STDIN, 1, "early");
	put_text(FCGI_PARAMS, 9, "\377");
	put_end(FCGI_ABORT_REQUEST, 9);
	put_text(FCGI_STDOUT, 9, "?");
	put(FCGI_GET_VALUES, 9, "\16\0FCGI_MAX_CONNS", 16, 0);
	put(200, 9, "?", 1, 0);
	put_begin(1, FCGI_RESPONDER, 0);
	put_text(FCGI_PARAMS, 2, "\377");
	put_params(1);
	put_end(FCGI_STDIN, 2);
	put_end(FCGI_ABORT_REQUEST, 2);
	put_text(FCGI_STDIN, 1, "x");
	put_text(FCGI_STDIN, 2, "y");
	put_text(FCGI_STDIN, 1, "z");
	put_end(FCGI_STDIN, 1);
	put_end(FCGI_STDIN, 1);
	expect("HEAD 1 role 1 keep 0: a=b;\nBODY xz\nBODY_END\n");
}

static void data_is_passed_over(void **state)
{
	(void)state;
	put_begin(1, FCGI_RESPONDER, 0);
	put_text(FCGI_DATA, 1, "file");
	put_params(1);
	put_text(FCGI_DATA, 1, "file");
	put_end(FCGI_DATA, 1);
	put_end(FCGI_STDIN, 1);
	expect("HEAD 1 role 1 keep 0: a=b;\nBODY_END\n");
}

static void what_is_left_of_an_answered_request_is_passed_over(void **state)
{
	(void)state;
	put_request(1, FCGI_KEEP_CONN, "left over");
	put_request(1, FCGI_KEEP_CONN, "");
	expect_when("HEAD 1 role 1 keep 1: a=b;\nHEAD 1 role 1 keep 1: a=b;\n", true);
}

/* Section 4.1: the names that we know, each once; the others are left out. */
static void get_values_is_answered(void **state)
{
	static const char result[] = "\1\12\0\0\0\x3c\0\0"
	    "\16\1FCGI_MAX_CONNS8" "\15\12FCGI_MAX_REQS4000000000" "\17\1FCGI_MPXS_CONNS0";

	(void)state;
	put(FCGI_GET_VALUES, 0, "\17\0FCGI_MPXS_CONNS\15\0FCGI_MAX_REQS\4\0NOPE\16\0FCGI_MAX_CONNS"
	    "\16\0FCGI_MAX_CONNS", 17 + 15 + 6 + 16 + 16, 5);
	buf_add(&reply, result, sizeof(result) - 1);
	expect("");
}

static void get_values_of_nothing(void **state)
{
	(void)state;
	put(FCGI_GET_VALUES, 0, "", 0, 0);
	put(FCGI_GET_VALUES, 0, "\13\1FCGI_MAX_CO1\0\0", 16, 0);
	fcgi_add_stream_end(&reply, FCGI_GET_VALUES_RESULT, 0);
	fcgi_add_stream_end(&reply, FCGI_GET_VALUES_RESULT, 0);
	expect("");
}

/* At any time, also in the middle of a request's streams. */
static void management_between_a_requests_records(void **state)
{
	(void)state;
	put_begin(1, FCGI_RESPONDER, 0);
	put_text(FCGI_PARAMS, 1, "\1\1a");
	put(FCGI_GET_VALUES, 0, "\15\0FCGI_MAX_REQS", 15, 0);
	put_text(FCGI_PARAMS, 1, "b");
	put(77, 0, "what is that", 12, 2);
	put_end(FCGI_PARAMS, 1);
	put_text(FCGI_STDIN, 1, "x");
	put(0, 0, "", 0, 0);
	put_text(FCGI_STDIN, 1, "y");
	put_end(FCGI_STDIN, 1);
	buf_add(&reply, "\1\12\0\0\0\31\0\0\15\12FCGI_MAX_REQS4000000000", 33);
	fcgi_add_unknown_type(&reply, 77);
	fcgi_add_unknown_type(&reply, 0);
	expect("HEAD 1 role 1 keep 0: a=b;\nBODY xy\nBODY_END\n");
}

static void answers_to_no_question_are_passed_over(void **state)
{
	(void)state;
	put(FCGI_GET_VALUES_RESULT, 0, "\1\1ab", 4, 0);
	put(FCGI_UNKNOWN_TYPE, 0, "\11\0\0\0\0\0\0\0", 8, 0);
	expect("");
}

static void a_long_get_values_is_answered_by_its_front(void **state)
{
	char body[3000];

	(void)state;
	memset(body, 0, sizeof(body));
	memcpy(body, "\15\0FCGI_MAX_REQS\0\x80\0\12\0", 20);
	memcpy(body + 2980, "\16\0FCGI_MAX_CONNS", 16);
	put(FCGI_GET_VALUES, 0, body, sizeof(body), 0);
	buf_add(&reply, "\1\12\0\0\0\31\0\0\15\12FCGI_MAX_REQS4000000000", 33);
	expect("");
}

static void abort_is_told(void **state)
{
	(void)state;
	put_begin(1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put(FCGI_ABORT_REQUEST, 1, "", 0, 3);
	put_params(1);
	put_begin(2, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put_params(2);
	put_text(FCGI_STDIN, 2, "half");
	put_end(FCGI_ABORT_REQUEST, 2);
	put_text(FCGI_STDIN, 2, "rest");
	put_end(FCGI_STDIN, 2);
	put_request(2, 0, "");
	expect("ABORT\nHEAD 2 role 1 keep 1: a=b;\nBODY half\nABORT\nHEAD 2 role 1 keep 0: a=b;\nBODY_END\n");
}

static void it_is_said_again_until_done(void **state)
{
	struct fcgi_turn t = { 0 };
	const uint8_t *at;
	size_t len;

	(void)state;
	put_request(1, FCGI_KEEP_CONN, "");
	put_request(2, FCGI_KEEP_CONN, "");
	at = in.data;
	len = in.len;
	assert_int_equal(fcgi_turn_next(&t, &limits, &at, &len, &reply), FCGI_TURN_HEAD);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fcgi_turn_next(&t, &limits, &at, &len, &reply), FCGI_TURN_BODY_END);
		assert_int_equal(len, in.len / 2);
		assert_string_equal(fcgi_params_get(&t.params, "a", NULL), "b");
	}
	fcgi_turn_done(&t);
	assert_null(fcgi_params_get(&t.params, "a", NULL));
	assert_int_equal(fcgi_turn_next(&t, &limits, &at, &len, &reply), FCGI_TURN_HEAD);
	assert_int_equal(t.id, 2);
	assert_int_equal(fcgi_turn_next(&t, &limits, &at, &len, &reply), FCGI_TURN_BODY_END);
	assert_int_equal(len, 0);
	fcgi_turn_done(&t);
	assert_int_equal(fcgi_turn_next(&t, &limits, &at, &len, &reply), FCGI_TURN_MORE);
	at = NULL;
	assert_int_equal(fcgi_turn_next(&t, &limits, &at, &len, &reply), FCGI_TURN_MORE);
	fcgi_turn_free(&t);
}

/* After each byte: are we in a head, may the connection be handed on? */
static void in_head_and_idle(void **state)
{
	struct turn_trace tr = { .lim = limits };
	size_t begin, head;

	(void)state;
	put(FCGI_GET_VALUES, 0, "\0\0", 2, 1);
	begin = in.len;
	put_begin(1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put_params(1);
	head = in.len;
	put_text(FCGI_STDIN, 1, "xyz");
	put_end(FCGI_STDIN, 1);
	assert_false(fcgi_turn_in_head(&tr.turn));
	assert_true(fcgi_turn_idle(&tr.turn));
	for (size_t i = 1; i <= in.len; i++) {
		trace_feed(&tr, in.data + i - 1, 1);
		assert_int_equal(fcgi_turn_in_head(&tr.turn), i == 1 || (i > begin && i < head));
		assert_int_equal(fcgi_turn_idle(&tr.turn), i == begin || i == in.len);
	}
	trace_free(&tr);
}

static void a_new_connection_forgets_the_old(void **state)
{
	struct turn_trace tr = { .lim = limits };
	uint8_t *arena;

	(void)state;
	put_request(1, FCGI_KEEP_CONN, "");
	trace_feed(&tr, in.data, in.len);
	arena = tr.turn.params.arena.data;
	trace_feed(&tr, (const uint8_t *)"?", 1);
	assert_true(tr.bad);
	tr.bad = false;
	fcgi_turn_reset(&tr.turn);
	assert_true(fcgi_turn_idle(&tr.turn));
	buf_clear(&tr.said);
	trace_feed(&tr, in.data, in.len);
	assert_string_equal(buf_str(&tr.said), "HEAD 1 role 1 keep 1: a=b;\nBODY_END\n");
	assert_ptr_equal(tr.turn.params.arena.data, arena);
	trace_free(&tr);
}

static void done_in_the_middle_of_a_record(void **state)
{
	(void)state;
	put_begin(1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put_params(1);
	put_text(FCGI_STDIN, 1, "0123456789");
	put_end(FCGI_STDIN, 1);
	put_request(1, FCGI_KEEP_CONN, "next");
	for (size_t cut = 28; cut < 55; cut++) {
		struct turn_trace tr = { .lim = limits };

		trace_feed(&tr, in.data, cut);
		if (tr.in_body || strchr(buf_str(&tr.said), '\n')) {
			fcgi_turn_done(&tr.turn);
			trace_end(&tr);
			buf_clear(&tr.said);
			trace_feed(&tr, in.data + cut, in.len - cut);
			assert_string_equal(buf_str(&tr.said),
			    "HEAD 1 role 1 keep 1: a=b;\nBODY next\nBODY_END\n");
		}
		trace_free(&tr);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIALOGUE_TEST(the_specifications_first_example),
		DIALOGUE_TEST(the_specifications_second_example),
		DIALOGUE_TEST(a_body_in_many_records),
		DIALOGUE_TEST(every_padding),
		DIALOGUE_TEST(requests_follow_each_other),
		DIALOGUE_TEST(undefined_flags_mean_nothing),
		DIALOGUE_TEST(an_authorizer_needs_no_stdin),
		DIALOGUE_TEST(an_inactive_id_is_passed_over),
		DIALOGUE_TEST(data_is_passed_over),
		DIALOGUE_TEST(what_is_left_of_an_answered_request_is_passed_over),
		DIALOGUE_TEST(get_values_is_answered),
		DIALOGUE_TEST(get_values_of_nothing),
		DIALOGUE_TEST(management_between_a_requests_records),
		DIALOGUE_TEST(answers_to_no_question_are_passed_over),
		DIALOGUE_TEST(a_long_get_values_is_answered_by_its_front),
		DIALOGUE_TEST(abort_is_told),
		DIALOGUE_TEST(it_is_said_again_until_done),
		DIALOGUE_TEST(in_head_and_idle),
		DIALOGUE_TEST(a_new_connection_forgets_the_old),
		DIALOGUE_TEST(done_in_the_middle_of_a_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
