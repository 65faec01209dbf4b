/* test_dispatch_replies.c -- replies on their way to clients: as fast, as slow and as fairly as these take them. */
#include "tests/unit/mpm/dispatch_words.h"

/* A long reply, all that a slot says of it, with records of several kinds and sizes. */
static void add_long_reply(struct buf *b, uint16_t id)
{
	static const char text[3000] = "a line of the reply";

	for (size_t i = 0; i < 40; i++) {
		fcgi_add_stream(b, FCGI_STDOUT, id, text, 1 + i * 70);
		if (i % 7 == 0)
			fcgi_add_stream(b, FCGI_STDERR, id, "error", 5);
	}
	fcgi_add_stream_end(b, FCGI_STDOUT, id);
	add_end_and_done(b, id, true, true, 0);
}

/* Contents of all records of a type. */
static void stream_of(struct world_io *io, uint8_t type, struct buf *out)
{
	size_t len;

	for (size_t at = 0; (len = record_len(io, at)) > 0 && at + len <= io->got.len; at += len) {
		const uint8_t *head = io->got.data + at;

		if (head[1] == type)
			buf_add(out, head + FCGI_HEADER_LEN, (size_t)head[4] << 8 | head[5]);
	}
}

static void assert_same_stream(struct world_io *a, struct world_io *b, uint8_t type)
{
	struct buf x = { 0 }, y = { 0 };

	stream_of(a, type, &x);
	stream_of(b, type, &y);
	assert_true(x.len > 0);
	assert_int_equal(x.len, y.len);
	assert_memory_equal(x.data, y.data, x.len);
	buf_free(&x);
	buf_free(&y);
}

static void feed_in_steps(struct world_io *s, const struct buf *b, size_t step)
{
	for (size_t at = 0; at < b->len; at += step)
		dispatch_slot_input(s->slot, b->data + at, b->len - at < step ? b->len - at : step);
}

/* However the slot's bytes are cut by reads, the streams are the same, and the slot is free at the end. */
static void cut_anywhere_it_is_the_same_stream(void **state)
{
	static const size_t steps[] = { 1, 2, 3, 7, 8, 9, 13, 100, 1000, 4096, 30000 };
	struct world_io *s, *whole, *c;
	struct buf b = { 0 };

	(void)state;
	world_begin();
	s = world_slot();
	whole = client();
	get(whole, 5);
	add_long_reply(&b, 5);
	feed_in_steps(s, &b, DISPATCH_READ);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		c = client();
		get(c, 5);
		feed_in_steps(s, &b, steps[i]);
		assert_same_stream(whole, c, FCGI_STDOUT);
		assert_same_stream(whole, c, FCGI_STDERR);
		assert_same_stream(whole, c, FCGI_END_REQUEST);
		assert_slots(1, 0, 0);
	}
	buf_free(&b);
}

/* What a slot puts behind its records goes on, or does not: the stream is the same. */
static void padding_is_no_part_of_it(void **state)
{
	struct world_io *s, *c;
	struct buf b = { 0 };
	uint8_t head[FCGI_HEADER_LEN];

	(void)state;
	world_begin();
	s = world_slot();
	for (int i = 0; i < 3; i++) {
		fcgi_put_header(head, FCGI_STDOUT, 1, 5, 3);
		buf_add(&b, head, sizeof(head));
		buf_add(&b, "helloPAD", 8);
	}
	add_end_and_done(&b, 1, true, true, 0);
	for (size_t step = 1; step < b.len; step++) {
		c = client();
		get(c, 1);
		feed_in_steps(s, &b, step);
		assert_heard(c, "OUT 1 hellohellohello\nEND 1 0 0\n");
		leaves(c);
	}
	buf_free(&b);
}

static void a_slow_client_loses_nothing(void **state)
{
	struct world_io *s, *fast, *slow;
	struct buf b = { 0 };

	(void)state;
	w.conf.event_response_memory = 1000;
	world_begin();
	s = world_slot();
	fast = client();
	slow = client();
	add_long_reply(&b, 9);
	get(fast, 9);
	feed_in_steps(s, &b, 5000);
	get(slow, 9);
	slow->room = 1;
	feed_in_steps(s, &b, 5000);
	assert_slots(1, 0, 0);                  /* free at END_REQUEST, however slow the reader */
	assert_true(slow->writes);
	for (size_t i = 0; slow->writes; i++)
		takes(slow, 1 + i % 97);
	assert_same_stream(fast, slow, FCGI_STDOUT);
	assert_same_stream(fast, slow, FCGI_STDERR);
	assert_same_stream(fast, slow, FCGI_END_REQUEST);
	assert_int_equal(fast->got.len, slow->got.len);
	buf_free(&b);
}

static void many_records_of_one_read_are_one_write(void **state)
{
	struct world_io *s, *c;
	struct buf b = { 0 };

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	get(c, 1);
	for (int i = 0; i < 200; i++)
		fcgi_add_stream(&b, i % 2 ? FCGI_STDERR : FCGI_STDOUT, 1, "x", 1);
	add_end_and_done(&b, 1, true, true, 0);
	slot_says(s, &b);
	assert_int_equal(c->sends, 1);
	assert_int_equal(c->got.len, 200 * 9 + 16);
}

static void what_is_flushed_goes_at_once(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	get(c, 1);
	prints(s, "first");
	assert_heard(c, "OUT 1 first\n");
	prints(s, "second");
	assert_heard(c, "OUT 1 second\n");
}

static void the_slot_is_stopped_at_response_max(void **state)
{
	struct world_io *s, *c;
	size_t printed = 0;

	(void)state;
	w.conf.event_response_memory = 64 * KIB;
	w.conf.event_response_max = 256 * KIB;
	world_begin();
	s = world_slot();
	c = client();
	get(c, 1);
	c->room = 0;
	for (; s->reads && printed < 100; printed++)
		prints_bytes(s, 32 * KIB);
	assert_in_range(printed, 8, 10);
	assert_false(s->reads);
	takes(c, 100 * KIB);
	assert_false(s->reads);                 /* not half of it has gone */
	takes(c, 64 * KIB);
	assert_true(s->reads);
	takes(c, WORLD_ROOM);
	answers(s, "x");
	assert_slots(1, 0, 0);
	assert_false(c->writes);
}

static void a_stopped_slot_goes_on_when_the_client_is_gone(void **state)
{
	struct world_io *s, *c;

	(void)state;
	w.conf.event_response_memory = w.conf.event_response_max = 16 * KIB;
	world_begin();
	s = world_slot();
	c = client();
	get(c, 1);
	c->room = 0;
	prints_bytes(s, 32 * KIB);
	prints_bytes(s, 32 * KIB);
	assert_false(s->reads);
	leaves(c);
	assert_true(s->reads);
	answers(s, "x");
	assert_slots(1, 0, 0);
}

static void a_stopped_slot_that_dies(void **state)
{
	struct world_io *s, *c;

	(void)state;
	w.conf.event_response_memory = w.conf.event_response_max = 16 * KIB;
	world_begin();
	s = world_slot();
	c = client();
	get(c, 1);
	c->room = 0;
	prints_bytes(s, 32 * KIB);
	prints_bytes(s, 32 * KIB);
	dies(s, true, false);
	takes(c, WORLD_ROOM);
	assert_int_equal(c->closes, 1);
	assert_null(strstr(heard(c), "END"));
}

/* Where each request's records are in what the client got: how many bytes of each of the others stand before the end
 * of this one, from a place on. */
static size_t most_of_others_before_end(const struct world_io *c, uint16_t id, size_t from)
{
	size_t of[16] = { 0 }, most = 0, len;

	for (size_t at = 0; (len = record_len(c, at)) > 0; at += len) {
		uint16_t whose = (uint16_t)(c->got.data[at + 2] << 8 | c->got.data[at + 3]);

		if (whose == id && c->got.data[at + 1] == FCGI_END_REQUEST)
			break;
		if (at >= from && whose != id)
			of[whose] += len;
	}
	for (size_t i = 0; i < ARRAY_LEN(of); i++)
		most = of[i] > most ? of[i] : most;
	return most;
}

/* One KiB beside eight long ones on one connection. */
static void a_short_reply_waits_for_no_long_one(void **state)
{
	struct world_io *s[9], *c;
	size_t ready_at;

	(void)state;
	world_begin();
	c = client();
	for (int i = 8; i >= 0; i--)
		s[i] = world_slot();
	for (uint16_t id = 1; id <= 9; id++)
		get(c, id);
	c->room = 100 * KIB;
	for (int round = 0; round < 200; round++)
		for (int i = 0; i < 8; i++)
			prints_bytes(s[8 - i], 32 * KIB);
	takes(c, 1000 * KIB);
	prints_bytes(s[0], KIB);
	finishes(s[0]);
	ready_at = c->got.len;
	for (int i = 0; i < 2000 && c->writes; i++)
		takes(c, 50 * KIB);
	assert_false(c->writes);
	assert_non_null(strstr(heard(c), "END 9 0 0\n"));
	assert_true(most_of_others_before_end(c, 9, ready_at) < 129 * KIB);
}

static void several_answers_of_a_slow_client_end_each(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	c->room = 0;
	for (uint16_t id = 1; id <= 3; id++) {
		get(c, id);
		answers(s, "x");
	}
	assert_true(dispatch_in_hand(w.d) > 0);
	takes(c, WORLD_ROOM);
	assert_heard(c, "OUT 1 x\nOUT 1\nEND 1 0 0\nOUT 2 x\nOUT 2\nEND 2 0 0\nOUT 3 x\nOUT 3\nEND 3 0 0\n");
	assert_int_equal(dispatch_in_hand(w.d), 0);
}

/* It may take as fast as the disk gives: nobody else may wait for all of it. */
static void a_long_reply_is_written_in_parts(void **state)
{
	struct world_io *s, *c;
	size_t had = 0;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	get(c, 1);
	c->room = 0;
	for (int i = 0; i < 100; i++)
		prints_bytes(s, 50 * KIB);
	answers(s, "x");
	takes(c, WORLD_ROOM);
	assert_true(c->writes);
	for (int calls = 0; c->writes; calls++) {
		assert_true(calls < 10);
		assert_in_range(c->got.len - had, 1, 1200 * KIB);
		had = c->got.len;
		takes(c, WORLD_ROOM);
	}
	assert_true(c->got.len > 5000 * KIB);
	assert_true(conn_rests(c->conn));
}

/* Who multiplexes has asked again before it saw the end. */
static void what_was_asked_before_the_end_is_answered(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	get(c, 1);
	dispatch_closing(w.d);
	c->peek = DISPATCH_PEEK_BYTES;
	answers(s, "x");
	assert_int_equal(c->closes, 0);
	assert_true(c->reads);
	c->peek = DISPATCH_PEEK_NOTHING;
	dispatch_conn_input(c->conn, (const uint8_t *)"\1\1\0\2", 4);
	assert_int_equal(c->closes, 0);
	dispatch_conn_input(c->conn, (const uint8_t *)"\0\10\0\0\0\1\1\0\0\0\0\0\1\4\0\2\0\0\0\0\1\5\0\2\0\0\0\0", 28);
	answers(s, "y");
	assert_int_equal(c->closes, 1);
	assert_heard(c, "OUT 1 x\nOUT 1\nEND 1 0 0\nOUT 2 y\nOUT 2\nEND 2 0 0\n");
}

/* But who has no use for the connection itself is not asked. */
static void one_that_was_not_to_be_kept_closes_at_the_end(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	c = client();
	ask_with(c, 1, 0, "GET", "");
	dispatch_closing(w.d);
	c->peek = DISPATCH_PEEK_BYTES;
	answers(s, "x");
	assert_int_equal(c->closes, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(cut_anywhere_it_is_the_same_stream),
		WORLD_TEST(padding_is_no_part_of_it),
		WORLD_TEST(a_slow_client_loses_nothing),
		WORLD_TEST(many_records_of_one_read_are_one_write),
		WORLD_TEST(what_is_flushed_goes_at_once),
		WORLD_TEST(the_slot_is_stopped_at_response_max),
		WORLD_TEST(a_stopped_slot_goes_on_when_the_client_is_gone),
		WORLD_TEST(a_stopped_slot_that_dies),
		WORLD_TEST(a_short_reply_waits_for_no_long_one),
		WORLD_TEST(several_answers_of_a_slow_client_end_each),
		WORLD_TEST(a_long_reply_is_written_in_parts),
		WORLD_TEST(what_was_asked_before_the_end_is_answered),
		WORLD_TEST(one_that_was_not_to_be_kept_closes_at_the_end),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	buf_free(&heard_text);
	return failed;
}
