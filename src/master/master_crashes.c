/* master_crashes.c -- remembers the last crashes of children. Master only; pure. */
#include "src/master/master_crashes.h"

#include <stdlib.h>
#include "src/base/mem.h"

static void crashes_resize(struct master_crashes *c, size_t threshold)
{
	if (c->size == threshold)
		return;
	free(c->at_ms);
	*c = (struct master_crashes){ .at_ms = xcalloc(threshold, sizeof(*c->at_ms)), .size = threshold };
}

bool master_crashes_note(struct master_crashes *c, uint64_t now_ms, size_t threshold, uint64_t interval_ms)
{
	uint64_t oldest_ms;

	if (threshold == 0 || interval_ms == 0)
		return false;
	crashes_resize(c, threshold);
	c->at_ms[c->next] = now_ms;
	c->next = (c->next + 1) % threshold;
	if (c->count < threshold)
		c->count++;
	oldest_ms = c->at_ms[c->next];          /* of a full ring */
	if (c->count < threshold || now_ms - oldest_ms > interval_ms)
		return false;
	c->count = c->next = 0;
	return true;
}

void master_crashes_free(struct master_crashes *c)
{
	free(c->at_ms);
	*c = (struct master_crashes){ 0 };
}
