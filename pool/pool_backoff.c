/* pool_backoff.c -- delays between tries while what is born dies at once. Used in the pool process
 * (children) and in the master (zygotes, pool processes). Pure: it reads no clock, logs nothing and
 * starts nothing. */
#include "pool/pool_backoff.h"

bool pool_backoff_failing(const struct pool_backoff *b)
{
	return b->deaths > POOL_BACKOFF_FREE;
}

static uint64_t next_delay(uint64_t delay_ms, bool sigkill)
{
	uint64_t most_ms = sigkill ? POOL_BACKOFF_KILL_MS : POOL_BACKOFF_MOST_MS;
	uint64_t doubled_ms = delay_ms == 0 ? POOL_BACKOFF_FIRST_MS : delay_ms * 2;

	return doubled_ms < most_ms ? doubled_ms : most_ms;
}

/* Only a try that was made after the last delay had passed says anything new: the deaths of children
 * that were born together with the last one come in a bunch, and are one failure. */
static void lengthen(struct pool_backoff *b, uint64_t now_ms, bool sigkill)
{
	uint64_t until_ms = b->until_ms;

	if (now_ms >= b->until_ms) {
		b->delay_ms = next_delay(b->delay_ms, sigkill);
		until_ms = now_ms + b->delay_ms;
	}
	if (sigkill && until_ms > now_ms + POOL_BACKOFF_KILL_MS)
		until_ms = now_ms + POOL_BACKOFF_KILL_MS;
	b->until_ms = until_ms;
}

enum pool_backoff_news pool_backoff_died(struct pool_backoff *b, uint64_t now_ms, bool served, bool sigkill)
{
	if (served)
		return pool_backoff_ok(b);
	bool was_failing = pool_backoff_failing(b);
	if (b->deaths < UINT32_MAX)
		b->deaths++;
	if (!pool_backoff_failing(b))
		return POOL_BACKOFF_SAME;
	lengthen(b, now_ms, sigkill);
	return was_failing ? POOL_BACKOFF_SAME : POOL_BACKOFF_FAILING;
}

enum pool_backoff_news pool_backoff_ok(struct pool_backoff *b)
{
	bool was_failing = pool_backoff_failing(b);

	pool_backoff_reset(b);
	return was_failing ? POOL_BACKOFF_WELL : POOL_BACKOFF_SAME;
}

void pool_backoff_reset(struct pool_backoff *b)
{
	*b = (struct pool_backoff){ 0 };
}

uint64_t pool_backoff_wait_ms(const struct pool_backoff *b, uint64_t now_ms)
{
	return b->until_ms > now_ms ? b->until_ms - now_ms : 0;
}
