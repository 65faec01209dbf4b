/* answer.c -- runs in a child and in a pool process: composes the replies that Weir gives by itself. It sends
 * nothing. */
#include "mpm/answer.h"

#include <fastcgi.h>
#include "src/fcgi/fcgi_encode.h"

void answer_compose(struct buf *out, uint16_t id, enum reason reason, bool with_header)
{
	const char *status = reason_status(reason);
	struct buf page = { 0 };

	if (!status)
		status = "500 Internal Server Error";
	buf_printf(&page, "Status: %s\r\nContent-Type: text/plain; charset=utf-8\r\n", status);
	if (with_header)
		buf_printf(&page, "X-Weir-Reason: %s\r\n", reason_name(reason));
	buf_printf(&page, "\r\n%s (%s)\n", status, reason_name(reason));
	fcgi_add_stream(out, FCGI_STDOUT, id, page.data, page.len);
	fcgi_add_stream_end(out, FCGI_STDOUT, id);
	fcgi_add_end(out, id, 0, FCGI_REQUEST_COMPLETE);
	buf_free(&page);
}
