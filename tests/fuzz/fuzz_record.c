/* fuzz_record.c -- fuzz target: any bytes as FastCGI records. The first byte chooses how they are cut.
 * Holds: events do not depend on the cut; every byte taken is accounted for by headers, contents and
 * padding. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "src/base/buf.h"
#include "src/base/mem.h"
#include "src/fcgi/fcgi_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
	struct fcgi_record r;
	struct buf said;
	size_t bytes;                   /* that the records seen account for */
	bool bad;
};

static void note_start(struct reading *re)
{
	BUG_IF(re->r.length > UINT16_MAX);
	buf_printf(&re->said, "(%d %d %d %d:", re->r.type, re->r.id, re->r.length, re->r.padding);
	re->bytes += 8;
}

/* Returns how many bytes of in were taken. */
static size_t feed(struct reading *re, const uint8_t *in, size_t len)
{
	const uint8_t *from = in, *end = in + len;
	enum fcgi_record_event event;

	while (!re->bad && (event = fcgi_record_next(&re->r, &in, &len)) != FCGI_RECORD_MORE) {
		BUG_IF(in < from || in + len != end);
		if (event == FCGI_RECORD_START)
			note_start(re);
		if (event == FCGI_RECORD_DATA) {
			BUG_IF(re->r.data < from || re->r.data + re->r.data_len > end || re->r.data_len == 0);
			buf_add(&re->said, re->r.data, re->r.data_len);
			re->bytes += re->r.data_len;
		}
		if (event == FCGI_RECORD_END) {
			buf_add_str(&re->said, ")");
			re->bytes += re->r.padding;
		}
		re->bad = event == FCGI_RECORD_BAD;
	}
	BUG_IF(!re->bad && len != 0);
	return (size_t)(in - from);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reading whole = { 0 }, cut = { 0 };
	size_t step, taken;

	if (size == 0)
		return 0;
	step = 1 + data[0];
	data++;
	size--;
	taken = feed(&whole, data, size);
	BUG_IF(whole.bytes > taken);
	for (size_t at = 0; at < size; at += step)
		feed(&cut, data + at, size - at < step ? size - at : step);
	BUG_IF(whole.bad != cut.bad || whole.bytes != cut.bytes || whole.said.len != cut.said.len);
	BUG_IF(whole.said.len && memcmp(whole.said.data, cut.said.data, whole.said.len) != 0);
	buf_free(&whole.said);
	buf_free(&cut.said);
	return 0;
}
