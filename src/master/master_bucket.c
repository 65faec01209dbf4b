/* master_bucket.c -- a token bucket over orders of one pool process. Master only, and pure.
 * A pool process that was taken over could otherwise have the master fork without end. */
#include "src/master/master_bucket.h"

#define MILLI 1000u

void master_bucket_fill(struct master_bucket *b, uint64_t now_ms)
{
	b->at_ms = now_ms;
	b->milli = MASTER_BUCKET_MOST * MILLI;
}

static void master_bucket_refill(struct master_bucket *b, uint64_t now_ms)
{
	uint64_t passed_ms = now_ms > b->at_ms ? now_ms - b->at_ms : 0;
	uint64_t room = MASTER_BUCKET_MOST * MILLI - b->milli;

	/* One order is MILLI thousandths, and so is one second: the units cancel. */
	b->milli += passed_ms < room ? passed_ms * MASTER_BUCKET_PER_SECOND : room;
	if (b->milli > MASTER_BUCKET_MOST * MILLI)
		b->milli = MASTER_BUCKET_MOST * MILLI;
	b->at_ms = now_ms;
}

bool master_bucket_take(struct master_bucket *b, uint64_t now_ms)
{
	master_bucket_refill(b, now_ms);
	if (b->milli < MILLI)
		return false;
	b->milli -= MILLI;
	return true;
}
