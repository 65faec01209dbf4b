/* clock.h -- the only place that asks what time it is. Tests set it. */
#ifndef WEIR_CLOCK_H
#define WEIR_CLOCK_H

#include <stdint.h>

/* Monotonic; milliseconds and microseconds since an arbitrary start. Never jumps with the wall clock. */
uint64_t clock_ms(void);
uint64_t clock_us(void);
/* Microseconds since 1970, for people to read; jumps when somebody sets the clock. */
uint64_t clock_wall_us(void);

/* For tests: from now on all three stand still at this time. clock_run lets them go again. */
void clock_freeze(uint64_t us);
void clock_run(void);

#endif
