/* turn_dialogue.h -- the words in which tests of struct fcgi_turn write what a front end sends, and
 * expect(): the dialogue is fed whole, cut at every byte and byte by byte, and what is said and replied
 * must be the same. */
#ifndef WEIR_TURN_DIALOGUE_H
#define WEIR_TURN_DIALOGUE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <fastcgi.h>
#include "src/fcgi/fcgi_encode.h"
#include "tests/unit/fcgi/turn_trace.h"

#ifndef TURN_ROLES
#define TURN_ROLES (1u << FCGI_RESPONDER | 1u << FCGI_AUTHORIZER)
#endif

static const struct fcgi_limits limits = {
	.max_params = 1000, .roles = TURN_ROLES, .max_conns = 8, .max_reqs = 4000000000,
};
static struct buf in, reply;            /* what the front end sends, and what it must get at once */

static inline int set_up(void **state)
{
	(void)state;
	buf_clear(&in);
	buf_clear(&reply);
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	buf_free(&in);
	buf_free(&reply);
	return 0;
}

/* Words of the dialogues: what the front end sends. */
static inline void put(uint8_t type, uint16_t id, const char *data, size_t len, uint8_t padding)
{
	static const uint8_t dirt[255] = { 0xee, 1, 5 };
	uint8_t head[8];

	fcgi_put_header(head, type, id, (uint16_t)len, padding);
	buf_add(&in, head, sizeof(head));
	buf_add(&in, data, len);
	buf_add(&in, dirt, padding);
}

static inline void put_begin(uint16_t id, uint16_t role, uint8_t flags)
{
	fcgi_add_begin(&in, id, role, flags);
}

static inline void put_text(uint8_t type, uint16_t id, const char *text)
{
	put(type, id, text, strlen(text), 0);
}

static inline void put_end(uint8_t type, uint16_t id)
{
	put(type, id, "", 0, 0);
}

/* PARAMS a=b and their end */
static inline void put_params(uint16_t id)
{
	put_text(FCGI_PARAMS, id, "\1\1ab");
	put_end(FCGI_PARAMS, id);
}

static inline void put_request(uint16_t id, uint8_t flags, const char *body)
{
	put_begin(id, FCGI_RESPONDER, flags);
	put_params(id);
	if (*body)
		put_text(FCGI_STDIN, id, body);
	put_end(FCGI_STDIN, id);
}

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

static inline void expect_when(const char *expected, bool done_at_head)
{
	for (size_t cut = 0; cut <= in.len; cut++)
		feed_in_steps(cut, in.len, expected, done_at_head);
	for (size_t step = 1; step < 20; step++)
		feed_in_steps(0, step, expected, done_at_head);
}

static inline void expect(const char *expected)
{
	expect_when(expected, false);
}

#define TURN_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
