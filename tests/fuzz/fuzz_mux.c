/* fuzz_mux.c -- fuzz target: any bytes as a connection that multiplexes. The first byte chooses how they are cut,
 * the second roles, limits and when requests are answered. Holds: what is said and replied does not depend on the
 * cut; replies are at most twice as long as what was fed, and are records; memory is bounded by what is active and
 * comes back to its floor; what a struct fcgi_turn can serve looks the same through both. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <fastcgi.h>
#include "src/base/mem.h"
#include "tests/unit/fcgi/mux_as_turn.h"
#include "tests/unit/fcgi/mux_trace.h"
#include "tests/unit/fcgi/turn_trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_replies(const struct buf *reply)
{
	struct fcgi_record r = { 0 };
	const uint8_t *in = reply->data;
	size_t len = reply->len;
	enum fcgi_record_event event;

	while ((event = fcgi_record_next(&r, &in, &len)) != FCGI_RECORD_MORE) {
		BUG_IF(event == FCGI_RECORD_BAD);
		if (event != FCGI_RECORD_START)
			continue;
		BUG_IF(r.type != FCGI_END_REQUEST && r.type != FCGI_UNKNOWN_TYPE &&
		    r.type != FCGI_GET_VALUES_RESULT);
		BUG_IF((r.type == FCGI_END_REQUEST) != (r.id != 0));
	}
	BUG_IF(r.head_len != 0);
}

static void check_memory(const struct fcgi_mux *m)
{
	size_t places = m->table ? (size_t)1 << m->table_bits : 0;

	BUG_IF(places > 16 && places > 8 * (size_t)fcgi_mux_active(m));
	BUG_IF(fcgi_mux_active(m) == 0 && places > 0);
	BUG_IF(m->values.cap > 256);
	BUG_IF(m->values.cap > 0 && m->record.head_len != FCGI_HEADER_LEN);
}

static uint16_t any_active(const struct fcgi_mux *m)
{
	const struct fcgi_mux_stream *s = m->table ? m->table : m->few;

	while (s->id == 0)
		s++;
	return s->id;
}

/* Every request is answered. */
static void finish(struct mux_trace *tr)
{
	while (fcgi_mux_active(&tr->mux) > 0) {
		mux_trace_done(tr, any_active(&tr->mux));
		check_memory(&tr->mux);
	}
}

static void run(struct mux_trace *tr, const uint8_t *data, size_t size, size_t step)
{
	for (size_t at = 0; at < size; at += step) {
		mux_trace_feed(tr, data + at, size - at < step ? size - at : step);
		check_memory(&tr->mux);
	}
	mux_trace_end(tr);
	BUG_IF(tr->reply.len > 2 * size);
	check_replies(&tr->reply);
	finish(tr);
}

static void check_same(const struct buf *a, const struct buf *b)
{
	BUG_IF(a->len != b->len);
	BUG_IF(a->len && memcmp(a->data, b->data, a->len) != 0);
}

static void check_cuts(const struct fcgi_limits *lim, enum mux_trace_when when, size_t step,
	const uint8_t *data, size_t size)
{
	struct mux_trace whole = { .lim = *lim, .when = when }, cut = whole, bytes = whole;

	run(&whole, data, size, size + 1);
	run(&cut, data, size, step);
	run(&bytes, data, size, 1);
	check_same(&whole.said, &cut.said);
	check_same(&whole.said, &bytes.said);
	check_same(&whole.reply, &cut.reply);
	check_same(&whole.reply, &bytes.reply);
	mux_trace_free(&whole);
	mux_trace_free(&cut);
	mux_trace_free(&bytes);
}

static void check_as_turn(const struct fcgi_limits *lim, bool done_at_head, const uint8_t *data, size_t size)
{
	struct turn_trace turn = { .lim = *lim, .done_at_head = done_at_head };
	struct mux_as_turn mux = { .lim = *lim, .done_at_head = done_at_head };

	trace_feed(&turn, data, size);
	trace_end(&turn);
	mux_as_turn_feed(&mux, data, size);
	mux_as_turn_end(&mux);
	if (!turn_refused_concurrent(&turn.reply)) {
		check_same(&turn.said, &mux.said);
		check_same(&turn.reply, &mux.reply);
		BUG_IF(turn.turn.rejected_last != mux.mux.rejected_last);
		BUG_IF(!turn.bad && fcgi_turn_idle(&turn.turn) != fcgi_mux_idle(&mux.mux));
	}
	trace_free(&turn);
	mux_as_turn_free(&mux);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fcgi_limits lim = { .max_conns = 16384, .max_reqs = 8 };

	if (size < 2)
		return 0;
	lim.max_params = 16 * (size_t)(data[1] >> 5);
	lim.roles = (data[1] >> 2 & 7u) << 1;
	check_cuts(&lim, (enum mux_trace_when)(data[1] & 3), 1 + (size_t)data[0], data + 2, size - 2);
	check_as_turn(&lim, data[1] & 1, data + 2, size - 2);
	return 0;
}
