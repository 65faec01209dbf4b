/* answer.c -- runs in a child and in a pool process: composes the replies that Weir gives by itself. It sends
 * nothing. */
#include "mpm/answer.h"

#include <fastcgi.h>
#include "src/fcgi/fcgi_encode.h"

void answer_compose(struct buf *out, uint16_t id, enum reason reason, bool with_header)
{
	struct buf page = { 0 };

	if (reason != REASON_CLIENT_GONE) {     /* who has aborted is told of the end alone */
		reason_page(reason, with_header, &page);
		fcgi_add_stream(out, FCGI_STDOUT, id, page.data, page.len);
		fcgi_add_stream_end(out, FCGI_STDOUT, id);
	}
	fcgi_add_end(out, id, 0, FCGI_REQUEST_COMPLETE);
	buf_free(&page);
}
