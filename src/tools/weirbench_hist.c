/* weirbench_hist.c -- the histogram behind weirbench's percentiles. Pure: no clock, no I/O, no allocation.
 * It knows values, not units: the caller counts in nanoseconds. Values below 2^(HIST_SUB_BITS + 1) have a
 * bucket each; above, a bucket holds all values that share their highest HIST_SUB_BITS + 1 bits. */
#include "src/tools/weirbench_hist.h"

#define SUB_COUNT (1u << HIST_SUB_BITS)

size_t hist_index(uint64_t value)
{
	unsigned shift;

	if (value < 2 * SUB_COUNT)
		return value;
	shift = 63 - (unsigned)__builtin_clzll(value) - HIST_SUB_BITS;
	return ((size_t)shift << HIST_SUB_BITS) + (size_t)(value >> shift);
}

uint64_t hist_bucket_last(size_t index)
{
	uint64_t high;
	unsigned shift;

	if (index < 2 * SUB_COUNT)
		return index;
	shift = (unsigned)(index >> HIST_SUB_BITS) - 1;
	high = (index & (SUB_COUNT - 1)) + SUB_COUNT;
	return (high << shift) + ((UINT64_C(1) << shift) - 1);
}

void hist_add(struct hist *h, uint64_t value)
{
	if (h->count == 0 || value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
	h->count++;
	h->sum += (double)value;
	h->bucket[hist_index(value)]++;
}

uint64_t hist_quantile(const struct hist *h, double q)
{
	double share = q * (double)h->count;
	uint64_t rank = (uint64_t)share, seen = 0, last;

	if (h->count == 0)
		return 0;
	if ((double)rank < share || rank == 0)          /* rounded up: at least the share */
		rank++;
	for (size_t i = 0; i < HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen < rank)
			continue;
		last = hist_bucket_last(i);
		return last < h->max ? last : h->max;
	}
	return h->max;
}

double hist_mean(const struct hist *h)
{
	return h->count ? h->sum / (double)h->count : 0;
}
