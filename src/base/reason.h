/* reason.h -- why Weir itself ended or refused a request: one code for log, counters and the X-Weir-Reason
 * header. */
#ifndef WEIR_REASON_H
#define WEIR_REASON_H

#include <stdbool.h>
#include "src/base/buf.h"

enum reason {
	REASON_NONE,
	REASON_QUEUE_FULL,
	REASON_QUEUE_TIMEOUT,
	REASON_HEADER_TIMEOUT,
	REASON_BODY_TIMEOUT,
	REASON_BODY_TOO_LARGE,
	REASON_PARAMS_TOO_LARGE,
	REASON_REQUEST_TIMEOUT,
	REASON_CHILD_DIED,
	REASON_SPAWN_FAILED,
	REASON_BAD_HEADER,
	REASON_CLIENT_GONE,
	REASON_DRAINING,
	REASON_DENIED,
	REASON_STATUS_LATE,             /* a status page whose figures did not come in time */
	REASON_NO_STORAGE,              /* a body or reply found no room on disk */
	REASON_COUNT
};

/* "queue_full" ...; "none" for REASON_NONE. */
const char *reason_name(enum reason reason);
/* The HTTP status that a client is told ("408 Request Timeout"); NULL where there is nobody to tell. */
const char *reason_status(enum reason reason);
/* A whole answer as a CGI response (500 where there is no status), with X-Weir-Reason if asked for. */
void reason_page(enum reason reason, bool with_header, struct buf *out);
/* The same with Retry-After, in seconds; 0: without. */
void reason_page_retry(enum reason reason, bool with_header, int64_t retry_after_s, struct buf *out);

#endif
