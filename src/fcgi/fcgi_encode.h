/* fcgi_encode.h -- records into a buffer. Contents are cut into records of at most 65,535 bytes, so no
 * length can be truncated; every reserved byte is zero. Pure. */
#ifndef WEIR_FCGI_ENCODE_H
#define WEIR_FCGI_ENCODE_H

#include <stddef.h>
#include <stdint.h>
#include "src/base/buf.h"

#define FCGI_RECORD_MAX 65535

/* Fill an 8-byte header. */
void fcgi_put_header(uint8_t head_out[8], uint8_t type, uint16_t id, uint16_t length, uint8_t padding);
/* A stream's bytes (STDOUT, STDERR, STDIN, PARAMS, DATA); len 0 adds nothing: see fcgi_add_stream_end. */
void fcgi_add_stream(struct buf *b, uint8_t type, uint16_t id, const void *data, size_t len);
void fcgi_add_stream_end(struct buf *b, uint8_t type, uint16_t id);
void fcgi_add_begin(struct buf *b, uint16_t id, uint16_t role, uint8_t flags);
void fcgi_add_end(struct buf *b, uint16_t id, uint32_t app_status, uint8_t protocol_status);
void fcgi_add_abort(struct buf *b, uint16_t id);
void fcgi_add_unknown_type(struct buf *b, uint8_t type);
/* One name-value pair, as bytes of a PARAMS or GET_VALUES stream (no record header). */
void fcgi_add_pair(struct buf *b, const char *name, size_t name_len, const char *value, size_t value_len);

#endif
