/* test_fcgi_turn_refuse.c -- from bytes to requests, one dialogue a test: what is refused, and with which
 * words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <fastcgi.h>
#include "tests/unit/fcgi/turn_dialogue.h"

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
	tr.lim.roles = 1u << FCGI_RESPONDER | 1u << 4;
	put_begin(1, FCGI_AUTHORIZER, FCGI_KEEP_CONN);
	put_begin(1, FCGI_FILTER, FCGI_KEEP_CONN);
	put_begin(1, 4, FCGI_KEEP_CONN);
	put_begin(1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	for (int i = 0; i < 3; i++)
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
#define BEGIN_TWO "a BEGIN_REQUEST with the id of an active request"
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIALOGUE_TEST(a_lying_get_values_is_bad),
		DIALOGUE_TEST(a_role_not_served_is_refused),
		DIALOGUE_TEST(a_refused_begin_without_keep_conn_is_the_last),
		DIALOGUE_TEST(roles_are_the_callers),
		DIALOGUE_TEST(a_begin_during_a_request_is_refused),
		DIALOGUE_TEST(params_past_the_limit),
		DIALOGUE_TEST(params_just_within_the_limit),
		DIALOGUE_TEST(faults_of_protocol),
		DIALOGUE_TEST(params_that_end_inside_a_pair),
		DIALOGUE_TEST(other_protocols),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
