/* test_dispatch_slots.c -- the dispatcher's slots: who gets a request, what is sent to it, and how it leaves. */
#include "tests/unit/mpm/dispatch_words.h"

#define TURN_1 "TURN \nBEGIN 1 role 1 flags 1\nPARAMS 1 some\nPARAMS 1\n"

static void ask_of_length(struct world_io *c, size_t len)
{
	say_head(c, 1, "POST", len);
	say_body(c, 1, len);
	say_body_end(c, 1);
}

static void the_last_that_became_free_is_first(void **state)
{
	struct world_io *s[3], *c;

	(void)state;
	world_begin();
	for (int i = 0; i < 3; i++)
		s[i] = world_slot();
	c = client();
	for (uint16_t id = 1; id <= 3; id++)
		get(c, id);
	answers(s[2], "x");
	answers(s[0], "x");
	answers(s[1], "x");
	for (uint16_t id = 1; id <= 5; id++) {
		get(c, id);
		answers(s[1], "x");
	}
	assert_int_equal(s[0]->gives, 1);
	assert_int_equal(s[1]->gives, 6);
	assert_int_equal(s[2]->gives, 1);
}

static void large_params_are_cut_into_records(void **state)
{
	struct world_io *s, *c;
	struct buf b = { 0 }, params = { 0 };
	char *value = xcalloc(200 * KIB, 1);

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	memset(value, 'v', 200 * KIB);
	fcgi_add_pair(&params, "LARGE", 5, value, 200 * KIB);
	fcgi_add_begin(&b, 1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	fcgi_add_stream(&b, FCGI_PARAMS, 1, params.data, params.len);
	fcgi_add_stream_end(&b, FCGI_PARAMS, 1);
	fcgi_add_stream_end(&b, FCGI_STDIN, 1);
	buf_free(&params);
	free(value);
	say_and_free(c, &b);
	assert_heard(s, "TURN \nBEGIN 1 role 1 flags 1\nPARAMS 1 many\nPARAMS 1\nSTDIN 1\n");
	assert_true(s->got.len > 200 * KIB);
	answers(s, "x");
	assert_heard(c, "OUT 1 x\nOUT 1\nEND 1 0 0\n");
}

static void no_params_at_all(void **state)
{
	struct world_io *s, *c;
	struct buf b = { 0 };

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	fcgi_add_begin(&b, 1, FCGI_AUTHORIZER, FCGI_KEEP_CONN);
	fcgi_add_stream_end(&b, FCGI_PARAMS, 1);
	say_and_free(c, &b);
	assert_heard(s, "TURN \nBEGIN 1 role 2 flags 1\nPARAMS 1\nSTDIN 1\n");
}

static void a_filter_gets_its_data(void **state)
{
	struct world_io *s, *c;
	struct buf b = { 0 };

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	fcgi_add_begin(&b, 1, FCGI_FILTER, FCGI_KEEP_CONN);
	add_params(&b, 1, "POST", 4);
	fcgi_add_stream(&b, FCGI_STDIN, 1, "form", 4);
	fcgi_add_stream_end(&b, FCGI_STDIN, 1);
	fcgi_add_stream(&b, FCGI_DATA, 1, "file", 4);
	say_and_free(c, &b);
	assert_slots(1, 0, 0);
	fcgi_add_stream_end(&b, FCGI_DATA, 1);
	s->room = 200;                          /* not all at once */
	say_and_free(c, &b);
	takes(s, WORLD_ROOM);
	assert_heard(s, "TURN \nBEGIN 1 role 3 flags 1\nPARAMS 1 some\nPARAMS 1\n"
	    "STDIN 1 form\nSTDIN 1\nDATA 1 file\nDATA 1\n");
}

/* The pair has room for little: what it does not take waits, and whole records only are cut short. */
static void a_slot_that_takes_slowly(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	s->room = 10;
	say_head(c, 1, "POST", 60 * KIB);
	say_body(c, 1, 60 * KIB);
	assert_slots(1, 0, 0);
	say_body_end(c, 1);
	assert_slots(0, 1, 0);
	assert_true(s->writes);
	for (int i = 0; i < 50; i++)
		takes(s, 777);
	assert_true(s->writes);
	takes(s, WORLD_ROOM);
	assert_false(s->writes);
	assert_heard(s, TURN_1 "STDIN 1 61440 bytes\nSTDIN 1\n");
}

/* An answer before the input was read: the rest of the input record is sent, and then the next turn. */
static void a_turn_that_ends_early(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	say_head(c, 1, "POST", 60 * KIB);
	say_body(c, 1, 60 * KIB);
	s->room = 1000;
	say_body_end(c, 1);
	answers(s, "early");
	assert_heard(c, "OUT 1 early\nOUT 1\nEND 1 0 0\n");
	assert_slots(1, 0, 0);
	get(c, 1);
	takes(s, WORLD_ROOM);
	assert_heard_around(s, TURN_1 "STDIN 1 ", TURN_1 "STDIN 1\n");
}

/* fastcgi_finish_request() */
static void the_client_has_all_while_the_script_works_on(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	get(c, 1);
	prints(s, "early");
	finishes(s);
	assert_heard(c, "OUT 1 early\nEND 1 0 0\n");
	assert_slots(0, 0, 1);
	assert_false(dispatch_slot_idle(s->slot));
	assert_int_equal(dispatch_in_hand(w.d), 0);
	get(c, 2);
	assert_int_equal(dispatch_queued(w.d), 1);
	assert_int_equal(s->gives, 1);
	leaves(c);
	assert_int_equal(dispatch_queued(w.d), 0);
	is_free(s);
	assert_slots(1, 0, 0);
	assert_int_equal(s->gives, 1);
}

static void one_that_says_it_leaves_gets_no_more(void **state)
{
	struct world_io *s, *c;
	struct buf b = { 0 };

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	get(c, 1);
	add_answer(&b, 1, "last", EVENT_DONE_LEAVING);
	slot_says(s, &b);
	assert_heard(c, "OUT 1 last\nOUT 1\nEND 1 0 0\n");
	assert_true(s->ended);
	assert_int_equal(s->leaves, 1);
	get(c, 2);
	assert_int_equal(s->gives, 1);
	dispatch_slot_end(s->slot);
	assert_int_equal(s->closes, 1);
	assert_int_equal(dispatch_queued(w.d), 1);
	world_slot();
	assert_int_equal(dispatch_queued(w.d), 0);
}

static void an_idle_one_retires_at_once(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	dispatch_slot_retire(s->slot);
	dispatch_slot_retire(s->slot);
	assert_true(s->ended);
	get(c, 1);
	assert_int_equal(s->gives, 0);
	assert_int_equal(dispatch_queued(w.d), 1);
}

static void a_busy_one_retires_once_it_is_free(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	get(c, 1);
	dispatch_slot_retire(s->slot);
	assert_false(s->ended);
	prints(s, "x");
	finishes(s);
	assert_false(s->ended);
	is_free(s);
	assert_true(s->ended);
	assert_heard(c, "OUT 1 x\nEND 1 0 0\n");
	dispatch_slot_end(s->slot);
	assert_int_equal(s->closes, 1);
	assert_slots(0, 0, 0);
}

static void is_mad(struct world_io *s, const char *bytes, size_t len)
{
	assert_false(s->mad);
	dispatch_slot_input(s->slot, (const uint8_t *)bytes, len);
	assert_true(s->mad);
}

static void what_no_slot_sends_ends_it(void **state)
{
	struct world_io *s;

	(void)state;
	world_begin();
	get(client(), 1);
	s = world_slot();
	is_mad(s, "HTTP/1.1", 8);
	s = world_slot();                       /* idle: it has nothing to say */
	is_mad(s, "\1\6\0\1\0\1\0\0x", 9);
	get(client(), 1);
	s = world_slot();                       /* another request's */
	is_mad(s, "\1\6\0\2\0\1\0\0x", 9);
	get(client(), 1);
	s = world_slot();                       /* free, but not answered */
	is_mad(s, "\1\377\0\0\0\30\0\0", 8);
	get(client(), 1);
	s = world_slot();                       /* what a client says */
	is_mad(s, "\1\5\0\1\0\1\0\0x", 9);
	get(client(), 1);
	s = world_slot();                       /* an END of the wrong size */
	is_mad(s, "\1\3\0\1\0\1\0\0x", 9);
}

/* An idle one that is mad is not given a request before it has ended. */
static void a_mad_one_gets_nothing(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	is_mad(s, "x", 1);
	assert_int_equal(s->leaves, 0);
	get(c, 1);
	assert_int_equal(s->gives, 0);
	dispatch_slot_end(s->slot);
	assert_int_equal(s->closes, 1);
	world_slot();
	assert_slots(0, 1, 0);
}

/* We end it, but its request took no time: 502, or another try. */
/* Else what it is sent would wait in memory without end. */
static void one_that_answers_what_it_never_read(void **state)
{
	struct world_io *s, *c;
	int turns = 0;

	(void)state;
	w.conf.request_max_params = 1024;
	world_begin();
	s = world_slot();
	s->room = 0;
	c = client();
	for (; !s->mad && turns < 100; turns++) {
		ask_of_length(c, 30 * KIB);
		answers(s, "x");
	}
	assert_in_range(turns, 5, 20);
	assert_in_range(s->slot->out.len, 1, 512 * KIB);
}

/* That of the last turn it passes over. */
static void the_end_of_a_body_may_stay_unread(void **state)
{
	struct world_io *s, *c;

	(void)state;
	w.conf.request_max_params = 1024;
	world_begin();
	s = world_slot();
	c = client();
	for (int turns = 0; turns < 100; turns++) {
		s->room = 1024;
		ask_of_length(c, 200 * KIB);
		answers(s, "x");
		assert_false(s->mad);
		takes(s, WORLD_ROOM);
	}
}

static void a_mad_one_is_no_timeout(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	post(c, 1, "x");
	is_mad(s, "x", 1);
	dies(s, true, true);
	assert_refused(c, 1, "502 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(the_last_that_became_free_is_first),
		WORLD_TEST(large_params_are_cut_into_records),
		WORLD_TEST(no_params_at_all),
		WORLD_TEST(a_filter_gets_its_data),
		WORLD_TEST(a_slot_that_takes_slowly),
		WORLD_TEST(a_turn_that_ends_early),
		WORLD_TEST(the_client_has_all_while_the_script_works_on),
		WORLD_TEST(one_that_says_it_leaves_gets_no_more),
		WORLD_TEST(an_idle_one_retires_at_once),
		WORLD_TEST(a_busy_one_retires_once_it_is_free),
		WORLD_TEST(what_no_slot_sends_ends_it),
		WORLD_TEST(a_mad_one_gets_nothing),
		WORLD_TEST(a_mad_one_is_no_timeout),
		WORLD_TEST(one_that_answers_what_it_never_read),
		WORLD_TEST(the_end_of_a_body_may_stay_unread),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	buf_free(&heard_text);
	return failed;
}
