/* test_fcgi_mux_streams.c -- the table of active streams against a plain one, and the memory that it holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include "src/base/mem.h"
#include "src/fcgi/fcgi_mux_priv.h"

static bool active[65536];
static struct fcgi_mux m;

static void add(uint16_t id)
{
	struct fcgi_mux_stream *s = mux_stream_add(&m, id);

	assert_int_equal(s->id, id);
	assert_null(s->user);
	assert_int_equal(s->at, 0);
	s->user = &active[id];
	active[id] = true;
}

static void take_away(uint16_t id)
{
	mux_stream_remove(&m, mux_stream_find(&m, id));
	active[id] = false;
}

static void check(uint16_t id)
{
	struct fcgi_mux_stream *s = mux_stream_find(&m, id);

	assert_int_equal(s != NULL, active[id]);
	if (s)
		assert_ptr_equal(s->user, &active[id]);
}

static size_t memory(void)
{
	return m.table ? sizeof(*m.table) << m.table_bits : 0;
}

/* As many as most, and back to none. */
static void every_size(void **state)
{
	static const unsigned steps[] = { 1, 2, 16, 8192 + 1, 40503 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		for (unsigned n = 1; n <= FCGI_MUX_STREAMS; n++) {
			if ((uint16_t)(n * steps[i]) == 0 || active[(uint16_t)(n * steps[i])])
				continue;
			add((uint16_t)(n * steps[i]));
			assert_true(memory() <= m.active * 4 * sizeof(struct fcgi_mux_stream));
		}
		for (unsigned id = 1; id < 65536; id++)
			check((uint16_t)id);
		for (unsigned id = 1; id < 65536; id++) {
			if (!active[id])
				continue;
			take_away((uint16_t)id);
			assert_true(memory() <= 256 + m.active * 8 * sizeof(struct fcgi_mux_stream));
		}
		assert_int_equal(m.active, 0);
		assert_int_equal(memory(), 0);
	}
}

static uint32_t random_next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Few and many, coming and going, of ids that lie close together and so meet. */
static void any_order(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		unsigned most = 1u << round % 8;
		unsigned width = 1 + random_next(&seed) % (4 * most);

		for (unsigned n = 0; n < 2000; n++) {
			uint16_t id = (uint16_t)(1 + random_next(&seed) % width * (1 + round % 3 * 4096) % 65535);

			check(id);
			if (active[id])
				take_away(id);
			else if (m.active < most)
				add(id);
		}
		for (unsigned id = 1; id < 65536; id++)
			if (active[id])
				take_away((uint16_t)id);
		assert_int_equal(memory(), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(m.few); i++)
		assert_int_equal(m.few[i].id, 0);
}

/* What many connections cost that have no request. */
static void at_rest(void **state)
{
	(void)state;
	assert_true(sizeof(struct fcgi_mux) < 256);
	for (uint16_t id = 1; id <= ARRAY_LEN(m.few); id++)
		add(id);
	assert_int_equal(memory(), 0);
	add(100);
	assert_true(memory() > 0);
	for (uint16_t id = 1; id <= ARRAY_LEN(m.few); id++)
		take_away(id);
	take_away(100);
	assert_int_equal(memory(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_size),
		cmocka_unit_test(any_order),
		cmocka_unit_test(at_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
