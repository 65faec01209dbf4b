/* buf.c -- a growable run of bytes. Any process.
 * Grows by doubling, so that adding byte by byte costs no more than adding at once. Never shrinks by itself:
 * whoever keeps a buffer from request to request frees what grew too large. */
#include "src/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "src/base/mem.h"

#define BUF_FIRST 256

static void buf_grow(struct buf *b, size_t cap)
{
	const uint8_t *lent = b->lent ? b->data : NULL;

	b->data = xrealloc(lent ? NULL : b->data, cap);
	if (lent)
		memcpy(b->data, lent, b->len);
	b->lent = false;
	b->cap = cap;
}

void buf_reserve(struct buf *b, size_t more)
{
	size_t want, cap;

	if (b->cap - b->len >= more)
		return;
	BUG_IF(more > SIZE_MAX / 4 || b->len > SIZE_MAX / 4);
	want = b->len + more;
	cap = b->cap ? b->cap : BUF_FIRST;
	while (cap < want)
		cap *= 2;
	buf_grow(b, cap);
}

void buf_add(struct buf *b, const void *data, size_t len)
{
	if (len == 0)
		return;
	buf_reserve(b, len);
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

void buf_add_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

/* Returns what vsnprintf says: the text is in place when that is less than the room there was. */
static size_t buf_try_printf(struct buf *b, const char *fmt, va_list ap)
{
	int len = vsnprintf((char *)b->data + b->len, b->cap - b->len, fmt, ap);

	BUG_IF(len < 0);
	return (size_t)len;
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	buf_reserve(b, 64);
	va_start(ap, fmt);
	len = buf_try_printf(b, fmt, ap);
	va_end(ap);
	if (len >= b->cap - b->len) {
		buf_reserve(b, len + 1);
		va_start(ap, fmt);
		buf_try_printf(b, fmt, ap);
		va_end(ap);
	}
	b->len += len;
}

void buf_drop_front(struct buf *b, size_t len)
{
	BUG_IF(len > b->len);
	if (len == 0)
		return;
	b->len -= len;
	memmove(b->data, b->data + len, b->len);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
}

void buf_free(struct buf *b)
{
	if (!b->lent)
		free(b->data);
	*b = (struct buf){ 0 };
}

void buf_lend(struct buf *b, void *space, size_t size)
{
	BUG_IF(b->cap != 0);
	*b = (struct buf){ .data = space, .cap = size, .lent = true };
}

const char *buf_str(struct buf *b)
{
	buf_reserve(b, 1);
	b->data[b->len] = '\0';
	return (const char *)b->data;
}
