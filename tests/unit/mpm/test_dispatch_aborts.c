/* test_dispatch_aborts.c -- requests that nobody wants any more: FCGI_ABORT_REQUEST, and clients that go. */
#include "tests/unit/mpm/dispatch_words.h"

#define TURN_1 "TURN \nBEGIN 1 role 1 flags 1\nPARAMS 1 some\nPARAMS 1\n"

static void one_that_is_coming_ends_at_once(void **state)
{
	struct world_io *c;

	(void)state;
	world_begin();
	world_slot();
	c = client();
	say_head(c, 1, "POST", 5);
	say_abort(c, 1);
	assert_heard(c, "END 1 0 0\n");
	assert_int_equal(w.notes[REASON_CLIENT_GONE], 1);
	assert_int_equal(dispatch_in_hand(w.d), 0);
	get(c, 1);                              /* the id is free again */
	assert_slots(0, 1, 0);
}

static void a_queued_get_is_dropped(void **state)
{
	struct world_io *c;
	struct dispatch_figures f;

	(void)state;
	world_begin();
	c = client();
	get(c, 1);
	say_abort(c, 1);
	assert_heard(c, "END 1 0 0\n");
	assert_int_equal(dispatch_queued(w.d), 0);
	dispatch_figures(w.d, &f);
	assert_int_equal(f.abandoned, 1);
}

static void a_queued_post_runs(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	c = client();
	post(c, 1, "x");
	say_abort(c, 1);
	assert_heard(c, "");
	s = world_slot();
	assert_heard(s, TURN_1 "STDIN 1 x\nSTDIN 1\n");
	answers(s, "y");
	assert_heard(c, "OUT 1 y\nOUT 1\nEND 1 0 0\n");
}

/* What will never be whole is nothing to run. */
static void a_queued_post_that_is_not_whole_does_not(void **state)
{
	struct world_io *c, *gone;

	(void)state;
	w.conf.event_request_buffering = CONF_BUFFERING_NO;
	world_begin();
	c = client();
	gone = client();
	say_head(c, 1, "POST", 5);
	say_head(gone, 1, "POST", 5);
	assert_int_equal(dispatch_queued(w.d), 2);
	say_abort(c, 1);
	assert_heard(c, "END 1 0 0\n");
	leaves(gone);
	assert_int_equal(dispatch_queued(w.d), 0);
	world_slot();
	assert_slots(1, 0, 0);
}

static void a_running_one_is_told(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	get(c, 1);
	say_abort(c, 1);
	assert_heard(s, TURN_1 "STDIN 1\nABORT 1\n");
	assert_heard(c, "");
	answers(s, "y");
	assert_heard(c, "OUT 1 y\nOUT 1\nEND 1 0 0\n");
	assert_slots(1, 0, 0);
	assert_int_equal(s->kills, 0);
}

static void who_goes_is_told_to_the_slot_once(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	get(c, 1);
	say_abort(c, 1);
	leaves(c);
	assert_heard(s, TURN_1 "STDIN 1\nABORT 1\n");
	assert_int_equal(c->closes, 1);
	prints(s, "nobody hears this");
	assert_slots(0, 1, 0);
	answers(s, "nor this");
	assert_slots(1, 0, 0);
}

/* A client that sends all and goes, as some do for what they need no answer to. */
static void the_application_gets_the_whole_body(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	s->room = 1000;
	say_head(c, 1, "POST", 100 * KIB);
	say_body(c, 1, 100 * KIB);
	say_body_end(c, 1);
	leaves(c);
	takes(s, WORLD_ROOM);
	assert_heard(s, TURN_1 "STDIN 1 102400 bytes\nSTDIN 1\nABORT 1\n");
}

static void a_body_that_is_not_whole_ends_with_the_abort(void **state)
{
	struct world_io *s, *c;

	(void)state;
	w.conf.event_request_buffering = CONF_BUFFERING_NO;
	world_begin();
	s = world_slot();
	c = client();
	s->room = 1000;
	say_head(c, 1, "POST", 1000 * KIB);
	for (int i = 0; i < 4; i++)
		say_body(c, 1, 32 * KIB);
	say_abort(c, 1);
	takes(s, WORLD_ROOM);
	assert_heard_around(s, TURN_1 "STDIN 1 ", "ABORT 1\n");
	world_wait(100 * SECOND);               /* nothing is expected of it */
	assert_int_equal(w.notes[REASON_BODY_TIMEOUT], 0);
	assert_true(dispatch_conn_reads(c->conn));
	answers(s, "y");
	assert_heard(c, "OUT 1 y\nOUT 1\nEND 1 0 0\n");
}

static void nothing_more_is_expected_of_it(void **state)
{
	struct world_io *s, *c;

	(void)state;
	w.conf.event_request_buffering = CONF_BUFFERING_NO;
	world_begin();
	s = world_slot();
	c = client();
	say_head(c, 1, "POST", 5);
	leaves(c);
	world_wait(100 * SECOND);
	assert_int_equal(w.notes[REASON_BODY_TIMEOUT], 0);
	answers(s, "x");
	assert_slots(1, 0, 0);
}

static void kill_ends_the_slot(void **state)
{
	struct world_io *s, *c;

	(void)state;
	w.conf.request_on_abort = CONF_ON_ABORT_KILL;
	world_begin();
	s = world_slot();
	c = client();
	get(c, 1);
	leaves(c);
	assert_int_equal(s->kills, 1);
	assert_int_equal(s->killed, REASON_CLIENT_GONE);
	dies(s, true, true);
	assert_int_equal(s->closes, 1);
	assert_int_equal(dispatch_in_hand(w.d), 0);
}

/* A slot that dies before it began would give the request to another. */
static void what_nobody_wants_is_not_tried_again(void **state)
{
	struct world_io *s, *t, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	get(c, 1);
	t = world_slot();
	leaves(c);
	dies(s, false, false);
	assert_heard(t, "");
	assert_slots(1, 0, 0);
}

static void nor_is_what_never_became_whole(void **state)
{
	struct world_io *s, *t, *c;

	(void)state;
	w.conf.event_request_buffering = CONF_BUFFERING_NO;
	world_begin();
	s = world_slot();
	c = client();
	say_head(c, 1, "POST", 5);
	t = world_slot();
	leaves(c);
	dies(s, false, false);
	assert_heard(t, "");
	assert_slots(1, 0, 0);
}

static void a_post_that_nobody_began_is(void **state)
{
	struct world_io *s, *t, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	post(c, 1, "x");
	t = world_slot();
	leaves(c);
	dies(s, false, false);
	assert_heard(t, TURN_1 "STDIN 1 x\nSTDIN 1\n");
}

/* The client is found to be gone when it is written to. */
static void a_write_that_fails(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	get(c, 1);
	c->error = EPIPE;
	prints(s, "x");
	assert_int_equal(c->closes, 1);
	assert_heard(s, TURN_1 "STDIN 1\nABORT 1\n");
	answers(s, "y");
	assert_slots(1, 0, 0);
}

static void a_write_that_fails_with_the_end(void **state)
{
	struct world_io *s, *c, *other;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	other = client();
	get(c, 1);
	get(other, 2);
	c->error = EPIPE;
	answers(s, "y");
	assert_int_equal(c->closes, 1);
	assert_slots(0, 1, 0);
	answers(s, "z");
	assert_heard(other, "OUT 2 z\nOUT 2\nEND 2 0 0\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(one_that_is_coming_ends_at_once),
		WORLD_TEST(a_queued_get_is_dropped),
		WORLD_TEST(a_queued_post_runs),
		WORLD_TEST(a_queued_post_that_is_not_whole_does_not),
		WORLD_TEST(a_running_one_is_told),
		WORLD_TEST(who_goes_is_told_to_the_slot_once),
		WORLD_TEST(the_application_gets_the_whole_body),
		WORLD_TEST(a_body_that_is_not_whole_ends_with_the_abort),
		WORLD_TEST(nothing_more_is_expected_of_it),
		WORLD_TEST(kill_ends_the_slot),
		WORLD_TEST(what_nobody_wants_is_not_tried_again),
		WORLD_TEST(nor_is_what_never_became_whole),
		WORLD_TEST(a_post_that_nobody_began_is),
		WORLD_TEST(a_write_that_fails),
		WORLD_TEST(a_write_that_fails_with_the_end),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	buf_free(&heard_text);
	return failed;
}
