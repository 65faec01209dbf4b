/* fcgi_record.c -- FastCGI records out of a byte stream. Pure.
 * Copies nothing but headers; contents stay where the caller read them. Knows versions, lengths and padding;
 * what types and ids mean is the caller's business. */
#include "src/fcgi/fcgi_record.h"

#include <string.h>
#include <fastcgi.h>

enum record_state { RECORD_HEAD, RECORD_CONTENT, RECORD_PADDING, RECORD_LOST };

/* n may be 0 and *in NULL with it. */
static void record_advance(const uint8_t **in, size_t *len, size_t n)
{
	if (n == 0)
		return;
	*in += n;
	*len -= n;
}

/* The whole header is in head[]. */
static enum fcgi_record_event record_start(struct fcgi_record *r)
{
	r->type = r->head[1];
	r->id = (uint16_t)(r->head[2] << 8 | r->head[3]);
	r->length = (uint16_t)(r->head[4] << 8 | r->head[5]);
	r->padding = r->head[6];
	r->left = r->length;
	r->state = RECORD_CONTENT;
	return FCGI_RECORD_START;
}

static enum fcgi_record_event record_head(struct fcgi_record *r, const uint8_t **in, size_t *len)
{
	size_t n = FCGI_HEADER_LEN - r->head_len;

	if (n > *len)
		n = *len;
	if (n == 0)
		return FCGI_RECORD_MORE;
	memcpy(r->head + r->head_len, *in, n);
	r->head_len += (uint8_t)n;
	record_advance(in, len, n);
	/* Said at the first byte: who speaks HTTP or TLS here need not wait for a timeout. */
	if (r->head[0] != FCGI_VERSION_1) {
		r->state = RECORD_LOST;
		return FCGI_RECORD_BAD;
	}
	return r->head_len < FCGI_HEADER_LEN ? FCGI_RECORD_MORE : record_start(r);
}

static enum fcgi_record_event record_content(struct fcgi_record *r, const uint8_t **in, size_t *len)
{
	if (*len == 0)
		return FCGI_RECORD_MORE;
	r->data = *in;
	r->data_len = r->left < *len ? r->left : *len;
	r->left -= (uint32_t)r->data_len;
	record_advance(in, len, r->data_len);
	return FCGI_RECORD_DATA;
}

static enum fcgi_record_event record_padding(struct fcgi_record *r, const uint8_t **in, size_t *len)
{
	size_t n = r->left < *len ? r->left : *len;

	r->left -= (uint32_t)n;
	record_advance(in, len, n);
	if (r->left > 0)
		return FCGI_RECORD_MORE;
	r->state = RECORD_HEAD;
	r->head_len = 0;
	return FCGI_RECORD_END;
}

enum fcgi_record_event fcgi_record_next(struct fcgi_record *r, const uint8_t **in, size_t *len)
{
	if (r->state == RECORD_CONTENT && r->left == 0) {
		r->state = RECORD_PADDING;
		r->left = r->padding;
	}
	switch ((enum record_state)r->state) {
	case RECORD_HEAD:
		return record_head(r, in, len);
	case RECORD_CONTENT:
		return record_content(r, in, len);
	case RECORD_PADDING:
		return record_padding(r, in, len);
	case RECORD_LOST:
		break;
	}
	return FCGI_RECORD_BAD;
}

bool fcgi_record_aborts(const uint8_t *at, size_t len, uint16_t id, size_t *whole_out)
{
	*whole_out = 0;
	while (len - *whole_out >= FCGI_HEADER_LEN) {
		const uint8_t *head = at + *whole_out;
		size_t size = FCGI_HEADER_LEN + (size_t)(head[4] << 8 | head[5]) + head[6];

		if (head[0] != FCGI_VERSION_1 || head[1] == FCGI_BEGIN_REQUEST)
			return false;
		if (head[1] == FCGI_ABORT_REQUEST && (head[2] << 8 | head[3]) == id)
			return true;
		if (size > len - *whole_out)
			return false;
		*whole_out += size;
	}
	return false;
}
