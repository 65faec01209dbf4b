/* test_dispatch_queue.c -- requests that wait for a slot: in which order, how many, how long, and for whom. */
#include "tests/unit/mpm/dispatch_words.h"

static void first_in_first_out(void **state)
{
	struct world_io *s, *c, *other;

	(void)state;
	world_begin();
	c = client();
	other = client();
	get(c, 1);
	get(other, 2);
	get(c, 3);
	assert_int_equal(dispatch_queued(w.d), 3);
	assert_int_equal(w.busy, 1);            /* said once, until nothing is queued */
	s = world_slot();
	for (uint16_t id = 1; id <= 3; id++) {
		assert_int_equal(s->slot->id, id);
		answers(s, "x");
	}
	assert_int_equal(dispatch_queued(w.d), 0);
	assert_slots(1, 0, 0);
	assert_heard(c, "OUT 1 x\nOUT 1\nEND 1 0 0\nOUT 3 x\nOUT 3\nEND 3 0 0\n");
}

static void over_the_limit_is_refused(void **state)
{
	struct world_io *c, *over;
	struct dispatch_figures f;

	(void)state;
	w.conf.queue_max = 2;
	w.conf.queue_retry_after_s = 7;
	world_begin();
	c = client();
	over = client();
	get(c, 1);
	get(c, 2);
	get(over, 1);
	assert_refused(over, 1, "503 Service UnavailableContent-Type: text/plain; charset=utf-8"
	    "X-Weir-Reason: queue_fullRetry-After: 7");
	assert_int_equal(over->closes, 0);
	assert_int_equal(w.notes[REASON_QUEUE_FULL], 1);
	dispatch_figures(w.d, &f);
	assert_int_equal(f.queued, 2);
	assert_int_equal(f.queued_max, 2);
	world_slot();
	get(over, 2);                           /* there is room again */
	assert_int_equal(dispatch_queued(w.d), 2);
}

static void without_a_queue_a_free_slot_is_enough(void **state)
{
	struct world_io *s, *c;

	(void)state;
	w.conf.queue_max = 0;
	world_begin();
	s = world_slot();
	c = client();
	get(c, 1);
	assert_slots(0, 1, 0);
	get(c, 2);
	assert_refused(c, 2, "503 ");
	answers(s, "x");
	assert_heard(c, "OUT 1 x\nOUT 1\nEND 1 0 0\n");
}

/* Several in one read, of which one finds a slot. */
static void the_limit_holds_within_one_read(void **state)
{
	struct world_io *c;
	struct buf b = { 0 };

	(void)state;
	w.conf.queue_max = 1;
	world_begin();
	world_slot();
	c = client();
	for (uint16_t id = 1; id <= 3; id++) {
		add_head(&b, id, FCGI_KEEP_CONN, "GET", 0);
		fcgi_add_stream_end(&b, FCGI_STDIN, id);
	}
	say_and_free(c, &b);
	assert_slots(0, 1, 0);
	assert_int_equal(dispatch_queued(w.d), 1);
	assert_refused(c, 3, "503 ");
}

static void it_waits_so_long_and_no_longer(void **state)
{
	struct world_io *s, *c;
	struct dispatch_figures f;

	(void)state;
	world_begin();
	c = client();
	get(c, 1);
	world_wait(20 * SECOND);
	get(c, 2);
	dispatch_figures(w.d, &f);
	assert_int_equal(f.oldest_us, 20 * SECOND);
	world_wait(10 * SECOND - 1);
	assert_heard(c, "");
	world_wait(1);
	assert_refused(c, 1, "503 ");
	assert_int_equal(w.notes[REASON_QUEUE_TIMEOUT], 1);
	assert_int_equal(c->closes, 0);
	assert_int_equal(dispatch_queued(w.d), 1);
	s = world_slot();
	answers(s, "x");
	assert_heard(c, "OUT 2 x\nOUT 2\nEND 2 0 0\n");
}

static void without_a_timeout_it_waits(void **state)
{
	struct world_io *c;

	(void)state;
	w.conf.queue_timeout_s = 0;
	world_begin();
	c = client();
	get(c, 1);
	world_wait(100000ull * SECOND);
	assert_int_equal(dispatch_queued(w.d), 1);
}

/* Which of three clients that go while they wait is served nevertheless: GET, HEAD, POST as bits. */
static unsigned served_when_gone(enum conf_abandoned rule)
{
	static const char *const methods[] = { "GET", "HEAD", "POST" };
	struct world_io *s;
	unsigned served = 0;

	w.conf.queue_abandoned = rule;
	world_begin();
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		struct world_io *c = client();

		ask_with(c, (uint16_t)(i + 1), FCGI_KEEP_CONN, methods[i], "");
		leaves(c);
	}
	s = world_slot();
	while (!dispatch_slot_idle(s->slot)) {
		served |= 1u << (s->slot->id - 1);
		answers(s, "x");
	}
	assert_int_equal(dispatch_queued(w.d), 0);
	return served;
}

static void drop_safe_runs_what_is_not_safe(void **state)
{
	struct dispatch_figures f;

	(void)state;
	assert_int_equal(served_when_gone(CONF_ABANDONED_DROP_SAFE), 4);
	dispatch_figures(w.d, &f);
	assert_int_equal(f.abandoned, 2);
	assert_int_equal(w.notes[REASON_CLIENT_GONE], 2);
}

static void drop_runs_none(void **state)
{
	(void)state;
	assert_int_equal(served_when_gone(CONF_ABANDONED_DROP), 0);
}

static void run_runs_all(void **state)
{
	(void)state;
	assert_int_equal(served_when_gone(CONF_ABANDONED_RUN), 7);
}

/* Nobody said so: it is not watched at first. */
static void who_slips_away_is_found_when_it_is_its_turn(void **state)
{
	struct world_io *s, *c, *stays;

	(void)state;
	world_begin();
	s = world_slot();
	get(client(), 9);
	c = world_client_from("");
	stays = world_client_from("");
	get(c, 1);
	get(stays, 2);
	assert_false(c->reads);
	slips_away(c);
	world_wait(1000);
	answers(s, "x");
	assert_int_equal(c->closes, 1);
	assert_int_equal(s->slot->id, 2);
	assert_int_equal(w.notes[REASON_CLIENT_GONE], 1);
}

static void so_is_one_that_had_said_all(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	get(client(), 9);
	c = client();
	get(c, 1);
	dispatch_conn_end(c->conn, false);
	slips_away(c);
	world_wait(1000);
	answers(s, "x");
	assert_int_equal(c->closes, 1);
	assert_slots(1, 0, 0);
}

static void and_run_if_it_posted(void **state)
{
	struct world_io *s, *c;

	(void)state;
	world_begin();
	s = world_slot();
	get(client(), 9);
	c = world_client_from("");
	post(c, 1, "x");
	slips_away(c);
	world_wait(1000);
	answers(s, "x");
	assert_int_equal(c->closes, 1);
	assert_int_equal(s->slot->id, 1);
	answers(s, "x");
	assert_slots(1, 0, 0);
}

static void nobody_will_serve_what_waits(void **state)
{
	struct world_io *c;

	(void)state;
	world_begin();
	c = client();
	get(c, 1);
	dispatch_refuse_queued(w.d, REASON_SPAWN_FAILED);
	assert_refused(c, 1, "503 ");
	assert_int_equal(dispatch_queued(w.d), 0);
	assert_int_equal(dispatch_in_hand(w.d), 0);
}

static void times_are_counted(void **state)
{
	struct world_io *s, *c;
	struct dispatch_figures f;

	(void)state;
	world_begin();
	c = client();
	get(c, 1);
	world_wait(20);
	s = world_slot();
	world_wait(100);
	answers(s, "x");
	dispatch_figures(w.d, &f);
	assert_int_equal(f.queue.count, 1);
	assert_int_equal(f.queue.sum_us, 20);
	assert_int_equal(f.queue.counts[1], 1);         /* 16 <= 20 < 32 */
	assert_int_equal(f.service.sum_us, 100);
	assert_int_equal(f.service.counts[3], 1);       /* 64 <= 100 < 128 */
	assert_int_equal(f.total.sum_us, 120);
	assert_int_equal(f.requests, 1);
	assert_int_equal(f.answered, 1);
	assert_int_equal(f.accepted, 1);
	assert_int_equal(f.writing + f.reading + f.running + f.queued, 0);
}

static void buckets_have_bounds(void **state)
{
	struct dispatch_times t = { .count = 0 };

	(void)state;
	assert_int_equal(dispatch_bucket_us(0), 16);
	assert_int_equal(dispatch_bucket_us(1), 32);
	assert_true(dispatch_bucket_us(DISPATCH_BUCKETS - 1) == DISPATCH_NEVER);
	for (unsigned i = 0; i + 1 < DISPATCH_BUCKETS; i++) {
		times_add(&t, dispatch_bucket_us(i) - 1);
		assert_int_equal(t.counts[i], 1);
	}
	times_add(&t, dispatch_bucket_us(DISPATCH_BUCKETS - 2));
	times_add(&t, UINT64_MAX / 2);
	assert_int_equal(t.counts[DISPATCH_BUCKETS - 1], 2);
	assert_int_equal(t.count, DISPATCH_BUCKETS + 1);
}

static void what_they_do_is_counted(void **state)
{
	struct world_io *s, *t, *c, *slow;
	struct dispatch_figures f;

	(void)state;
	world_begin();
	s = world_slot();
	t = world_slot();
	c = client();
	slow = client();
	slow->room = 0;
	get(c, 1);                              /* will be finished */
	finishes(t->slot->req ? t : s);
	get(slow, 1);
	answers(t->slot->req ? t : s, "x");
	get(slow, 2);
	answers(s->slot->req ? s : t, "x");
	get(c, 2);                              /* runs */
	get(c, 3);                              /* is queued */
	say_head(c, 4, "POST", 1);              /* is read */
	dispatch_figures(w.d, &f);
	assert_int_equal(f.finished, 1);
	assert_int_equal(f.running, 1);
	assert_int_equal(f.queued, 1);
	assert_int_equal(f.reading, 1);
	assert_int_equal(f.writing, 1);
	assert_int_equal(f.conns, 2);
	assert_int_equal(f.parked, 0);
	assert_int_equal(dispatch_in_hand(w.d), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(first_in_first_out),
		WORLD_TEST(over_the_limit_is_refused),
		WORLD_TEST(without_a_queue_a_free_slot_is_enough),
		WORLD_TEST(the_limit_holds_within_one_read),
		WORLD_TEST(it_waits_so_long_and_no_longer),
		WORLD_TEST(without_a_timeout_it_waits),
		WORLD_TEST(drop_safe_runs_what_is_not_safe),
		WORLD_TEST(drop_runs_none),
		WORLD_TEST(run_runs_all),
		WORLD_TEST(who_slips_away_is_found_when_it_is_its_turn),
		WORLD_TEST(so_is_one_that_had_said_all),
		WORLD_TEST(and_run_if_it_posted),
		WORLD_TEST(nobody_will_serve_what_waits),
		WORLD_TEST(times_are_counted),
		WORLD_TEST(buckets_have_bounds),
		WORLD_TEST(what_they_do_is_counted),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	buf_free(&heard_text);
	return failed;
}
