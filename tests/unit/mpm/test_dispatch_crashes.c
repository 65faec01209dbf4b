/* test_dispatch_crashes.c -- slots that end in the middle of a turn: whose request is tried again, and what its client
 * gets else. */
#include "tests/unit/mpm/dispatch_words.h"

static void before_it_began_any_request_is_given_to_another(void **state)
{
	struct world_io *s, *t, *c;
	struct dispatch_figures f;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	post(c, 1, "a=b");
	t = world_slot();
	dies(s, false, false);
	assert_int_equal(s->closes, 1);
	assert_int_equal(s->leaves, 1);
	assert_heard(t, "TURN \nBEGIN 1 role 1 flags 1\nPARAMS 1 some\nPARAMS 1\nSTDIN 1 a=b\nSTDIN 1\n");
	answers(t, "x");
	assert_heard(c, "OUT 1 x\nOUT 1\nEND 1 0 0\n");
	dispatch_figures(w.d, &f);
	assert_int_equal(f.retried, 1);
	assert_int_equal(f.answered, 1);
}

/* Not for ever: what kills each slot before it can say that it began. */
static void but_not_to_all_of_them(void **state)
{
	struct world_io *c;
	int slots = 0;

	(void)state;
	world_begin();
	c = client();
	get(c, 1);
	for (; dispatch_in_hand(w.d) > 0 && slots < 100; slots++)
		dies(world_slot(), false, false);
	assert_in_range(slots, 3, 20);
	assert_refused(c, 1, "502 ");
}

static void a_large_body_is_sent_again(void **state)
{
	struct world_io *s, *t, *c;

	(void)state;
	w.conf.event_request_buffering = CONF_BUFFERING_YES;
	world_begin();
	s = world_slot();
	s->room = 50 * KIB;
	c = client();
	say_head(c, 1, "POST", 100 * KIB);
	say_body(c, 1, 100 * KIB);
	say_body_end(c, 1);
	t = world_slot();
	dies(s, false, false);
	assert_heard(t, "TURN \nBEGIN 1 role 1 flags 1\nPARAMS 1 some\nPARAMS 1\nSTDIN 1 102400 bytes\nSTDIN 1\n");
}

static void a_get_that_sent_nothing_is_tried_again(void **state)
{
	struct world_io *s, *t, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	get(c, 1);
	t = world_slot();
	dies(s, true, false);
	answers(t, "x");
	assert_heard(c, "OUT 1 x\nOUT 1\nEND 1 0 0\n");
}

static void a_post_is_not(void **state)
{
	struct world_io *s, *t, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	post(c, 1, "a=b");
	t = world_slot();
	dies(s, true, false);
	assert_refused(c, 1, "502 ");
	assert_int_equal(t->gives, 0);
	assert_int_equal(c->closes, 0);
	assert_int_equal(w.notes[REASON_CHILD_DIED], 1);
	get(c, 1);
	assert_int_equal(t->gives, 1);
}

static void unless_all_are(void **state)
{
	struct world_io *s, *t, *c;

	(void)state;
	w.conf.event_retry = CONF_RETRY_ALL;
	world_begin();
	s = world_slot();
	c = client();
	post(c, 1, "a=b");
	t = world_slot();
	dies(s, true, false);
	assert_heard(t, "TURN \nBEGIN 1 role 1 flags 1\nPARAMS 1 some\nPARAMS 1\nSTDIN 1 a=b\nSTDIN 1\n");
}

static unsigned slots_that_had_it(struct world_io *c)
{
	unsigned slots = 0;

	get(c, 1);
	for (; dispatch_in_hand(w.d) > 0 && slots < 100; slots++)
		dies(world_slot(), true, false);
	return slots;
}

static void so_many_times(void **state)
{
	struct world_io *c;

	(void)state;
	w.conf.event_retry_max = 5;
	world_begin();
	c = client();
	assert_int_equal(slots_that_had_it(c), 6);
	assert_refused(c, 1, "502 ");
}

static void or_not_at_all(void **state)
{
	struct world_io *c;

	(void)state;
	w.conf.event_retry_max = 0;
	world_begin();
	c = client();
	assert_int_equal(slots_that_had_it(c), 1);
	assert_refused(c, 1, "502 ");
}

static void what_we_ended_is_over(void **state)
{
	struct world_io *s, *t, *c;

	(void)state;
	w.conf.event_retry = CONF_RETRY_ALL;
	world_begin();
	s = world_slot();
	c = client();
	get(c, 1);
	t = world_slot();
	dies(s, true, true);
	assert_refused(c, 1, "504 ");
	assert_int_equal(t->gives, 0);
	assert_int_equal(w.notes[REASON_REQUEST_TIMEOUT], 1);
}

/* The client sees it by the connection's end, and by no END_REQUEST. */
static void after_output_the_connection_breaks_off(void **state)
{
	struct world_io *s, *t, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	get(c, 1);
	t = world_slot();
	prints(s, "half of it");
	dies(s, true, false);
	assert_heard(c, "OUT 1 half of it\n");
	assert_int_equal(c->closes, 1);
	assert_int_equal(t->gives, 0);
	assert_int_equal(dispatch_in_hand(w.d), 0);
}

/* Others on it have their answers first. */
static void but_not_for_the_others_on_it(void **state)
{
	struct world_io *s, *t, *c;

	(void)state;
	world_begin();
	s = world_slot();
	t = world_slot();
	c = client();
	get(c, 1);
	get(c, 2);
	prints(t, "half of it");
	dies(t, true, false);
	assert_int_equal(c->closes, 0);
	answers(s, "x");
	assert_int_equal(c->closes, 1);
	assert_non_null(strstr(heard(c), "END "));
}

/* Else who asks again and again keeps the first from ever learning that there is no more. */
static void and_no_new_ones_are_begun(void **state)
{
	struct world_io *s, *t, *c;

	(void)state;
	world_begin();
	s = world_slot();
	t = world_slot();
	c = client();
	get(c, 1);
	get(c, 2);
	prints(t, "half of it");
	dies(t, true, false);
	post(c, 3, "never begun");
	assert_int_equal(dispatch_queued(w.d), 0);
	answers(s, "x");
	assert_int_equal(c->closes, 1);
	assert_int_equal(c->how, DISPATCH_LINGER);
	assert_slots(1, 0, 0);
}

static void a_finished_one_may_die(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	get(c, 1);
	prints(s, "all");
	finishes(s);
	dies(s, true, false);
	assert_heard(c, "OUT 1 all\nEND 1 0 0\n");
	assert_int_equal(c->closes, 0);
	assert_int_equal(w.notes[REASON_CHILD_DIED], 0);
	assert_slots(0, 0, 0);
}

static void an_idle_one_may_as_well(void **state)
{
	struct world_io *s;

	(void)state;
	world_begin();
	s = world_slot();
	dies(s, false, false);
	assert_int_equal(s->closes, 1);
	assert_slots(0, 0, 0);
}

/* Before those that came later, and its time in the queue goes on. */
static void who_is_tried_again_is_first(void **state)
{
	struct world_io *s, *c, *other;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	other = client();
	get(c, 1);
	get(other, 2);
	dies(s, true, false);
	s = world_slot();
	assert_int_equal(s->slot->id, 1);
	answers(s, "x");
	assert_int_equal(s->slot->id, 2);
}

/* What was streamed to it is not there any more. */
static void a_streamed_body_cannot_be_sent_again(void **state)
{
	struct world_io *s, *t, *c;

	(void)state;
	w.conf.event_request_buffering = CONF_BUFFERING_NO;
	world_begin();
	s = world_slot();
	c = client();
	say_head(c, 1, "POST", 10);
	s->begun = true;
	say_body(c, 1, 5);
	t = world_slot();
	dies(s, true, false);
	assert_refused(c, 1, "502 ");
	assert_int_equal(t->gives, 0);
	say_body(c, 1, 5);                      /* passed over */
	say_body_end(c, 1);
	get(c, 1);
	answers(t, "x");
	assert_heard(c, "OUT 1 x\nOUT 1\nEND 1 0 0\n");
}

/* As long as its slot has not begun with it, all of it is kept, whatever its method. */
static void a_streamed_body_goes_whole_to_the_next_slot(void **state)
{
	struct world_io *s, *t, *c;

	(void)state;
	w.conf.event_request_buffering = CONF_BUFFERING_NO;
	world_begin();
	s = world_slot();
	c = client();
	say_head(c, 1, "POST", 10);
	say_body(c, 1, 5);
	t = world_slot();
	dies(s, false, false);
	assert_int_equal(t->gives, 1);
	assert_true(t->slot->req->kept);
	t->begun = true;
	say_body(c, 1, 5);
	assert_false(t->slot->req->kept);
	say_body_end(c, 1);
	assert_non_null(strstr(heard(t), "STDIN 1 bbbbbbbbbb\nSTDIN 1\n"));
	answers(t, "x");
	assert_heard(c, "OUT 1 x\nOUT 1\nEND 1 0 0\n");
}

/* Under event.request_buffering = no a request without a length begins at its head, nearly all GETs among them. */
static void but_where_none_came_there_is_nothing_to_send(void **state)
{
	struct world_io *s, *t, *c;

	(void)state;
	w.conf.event_request_buffering = CONF_BUFFERING_NO;
	world_begin();
	s = world_slot();
	c = client();
	get(c, 1);
	assert_true(s->slot->req->streamed);
	t = world_slot();
	dies(s, true, false);
	answers(t, "x");
	assert_heard(c, "OUT 1 x\nOUT 1\nEND 1 0 0\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(before_it_began_any_request_is_given_to_another),
		WORLD_TEST(but_not_to_all_of_them),
		WORLD_TEST(a_large_body_is_sent_again),
		WORLD_TEST(a_get_that_sent_nothing_is_tried_again),
		WORLD_TEST(a_post_is_not),
		WORLD_TEST(unless_all_are),
		WORLD_TEST(so_many_times),
		WORLD_TEST(or_not_at_all),
		WORLD_TEST(what_we_ended_is_over),
		WORLD_TEST(after_output_the_connection_breaks_off),
		WORLD_TEST(but_not_for_the_others_on_it),
		WORLD_TEST(and_no_new_ones_are_begun),
		WORLD_TEST(a_finished_one_may_die),
		WORLD_TEST(an_idle_one_may_as_well),
		WORLD_TEST(who_is_tried_again_is_first),
		WORLD_TEST(a_streamed_body_cannot_be_sent_again),
		WORLD_TEST(a_streamed_body_goes_whole_to_the_next_slot),
		WORLD_TEST(but_where_none_came_there_is_nothing_to_send),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	buf_free(&heard_text);
	return failed;
}
