/* fcgi_record.h -- FastCGI 1.0 records out of a byte stream (section 3.3). Pure: bytes in, events out; no
 * I/O, no allocation. Constants are libfcgi's, from <fastcgi.h>. */
#ifndef WEIR_FCGI_RECORD_H
#define WEIR_FCGI_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fcgi_record_event {
	FCGI_RECORD_MORE,               /* all input used; nothing complete */
	FCGI_RECORD_START,              /* type, id, length are known */
	FCGI_RECORD_DATA,               /* the next bytes of its content: data, data_len (never empty) */
	FCGI_RECORD_END,                /* content and padding have passed */
	FCGI_RECORD_BAD,                /* not FastCGI 1 (version); the stream is lost for good */
};

struct fcgi_record {                    /* zeroed is ready to read */
	uint8_t type;
	uint16_t id;
	uint16_t length;                /* contentLength */
	uint8_t padding;
	const uint8_t *data;            /* FCGI_RECORD_DATA: into the caller's input */
	size_t data_len;
	/* private */
	uint8_t head[8];
	uint8_t head_len;
	uint8_t state;
	uint32_t left;
};

/* Take bytes from *in (advancing *in, *len) up to the next event. */
enum fcgi_record_event fcgi_record_next(struct fcgi_record *r, const uint8_t **in, size_t *len);

/* Look ahead: at begins with a record. Does FCGI_ABORT_REQUEST for this id come before another request begins?
 * *whole_out: bytes of the records in front of it, or of all of them, that are there whole. */
bool fcgi_record_aborts(const uint8_t *at, size_t len, uint16_t id, size_t *whole_out);

#endif
