/* fuzz_params.c -- fuzz target: any bytes as a PARAMS stream. The first byte chooses how it is cut, the
 * second the limit. Holds: the outcome does not depend on the cut; memory is bounded by what was fed;
 * pairs lie inside the arena, end in NUL and, encoded again, are the stream; the walk in place finds the
 * same pairs. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "src/base/mem.h"
#include "src/fcgi/fcgi_encode.h"
#include "src/fcgi/fcgi_params.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum fcgi_params_end feed(struct fcgi_params *p, const uint8_t *data, size_t size, size_t step,
	size_t max)
{
	size_t arena_had = p->arena.cap, index_had = p->index.cap;
	enum fcgi_params_end end = FCGI_PARAMS_OK;

	for (size_t at = 0; at < size && end == FCGI_PARAMS_OK; at += step) {
		size_t n = size - at < step ? size - at : step;

		end = fcgi_params_feed(p, data + at, n, max);
		BUG_IF(p->arena.len > at + n);
		BUG_IF(p->arena.cap > arena_had && p->arena.cap > 2 * (at + n) + 512);
		BUG_IF(p->index.cap > index_had && p->index.cap > 16 * (at + n) + 512);
	}
	return end == FCGI_PARAMS_OK ? fcgi_params_finish(p) : end;
}

static void check_pairs(const struct fcgi_params *p)
{
	size_t at = 0, len;

	for (size_t i = 0; i < fcgi_params_count(p); i++) {
		const struct fcgi_param *q = fcgi_params_at(p, i);
		const char *name = fcgi_params_name(p, q), *got;

		BUG_IF(q->name != at || q->value != at + q->name_len + 1);
		at += (size_t)q->name_len + q->value_len + 2;
		BUG_IF(at > p->arena.len);
		BUG_IF(name[q->name_len] != '\0' || fcgi_params_value(p, q)[q->value_len] != '\0');
		if (strlen(name) != q->name_len)
			continue;
		got = fcgi_params_get(p, name, &len);
		BUG_IF(!got || (i + 1 == fcgi_params_count(p) && got != fcgi_params_value(p, q)));
	}
}

static void check_same(const struct fcgi_params *a, const struct fcgi_params *b)
{
	BUG_IF(a->index.len != b->index.len || a->arena.len != b->arena.len);
	BUG_IF(a->index.len && memcmp(a->index.data, b->index.data, a->index.len) != 0);
	BUG_IF(a->arena.len && memcmp(a->arena.data, b->arena.data, a->arena.len) != 0);
}

/* Read what the encoder makes of the pairs: the same pairs. */
static void check_round_trip(const struct fcgi_params *p)
{
	struct fcgi_params again = { 0 };
	struct buf b = { 0 };

	for (size_t i = 0; i < fcgi_params_count(p); i++) {
		const struct fcgi_param *q = fcgi_params_at(p, i);

		fcgi_add_pair(&b, fcgi_params_name(p, q), q->name_len, fcgi_params_value(p, q), q->value_len);
	}
	BUG_IF(b.len && feed(&again, b.data, b.len, b.len, SIZE_MAX) != FCGI_PARAMS_OK);
	check_same(p, &again);
	buf_free(&b);
	fcgi_params_free(&again);
}

static void check_in_place(const struct fcgi_params *p, const uint8_t *data, size_t size)
{
	const uint8_t *at = data, *end = data + size;
	struct fcgi_pair pair;
	size_t i = 0;

	while (fcgi_pair_next(&at, end, &pair)) {
		const struct fcgi_param *q = fcgi_params_at(p, i++);

		BUG_IF(pair.name_len != q->name_len || pair.value_len != q->value_len);
		BUG_IF(memcmp(pair.name, fcgi_params_name(p, q), q->name_len) != 0);
		BUG_IF(memcmp(pair.value, fcgi_params_value(p, q), q->value_len) != 0);
	}
	BUG_IF(at != end || i != fcgi_params_count(p));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fcgi_params whole = { 0 }, cut = { 0 };
	enum fcgi_params_end end;
	size_t step, max;

	if (size < 2)
		return 0;
	step = 1 + data[0] % 64;
	max = data[1] == 255 ? SIZE_MAX : 4 * (size_t)data[1];
	data += 2;
	size -= 2;
	end = feed(&whole, data, size, size ? size : 1, max);
	BUG_IF(feed(&cut, data, size, step, max) != end);
	BUG_IF(size > max && end != FCGI_PARAMS_TOO_LARGE);
	if (end == FCGI_PARAMS_OK) {
		check_pairs(&whole);
		check_same(&whole, &cut);
		check_round_trip(&whole);
		check_in_place(&whole, data, size);
	}
	fcgi_params_reset(&cut);
	BUG_IF(feed(&cut, data, size, 1, max) != end);
	fcgi_params_free(&whole);
	fcgi_params_free(&cut);
	return 0;
}
