/* test_fcgi_turn_filter.c -- the Filter (section 6.4), one dialogue a test: STDIN, then DATA. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <fastcgi.h>
#define TURN_ROLES (1u << FCGI_RESPONDER | 1u << FCGI_FILTER)
#include "tests/unit/fcgi/turn_dialogue.h"

static void put_filter(uint16_t id, uint8_t flags)
{
	put_begin(id, FCGI_FILTER, flags);
	put_params(id);
}

static void data_follows_stdin(void **state)
{
	(void)state;
	put_filter(7, FCGI_KEEP_CONN);
	put_text(FCGI_STDIN, 7, "form");
	put_end(FCGI_STDIN, 7);
	put(FCGI_DATA, 7, "the ", 4, 4);
	put(FCGI_DATA, 7, "file", 4, 0);
	put(FCGI_DATA, 7, "", 0, 8);
	put_request(8, 0, "next");
	expect("HEAD 7 role 3 keep 1: a=b;\nBODY form\nBODY_END\nBODY the file\nBODY_END\n"
	    "HEAD 8 role 1 keep 0: a=b;\nBODY next\nBODY_END\n");
}

static void both_may_be_empty(void **state)
{
	(void)state;
	put_filter(1, 0);
	put_end(FCGI_STDIN, 1);
	put_end(FCGI_DATA, 1);
	expect("HEAD 1 role 3 keep 0: a=b;\nBODY_END\nBODY_END\n");
}

static void data_has_its_place(void **state)
{
	(void)state;
	put_filter(1, 0);
	put_text(FCGI_STDIN, 1, "x");
	put_text(FCGI_DATA, 1, "too early");
	expect("HEAD 1 role 3 keep 0: a=b;\nBODY x\nBAD DATA before the end of STDIN\n");
}

static void stdin_does_not_come_back(void **state)
{
	(void)state;
	put_filter(1, 0);
	put_end(FCGI_STDIN, 1);
	put_text(FCGI_DATA, 1, "x");
	put_text(FCGI_STDIN, 1, "y");
	expect("HEAD 1 role 3 keep 0: a=b;\nBODY_END\nBODY x\nBAD STDIN after the end of STDIN\n");
}

static void an_abort_during_data(void **state)
{
	(void)state;
	put_filter(1, FCGI_KEEP_CONN);
	put_end(FCGI_STDIN, 1);
	put_text(FCGI_DATA, 1, "x");
	put_end(FCGI_ABORT_REQUEST, 1);
	put_request(2, 0, "");
	expect("HEAD 1 role 3 keep 1: a=b;\nBODY_END\nBODY x\nABORT\nHEAD 2 role 1 keep 0: a=b;\nBODY_END\n");
}

static void what_nobody_reads_is_passed_over(void **state)
{
	(void)state;
	put_filter(1, FCGI_KEEP_CONN);
	put_text(FCGI_STDIN, 1, "form");
	put_end(FCGI_STDIN, 1);
	put_text(FCGI_DATA, 1, "file");
	put_end(FCGI_DATA, 1);
	put_request(1, 0, "");
	expect_when("HEAD 1 role 3 keep 1: a=b;\nHEAD 1 role 1 keep 0: a=b;\n", true);
}

static void the_end_of_stdin_waits_for_the_caller(void **state)
{
	struct turn_trace tr = { .lim = limits };
	const uint8_t *at;
	size_t left;

	(void)state;
	put_filter(1, 0);
	put_end(FCGI_STDIN, 1);
	put_text(FCGI_DATA, 1, "x");
	at = in.data;
	left = in.len;
	assert_int_equal(fcgi_turn_next(&tr.turn, &tr.lim, &at, &left, &tr.reply), FCGI_TURN_HEAD);
	assert_false(fcgi_turn_start_data(&tr.turn));
	assert_int_equal(fcgi_turn_next(&tr.turn, &tr.lim, &at, &left, &tr.reply), FCGI_TURN_BODY_END);
	assert_int_equal(fcgi_turn_next(&tr.turn, &tr.lim, &at, &left, &tr.reply), FCGI_TURN_BODY_END);
	assert_int_equal(left, 9);
	assert_true(fcgi_turn_start_data(&tr.turn));
	assert_false(fcgi_turn_start_data(&tr.turn));
	assert_int_equal(fcgi_turn_next(&tr.turn, &tr.lim, &at, &left, &tr.reply), FCGI_TURN_BODY);
	trace_free(&tr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DIALOGUE_TEST(data_follows_stdin),
		DIALOGUE_TEST(both_may_be_empty),
		DIALOGUE_TEST(data_has_its_place),
		DIALOGUE_TEST(stdin_does_not_come_back),
		DIALOGUE_TEST(an_abort_during_data),
		DIALOGUE_TEST(what_nobody_reads_is_passed_over),
		DIALOGUE_TEST(the_end_of_stdin_waits_for_the_caller),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
