/* answer.h -- the page that Weir itself answers with, the same for a child and for a pool that has none. */
#ifndef WEIR_ANSWER_H
#define WEIR_ANSWER_H

#include <stdbool.h>
#include <stdint.h>
#include "src/base/buf.h"
#include "src/base/reason.h"

struct answer {
	uint16_t id;
	enum reason reason;
	bool with_header;               /* say the reason in X-Weir-Reason too */
	bool is_head;                   /* no body: HAProxy takes a reply to HEAD that has one for a broken one */
};

/* Add a whole reply: status, page, end. */
void answer_compose(struct buf *out, const struct answer *answer);

/* Of a CGI response that answers HEAD: its head alone. */
void answer_without_body(struct buf *page);

#endif
