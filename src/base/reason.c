/* reason.c -- the words for why Weir itself ended or refused a request. Any process.
 * A table and no policy: what is done about a reason is decided where it arises. */
#include "src/base/reason.h"

#include <stddef.h>
#include "src/base/mem.h"

static const struct reason_words {
	const char *name;
	const char *status;
} reasons[REASON_COUNT] = {
	[REASON_NONE] = { "none", NULL },
	[REASON_QUEUE_FULL] = { "queue_full", "503 Service Unavailable" },
	[REASON_QUEUE_TIMEOUT] = { "queue_timeout", "503 Service Unavailable" },
	[REASON_HEADER_TIMEOUT] = { "header_timeout", "408 Request Timeout" },
	[REASON_BODY_TIMEOUT] = { "body_timeout", "408 Request Timeout" },
	[REASON_BODY_TOO_LARGE] = { "body_too_large", "413 Content Too Large" },
	[REASON_PARAMS_TOO_LARGE] = { "params_too_large", "431 Request Header Fields Too Large" },
	[REASON_REQUEST_TIMEOUT] = { "request_timeout", "504 Gateway Timeout" },
	[REASON_CHILD_DIED] = { "child_died", "502 Bad Gateway" },
	[REASON_SPAWN_FAILED] = { "spawn_failed", "503 Service Unavailable" },
	[REASON_BAD_HEADER] = { "bad_header", "400 Bad Request" },
	[REASON_CLIENT_GONE] = { "client_gone", NULL },
	[REASON_DRAINING] = { "draining", "503 Service Unavailable" },
	[REASON_DENIED] = { "denied", "403 Forbidden" },
	[REASON_STATUS_LATE] = { "status_late", "503 Service Unavailable" },
	[REASON_NO_STORAGE] = { "no_storage", "507 Insufficient Storage" },
};

const char *reason_name(enum reason reason)
{
	BUG_IF((unsigned)reason >= REASON_COUNT);
	return reasons[reason].name;
}

const char *reason_status(enum reason reason)
{
	BUG_IF((unsigned)reason >= REASON_COUNT);
	return reasons[reason].status;
}

void reason_page(enum reason reason, bool with_header, struct buf *out)
{
	reason_page_retry(reason, with_header, 0, out);
}

void reason_page_retry(enum reason reason, bool with_header, int64_t retry_after_s, struct buf *out)
{
	const char *status = reason_status(reason);

	if (!status)
		status = "500 Internal Server Error";
	buf_printf(out, "Status: %s\r\nContent-Type: text/plain; charset=utf-8\r\n", status);
	if (with_header)
		buf_printf(out, "X-Weir-Reason: %s\r\n", reason_name(reason));
	if (retry_after_s > 0)
		buf_printf(out, "Retry-After: %lld\r\n", (long long)retry_after_s);
	buf_printf(out, "\r\n%s (%s)\n", status, reason_name(reason));
}
