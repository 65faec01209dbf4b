/* weirbench_hist.h -- a histogram of times with log-linear buckets: 128 to each doubling, so that any
 * quantile is right within 0.8 % from a nanosecond to centuries, in 58 KiB and without allocation. Zeroed is
 * empty. */
#ifndef WEIRBENCH_HIST_H
#define WEIRBENCH_HIST_H

#include <stddef.h>
#include <stdint.h>

#define HIST_SUB_BITS 7                 /* 2^7 buckets to each doubling */
#define HIST_BUCKETS  ((64 - HIST_SUB_BITS + 1) << HIST_SUB_BITS)

struct hist {
	uint64_t count;
	uint64_t min, max;              /* exact; 0 while empty */
	double sum;
	uint64_t bucket[HIST_BUCKETS];
};

void hist_add(struct hist *h, uint64_t value);
/* The least bucket's end that at least the share q (0 to 1) of the values does not pass; never above max. */
uint64_t hist_quantile(const struct hist *h, double q);
double hist_mean(const struct hist *h);
/* For tests: the bucket of a value, and the largest value that shares a bucket. */
size_t hist_index(uint64_t value);
uint64_t hist_bucket_last(size_t index);

#endif
