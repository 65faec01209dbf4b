/* test_dispatch_conns.c -- the dispatcher's connections: when they are read, parked, answered and let go. */
#include "tests/unit/mpm/dispatch_words.h"

static void a_request_is_one_write_each_way(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = world_client_from("192.0.2.1");
	get(c, 7);
	assert_heard(s, "TURN 192.0.2.1\nBEGIN 7 role 1 flags 1\nPARAMS 7 some\nPARAMS 7\nSTDIN 7\n");
	assert_int_equal(s->sends, 1);
	assert_slots(0, 1, 0);
	answers(s, "hello");
	assert_heard(c, "OUT 7 hello\nOUT 7\nEND 7 0 0\n");
	assert_int_equal(c->sends, 1);
	assert_slots(1, 0, 0);
	assert_true(c->reads);
}

static void a_small_body_is_one_write_too(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	post(c, 1, "a=b");
	assert_heard(s, "TURN \nBEGIN 1 role 1 flags 1\nPARAMS 1 some\nPARAMS 1\nSTDIN 1 a=b\nSTDIN 1\n");
	assert_int_equal(s->sends, 1);
}

/* Most are answered before anybody would have looked. */
static void a_client_that_only_waits_is_watched_later(void **state)
{
	struct world_io *s, *c;
	unsigned before;

	(void)state;
	world_begin();
	s = world_slot();
	c = world_client_from("");
	get(c, 1);
	assert_false(c->reads);
	assert_int_equal(c->watches, 0);
	world_wait(SECOND);
	assert_true(c->reads);
	before = c->watches;
	answers(s, "x");
	get(c, 2);
	assert_int_equal(c->watches, before);
	answers(s, "y");
	assert_heard(c, "OUT 1 x\nOUT 1\nEND 1 0 0\nOUT 2 y\nOUT 2\nEND 2 0 0\n");
}

static void without_keep_conn_it_is_closed(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	ask_with(c, 1, 0, "GET", "");
	answers(s, "x");
	assert_heard(c, "OUT 1 x\nOUT 1\nEND 1 0 0\n");
	assert_int_equal(c->closes, 1);
	assert_int_equal(c->how, DISPATCH_CLOSE);
}

static void it_is_closed_once_all_is_written(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	ask_with(c, 1, 0, "GET", "");
	c->room = 3;
	answers(s, "x");
	assert_slots(1, 0, 0);
	assert_int_equal(c->closes, 0);
	takes(c, 3);
	assert_int_equal(c->closes, 0);
	takes(c, WORLD_ROOM);
	assert_int_equal(c->closes, 1);
	assert_heard(c, "OUT 1 x\nOUT 1\nEND 1 0 0\n");
}

static void parked_ones_end_with_keepalive_timeout(void **state)
{
	struct world_io *s, *c, *silent;
	struct dispatch_figures f;

	(void)state;
	w.conf.keepalive_timeout_s = 10;
	world_begin();
	s = world_slot();
	c = client();
	silent = client();
	get(c, 1);
	world_wait(9 * SECOND);
	answers(s, "x");
	dispatch_figures(w.d, &f);
	assert_int_equal(f.parked, 1);
	assert_int_equal(f.conns, 2);
	world_wait(9 * SECOND);
	assert_int_equal(c->closes, 0);
	world_wait(SECOND);
	assert_int_equal(c->closes, 1);
	assert_int_equal(c->how, DISPATCH_CLOSE);
	assert_int_equal(silent->closes, 0);    /* that has another limit */
}

static void without_keepalive_timeout_they_stay(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	get(c, 1);
	answers(s, "x");
	assert_true(dispatch_next(w.d) == DISPATCH_NEVER);
	world_wait(1000000ull * SECOND);
	assert_int_equal(c->closes, 0);
}

static void parked_ones_with_bytes_stay(void **state)
{
	struct world_io *s, *c, *d;

	(void)state;
	w.conf.keepalive_timeout_s = 10;
	world_begin();
	s = world_slot();
	c = client();
	d = client();
	get(c, 1);
	answers(s, "x");
	get(d, 1);
	answers(s, "x");
	c->peek = DISPATCH_PEEK_BYTES;
	world_wait(10 * SECOND);
	assert_int_equal(c->closes, 0);
	assert_int_equal(d->closes, 1);
	dispatch_close_parked(w.d);
	assert_int_equal(c->closes, 0);
	get(c, 2);
	assert_slots(0, 1, 0);
}

/* It takes the end of its answer slowly: that is not parked, though no request is left of it. */
static struct world_io *slow_to_take_the_end(void)
{
	struct world_io *s, *c;

	w.conf.keepalive_timeout_s = 10;
	world_begin();
	s = world_slot();
	c = client();
	get(c, 1);
	c->room = 3;
	answers(s, "x");
	return c;
}

static void half_an_answer_is_not_cut_off(void **state)
{
	struct world_io *c = slow_to_take_the_end();
	struct dispatch_figures f;

	(void)state;
	world_wait(100 * SECOND);
	assert_int_equal(c->closes, 0);
	assert_false(dispatch_drop_parked(w.d));
	dispatch_close_parked(w.d);
	assert_int_equal(c->closes, 0);
	dispatch_figures(w.d, &f);
	assert_int_equal(f.parked, 0);
	assert_int_equal(f.writing, 1);
	takes(c, WORLD_ROOM);
	assert_heard(c, "OUT 1 x\nOUT 1\nEND 1 0 0\n");
	world_wait(10 * SECOND);
	assert_int_equal(c->closes, 1);
}

static void nor_at_the_end_of_all(void **state)
{
	struct world_io *c = slow_to_take_the_end();

	(void)state;
	dispatch_closing(w.d);
	assert_true(dispatch_flying(w.d, w.now_us + 1));
	assert_int_equal(dispatch_in_hand(w.d), 1);
	takes(c, WORLD_ROOM);
	assert_int_equal(c->closes, 1);
	assert_heard(c, "OUT 1 x\nOUT 1\nEND 1 0 0\n");
	assert_int_equal(dispatch_in_hand(w.d), 0);
}

static void the_longest_parked_makes_room(void **state)
{
	struct world_io *s, *a, *b;

	(void)state;
	w.conf.event_max_connections = 2;
	world_begin();
	s = world_slot();
	a = client();
	assert_false(dispatch_full(w.d));
	b = client();
	assert_true(dispatch_full(w.d));
	get(b, 1);
	assert_heard(s, "TURN \nBEGIN 1 role 1 flags 1\nPARAMS 1 some\nPARAMS 1\nSTDIN 1\n");
	answers(s, "x");
	get(a, 1);
	answers(s, "x");
	assert_true(dispatch_drop_parked(w.d));
	assert_int_equal(b->closes, 1);
	assert_int_equal(a->closes, 0);
	assert_false(dispatch_full(w.d));
	assert_true(dispatch_drop_parked(w.d));
	assert_false(dispatch_drop_parked(w.d));
}

static void who_says_nothing_is_let_go(void **state)
{
	struct world_io *c, *half;

	(void)state;
	world_begin();
	c = client();
	half = client();
	dispatch_conn_input(half->conn, (const uint8_t *)"\1\1", 2);
	world_wait(59 * SECOND);
	assert_int_equal(c->closes + half->closes, 0);
	assert_true(dispatch_silent_us(w.d) > 0);
	world_wait(SECOND);
	assert_int_equal(c->closes, 1);
	assert_int_equal(half->closes, 1);
	assert_int_equal(dispatch_silent_us(w.d), 0);
	assert_int_equal(dispatch_conns(w.d), 0);
}

/* The begin of a head, on a connection that was parked. */
static void half_a_record_has_its_time_as_well(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	get(c, 1);
	answers(s, "x");
	world_wait(100 * SECOND);
	dispatch_conn_input(c->conn, (const uint8_t *)"\1", 1);
	world_wait(30 * SECOND);
	dispatch_conn_input(c->conn, (const uint8_t *)"\1", 1);
	world_wait(29 * SECOND);
	assert_int_equal(c->closes, 0);
	world_wait(SECOND);
	assert_int_equal(c->closes, 1);
}

static void a_head_has_its_time_in_all(void **state)
{
	struct world_io *c;
	struct buf b = { 0 };

	(void)state;
	world_begin();
	world_slot();
	c = client();
	fcgi_add_begin(&b, 1, FCGI_RESPONDER, FCGI_KEEP_CONN);
	say_and_free(c, &b);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(c->closes, 0);
		fcgi_add_stream(&b, FCGI_PARAMS, 1, "\1\1", 2);
		say_and_free(c, &b);
		world_wait(10 * SECOND);
	}
	assert_refused(c, 1, "408 ");
	assert_int_equal(c->closes, 1);
	assert_int_equal(c->how, DISPATCH_LINGER);
	assert_int_equal(w.notes[REASON_HEADER_TIMEOUT], 1);
}

/* Half closed: it gets what it has asked for whole. */
static void who_has_said_all_is_answered(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	get(c, 1);
	dispatch_conn_end(c->conn, false);
	assert_int_equal(c->closes, 0);
	assert_false(dispatch_conn_reads(c->conn));
	assert_false(c->reads);
	world_wait(SECOND);
	assert_false(c->reads);
	answers(s, "x");
	assert_heard(c, "OUT 1 x\nOUT 1\nEND 1 0 0\n");
	assert_int_equal(c->closes, 1);
}

static void who_has_not_said_all_never_will(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	get(c, 1);
	say_head(c, 2, "POST", 5);
	dispatch_conn_end(c->conn, false);
	assert_refused(c, 2, "400 ");
	answers(s, "x");
	assert_heard(c, "OUT 1 x\nOUT 1\nEND 1 0 0\n");
	assert_int_equal(c->closes, 1);
}

/* Whether a slot has it or not. */
static void nor_will_who_streams(void **state)
{
	struct world_io *c, *queued;

	(void)state;
	w.conf.event_request_buffering = CONF_BUFFERING_NO;
	world_begin();
	world_slot();
	c = client();
	queued = client();
	say_head(c, 1, "POST", 5);
	say_head(queued, 1, "POST", 5);
	assert_slots(0, 1, 0);
	assert_int_equal(dispatch_queued(w.d), 1);
	dispatch_conn_end(queued->conn, false);
	assert_refused(queued, 1, "400 ");
	assert_int_equal(queued->closes, 1);
	dispatch_conn_end(c->conn, false);
	assert_refused(c, 1, "400 ");
	assert_int_equal(c->closes, 1);
}

static void a_silent_one_that_ends_is_closed(void **state)
{
	struct world_io *c;

	(void)state;
	world_begin();
	c = client();
	dispatch_conn_end(c->conn, false);
	assert_int_equal(c->closes, 1);
}

static void bad_bytes_end_it(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	get(c, 1);
	dispatch_conn_input(c->conn, (const uint8_t *)"GET / HTTP/1.0\r\n\r\n", 18);
	assert_int_equal(c->closes, 1);
	assert_int_equal(c->how, DISPATCH_LINGER);
	assert_int_equal(w.notes[REASON_BAD_HEADER], 1);
	answers(s, "x");
	assert_slots(1, 0, 0);
}

static void values_say_that_it_multiplexes(void **state)
{
	struct world_io *c;
	struct buf b = { 0 }, names = { 0 };

	(void)state;
	world_begin();
	c = client();
	fcgi_add_pair(&names, "FCGI_MPXS_CONNS", 15, "", 0);
	fcgi_add_pair(&names, "FCGI_MAX_CONNS", 14, "", 0);
	fcgi_add_pair(&names, "FCGI_MAX_REQS", 13, "", 0);
	fcgi_add_stream(&b, FCGI_GET_VALUES, 0, names.data, names.len);
	buf_free(&names);
	say_and_free(c, &b);
	/* The control characters, which are lengths, are not shown. */
	assert_heard(c, "VALUES 0 FCGI_MAX_CONNS64FCGI_MAX_REQS1004FCGI_MPXS_CONNS1\n");
	assert_int_equal(c->closes, 0);
}

/* It must not cost memory to ask and never to listen. */
static void who_does_not_listen_is_not_heard(void **state)
{
	struct world_io *c;
	struct buf b = { 0 };

	(void)state;
	world_begin();
	c = client();
	c->room = 0;
	for (int i = 0; i < 1000; i++)
		fcgi_add_stream_end(&b, FCGI_GET_VALUES, 0);
	for (int i = 0; i < 100 && dispatch_conn_reads(c->conn); i++)
		say(c, &b);
	assert_false(dispatch_conn_reads(c->conn));
	assert_false(c->reads);
	assert_true(c->writes);
	takes(c, WORLD_ROOM);
	assert_true(c->reads);
	buf_free(&b);
}

static void nor_who_has_many_answers_to_take(void **state)
{
	struct world_io *c;
	unsigned asked = 0;

	(void)state;
	w.conf.queue_max = 0;
	world_begin();
	c = client();
	c->room = 0;
	while (asked < 10000 && dispatch_conn_reads(c->conn))
		get(c, (uint16_t)++asked);
	assert_in_range(asked, 100, 1000);
	assert_false(c->reads);
	takes(c, WORLD_ROOM);
	assert_true(c->reads);
	assert_int_equal(dispatch_in_hand(w.d), 0);
}

static void an_unknown_role_is_told_so(void **state)
{
	struct world_io *c;
	struct buf b = { 0 };

	(void)state;
	world_begin();
	c = client();
	fcgi_add_begin(&b, 1, 9, 0);
	say_and_free(c, &b);
	assert_heard(c, "END 1 0 3\n");
	assert_int_equal(c->closes, 1);
	assert_int_equal(c->how, DISPATCH_LINGER);      /* its parameters may be on their way */
}

/* Also of a client that never asked for FCGI_MPXS_CONNS. */
static void a_new_id_while_one_runs(void **state)
{
	struct world_io *s, *t, *c;

	(void)state;
	world_begin();
	s = world_slot();
	t = world_slot();
	c = client();
	get(c, 1);
	get(c, 2);
	answers(t, "second");
	answers(s, "first");
	assert_heard(c, "OUT 2 second\nOUT 2\nEND 2 0 0\nOUT 1 first\nOUT 1\nEND 1 0 0\n");
}

static void ask_for_page(struct world_io *c, uint16_t id)
{
	struct buf b = { 0 }, params = { 0 };

	fcgi_add_pair(&params, "SCRIPT_NAME", 11, "/ping", 5);
	fcgi_add_begin(&b, id, FCGI_RESPONDER, FCGI_KEEP_CONN);
	fcgi_add_stream(&b, FCGI_PARAMS, id, params.data, params.len);
	fcgi_add_stream_end(&b, FCGI_PARAMS, id);
	fcgi_add_stream_end(&b, FCGI_STDIN, id);
	buf_free(&params);
	say_and_free(c, &b);
}

static void a_large_page_waits_for_a_slow_client(void **state)
{
	struct world_io *c;

	(void)state;
	w.page_path = "/ping";
	w.page_more = 300 * KIB;
	world_begin();
	c = client();
	c->room = 10;
	ask_for_page(c, 1);
	ask_for_page(c, 2);
	takes(c, WORLD_ROOM);
	assert_heard(c, "OUT 1 307206 bytes\nOUT 1\nEND 1 0 0\nOUT 2 307206 bytes\nOUT 2\nEND 2 0 0\n");
}

static void the_pools_own_pages_need_no_slot(void **state)
{
	struct world_io *c;

	(void)state;
	w.page_path = "/ping";
	world_begin();
	c = client();
	ask_for_page(c, 3);
	assert_heard(c, "OUT 3 page\nOUT 3\nEND 3 0 0\n");
	assert_int_equal(c->closes, 0);
}

static void at_the_end_each_answer_closes(void **state)
{
	struct world_io *s, *c, *parked;

	(void)state;
	world_begin();
	s = world_slot();
	parked = client();
	get(parked, 1);
	answers(s, "x");
	c = client();
	get(c, 1);
	dispatch_closing(w.d);
	assert_true(dispatch_flying(w.d, w.now_us + 1));
	answers(s, "x");
	assert_int_equal(c->closes, 1);
	assert_int_equal(parked->closes, 0);
	dispatch_close_parked(w.d);
	assert_int_equal(parked->closes, 1);
	assert_false(dispatch_flying(w.d, w.now_us + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_request_is_one_write_each_way),
		WORLD_TEST(a_small_body_is_one_write_too),
		WORLD_TEST(a_client_that_only_waits_is_watched_later),
		WORLD_TEST(without_keep_conn_it_is_closed),
		WORLD_TEST(it_is_closed_once_all_is_written),
		WORLD_TEST(parked_ones_end_with_keepalive_timeout),
		WORLD_TEST(without_keepalive_timeout_they_stay),
		WORLD_TEST(parked_ones_with_bytes_stay),
		WORLD_TEST(half_an_answer_is_not_cut_off),
		WORLD_TEST(nor_at_the_end_of_all),
		WORLD_TEST(the_longest_parked_makes_room),
		WORLD_TEST(who_says_nothing_is_let_go),
		WORLD_TEST(half_a_record_has_its_time_as_well),
		WORLD_TEST(a_head_has_its_time_in_all),
		WORLD_TEST(who_has_said_all_is_answered),
		WORLD_TEST(who_has_not_said_all_never_will),
		WORLD_TEST(nor_will_who_streams),
		WORLD_TEST(a_silent_one_that_ends_is_closed),
		WORLD_TEST(bad_bytes_end_it),
		WORLD_TEST(values_say_that_it_multiplexes),
		WORLD_TEST(who_does_not_listen_is_not_heard),
		WORLD_TEST(nor_who_has_many_answers_to_take),
		WORLD_TEST(an_unknown_role_is_told_so),
		WORLD_TEST(a_new_id_while_one_runs),
		WORLD_TEST(a_large_page_waits_for_a_slow_client),
		WORLD_TEST(the_pools_own_pages_need_no_slot),
		WORLD_TEST(at_the_end_each_answer_closes),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	buf_free(&heard_text);
	return failed;
}
