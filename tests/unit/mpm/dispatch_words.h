/* dispatch_words.h -- the words in which tests of the dispatcher say what clients and slots do, and heard(): what
 * one of them was sent, as text, one line for each run of records of a kind. */
#ifndef WEIR_DISPATCH_WORDS_H
#define WEIR_DISPATCH_WORDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include "tests/unit/mpm/dispatch_world.h"

#define SECOND 1000000u
#define KIB    1024u

static inline int set_up(void **state)
{
	(void)state;
	world_init();
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	world_end();
	return 0;
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

/* ---- clients */

/* A new one, which has said nothing so far. */
static inline struct world_io *client(void)
{
	struct world_io *io = world_client_from("");

	dispatch_conn_input(io->conn, NULL, 0);
	return io;
}

static inline void say(struct world_io *c, const struct buf *b)
{
	assert_non_null(c->conn);
	dispatch_conn_input(c->conn, b->data, b->len);
}

/* What say_*() and ask_*() say at once. */
static inline void say_and_free(struct world_io *c, struct buf *b)
{
	say(c, b);
	buf_free(b);
}

static inline void add_params(struct buf *b, uint16_t id, const char *method, size_t length)
{
	struct buf params = { 0 };
	char number[24];

	snprintf(number, sizeof(number), "%zu", length);
	fcgi_add_pair(&params, "REQUEST_METHOD", 14, method, strlen(method));
	if (length > 0)
		fcgi_add_pair(&params, "CONTENT_LENGTH", 14, number, strlen(number));
	fcgi_add_stream(b, FCGI_PARAMS, id, params.data, params.len);
	fcgi_add_stream_end(b, FCGI_PARAMS, id);
	buf_free(&params);
}

static inline void add_head(struct buf *b, uint16_t id, uint8_t flags, const char *method, size_t length)
{
	fcgi_add_begin(b, id, FCGI_RESPONDER, flags);
	add_params(b, id, method, length);
}

static inline void say_head(struct world_io *c, uint16_t id, const char *method, size_t length)
{
	struct buf b = { 0 };

	add_head(&b, id, FCGI_KEEP_CONN, method, length);
	say_and_free(c, &b);
}

static inline void say_body(struct world_io *c, uint16_t id, size_t len)
{
	struct buf b = { 0 };
	char *text = xcalloc(len + 1, 1);

	memset(text, 'b', len);
	fcgi_add_stream(&b, FCGI_STDIN, id, text, len);
	say_and_free(c, &b);
	free(text);
}

static inline void say_body_end(struct world_io *c, uint16_t id)
{
	struct buf b = { 0 };

	fcgi_add_stream_end(&b, FCGI_STDIN, id);
	say_and_free(c, &b);
}

static inline void say_abort(struct world_io *c, uint16_t id)
{
	struct buf b = { 0 };

	fcgi_add_abort(&b, id);
	say_and_free(c, &b);
}

static inline void ask_with(struct world_io *c, uint16_t id, uint8_t flags, const char *method, const char *body)
{
	struct buf b = { 0 };

	add_head(&b, id, flags, method, strlen(body));
	fcgi_add_stream(&b, FCGI_STDIN, id, body, strlen(body));
	fcgi_add_stream_end(&b, FCGI_STDIN, id);
	say_and_free(c, &b);
}

static inline void get(struct world_io *c, uint16_t id)
{
	ask_with(c, id, FCGI_KEEP_CONN, "GET", "");
}

static inline void post(struct world_io *c, uint16_t id, const char *body)
{
	ask_with(c, id, FCGI_KEEP_CONN, "POST", body);
}

/* It goes while nobody reads it. */
static inline void slips_away(struct world_io *c)
{
	c->peek = DISPATCH_PEEK_GONE;
}

static inline void leaves(struct world_io *c)
{
	dispatch_conn_end(c->conn, true);
}

/* So much more room. */
static inline void takes(struct world_io *io, size_t room)
{
	io->room = room;
	if (io->is_slot)
		dispatch_slot_writable(io->slot);
	else
		dispatch_conn_writable(io->conn);
}

/* ---- slots */

static inline void slot_says(struct world_io *s, struct buf *b)
{
	for (size_t at = 0; at < b->len; at += DISPATCH_READ)
		dispatch_slot_input(s->slot, b->data + at, b->len - at < DISPATCH_READ ? b->len - at : DISPATCH_READ);
	buf_free(b);
}

static inline void add_end_and_done(struct buf *b, uint16_t id, bool end, bool done, uint32_t flags)
{
	const struct event_done turn = { .flags = flags };
	uint8_t head[FCGI_HEADER_LEN];

	if (end)
		fcgi_add_end(b, id, 0, FCGI_REQUEST_COMPLETE);
	if (!done)
		return;
	fcgi_put_header(head, EVENT_RECORD, 0, sizeof(turn), 0);
	buf_add(b, head, sizeof(head));
	buf_add(b, &turn, sizeof(turn));
}

static inline void prints(struct world_io *s, const char *text)
{
	struct buf b = { 0 };

	fcgi_add_stream(&b, FCGI_STDOUT, s->slot->id, text, strlen(text));
	slot_says(s, &b);
}

static inline void prints_bytes(struct world_io *s, size_t len)
{
	char *text = xcalloc(len + 1, 1);

	memset(text, 'r', len);
	prints(s, text);
	free(text);
}

/* END_REQUEST alone: the script works on. */
static inline void finishes(struct world_io *s)
{
	struct buf b = { 0 };

	add_end_and_done(&b, s->slot->id, true, false, 0);
	slot_says(s, &b);
}

static inline void is_free(struct world_io *s)
{
	struct buf b = { 0 };

	add_end_and_done(&b, 0, false, true, 0);
	slot_says(s, &b);
}

static inline void add_answer(struct buf *b, uint16_t id, const char *text, uint32_t flags)
{
	fcgi_add_stream(b, FCGI_STDOUT, id, text, strlen(text));
	fcgi_add_stream_end(b, FCGI_STDOUT, id);
	add_end_and_done(b, id, true, true, flags);
}

/* All of it at once, as a slot does with a short answer. */
static inline void answers(struct world_io *s, const char *text)
{
	struct buf b = { 0 };

	add_answer(&b, s->slot->id, text, 0);
	slot_says(s, &b);
}

static inline void dies(struct world_io *s, bool started, bool ended_by_us)
{
	s->death = (struct dispatch_death){ .started = started, .ended_by_us = ended_by_us };
	dispatch_slot_end(s->slot);
}

/* ---- what they were sent */

static struct buf heard_text;

static inline const char *type_name(uint8_t type)
{
	static const char *const names[] = {
		[FCGI_BEGIN_REQUEST] = "BEGIN", [FCGI_ABORT_REQUEST] = "ABORT", [FCGI_END_REQUEST] = "END",
		[FCGI_PARAMS] = "PARAMS", [FCGI_STDIN] = "STDIN", [FCGI_STDOUT] = "OUT", [FCGI_STDERR] = "ERR",
		[FCGI_DATA] = "DATA", [FCGI_GET_VALUES_RESULT] = "VALUES", [FCGI_UNKNOWN_TYPE] = "UNKNOWN",
	};

	if (type == EVENT_RECORD)
		return "TURN";
	return type < ARRAY_LEN(names) && names[type] ? names[type] : "?";
}

static inline void tell_data(const uint8_t *data, size_t len)
{
	if (len > 300) {
		buf_printf(&heard_text, " %zu bytes", len);
		return;
	}
	buf_add_str(&heard_text, " ");
	for (size_t i = 0; i < len; i++)
		if (data[i] >= ' ' && data[i] < 127)
			buf_add(&heard_text, data + i, 1);
}

/* Streams by their contents, END by its two statuses, TURN by its peer, others by their names. */
static inline void tell(uint8_t type, uint16_t id, const uint8_t *data, size_t len)
{
	if (type == EVENT_RECORD) {
		buf_printf(&heard_text, "TURN %.40s", (const char *)data + offsetof(struct event_turn, peer));
	} else {
		buf_printf(&heard_text, "%s %u", type_name(type), id);
		if (type == FCGI_END_REQUEST)
			buf_printf(&heard_text, " %u %u", data[3], data[4]);
		else if (type == FCGI_BEGIN_REQUEST)
			buf_printf(&heard_text, " role %u flags %u", data[1], data[2]);
		else if (type == FCGI_PARAMS && len > 0)
			buf_printf(&heard_text, " %s", len < 300 ? "some" : "many");
		else if (len > 0)
			tell_data(data, len);
	}
	buf_add_str(&heard_text, "\n");
}

static inline size_t record_len(const struct world_io *io, size_t at)
{
	const uint8_t *head;

	if (io->got.len - at < FCGI_HEADER_LEN)
		return 0;
	head = io->got.data + at;
	return FCGI_HEADER_LEN + ((size_t)head[4] << 8 | head[5]) + head[6];
}

/* What was sent since it was asked last. Neighbours of one stream are one. */
static inline const char *heard(struct world_io *io)
{
	struct buf run = { 0 };
	size_t len;

	buf_clear(&heard_text);
	for (size_t at = io->seen; (len = record_len(io, at)) > 0 && at + len <= io->got.len; at += len) {
		const uint8_t *head = io->got.data + at, *after = head + len;
		size_t content = (size_t)head[4] << 8 | head[5];
		bool more = record_len(io, at + len) > 0 && content > 0 && after[1] == head[1] &&
			    memcmp(after + 2, head + 2, 2) == 0 && (after[4] || after[5]) &&
			    at + len + record_len(io, at + len) <= io->got.len;

		buf_add(&run, head + FCGI_HEADER_LEN, content);
		io->seen = at + len;
		if (more)
			continue;
		buf_str(&run);
		tell(head[1], (uint16_t)(head[2] << 8 | head[3]), run.data, run.len);
		buf_clear(&run);
	}
	if (io->seen < io->got.len && io->room != 0)
		buf_printf(&heard_text, "and %zu bytes\n", io->got.len - io->seen);
	buf_free(&run);
	return buf_str(&heard_text);
}

#define assert_heard(io, text) assert_string_equal(heard(io), text)

/* Between the two, some bytes of one stream. */
static inline void assert_heard_around(struct world_io *io, const char *before, const char *after)
{
	const char *text = heard(io), *bytes = strstr(text, " bytes\n");

	if (strncmp(text, before, strlen(before)) != 0 || !bytes || strcmp(bytes + 7, after) != 0)
		fail_msg("not %s... bytes\n%s, but %s", before, after, text);
}

/* Of a page of Weir's own: the status, and which request. */
static inline void assert_refused(struct world_io *c, uint16_t id, const char *status)
{
	char *want = xasprintf("OUT %u Status: %s", id, status), *end = xasprintf("END %u 0 0\n", id);
	const char *text = heard(c);

	if (strncmp(text, want, strlen(want)) != 0 || !strstr(text, end))
		fail_msg("not %s..., but %s", want, text);
	free(want);
	free(end);
}

static inline void assert_slots(unsigned idle, unsigned busy, unsigned finished)
{
	struct dispatch_figures f;
	const struct dispatch_slot *s;
	unsigned there = 0;

	dispatch_figures(w.d, &f);
	TAILQ_FOREACH(s, &w.d->idle, next)
		there++;
	assert_int_equal(there, idle);
	assert_int_equal(f.running, busy);
	assert_int_equal(f.finished, finished);
}

#endif
