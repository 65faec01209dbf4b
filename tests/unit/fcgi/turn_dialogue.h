/* turn_dialogue.h -- expect(), for tests of struct fcgi_turn: the dialogue is fed whole, cut at every byte and
 * byte by byte, and what is said and replied must be the same; and but for concurrent requests a struct fcgi_mux
 * must see the same in it. */
#ifndef WEIR_TURN_DIALOGUE_H
#define WEIR_TURN_DIALOGUE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <fastcgi.h>
#include "tests/unit/fcgi/dialogue_words.h"
#include "tests/unit/fcgi/mux_as_turn.h"
#include "tests/unit/fcgi/turn_trace.h"

#ifndef TURN_ROLES
#define TURN_ROLES (1u << FCGI_RESPONDER | 1u << FCGI_AUTHORIZER)
#endif

static const struct fcgi_limits limits = {
	.max_params = 1000, .roles = TURN_ROLES, .max_conns = 8, .max_reqs = 4000000000,
};

static inline void feed_in_steps(size_t cut, size_t step, const char *expected, bool done_at_head)
{
	struct turn_trace tr = { .lim = limits, .done_at_head = done_at_head };

	trace_feed(&tr, in.data, cut);
	for (size_t at = cut; at < in.len; at += step)
		trace_feed(&tr, in.data + at, in.len - at < step ? in.len - at : step);
	trace_end(&tr);
	assert_string_equal(buf_str(&tr.said), expected);
	assert_int_equal(tr.reply.len, reply.len);
	if (reply.len)
		assert_memory_equal(tr.reply.data, reply.data, reply.len);
	trace_free(&tr);
}

static inline void feed_mux_in_steps(size_t step, const char *expected, bool done_at_head)
{
	struct mux_as_turn mt = { .lim = limits, .done_at_head = done_at_head };

	if (turn_refused_concurrent(&reply))
		return;
	for (size_t at = 0; at < in.len; at += step)
		mux_as_turn_feed(&mt, in.data + at, in.len - at < step ? in.len - at : step);
	mux_as_turn_end(&mt);
	assert_string_equal(buf_str(&mt.said), expected);
	assert_int_equal(mt.reply.len, reply.len);
	if (reply.len)
		assert_memory_equal(mt.reply.data, reply.data, reply.len);
	mux_as_turn_free(&mt);
}

static inline void expect_when(const char *expected, bool done_at_head)
{
	feed_mux_in_steps(in.len, expected, done_at_head);
	feed_mux_in_steps(1, expected, done_at_head);
	for (size_t cut = 0; cut <= in.len; cut++)
		feed_in_steps(cut, in.len, expected, done_at_head);
	for (size_t step = 1; step < 20; step++)
		feed_in_steps(0, step, expected, done_at_head);
}

static inline void expect(const char *expected)
{
	expect_when(expected, false);
}

#endif
