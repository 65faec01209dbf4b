/* clock.c -- the time. Any process.
 * Everything else asks here, so that a test of a policy sets the time instead of waiting for it. */
#include "src/base/clock.h"

#include <stdbool.h>
#include <time.h>

static bool clock_frozen;
static uint64_t clock_frozen_us;

static uint64_t clock_read_us(clockid_t which)
{
	struct timespec ts;

	if (clock_frozen)
		return clock_frozen_us;
	clock_gettime(which, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t clock_us(void)
{
	return clock_read_us(CLOCK_MONOTONIC);
}

uint64_t clock_ms(void)
{
	return clock_us() / 1000;
}

uint64_t clock_wall_us(void)
{
	return clock_read_us(CLOCK_REALTIME);
}

void clock_freeze(uint64_t us)
{
	clock_frozen_us = us;
	clock_frozen = true;
}

void clock_run(void)
{
	clock_frozen = false;
}
