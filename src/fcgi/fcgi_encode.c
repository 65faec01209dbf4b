/* fcgi_encode.c -- FastCGI records into a buffer. Pure.
 * The only place that writes a record's header. What does not fit one record is cut into more, or is a
 * fault of our own; no length is truncated: that would make a peer take contents for records. */
#include "src/fcgi/fcgi_encode.h"

#include <string.h>
#include <fastcgi.h>
#include "src/base/mem.h"

void fcgi_put_header(uint8_t head_out[8], uint8_t type, uint16_t id, uint16_t length, uint8_t padding)
{
	head_out[0] = FCGI_VERSION_1;
	head_out[1] = type;
	head_out[2] = (uint8_t)(id >> 8);
	head_out[3] = (uint8_t)id;
	head_out[4] = (uint8_t)(length >> 8);
	head_out[5] = (uint8_t)length;
	head_out[6] = padding;
	head_out[7] = 0;
}

/* One record; len fits by its type. */
static void encode_record(struct buf *b, uint8_t type, uint16_t id, const void *data, uint16_t len)
{
	buf_reserve(b, (size_t)FCGI_HEADER_LEN + len);
	fcgi_put_header(b->data + b->len, type, id, len, 0);
	b->len += FCGI_HEADER_LEN;
	buf_add(b, data, len);
}

void fcgi_add_stream(struct buf *b, uint8_t type, uint16_t id, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len > 0) {
		uint16_t n = len < FCGI_RECORD_MAX ? (uint16_t)len : FCGI_RECORD_MAX;

		encode_record(b, type, id, p, n);
		p += n;
		len -= n;
	}
}

void fcgi_add_stream_end(struct buf *b, uint8_t type, uint16_t id)
{
	encode_record(b, type, id, NULL, 0);
}

void fcgi_add_begin(struct buf *b, uint16_t id, uint16_t role, uint8_t flags)
{
	const uint8_t body[8] = { (uint8_t)(role >> 8), (uint8_t)role, flags };

	encode_record(b, FCGI_BEGIN_REQUEST, id, body, sizeof(body));
}

void fcgi_add_end(struct buf *b, uint16_t id, uint32_t app_status, uint8_t protocol_status)
{
	const uint8_t body[8] = {
		(uint8_t)(app_status >> 24), (uint8_t)(app_status >> 16), (uint8_t)(app_status >> 8),
		(uint8_t)app_status, protocol_status,
	};

	encode_record(b, FCGI_END_REQUEST, id, body, sizeof(body));
}

void fcgi_add_abort(struct buf *b, uint16_t id)
{
	encode_record(b, FCGI_ABORT_REQUEST, id, NULL, 0);
}

void fcgi_add_unknown_type(struct buf *b, uint8_t type)
{
	const uint8_t body[8] = { type };

	encode_record(b, FCGI_UNKNOWN_TYPE, FCGI_NULL_REQUEST_ID, body, sizeof(body));
}

/* Lengths up to 127 take one byte, others four with the highest bit set (section 3.4). */
static void encode_pair_len(struct buf *b, size_t len)
{
	const uint8_t at[4] = {
		(uint8_t)(len >> 24 | 0x80), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len,
	};

	BUG_IF(len > 0x7fffffff);
	if (len < 0x80)
		buf_add(b, at + 3, 1);
	else
		buf_add(b, at, sizeof(at));
}

void fcgi_add_pair(struct buf *b, const char *name, size_t name_len, const char *value, size_t value_len)
{
	encode_pair_len(b, name_len);
	encode_pair_len(b, value_len);
	buf_add(b, name, name_len);
	buf_add(b, value, value_len);
}
