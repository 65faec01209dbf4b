/* fcgi_params.c -- name-value pairs out of a PARAMS stream. Pure.
 * A length is believed only as far as bytes have come for it: the arena is enlarged by what a call brings
 * and no more. Every pair costs two bytes of lengths at least and two NULs at most, so the arena is never
 * longer than the stream. Gives names no meaning. */
#include "src/fcgi/fcgi_params.h"

#include <string.h>
#include "src/base/mem.h"

#define PARAMS_KEEP    (64 * 1024)      /* memory kept from request to request, of arena and index each */
#define PARAMS_CEILING (1u << 30)       /* offsets are 32 bits */

enum params_state { PARAMS_LENS, PARAMS_NAME, PARAMS_VALUE };

static void params_buf_reset(struct buf *b)
{
	if (b->cap > PARAMS_KEEP)
		buf_free(b);
	buf_clear(b);
}

void fcgi_params_reset(struct fcgi_params *p)
{
	params_buf_reset(&p->arena);
	params_buf_reset(&p->index);
	*p = (struct fcgi_params){ .arena = p->arena, .index = p->index };
}

void fcgi_params_free(struct fcgi_params *p)
{
	buf_free(&p->arena);
	buf_free(&p->index);
	*p = (struct fcgi_params){ 0 };
}

static size_t params_len_size(uint8_t first)
{
	return first & 0x80 ? 4 : 1;
}

static uint32_t params_len(const uint8_t *at)
{
	if (!(at[0] & 0x80))
		return at[0];
	return (uint32_t)(at[0] & 0x7f) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Take bytes of the two lengths. How many they are is told by the first byte of each. */
static size_t params_take_lens(struct fcgi_params *p, const uint8_t *in, size_t len)
{
	size_t n = 0, name_size = 0;

	while (n < len && (p->lens_len < p->lens_want || p->lens_len == 0)) {
		p->lens[p->lens_len++] = in[n++];
		name_size = params_len_size(p->lens[0]);
		p->lens_want = (uint8_t)(name_size + 1);
		if (p->lens_len > name_size)
			p->lens_want = (uint8_t)(name_size + params_len_size(p->lens[name_size]));
	}
	return n;
}

static enum fcgi_params_end params_begin_pair(struct fcgi_params *p, size_t max)
{
	p->name_len = params_len(p->lens);
	p->value_len = params_len(p->lens + params_len_size(p->lens[0]));
	p->lens_len = 0;
	if ((uint64_t)p->name_len + p->value_len > max - p->taken)
		return FCGI_PARAMS_TOO_LARGE;
	p->left = p->name_len;
	p->state = PARAMS_NAME;
	return FCGI_PARAMS_OK;
}

static void params_end_pair(struct fcgi_params *p)
{
	struct fcgi_param q = { .name_len = p->name_len, .value_len = p->value_len };

	q.value = (uint32_t)p->arena.len - q.value_len - 1;
	q.name = q.value - q.name_len - 1;
	buf_add(&p->index, &q, sizeof(q));
	p->state = PARAMS_LENS;
}

/* Take bytes of name or value. The arena has room. */
static size_t params_take_text(struct fcgi_params *p, const uint8_t *in, size_t len)
{
	size_t n = p->left < len ? p->left : len;

	memcpy(p->arena.data + p->arena.len, in, n);
	p->arena.len += n;
	p->left -= (uint32_t)n;
	return n;
}

/* Go on to what follows a name or value that is complete; both may be empty. */
static void params_end_text(struct fcgi_params *p)
{
	while (p->state != PARAMS_LENS && p->left == 0) {
		p->arena.data[p->arena.len++] = '\0';
		if (p->state == PARAMS_VALUE) {
			params_end_pair(p);
			return;
		}
		p->state = PARAMS_VALUE;
		p->left = p->value_len;
	}
}

static bool params_take_len(const uint8_t **at, const uint8_t *end, uint32_t *len_out)
{
	if (*at == end || (size_t)(end - *at) < params_len_size(**at))
		return false;
	*len_out = params_len(*at);
	*at += params_len_size(**at);
	return true;
}

bool fcgi_pair_next(const uint8_t **at, const uint8_t *end, struct fcgi_pair *pair_out)
{
	const uint8_t *p = *at;

	if (!params_take_len(&p, end, &pair_out->name_len) || !params_take_len(&p, end, &pair_out->value_len))
		return false;
	if ((uint64_t)pair_out->name_len + pair_out->value_len > (uint64_t)(end - p))
		return false;
	pair_out->name = p;
	pair_out->value = p + pair_out->name_len;
	*at = pair_out->value + pair_out->value_len;
	return true;
}

/* Pairs that are whole in the input, the usual case, need no state between calls. The arena has room. */
static size_t params_take_whole(struct fcgi_params *p, const uint8_t *in, size_t len)
{
	const uint8_t *at = in;
	struct fcgi_pair pair;

	while (fcgi_pair_next(&at, in + len, &pair)) {
		uint8_t *to = p->arena.data + p->arena.len;

		memcpy(to, pair.name, pair.name_len);
		to[pair.name_len] = '\0';
		memcpy(to + pair.name_len + 1, pair.value, pair.value_len);
		to[pair.name_len + 1 + pair.value_len] = '\0';
		p->arena.len += (size_t)pair.name_len + pair.value_len + 2;
		p->name_len = pair.name_len;
		p->value_len = pair.value_len;
		params_end_pair(p);
	}
	return (size_t)(at - in);
}

enum fcgi_params_end fcgi_params_feed(struct fcgi_params *p, const uint8_t *in, size_t len, size_t max)
{
	size_t n;

	if (max > PARAMS_CEILING)
		max = PARAMS_CEILING;
	if (p->taken > max || len > max - p->taken)
		return FCGI_PARAMS_TOO_LARGE;
	buf_reserve(&p->arena, len + 2);
	if (p->state == PARAMS_LENS && p->lens_len == 0) {
		n = params_take_whole(p, in, len);
		in += n;
		len -= n;
		p->taken += n;
	}
	while (len > 0) {
		n = p->state == PARAMS_LENS ? params_take_lens(p, in, len) : params_take_text(p, in, len);
		in += n;
		len -= n;
		p->taken += n;
		if (p->state == PARAMS_LENS && p->lens_len == p->lens_want &&
		    params_begin_pair(p, max) == FCGI_PARAMS_TOO_LARGE)
			return FCGI_PARAMS_TOO_LARGE;
		params_end_text(p);
	}
	return FCGI_PARAMS_OK;
}

enum fcgi_params_end fcgi_params_finish(struct fcgi_params *p)
{
	return p->state == PARAMS_LENS && p->lens_len == 0 ? FCGI_PARAMS_OK : FCGI_PARAMS_LYING;
}

size_t fcgi_params_count(const struct fcgi_params *p)
{
	return p->index.len / sizeof(struct fcgi_param);
}

const struct fcgi_param *fcgi_params_at(const struct fcgi_params *p, size_t i)
{
	BUG_IF(i >= fcgi_params_count(p));
	return (const struct fcgi_param *)(const void *)p->index.data + i;
}

const char *fcgi_params_name(const struct fcgi_params *p, const struct fcgi_param *q)
{
	return (const char *)p->arena.data + q->name;
}

const char *fcgi_params_value(const struct fcgi_params *p, const struct fcgi_param *q)
{
	return (const char *)p->arena.data + q->value;
}

const char *fcgi_params_get(const struct fcgi_params *p, const char *name, size_t *len_out)
{
	const struct fcgi_param *q = (const struct fcgi_param *)(const void *)p->index.data;
	size_t name_len = strlen(name), i = fcgi_params_count(p);

	while (i-- > 0) {
		const uint8_t *at = p->arena.data + q[i].name;

		/* Names begin alike (HTTP_, SCRIPT_, REQUEST_): their ends tell more. */
		if (q[i].name_len != name_len || (name_len > 0 && at[name_len - 1] != (uint8_t)name[name_len - 1]))
			continue;
		if (memcmp(at, name, name_len) != 0)
			continue;
		if (len_out)
			*len_out = q[i].value_len;
		return fcgi_params_value(p, &q[i]);
	}
	return NULL;
}
