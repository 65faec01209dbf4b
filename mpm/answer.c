/* answer.c -- runs in a child and in a pool process: composes the replies that Weir gives by itself. It sends
 * nothing. */
#include "mpm/answer.h"

#include <fastcgi.h>
#include <string.h>
#include "src/fcgi/fcgi_encode.h"

static size_t head_len(const struct buf *page)
{
	const uint8_t *blank = memmem(page->data, page->len, "\r\n\r\n", 4);

	return blank ? (size_t)(blank - page->data) + 4 : page->len;
}

void answer_compose(struct buf *out, const struct answer *answer)
{
	struct buf page = { 0 };

	if (answer->reason != REASON_CLIENT_GONE) {     /* who has aborted is told of the end alone */
		reason_page(answer->reason, answer->with_header, &page);
		fcgi_add_stream(out, FCGI_STDOUT, answer->id, page.data, answer->is_head ? head_len(&page) : page.len);
		fcgi_add_stream_end(out, FCGI_STDOUT, answer->id);
	}
	fcgi_add_end(out, answer->id, 0, FCGI_REQUEST_COMPLETE);
	buf_free(&page);
}
