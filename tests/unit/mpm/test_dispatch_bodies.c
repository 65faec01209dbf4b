/* test_dispatch_bodies.c -- what clients send: its limits in size and time, and which bodies are streamed. */
#include "tests/unit/mpm/dispatch_words.h"

#define HEAD_1 "TURN \nBEGIN 1 role 1 flags 1\nPARAMS 1 some\nPARAMS 1\n"

static void a_body_is_given_whole(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	say_head(c, 1, "POST", 6);
	world_wait(10 * SECOND);
	say_body(c, 1, 3);
	world_wait(10 * SECOND);
	say_body(c, 1, 3);
	assert_int_equal(s->gives, 0);
	assert_true(c->reads);
	say_body_end(c, 1);
	assert_heard(s, HEAD_1 "STDIN 1 bbbbbb\nSTDIN 1\n");
	assert_int_equal(s->sends, 1);
}

static void its_time_goes_by_progress(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	say_head(c, 1, "POST", 100);
	for (int i = 0; i < 10; i++) {
		world_wait(59 * SECOND);
		say_body(c, 1, 1);
	}
	assert_heard(c, "");
	world_wait(60 * SECOND);
	assert_refused(c, 1, "408 ");
	assert_int_equal(w.notes[REASON_BODY_TIMEOUT], 1);
	assert_int_equal(c->closes, 1);
	assert_int_equal(c->how, DISPATCH_LINGER);
	assert_int_equal(s->gives, 0);
}

/* Said before the first byte of it. */
static void too_large_as_announced(void **state)
{
	struct world_io *c;

	(void)state;
	w.conf.request_max_body = 1000;
	world_begin();
	c = client();
	say_head(c, 1, "POST", 1001);
	assert_refused(c, 1, "413 ");
	assert_int_equal(c->closes, 1);
	assert_int_equal(c->how, DISPATCH_LINGER);
	assert_int_equal(w.notes[REASON_BODY_TOO_LARGE], 1);
}

static void too_large_in_fact(void **state)
{
	struct world_io *s, *c;

	(void)state;
	w.conf.request_max_body = 1000;
	world_begin();
	s = world_slot();
	c = client();
	say_head(c, 1, "POST", 10);
	say_body(c, 1, 1000);
	assert_heard(c, "");
	say_body(c, 1, 1);
	assert_refused(c, 1, "413 ");
	assert_int_equal(s->gives, 0);
}

static void too_large_while_it_is_streamed(void **state)
{
	struct world_io *s, *c;

	(void)state;
	w.conf.request_max_body = 1000;
	w.conf.event_request_buffering = CONF_BUFFERING_NO;
	world_begin();
	s = world_slot();
	c = client();
	say_head(c, 1, "POST", 10);
	say_body(c, 1, 600);
	say_body(c, 1, 600);
	assert_refused(c, 1, "413 ");
	assert_heard(s, HEAD_1 "STDIN 1 600 bytes\nABORT 1\n");
	answers(s, "nobody wants it");
	assert_slots(1, 0, 0);
}

static void params_too_large(void **state)
{
	struct world_io *s, *c;
	struct buf b = { 0 };
	char text[1200];

	(void)state;
	memset(text, 'x', sizeof(text));
	w.conf.request_max_params = 1000;
	world_begin();
	s = world_slot();
	c = client();
	fcgi_add_begin(&b, 1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	fcgi_add_stream(&b, FCGI_PARAMS, 1, text, 1001);
	fcgi_add_stream_end(&b, FCGI_PARAMS, 1);
	say_and_free(c, &b);
	assert_refused(c, 1, "431 ");
	assert_int_equal(c->closes, 1);
	assert_int_equal(c->how, DISPATCH_LINGER);
	assert_int_equal(s->gives, 0);
}

static void params_that_end_inside_a_name(void **state)
{
	struct world_io *c;
	struct buf b = { 0 };

	(void)state;
	world_begin();
	c = client();
	fcgi_add_begin(&b, 1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	fcgi_add_stream(&b, FCGI_PARAMS, 1, "\5\5abc", 5);
	fcgi_add_stream_end(&b, FCGI_PARAMS, 1);
	say_and_free(c, &b);
	assert_refused(c, 1, "400 ");
}

/* An upload at a front end's speed is not kept here first. */
static void a_fast_large_body_is_streamed(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	say_head(c, 1, "POST", 200 * KIB);
	say_body(c, 1, 60 * KIB);
	assert_int_equal(s->gives, 0);
	say_body(c, 1, 60 * KIB);
	assert_int_equal(s->gives, 1);
	assert_heard(s, HEAD_1 "STDIN 1 122880 bytes\n");
	say_body(c, 1, 80 * KIB);
	assert_heard(s, "STDIN 1 81920 bytes\n");
	say_body_end(c, 1);
	assert_heard(s, "STDIN 1\n");
	answers(s, "x");
	assert_heard(c, "OUT 1 x\nOUT 1\nEND 1 0 0\n");
}

static void a_slow_one_is_not(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	say_head(c, 1, "POST", 200 * KIB);
	world_wait(SECOND);
	say_body(c, 1, 60 * KIB);
	say_body(c, 1, 60 * KIB);
	say_body(c, 1, 80 * KIB);
	assert_int_equal(s->gives, 0);
	say_body_end(c, 1);
	assert_heard(s, HEAD_1 "STDIN 1 204800 bytes\nSTDIN 1\n");
}

static void nor_with_buffering(void **state)
{
	struct world_io *s, *c;

	(void)state;
	w.conf.event_request_buffering = CONF_BUFFERING_YES;
	world_begin();
	s = world_slot();
	c = client();
	say_head(c, 1, "POST", 200 * KIB);
	for (int i = 0; i < 4; i++)
		say_body(c, 1, 50 * KIB);
	assert_int_equal(s->gives, 0);
	say_body_end(c, 1);
	assert_int_equal(s->gives, 1);
}

static void nor_while_others_wait(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	get(client(), 9);
	say_head(c, 1, "POST", 200 * KIB);
	for (int i = 0; i < 4; i++)
		say_body(c, 1, 50 * KIB);
	assert_int_equal(dispatch_queued(w.d), 0);
	answers(s, "x");
	assert_slots(1, 0, 0);
}

static void without_buffering_it_begins_at_once(void **state)
{
	struct world_io *s, *c;

	(void)state;
	w.conf.event_request_buffering = CONF_BUFFERING_NO;
	world_begin();
	s = world_slot();
	c = client();
	say_head(c, 1, "POST", 6);
	assert_heard(s, HEAD_1);
	assert_true(c->reads);
	say_body(c, 1, 3);
	assert_heard(s, "STDIN 1 bbb\n");
	say_body(c, 1, 3);
	say_body_end(c, 1);
	assert_heard(s, "STDIN 1 bbb\nSTDIN 1\n");
}

/* Nor does a new connection wait to be read on. */
static void the_rest_of_it_is_read_at_once(void **state)
{
	struct world_io *c, *queued;
	struct buf b = { 0 };

	(void)state;
	w.conf.event_request_buffering = CONF_BUFFERING_NO;
	world_begin();
	world_slot();
	add_head(&b, 1, FCGI_KEEP_CONN, "POST", 6);
	c = world_client_from("");
	say(c, &b);
	assert_true(c->reads);
	queued = world_client_from("");
	say(queued, &b);
	assert_true(queued->reads);
	buf_free(&b);
}

static void a_slow_slot_holds_the_client_back(void **state)
{
	struct world_io *s, *c;

	(void)state;
	w.conf.event_request_buffering = CONF_BUFFERING_NO;
	world_begin();
	s = world_slot();
	c = client();
	s->room = 1000;
	say_head(c, 1, "POST", 1000 * KIB);
	for (int i = 0; i < 20 && dispatch_conn_reads(c->conn); i++)
		say_body(c, 1, 32 * KIB);
	assert_false(dispatch_conn_reads(c->conn));
	assert_false(c->reads);
	world_wait(100 * SECOND);               /* it is not the client who is slow */
	assert_int_equal(w.notes[REASON_BODY_TIMEOUT], 0);
	takes(s, WORLD_ROOM);
	assert_true(c->reads);
	say_body(c, 1, 32 * KIB);
	world_wait(60 * SECOND);                /* but now it is */
	assert_int_equal(w.notes[REASON_BODY_TIMEOUT], 1);
	assert_refused(c, 1, "408 ");
}

/* It waited for a slot with as much of its body as may wait, and then the slot does not take it. */
static void so_does_a_slot_that_was_not_there_yet(void **state)
{
	struct world_io *s, *c;

	(void)state;
	w.conf.event_request_buffering = CONF_BUFFERING_NO;
	world_begin();
	s = world_slot();
	get(client(), 9);
	c = client();
	say_head(c, 1, "POST", 1000 * KIB);
	for (int i = 0; i < 20 && dispatch_conn_reads(c->conn); i++)
		say_body(c, 1, 32 * KIB);
	assert_false(dispatch_conn_reads(c->conn));
	s->room = 100;
	answers(s, "x");
	assert_int_equal(s->slot->id, 1);
	world_wait(100 * SECOND);
	assert_int_equal(w.notes[REASON_BODY_TIMEOUT], 0);
	takes(s, WORLD_ROOM);
	assert_true(c->reads);
}

static void a_slot_that_answers_early_lets_it_go_on(void **state)
{
	struct world_io *s, *c;

	(void)state;
	w.conf.event_request_buffering = CONF_BUFFERING_NO;
	world_begin();
	s = world_slot();
	c = client();
	s->room = 1000;
	say_head(c, 1, "POST", 1000 * KIB);
	for (int i = 0; i < 20 && dispatch_conn_reads(c->conn); i++)
		say_body(c, 1, 32 * KIB);
	answers(s, "enough");
	assert_heard(c, "OUT 1 enough\nOUT 1\nEND 1 0 0\n");
	assert_true(c->reads);
	say_body(c, 1, 32 * KIB);
	say_body_end(c, 1);
	get(c, 1);
	s->seen = s->got.len;
	takes(s, WORLD_ROOM);
	answers(s, "next");
	assert_heard(c, "OUT 1 next\nOUT 1\nEND 1 0 0\n");
}

/* The rest of the body may be on its way: it is read before the connection is closed. */
static void nor_is_it_reset(void **state)
{
	struct world_io *s, *c;
	struct buf b = { 0 };

	(void)state;
	w.conf.event_request_buffering = CONF_BUFFERING_NO;
	world_begin();
	s = world_slot();
	c = client();
	add_head(&b, 1, 0, "POST", 1000 * KIB);
	say_and_free(c, &b);
	answers(s, "enough");
	assert_int_equal(c->closes, 1);
	assert_int_equal(c->how, DISPATCH_LINGER);
}

/* Others on the connection must not wait behind it. */
static void one_among_others_is_not_held_back(void **state)
{
	struct world_io *s, *t, *c;

	(void)state;
	w.conf.event_request_buffering = CONF_BUFFERING_NO;
	world_begin();
	t = world_slot();
	s = world_slot();
	c = client();
	get(c, 2);
	assert_int_equal(t->gives, 1);
	s->room = 1000;
	say_head(c, 1, "POST", 1000 * KIB);
	for (int i = 0; i < 10; i++)
		say_body(c, 1, 32 * KIB);
	assert_true(dispatch_conn_reads(c->conn));
}

/* A slot may take as fast as the disk gives: nobody else may wait for all of it. */
static void a_long_body_is_given_in_parts(void **state)
{
	struct world_io *s, *c;
	size_t had = 0;

	(void)state;
	w.conf.event_request_buffering = CONF_BUFFERING_YES;
	world_begin();
	s = world_slot();
	c = client();
	say_head(c, 1, "POST", 5000 * KIB);
	for (int i = 0; i < 100; i++)
		say_body(c, 1, 50 * KIB);
	say_body_end(c, 1);
	assert_true(s->writes);
	for (int calls = 0; s->writes; calls++) {
		assert_true(calls < 10);
		assert_in_range(s->got.len - had, 1, 1200 * KIB);
		had = s->got.len;
		takes(s, WORLD_ROOM);
	}
	assert_true(s->got.len > 5000 * KIB);
	assert_true(s->slot->req->stdin_sent);
	answers(s, "x");
	assert_false(s->writes);
}

/* The rest of it is given to nobody, and nobody waits for room. */
static void a_long_body_whose_slot_has_answered(void **state)
{
	struct world_io *s, *c;

	(void)state;
	w.conf.event_request_buffering = CONF_BUFFERING_YES;
	world_begin();
	s = world_slot();
	c = client();
	say_head(c, 1, "POST", 5000 * KIB);
	for (int i = 0; i < 100; i++)
		say_body(c, 1, 50 * KIB);
	say_body_end(c, 1);
	assert_true(s->writes);
	finishes(s);
	takes(s, WORLD_ROOM);
	assert_false(s->writes);
	is_free(s);
	assert_true(dispatch_slot_idle(s->slot));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_body_is_given_whole),
		WORLD_TEST(its_time_goes_by_progress),
		WORLD_TEST(too_large_as_announced),
		WORLD_TEST(too_large_in_fact),
		WORLD_TEST(too_large_while_it_is_streamed),
		WORLD_TEST(params_too_large),
		WORLD_TEST(params_that_end_inside_a_name),
		WORLD_TEST(a_fast_large_body_is_streamed),
		WORLD_TEST(a_slow_one_is_not),
		WORLD_TEST(nor_with_buffering),
		WORLD_TEST(nor_while_others_wait),
		WORLD_TEST(without_buffering_it_begins_at_once),
		WORLD_TEST(the_rest_of_it_is_read_at_once),
		WORLD_TEST(a_slow_slot_holds_the_client_back),
		WORLD_TEST(so_does_a_slot_that_was_not_there_yet),
		WORLD_TEST(a_slot_that_answers_early_lets_it_go_on),
		WORLD_TEST(nor_is_it_reset),
		WORLD_TEST(one_among_others_is_not_held_back),
		WORLD_TEST(a_long_body_is_given_in_parts),
		WORLD_TEST(a_long_body_whose_slot_has_answered),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	buf_free(&heard_text);
	return failed;
}
