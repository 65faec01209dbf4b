/* test_fcgi_turn.c -- from bytes to requests (sections 3 to 6), one dialogue a test. Each dialogue is fed
 * whole, cut at every byte and byte by byte: what is said and what is replied must be the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <fastcgi.h>
#include "src/fcgi/fcgi_encode.h"
#include "tests/unit/fcgi/turn_trace.h"

#define BOTH_ROLES (1u << FCGI_RESPONDER | 1u << FCGI_AUTHORIZER)

static const struct fcgi_limits limits = {
	.max_params = 1000, .roles = BOTH_ROLES, .max_conns = 8, .max_reqs = 4000000000,
};
static struct buf in, reply;            /* what the front end sends, and what it must get at once */

static int set_up(void **state)
{
	(void)state;
	buf_clear(&in);
	buf_clear(&reply);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	buf_free(&in);
	buf_free(&reply);
	return 0;
}

/* Words of the dialogues: what the front end sends. */
static void put(uint8_t type, uint16_t id, const char *data, size_t len, uint8_t padding)
{
	static const uint8_t dirt[255] = { 0xee, 1, 5 };
	uint8_t head[8];

	fcgi_put_header(head, type, id, (uint16_t)len, padding);
	buf_add(&in, head, sizeof(head));
	buf_add(&in, data, len);
	buf_add(&in, dirt, padding);
}

static void put_begin(uint16_t id, uint16_t role, uint8_t flags)
{
	fcgi_add_begin(&in, id, role, flags);
}

static void put_text(uint8_t type, uint16_t id, const char *text)
{
	put(type, id, text, strlen(text), 0);
}

static void put_end(uint8_t type, uint16_t id)
{
	put(type, id, "", 0, 0);
}

/* PARAMS a=b and their end */
static void put_params(uint16_t id)
{
	put_text(FCGI_PARAMS, id, "\1\1ab");
	put_end(FCGI_PARAMS, id);
}

static void put_request(uint16_t id, uint8_t flags, const char *body)
{
	put_begin(id, FCGI_RESPONDER, flags);
	put_params(id);
	if (*body)
		put_text(FCGI_STDIN, id, body);
	put_end(FCGI_STDIN, id);
}

static void feed_in_steps(size_t cut, size_t step, const char *expected, bool done_at_head)
{
	struct turn_trace tr = { .lim = limits, .done_at_head = done_at_head };

	trace_feed(&tr, in.data, cut);
	for (size_t at = cut; at < in.len; at += step)
		trace_feed(&tr, in.data + at, in.len - at < step ? in.len - at : step);
	trace_end(&tr);
	assert_string_equal(buf_str(&tr.said), expected);
	assert_int_equal(tr.reply.len, reply.len);
	if (reply.len)
		assert_memory_equal(tr.reply.data, reply.data, reply.len);
	trace_free(&tr);
}

static void expect_when(const char *expected, bool done_at_head)
{
	for (size_t cut = 0; cut <= in.len; cut++)
		feed_in_steps(cut, in.len, expected, done_at_head);
	for (size_t step = 1; step < 20; step++)
		feed_in_steps(0, step, expected, done_at_head);
}

static void expect(const char *expected)
{
	expect_when(expected, false);
}

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
	static const char result[] = "\1\12\0\0\0\x3b\0\0"
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

static void a_lying_get_values_is_bad(void **state)
{
	(void)state;
	put(FCGI_GET_VALUES, 0, "\16\1FCGI_MAX_CONNS", 16, 0);
	expect("BAD a GET_VALUES that ends inside a name or value\n");
}

static void a_role_not_served_is_refused(void **state)
{
	static const uint16_t roles[] = { 0, FCGI_FILTER, 4, 33, 34, 257, 65535 };

	(void)state;
	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		buf_clear(&in);
		buf_clear(&reply);
		put_begin(5, roles[i], FCGI_KEEP_CONN);
		put_params(5);
		put_end(FCGI_STDIN, 5);
		put_request(5, 0, "");
		fcgi_add_end(&reply, 5, 0, FCGI_UNKNOWN_ROLE);
		expect("HEAD 5 role 1 keep 0: a=b;\nBODY_END\n");
	}
}

static void a_refused_begin_without_keep_conn_is_the_last(void **state)
{
	struct turn_trace tr = { .lim = limits };

	(void)state;
	put_begin(5, FCGI_FILTER, 0);
	put_params(5);
	put_request(6, 0, "");
	put_text(99, 0, "not even looked at");
	buf_add_str(&in, "GET / HTTP/1.0");
	fcgi_add_end(&reply, 5, 0, FCGI_UNKNOWN_ROLE);
	expect("");
	trace_feed(&tr, in.data, 15);
	assert_false(tr.turn.rejected_last);
	trace_feed(&tr, in.data + 15, 1);
	assert_true(tr.turn.rejected_last);
	trace_feed(&tr, in.data + 16, in.len - 16);
	assert_true(tr.turn.rejected_last);
	assert_false(fcgi_turn_idle(&tr.turn));
	trace_free(&tr);
}

static void roles_are_the_callers(void **state)
{
	struct turn_trace tr = { .lim = limits };

	(void)state;
	tr.lim.roles = 1u << FCGI_RESPONDER | 1u << FCGI_FILTER;
	put_begin(1, FCGI_AUTHORIZER, FCGI_KEEP_CONN);
	put_begin(1, FCGI_FILTER, FCGI_KEEP_CONN);
	put_begin(1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	fcgi_add_end(&reply, 1, 0, FCGI_UNKNOWN_ROLE);
	fcgi_add_end(&reply, 1, 0, FCGI_UNKNOWN_ROLE);
	trace_feed(&tr, in.data, in.len);
	assert_int_equal(tr.reply.len, reply.len);
	assert_memory_equal(tr.reply.data, reply.data, reply.len);
	assert_true(fcgi_turn_in_head(&tr.turn));
	trace_free(&tr);
}

/* Section 5.5: concurrent requests on a connection that serves one at a time. */
static void a_begin_during_a_request_is_refused(void **state)
{
	(void)state;
	put_begin(1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put_begin(2, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put_params(2);
	put_params(1);
	put_begin(3, FCGI_FILTER, 0);
	put_text(FCGI_STDIN, 2, "two");
	put_text(FCGI_STDIN, 1, "one");
	put_end(FCGI_STDIN, 2);
	put_end(FCGI_STDIN, 1);
	put_request(2, FCGI_KEEP_CONN, "again");
	fcgi_add_end(&reply, 2, 0, FCGI_CANT_MPX_CONN);
	fcgi_add_end(&reply, 3, 0, FCGI_CANT_MPX_CONN);
	expect("HEAD 1 role 1 keep 1: a=b;\nBODY one\nBODY_END\n"
	    "HEAD 2 role 1 keep 1: a=b;\nBODY again\nBODY_END\n");
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

static void params_past_the_limit(void **state)
{
	char params[1001] = "\1\x80\0\3\xe2";  /* 5 bytes of lengths, a name of 1, a value of 994: 1000 */

	(void)state;
	put_begin(1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put(FCGI_PARAMS, 1, params, 600, 0);
	put(FCGI_PARAMS, 1, params + 600, 400, 0);
	put(FCGI_PARAMS, 1, "\0", 1, 0);
	put_end(FCGI_PARAMS, 1);
	put_end(FCGI_STDIN, 1);
	put_begin(1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put_text(FCGI_PARAMS, 1, "\1\x80\x7f\xff\xff" "abc");
	put_end(FCGI_PARAMS, 1);
	expect("TOO_LARGE\nTOO_LARGE\n");
}

static void params_just_within_the_limit(void **state)
{
	char params[1001] = "\1\x80\0\3\xe2n";

	(void)state;
	put_begin(1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	put(FCGI_PARAMS, 1, params, 1000, 0);
	put_end(FCGI_PARAMS, 1);
	feed_in_steps(0, in.len, "HEAD 1 role 1 keep 1: n=", false);
}

#define ID_0      "an application record with request id 0"
#define BEGIN_LEN "a BEGIN_REQUEST that is not 8 bytes long"
#define BEGIN_TWO "a BEGIN_REQUEST with the id of the active request"
#define MANAGE_ID "a management record with the id of a request"
#define NOT_OURS  "a record of a type that no web server sends to an application"

static void faults_of_protocol(void **state)
{
	static const struct {
		int before;             /* 0: nothing, 1: BEGIN, 2: BEGIN and PARAMS */
		uint8_t type;
		uint16_t id;
		const char *data;
		size_t len;
		const char *said;
	} faults[] = {
		{ 0, FCGI_BEGIN_REQUEST, 0, "\0\1\0\0\0\0\0\0", 8, ID_0 },
		{ 0, FCGI_STDIN, 0, "", 0, ID_0 },
		{ 0, FCGI_PARAMS, 0, "", 0, ID_0 },
		{ 0, FCGI_ABORT_REQUEST, 0, "", 0, ID_0 },
		{ 0, FCGI_END_REQUEST, 0, "", 0, ID_0 },
		{ 0, FCGI_STDOUT, 0, "", 0, ID_0 },
		{ 0, FCGI_STDERR, 0, "", 0, ID_0 },
		{ 0, FCGI_DATA, 0, "", 0, ID_0 },
		{ 0, FCGI_BEGIN_REQUEST, 1, "\0\1\0\0\0\0\0", 7, BEGIN_LEN },
		{ 0, FCGI_BEGIN_REQUEST, 1, "\0\1\0\0\0\0\0\0\0", 9, BEGIN_LEN },
		{ 0, FCGI_BEGIN_REQUEST, 1, "", 0, BEGIN_LEN },
		{ 1, FCGI_BEGIN_REQUEST, 1, "\0\1\0\0\0\0\0\0", 8, BEGIN_TWO },
		{ 2, FCGI_BEGIN_REQUEST, 1, "\0\1\0\0\0\0\0\0", 8, BEGIN_TWO },
		{ 1, FCGI_STDIN, 1, "x", 1, "STDIN before the end of PARAMS" },
		{ 1, FCGI_STDIN, 1, "", 0, "STDIN before the end of PARAMS" },
		{ 2, FCGI_PARAMS, 1, "\0\0", 2, "PARAMS after the end of PARAMS" },
		{ 2, FCGI_PARAMS, 1, "", 0, "PARAMS after the end of PARAMS" },
		{ 2, FCGI_ABORT_REQUEST, 1, "x", 1, "an ABORT_REQUEST with contents" },
		{ 1, FCGI_GET_VALUES, 1, "", 0, MANAGE_ID },
		{ 2, FCGI_GET_VALUES_RESULT, 1, "", 0, MANAGE_ID },
		{ 2, FCGI_UNKNOWN_TYPE, 1, "", 0, MANAGE_ID },
		{ 2, FCGI_STDOUT, 1, "", 0, NOT_OURS },
		{ 2, FCGI_STDERR, 1, "", 0, NOT_OURS },
		{ 2, FCGI_END_REQUEST, 1, "", 0, NOT_OURS },
		{ 2, 12, 1, "", 0, NOT_OURS },
		{ 1, 255, 1, "", 0, NOT_OURS },
		{ 1, 0, 1, "", 0, NOT_OURS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		char expected[200] = "";

		buf_clear(&in);
		if (faults[i].before > 0)
			put_begin(1, FCGI_RESPONDER, 0);
		if (faults[i].before > 1)
			put_params(1);
		put(faults[i].type, faults[i].id, faults[i].data, faults[i].len, 0);
		put_request(1, 0, "never seen");
		snprintf(expected, sizeof(expected), "%sBAD %s\n",
		    faults[i].before > 1 ? "HEAD 1 role 1 keep 0: a=b;\n" : "", faults[i].said);
		expect(expected);
	}
}

static void params_that_end_inside_a_pair(void **state)
{
	(void)state;
	put_begin(1, FCGI_RESPONDER, 0);
	put_text(FCGI_PARAMS, 1, "\1\2ab");
	put_end(FCGI_PARAMS, 1);
	expect("BAD PARAMS that end inside a name or value\n");
}

static void other_protocols(void **state)
{
	(void)state;
	buf_add_str(&in, "GET / HTTP/1.1\r\n\r\n");
	expect("BAD bytes that are not a FastCGI record of version 1\n");
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

#define TURN_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TURN_TEST(the_specifications_first_example),
		TURN_TEST(the_specifications_second_example),
		TURN_TEST(a_body_in_many_records),
		TURN_TEST(every_padding),
		TURN_TEST(requests_follow_each_other),
		TURN_TEST(undefined_flags_mean_nothing),
		TURN_TEST(an_authorizer_needs_no_stdin),
		TURN_TEST(an_inactive_id_is_passed_over),
		TURN_TEST(data_is_passed_over),
		TURN_TEST(what_is_left_of_an_answered_request_is_passed_over),
		TURN_TEST(get_values_is_answered),
		TURN_TEST(get_values_of_nothing),
		TURN_TEST(management_between_a_requests_records),
		TURN_TEST(answers_to_no_question_are_passed_over),
		TURN_TEST(a_long_get_values_is_answered_by_its_front),
		TURN_TEST(a_lying_get_values_is_bad),
		TURN_TEST(a_role_not_served_is_refused),
		TURN_TEST(a_refused_begin_without_keep_conn_is_the_last),
		TURN_TEST(roles_are_the_callers),
		TURN_TEST(a_begin_during_a_request_is_refused),
		TURN_TEST(abort_is_told),
		TURN_TEST(params_past_the_limit),
		TURN_TEST(params_just_within_the_limit),
		TURN_TEST(faults_of_protocol),
		TURN_TEST(params_that_end_inside_a_pair),
		TURN_TEST(other_protocols),
		TURN_TEST(it_is_said_again_until_done),
		TURN_TEST(in_head_and_idle),
		TURN_TEST(a_new_connection_forgets_the_old),
		TURN_TEST(done_in_the_middle_of_a_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
