/* test_dispatch_figures.c -- what the dispatcher counts, and what it tells of a request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fastcgi.h>
#include <string.h>
#include "mpm/dispatch_priv.h"
#include "mpm/event_proto.h"
#include "src/base/mem.h"
#include "src/fcgi/fcgi_encode.h"

#define SECOND 1000000u

/* A world that takes everything and answers nothing; it keeps what was said of the last request. */
static struct dispatch_facts told;
static enum reason reason;
static int client, slot;

static ssize_t take(void *io, const struct iovec *iov, int count)
{
	ssize_t all = 0;

	(void)io;
	for (int i = 0; i < count; i++)
		all += (ssize_t)iov[i].iov_len;
	return all;
}

static void watch(void *io, bool read, bool write)
{
	(void)io;
	(void)read;
	(void)write;
}

static enum dispatch_peek peek(void *io)
{
	(void)io;
	return DISPATCH_PEEK_NOTHING;
}

static void close_conn(void *io, enum dispatch_close how)
{
	(void)io;
	(void)how;
}

static void nothing(void *io)
{
	(void)io;
}

static struct dispatch_death death(void *io)
{
	(void)io;
	return (struct dispatch_death){ .started = true };
}

static void mad(void *io, const char *why)
{
	(void)io;
	fail_msg("%s", why);
}

static void kill_slot(void *io, enum reason why)
{
	(void)io;
	(void)why;
}

static bool page(void *arg, const struct dispatch_request *r, struct buf *out)
{
	(void)arg;
	(void)r;
	(void)out;
	return false;
}

static void note(void *arg, const struct dispatch_request *r, enum reason why)
{
	(void)arg;
	reason = why;
	dispatch_facts(r, &told);
	told.peer = strcmp(told.peer, "192.0.2.1") == 0 ? "known" : "";
}

static const struct dispatch_world world = {
	.send = take, .watch = watch, .peek = peek, .close_conn = close_conn, .end_slot = nothing,
	.close_slot = nothing, .give = nothing, .slot_leaves = nothing, .death = death, .slot_is_mad = mad,
	.kill_slot = kill_slot, .page = page, .note = note, .busy = nothing,
};

static const struct conf_pool conf = {
	.event_max_connections = 10, .queue_max = 10, .queue_timeout_s = 30, .request_max_params = 4096,
	.max_children = 1, .threads_per_child = 1, .event_body_memory = 4096, .event_response_memory = 4096,
	.event_response_max = 4096, .event_body_dir = "/tmp",
};

static struct dispatch *dispatch_begin(void)
{
	struct dispatch *d = dispatch_new(&conf, &world, NULL);

	dispatch_time(d, SECOND);
	reason = REASON_NONE;
	return d;
}

static struct dispatch_conn *ask(struct dispatch *d, bool whole)
{
	struct dispatch_conn *c = dispatch_conn_new(d, &client, "192.0.2.1");
	struct buf text = { 0 }, params = { 0 };

	fcgi_add_pair(&params, "REQUEST_METHOD", 14, "GET", 3);
	fcgi_add_begin(&text, 1, FCGI_RESPONDER, 0);
	fcgi_add_stream(&text, FCGI_PARAMS, 1, params.data, params.len);
	if (whole) {
		fcgi_add_stream_end(&text, FCGI_PARAMS, 1);
		fcgi_add_stream_end(&text, FCGI_STDIN, 1);
	}
	dispatch_conn_input(c, text.data, text.len);
	buf_free(&text);
	buf_free(&params);
	return c;
}

static struct dispatch_figures figures(const struct dispatch *d)
{
	struct dispatch_figures f;

	dispatch_figures(d, &f);
	return f;
}

static void buckets(void **state)
{
	struct dispatch_times t = { .count = 0 };

	(void)state;
	assert_int_equal(dispatch_bucket_us(0), 16);
	assert_int_equal(dispatch_bucket_us(DISPATCH_BUCKETS - 2), 268435456);
	assert_int_equal(dispatch_bucket_us(DISPATCH_BUCKETS - 1), DISPATCH_NEVER);
	times_add(&t, 0);
	times_add(&t, 15);
	times_add(&t, 16);
	times_add(&t, 268435455);
	times_add(&t, 1000000000);
	assert_int_equal(t.counts[0], 2);
	assert_int_equal(t.counts[1], 1);
	assert_int_equal(t.counts[DISPATCH_BUCKETS - 2], 1);
	assert_int_equal(t.counts[DISPATCH_BUCKETS - 1], 1);
	assert_int_equal(t.count, 5);
	assert_int_equal(t.sum_us, 1268435486);
}

static void one_that_leaves_the_queue(void **state)
{
	struct dispatch *d = dispatch_begin();
	struct dispatch_conn *c = ask(d, true);

	(void)state;
	dispatch_time(d, 3 * SECOND);
	assert_int_equal(figures(d).queued, 1);
	assert_int_equal(figures(d).oldest_us, 2 * SECOND);
	assert_int_equal(figures(d).over, 0);
	dispatch_conn_end(c, true);
	assert_int_equal(reason, REASON_CLIENT_GONE);
	assert_string_equal(told.peer, "known");
	assert_true(told.whole);
	assert_false(told.told);
	assert_int_equal(told.age_us, 2 * SECOND);
	assert_int_equal(told.queued_us, 2 * SECOND);
	assert_int_equal(figures(d).requests, 1);
	assert_int_equal(figures(d).over, 1);
	assert_int_equal(figures(d).abandoned, 1);
	dispatch_free(&d);
}

static void half_a_head(void **state)
{
	struct dispatch *d = dispatch_begin();
	struct dispatch_conn *c = ask(d, false);

	(void)state;
	dispatch_conn_end(c, false);
	assert_int_equal(reason, REASON_BAD_HEADER);
	assert_false(told.whole);
	assert_int_equal(told.queued_us, 0);
	assert_int_equal(figures(d).over, 1);
	dispatch_free(&d);
}

static void one_whose_slot_dies(void **state)
{
	struct dispatch *d = dispatch_begin();
	struct dispatch_slot *s;

	(void)state;
	ask(d, true);
	dispatch_time(d, 2 * SECOND);
	s = dispatch_slot_new(d, &slot);
	assert_int_equal(dispatch_given_wait_us(d), SECOND);
	assert_int_equal(figures(d).running, 1);
	dispatch_time(d, 5 * SECOND);
	dispatch_slot_end(s);
	assert_int_equal(reason, REASON_CHILD_DIED);
	assert_false(told.told);
	assert_int_equal(told.age_us, 4 * SECOND);
	assert_int_equal(told.queued_us, SECOND);
	assert_int_equal(figures(d).over, 1);
	dispatch_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets),
		cmocka_unit_test(one_that_leaves_the_queue),
		cmocka_unit_test(half_a_head),
		cmocka_unit_test(one_whose_slot_dies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
