/* fcgi_mux_streams.c -- the active streams of a connection that multiplexes. Pure.
 * Open addressing with linear probing: in the four places inside the struct, which may all be taken, or in a
 * table of its own that is at most half full. Who speaks usually goes on speaking, so the place of the last search
 * is tried first. */
#include "src/fcgi/fcgi_mux_priv.h"

#include <stdlib.h>
#include "src/base/mem.h"

#define STREAMS_FEW_BITS  2
#define STREAMS_LEAST_BITS 4            /* of a table of its own */

_Static_assert(ARRAY_LEN(((struct fcgi_mux *)0)->few) == 1u << STREAMS_FEW_BITS, "a power of two");
_Static_assert(FCGI_MUX_STREAMS * 2 <= 1u << 16, "a hash has 16 bits");

static uint32_t streams_cap(const struct fcgi_mux *m)
{
	return 1u << (m->table ? m->table_bits : STREAMS_FEW_BITS);
}

static struct fcgi_mux_stream *streams_places(struct fcgi_mux *m)
{
	return m->table ? m->table : m->few;
}

/* Where the search for an id begins. By the golden ratio: ids that are counted up, by one or by two, lie apart. */
static uint32_t streams_home(const struct fcgi_mux *m, uint16_t id)
{
	return (uint32_t)(uint16_t)(id * 40503u) >> (16 - (m->table ? m->table_bits : STREAMS_FEW_BITS));
}

/* The place of that id, or the free one where it belongs, or the number of places when it is not there and all
 * are taken. */
static uint32_t streams_search(struct fcgi_mux *m, uint16_t id)
{
	const struct fcgi_mux_stream *places = streams_places(m);
	uint32_t cap = streams_cap(m);
	uint32_t at = streams_home(m, id);

	for (uint32_t n = 0; n < cap; n++, at = (at + 1) & (cap - 1))
		if (places[at].id == id || places[at].id == 0)
			return at;
	return cap;
}

struct fcgi_mux_stream *mux_stream_find(struct fcgi_mux *m, uint16_t id)
{
	struct fcgi_mux_stream *places = streams_places(m);
	uint32_t at = m->last;

	if (at < streams_cap(m) && places[at].id == id)
		return &places[at];
	at = streams_search(m, id);
	if (at == streams_cap(m) || places[at].id == 0)
		return NULL;
	m->last = at;
	return &places[at];
}

/* Everybody into a table of so many places. */
static void streams_move(struct fcgi_mux *m, uint8_t bits)
{
	struct fcgi_mux_stream *old = streams_places(m), *old_table = m->table;
	uint32_t old_cap = streams_cap(m);

	m->table = xcalloc((size_t)1 << bits, sizeof(*m->table));
	m->table_bits = bits;
	for (uint32_t i = 0; i < old_cap; i++) {
		if (old[i].id != 0)
			m->table[streams_search(m, old[i].id)] = old[i];
		old[i] = (struct fcgi_mux_stream){ 0 };
	}
	free(old_table);
}

struct fcgi_mux_stream *mux_stream_add(struct fcgi_mux *m, uint16_t id)
{
	if (!m->table && m->active == streams_cap(m))
		streams_move(m, STREAMS_LEAST_BITS);
	else if (m->table && m->active == streams_cap(m) / 2)
		streams_move(m, m->table_bits + 1);
	m->last = streams_search(m, id);
	m->active++;
	streams_places(m)[m->last].id = id;
	return &streams_places(m)[m->last];
}

/* Free a place. Who was pushed past it by others comes nearer, so that no search stops early. */
static void streams_close_gap(struct fcgi_mux *m, uint32_t gap)
{
	struct fcgi_mux_stream *places = streams_places(m);
	uint32_t mask = streams_cap(m) - 1;
	uint32_t first = gap;

	for (uint32_t at = (gap + 1) & mask; at != first && places[at].id != 0; at = (at + 1) & mask) {
		uint32_t home = streams_home(m, places[at].id);

		if (((at - home) & mask) < ((at - gap) & mask))
			continue;
		places[gap] = places[at];
		gap = at;
	}
	places[gap] = (struct fcgi_mux_stream){ 0 };
}

void mux_stream_remove(struct fcgi_mux *m, struct fcgi_mux_stream *s)
{
	streams_close_gap(m, (uint32_t)(s - streams_places(m)));
	m->active--;
	if (!m->table)
		return;
	if (m->active == 0) {
		free(m->table);
		m->table = NULL;
	} else if (m->table_bits > STREAMS_LEAST_BITS && m->active < streams_cap(m) / 8) {
		streams_move(m, m->table_bits - 1);
	}
}
