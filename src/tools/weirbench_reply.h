/* weirbench_reply.h -- one reply, as its bytes come: records, the CGI head, the body's length and a text
 * looked for in it. Pure: no I/O. Zeroed is ready; reply_reset before each request keeps the memory. */
#ifndef WEIRBENCH_REPLY_H
#define WEIRBENCH_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "src/base/buf.h"
#include "src/fcgi/fcgi_record.h"

#define REPLY_MAX_HEAD (64 * 1024)      /* bytes of CGI header fields; more is taken for nonsense */
#define REPLY_MAX_ERROR_TEXT (64 * 1024)

/* What all replies of a run are held against; made once. */
struct reply_want {
	const char *text;               /* to be found in the body; NULL: nothing */
	size_t text_len;
	uint32_t *fallback;             /* the search's table */
	bool keep_error_text;
};

struct reply {
	int status;                     /* 200 unless the head says otherwise; 0 before it is complete */
	uint64_t body_bytes;
	uint64_t error_bytes;           /* on FCGI_STDERR */
	uint8_t protocol_status;
	bool any;                       /* a first byte has come */
	bool text_found;
	struct buf error_text;          /* the first REPLY_MAX_ERROR_TEXT bytes, if they are wanted */
	const char *why;                /* REPLY_BAD: static text */
	/* private */
	struct fcgi_record record;
	struct buf head;
	uint8_t end[8];
	uint8_t end_len;
	size_t matched;
};

enum reply_end {
	REPLY_MORE,
	REPLY_DONE,                     /* END_REQUEST has come, and no byte behind it */
	REPLY_BAD,                      /* not FastCGI, or not an answer to this request: why says it */
};

void reply_want_init(struct reply_want *want, const char *text, bool keep_error_text);
void reply_want_free(struct reply_want *want);
void reply_reset(struct reply *r);
void reply_free(struct reply *r);
enum reply_end reply_feed(struct reply *r, const struct reply_want *want, const uint8_t *in, size_t len);

#endif
