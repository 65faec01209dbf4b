/* fuzz_turn.c -- fuzz target: any bytes as a connection. The first byte chooses how they are cut, the
 * second limits and what the caller does. Holds: what is said and replied does not depend on the cut;
 * params never hold more than was fed, nor more than their limit; replies are at most twice as long as
 * what was fed, and are records. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <fastcgi.h>
#include "src/base/mem.h"
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

static void run(struct turn_trace *tr, const uint8_t *data, size_t size, size_t step)
{
	for (size_t at = 0; at < size; at += step) {
		trace_feed(tr, data + at, size - at < step ? size - at : step);
		BUG_IF(tr->params_taken > at + step || tr->params_taken > tr->lim.max_params);
		BUG_IF(tr->turn.params.arena.cap > 2 * size + 512);
		BUG_IF(fcgi_turn_in_head(&tr->turn) && fcgi_turn_idle(&tr->turn));
	}
	trace_end(tr);
	BUG_IF(tr->reply.len > 2 * size);
	check_replies(&tr->reply);
}

static void check_same(const struct buf *a, const struct buf *b)
{
	BUG_IF(a->len != b->len);
	BUG_IF(a->len && memcmp(a->data, b->data, a->len) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct turn_trace whole = { 0 }, cut = { 0 }, bytes = { 0 };
	size_t step;

	if (size < 2)
		return 0;
	step = 1 + data[0];
	whole.lim = (struct fcgi_limits){
		.max_params = 16 * (size_t)(data[1] >> 3),
		.roles = (data[1] & 3u) << 1 | (data[1] & 128 ? 1u << FCGI_FILTER : 0),
		.max_conns = 8, .max_reqs = 8,
	};
	whole.done_at_head = data[1] & 4;
	cut.lim = bytes.lim = whole.lim;
	cut.done_at_head = bytes.done_at_head = whole.done_at_head;
	data += 2;
	size -= 2;
	run(&whole, data, size, size + 1);
	run(&cut, data, size, step);
	run(&bytes, data, size, 1);
	check_same(&whole.said, &cut.said);
	check_same(&whole.said, &bytes.said);
	check_same(&whole.reply, &cut.reply);
	check_same(&whole.reply, &bytes.reply);
	trace_free(&whole);
	trace_free(&cut);
	trace_free(&bytes);
	return 0;
}
