/* dialogue_words.h -- the words in which tests write what a front end sends (in), and what it must get at once
 * (reply). */
#ifndef WEIR_DIALOGUE_WORDS_H
#define WEIR_DIALOGUE_WORDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <fastcgi.h>
#include "src/fcgi/fcgi_encode.h"

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

#define DIALOGUE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
