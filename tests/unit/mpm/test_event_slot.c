/* test_event_slot.c -- slots under mpm = event, turn after turn, as the dispatcher sees them. */
#include "tests/unit/mpm/event_help.h"

static void test_small_request_is_one_write(void **state)
{
	struct world *w = *state;
	int reads;

	start(w);
	for (unsigned i = 1; i <= 3; i++) {
		char expected[80];

		give_get(w, (uint16_t)(6 + i), "w");
		snprintf(expected, sizeof(expected), "6:%u:\r\nhello 6:%u: 3:%u:0,0 255:0:free,%u,4711", 6 + i, 6 + i, 6 + i, i);
		assert_string_equal(take_until(w, 0, EVENT_RECORD, &reads), expected);
		assert_int_equal(reads, 1);
	}
	wait_state(w, 0, BOARD_IDLE);
	assert_ends(w, EXIT_OK);
}

static void test_turn_in_pieces(void **state)
{
	struct world *w = *state;

	start(w);
	add_head(w, 1, "rw");
	fcgi_add_stream(&w->sent, FCGI_STDIN, 1, "abc", 3);
	fcgi_add_stream_end(&w->sent, FCGI_STDIN, 1);
	for (size_t i = 0; i < w->sent.len; i++)
		assert_int_equal(write(w->pair[0], w->sent.data + i, 1), 1);
	assert_string_equal(take_turn(w), "6:1:\r\nhello 6:1: 3:1:0,0 255:0:free,1,4711");
}

static void test_peer_and_queue_time_are_the_dispatchers(void **state)
{
	struct world *w = *state;

	w->conf.access_log = (char *)"x";
	w->conf.access_format = (char *)"%R %{milli}W";
	start(w);
	give_get(w, 1, "p");
	assert_string_equal(take_turn(w), "6:1:192.0.2.7 6:1: 3:1:0,0 255:0:free,1,4711");
	assert_int_equal(next_report(w), CHILD_ACCESS);
	assert_string_equal(buf_str(&w->log), "192.0.2.7 1.250");
}

static void test_finish_answers_early_and_gives_back_late(void **state)
{
	struct world *w = *state;
	int reads;

	start(w);
	give_get(w, 1, "wfg");
	assert_string_equal(take_until(w, 0, FCGI_END_REQUEST, &reads), "6:1:\r\nhello 6:1: 3:1:0,0");
	wait_state(w, 0, BOARD_FINISHING);
	assert_silent(w, 0);
	go_on(w);
	assert_string_equal(take_turn(w), "255:0:free,1,4711");
	give_get(w, 2, "w");
	assert_string_equal(take_turn(w), "6:2:\r\nhello 6:2: 3:2:0,0 255:0:free,2,4711");
}

static void test_unread_body_is_passed_over(void **state)
{
	struct world *w = *state;
	char *body = xcalloc(1, 300000);

	start(w);
	add_head(w, 1, "w");
	fcgi_add_stream(&w->sent, FCGI_STDIN, 1, body, 100);
	give(w);
	assert_string_equal(take_turn(w), "6:1:\r\nhello 6:1: 3:1:0,0 255:0:free,1,4711");
	fcgi_add_stream(&w->sent, FCGI_STDIN, 1, body, 300000);
	fcgi_add_stream_end(&w->sent, FCGI_STDIN, 1);
	fcgi_add_abort(&w->sent, 1);
	give(w);
	give_get(w, 2, "w");
	assert_string_equal(take_turn(w), "6:2:\r\nhello 6:2: 3:2:0,0 255:0:free,2,4711");
	free(body);
}

static void assert_aborted(struct world *w)
{
	assert_string_equal(take_turn(w), "6:1: 3:1:7,0 255:0:free,1,4711");
	give_get(w, 2, "w");
	assert_string_equal(take_turn(w), "6:2:\r\nhello 6:2: 3:2:0,0 255:0:free,2,4711");
}

static void test_abort_after_the_input(void **state)
{
	struct world *w = *state;

	start(w);
	give_get(w, 1, "a");
	wait_state(w, 0, BOARD_RUNNING);
	fcgi_add_abort(&w->sent, 1);
	give(w);
	assert_aborted(w);
}

static void test_abort_behind_an_unread_body(void **state)
{
	struct world *w = *state;
	char *body = xcalloc(1, 50000);

	start(w);
	add_head(w, 1, "a");
	fcgi_add_stream(&w->sent, FCGI_STDIN, 1, body, 40000);
	w->sent.len -= 1000;            /* a record that is not whole when it is looked at first */
	give(w);
	wait_state(w, 0, BOARD_RUNNING);
	buf_add(&w->sent, body, 1000);
	fcgi_add_stream(&w->sent, FCGI_STDIN, 1, body, 50000);
	fcgi_add_abort(&w->sent, 1);
	give(w);
	assert_aborted(w);
	free(body);
}

static void test_abort_behind_a_body_half_read(void **state)
{
	struct world *w = *state;
	char *body = xcalloc(1, 1000);
	int reads;

	start(w);
	add_head(w, 1, "owsa");
	give(w);
	wait_state(w, 0, BOARD_RUNNING);
	fcgi_add_stream(&w->sent, FCGI_STDIN, 1, body, 1000);
	w->sent.len -= 500;
	give(w);
	assert_string_equal(take_until(w, 0, FCGI_STDOUT, &reads), "6:1:\r\nhello");
	buf_add(&w->sent, body, 500);
	fcgi_add_abort(&w->sent, 1);
	give(w);
	assert_aborted(w);
	free(body);
}

static void test_abort_that_came_with_an_unread_body(void **state)
{
	struct world *w = *state;

	start(w);
	add_head(w, 1, "a");
	fcgi_add_stream(&w->sent, FCGI_STDIN, 1, "abc", 3);
	fcgi_add_stream_end(&w->sent, FCGI_STDIN, 1);
	fcgi_add_abort(&w->sent, 1);
	give(w);
	assert_aborted(w);
}

static void test_abort_in_a_body_ends_the_read(void **state)
{
	struct world *w = *state;

	start(w);
	add_head(w, 1, "ra");
	fcgi_add_stream(&w->sent, FCGI_STDIN, 1, "abc", 3);
	give(w);
	wait_state(w, 0, BOARD_RUNNING);
	fcgi_add_abort(&w->sent, 1);
	give(w);
	assert_aborted(w);
}

static void test_abort_within_the_head_runs_nothing(void **state)
{
	struct world *w = *state;

	start(w);
	add_turn(w);
	fcgi_add_begin(&w->sent, 1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	fcgi_add_abort(&w->sent, 1);
	give(w);
	assert_string_equal(take_turn(w), "3:1:0,0 255:0:free,0,0");
	give_get(w, 2, "w");
	assert_string_equal(take_turn(w), "6:2:\r\nhello 6:2: 3:2:0,0 255:0:free,1,4711");
}

static void test_role_that_is_not_served(void **state)
{
	struct world *w = *state;

	start(w);
	add_turn(w);
	fcgi_add_begin(&w->sent, 1, FCGI_FILTER, FCGI_KEEP_CONN);
	fcgi_add_stream_end(&w->sent, FCGI_PARAMS, 1);
	fcgi_add_stream(&w->sent, FCGI_STDIN, 1, "abc", 3);
	give(w);
	assert_string_equal(take_turn(w), "3:1:0,3 255:0:free,0,0");
	give_get(w, 2, "w");
	assert_string_equal(take_turn(w), "6:2:\r\nhello 6:2: 3:2:0,0 255:0:free,1,4711");
}

static void test_last_of_max_requests_says_so(void **state)
{
	struct world *w = *state;

	w->conf.max_requests = 2;
	start(w);
	give_get(w, 1, "w");
	assert_string_equal(take_turn(w), "6:1:\r\nhello 6:1: 3:1:0,0 255:0:free,1,4711");
	give_get(w, 2, "w");
	assert_string_equal(take_turn(w), "6:2:\r\nhello 6:2: 3:2:0,0 255:0:leaving,2,4711");
	wait_state(w, 0, BOARD_LEAVING);
	assert_silent(w, 0);
	assert_ends(w, EXIT_OK);
}

static void test_application_that_leaves_says_so(void **state)
{
	struct world *w = *state;

	start(w);
	give_get(w, 1, "l");
	assert_string_equal(take_turn(w), "6:1: 3:1:0,0 255:0:leaving,1,4711");
	assert_ends(w, EXIT_OK);
}

/* The order is the watcher's, the turns are the slot's: it is seen sooner or later, and ends nobody. */
static void test_drain_alone_ends_no_slot(void **state)
{
	struct world *w = *state;
	const char *said = "";

	start(w);
	order(w, CHILD_DRAIN, NULL, 0);
	for (unsigned i = 0; i < 10000 && !strstr(said, "leaving"); i++) {
		give_get(w, 1, "w");
		said = take_turn(w);
		assert_non_null(strstr(said, "hello"));
	}
	assert_non_null(strstr(said, "leaving"));
	give_get(w, 1, "w");
	assert_non_null(strstr(take_turn(w), "hello"));
	assert_ends(w, EXIT_OK);
}

static void test_end_of_the_link_ends_an_idle_slot(void **state)
{
	struct world *w = *state;

	start(w);
	fd_close(&w->link);
	assert_string_equal(take_turn(w), "end");
	assert_exit(w, EXIT_OK);
}

static void test_end_of_the_link_leaves_a_request_its_time(void **state)
{
	struct world *w = *state;
	int reads;

	start(w);
	give_get(w, 1, "wsgw");
	assert_string_equal(take_until(w, 0, FCGI_STDOUT, &reads), "6:1:\r\nhello");
	fd_close(&w->link);
	go_on(w);
	assert_non_null(strstr(take_turn(w), "6:1:\r\nhello 6:1: 3:1:0,0 255:0:"));
	assert_string_equal(take_turn(w), "end");
	assert_exit(w, EXIT_OK);
}

static void stop(struct world *w)
{
	order(w, CHILD_STOP, &(struct child_stop){ .reason = REASON_REQUEST_TIMEOUT }, sizeof(struct child_stop));
}

static void test_late_request_is_answered_and_dies(void **state)
{
	struct world *w = *state;
	const char *said;

	start(w);
	give_get(w, 1, "g");
	wait_state(w, 0, BOARD_RUNNING);
	stop(w);
	said = take_turn(w);
	assert_non_null(strstr(said, "Status: 504"));
	assert_non_null(strstr(said, " 3:1:0,0 end"));
	assert_exit(w, SIGTERM);
}

static void test_late_request_leaves_the_other_slot_its_turn(void **state)
{
	struct world *w = *state;
	int reads;

	w->conf.threads_per_child = 2;
	start(w);
	give_get(w, 1, "wsg");
	assert_string_equal(take_until(w, 0, FCGI_STDOUT, &reads), "6:1:\r\nhello");
	stop(w);
	assert_string_equal(take_turn(w), "end");       /* a byte was sent: nothing follows */
	assert_silent(w, 1);
	add_head(w, 3, "w");
	fcgi_add_stream_end(&w->sent, FCGI_STDIN, 3);
	give_to(w, 1);
	assert_string_equal(take_until(w, 1, EVENT_RECORD, &reads), "6:3:\r\nhello 6:3: 3:3:0,0 255:0:leaving,2,4711");
	shutdown(w->pair[1], SHUT_WR);
	assert_exit(w, SIGTERM);
}

static void test_both_slots_serve_at_once(void **state)
{
	struct world *w = *state;
	int reads;

	w->conf.threads_per_child = 2;
	start(w);
	give_get(w, 1, "g");
	wait_state(w, 0, BOARD_RUNNING);
	add_head(w, 1, "w");
	fcgi_add_stream_end(&w->sent, FCGI_STDIN, 1);
	give_to(w, 1);
	assert_string_equal(take_until(w, 1, EVENT_RECORD, &reads), "6:1:\r\nhello 6:1: 3:1:0,0 255:0:free,2,4711");
	go_on(w);
	assert_string_equal(take_turn(w), "6:1: 3:1:0,0 255:0:free,2,4711");
	shutdown(w->pair[1], SHUT_WR);
	assert_string_equal(take_until(w, 1, EVENT_RECORD, &reads), "end");
	assert_ends(w, EXIT_OK);
}

static void test_broken_protocol_ends_the_child(void **state)
{
	struct world *w = *state;

	start(w);
	fcgi_add_begin(&w->sent, 1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	give(w);
	assert_exit(w, EXIT_SOFTWARE << 8);
}

#define SLOT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SLOT_TEST(test_small_request_is_one_write),
		SLOT_TEST(test_turn_in_pieces),
		SLOT_TEST(test_peer_and_queue_time_are_the_dispatchers),
		SLOT_TEST(test_finish_answers_early_and_gives_back_late),
		SLOT_TEST(test_unread_body_is_passed_over),
		SLOT_TEST(test_abort_after_the_input),
		SLOT_TEST(test_abort_behind_an_unread_body),
		SLOT_TEST(test_abort_behind_a_body_half_read),
		SLOT_TEST(test_abort_that_came_with_an_unread_body),
		SLOT_TEST(test_abort_in_a_body_ends_the_read),
		SLOT_TEST(test_abort_within_the_head_runs_nothing),
		SLOT_TEST(test_role_that_is_not_served),
		SLOT_TEST(test_last_of_max_requests_says_so),
		SLOT_TEST(test_application_that_leaves_says_so),
		SLOT_TEST(test_drain_alone_ends_no_slot),
		SLOT_TEST(test_end_of_the_link_ends_an_idle_slot),
		SLOT_TEST(test_end_of_the_link_leaves_a_request_its_time),
		SLOT_TEST(test_late_request_is_answered_and_dies),
		SLOT_TEST(test_late_request_leaves_the_other_slot_its_turn),
		SLOT_TEST(test_both_slots_serve_at_once),
		SLOT_TEST(test_broken_protocol_ends_the_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
