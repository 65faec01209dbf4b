/* mux_dialogue.h -- expect(), for tests of struct fcgi_mux: the dialogue is fed whole, cut at every byte and byte
 * by byte, and what is said and replied must be the same. */
#ifndef WEIR_MUX_DIALOGUE_H
#define WEIR_MUX_DIALOGUE_H

#include "tests/unit/fcgi/dialogue_words.h"
#include "tests/unit/fcgi/mux_trace.h"

static const struct fcgi_limits limits = {
	.roles = 1u << FCGI_RESPONDER | 1u << FCGI_AUTHORIZER | 1u << FCGI_FILTER,
	.max_conns = 16384, .max_reqs = 4000000000,
};

static inline void feed_in_steps(size_t cut, size_t step, const char *expected, enum mux_trace_when when)
{
	struct mux_trace tr = { .lim = limits, .when = when };

	mux_trace_feed(&tr, in.data, cut);
	for (size_t at = cut; at < in.len; at += step)
		mux_trace_feed(&tr, in.data + at, in.len - at < step ? in.len - at : step);
	mux_trace_end(&tr);
	assert_string_equal(buf_str(&tr.said), expected);
	assert_int_equal(tr.reply.len, reply.len);
	if (reply.len)
		assert_memory_equal(tr.reply.data, reply.data, reply.len);
	mux_trace_free(&tr);
}

static inline void expect_when(const char *expected, enum mux_trace_when when)
{
	for (size_t cut = 0; cut <= in.len; cut++)
		feed_in_steps(cut, in.len, expected, when);
	for (size_t step = 1; step < 20; step++)
		feed_in_steps(0, step, expected, when);
}

static inline void expect(const char *expected)
{
	expect_when(expected, MUX_TRACE_WHOLE);
}

#endif
