/* master_crashes.h -- emergency_restart_threshold: were there so many crashes within so long? Pure: the caller gives
 * the time. */
#ifndef WEIR_MASTER_CRASHES_H
#define WEIR_MASTER_CRASHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed is new. */
struct master_crashes {
	uint64_t *at_ms;                /* a ring of the last ones */
	size_t size, count, next;
};

/* One more. True: it is the threshold-th within interval_ms; what was is forgotten then. */
bool master_crashes_note(struct master_crashes *c, uint64_t now_ms, size_t threshold, uint64_t interval_ms);
void master_crashes_free(struct master_crashes *c);

#endif
