/* weirbench_stats.c -- names and sums of what a run has counted, and the clock it is measured with.
 * Holds no state of its own and prints nothing. */
#include <time.h>
#include "src/tools/weirbench_stats.h"

const char *bench_end_name(enum bench_end end)
{
	static const char *const names[BENCH_ENDS] = {
		[BENCH_OK] = "ok", [BENCH_CONNECT] = "connect", [BENCH_BACKLOG] = "backlog_full",
		[BENCH_CLOSED] = "closed_early", [BENCH_PROTOCOL] = "protocol", [BENCH_REFUSED] = "refused",
		[BENCH_STATUS] = "status", [BENCH_BODY] = "body_mismatch", [BENCH_TIMEOUT] = "timeout",
	};

	return end >= 0 && end < BENCH_ENDS ? names[end] : "going";
}

uint64_t bench_stats_errors(const struct bench_stats *s)
{
	uint64_t sum = 0;

	for (int i = BENCH_OK + 1; i < BENCH_ENDS; i++)
		sum += s->ended[i];
	return sum;
}

uint64_t bench_stats_total(const struct bench_stats *s)
{
	return s->ended[BENCH_OK] + bench_stats_errors(s);
}

uint64_t bench_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}
