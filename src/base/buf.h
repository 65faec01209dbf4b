/* buf.h -- a growable run of bytes, owned by whoever embeds it.
 * Zero-initialised is empty and valid; buf_free leaves it so again. */
#ifndef WEIR_BUF_H
#define WEIR_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data;
	size_t len;                     /* bytes in use */
	size_t cap;                     /* bytes allocated, or lent */
	bool lent;                      /* data is somebody else's */
};

void buf_reserve(struct buf *b, size_t more);           /* room for at least so many more bytes */
void buf_add(struct buf *b, const void *data, size_t len);
void buf_add_str(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_drop_front(struct buf *b, size_t len);         /* forget the first len bytes */
void buf_clear(struct buf *b);                          /* len = 0, memory kept */
void buf_free(struct buf *b);
/* b was empty: it works in this memory, which outlives it, as long as that is enough, then in its own. */
void buf_lend(struct buf *b, void *space, size_t size);
/* The contents as a C string (a NUL is put behind them, not counted). Borrowed until the next change. */
const char *buf_str(struct buf *b);

#endif
