/* answer.c -- runs in a child and in a pool process: composes the replies that Weir gives by itself. It sends
 * nothing. */
#include "mpm/answer.h"

#include <fastcgi.h>
#include <string.h>
#include "src/fcgi/fcgi_encode.h"

void answer_without_body(struct buf *page)
{
	const uint8_t *blank = page->len > 0 ? memmem(page->data, page->len, "\r\n\r\n", 4) : NULL;

	if (blank)
		page->len = (size_t)(blank - page->data) + 4;
}

void answer_compose(struct buf *out, const struct answer *answer)
{
	struct buf page = { 0 };

	if (answer->reason != REASON_CLIENT_GONE) {     /* who has aborted is told of the end alone */
		reason_page(answer->reason, answer->with_header, &page);
		if (answer->is_head)
			answer_without_body(&page);
		fcgi_add_stream(out, FCGI_STDOUT, answer->id, page.data, page.len);
		fcgi_add_stream_end(out, FCGI_STDOUT, answer->id);
	}
	fcgi_add_end(out, answer->id, 0, FCGI_REQUEST_COMPLETE);
	buf_free(&page);
}
