/* answer.h -- the page that Weir itself answers with, the same for a child and for a pool that has none. */
#ifndef WEIR_ANSWER_H
#define WEIR_ANSWER_H

#include <stdbool.h>
#include <stdint.h>
#include "src/base/buf.h"
#include "src/base/reason.h"

/* Add a whole reply to request id: status, page, end. with_header: say the reason in X-Weir-Reason too. */
void answer_compose(struct buf *out, uint16_t id, enum reason reason, bool with_header);

#endif
