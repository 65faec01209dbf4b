/* pool_backoff.h -- how long to wait before the next try when what is born dies at once. For children,
 * zygotes and pool processes alike. Pure: the caller gives the time, waits and logs. A death in a row is
 * one before READY or before the first request. From the third on there is a delay: 100 ms, doubled by
 * each try that fails too, up to one try per 10 s; after a SIGKILL (an administrator, the kernel short
 * of memory) never more than 0.5 s. One that serves ends it. */
#ifndef WEIR_POOL_BACKOFF_H
#define WEIR_POOL_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#define POOL_BACKOFF_FREE     2         /* so many deaths in a row cost nothing */
#define POOL_BACKOFF_FIRST_MS 100
#define POOL_BACKOFF_MOST_MS  10000
#define POOL_BACKOFF_KILL_MS  500

/* Zeroed is new and well; plain data. */
struct pool_backoff {
	uint32_t deaths;                /* in a row */
	uint64_t delay_ms;              /* of the last failed try; 0: none yet */
	uint64_t until_ms;              /* no try before */
};

/* What the caller should log, once: the state that was entered. */
enum pool_backoff_news { POOL_BACKOFF_SAME, POOL_BACKOFF_FAILING, POOL_BACKOFF_WELL };

/* One died that was not told to leave. served: it had served a request (a zygote or pool process: it had been
 * READY): that is no death in a row, and ends one. sigkill: by that signal. */
enum pool_backoff_news pool_backoff_died(struct pool_backoff *b, uint64_t now_ms, bool served, bool sigkill);
/* One serves: its first request is done (a zygote or pool process: it is READY). */
enum pool_backoff_news pool_backoff_ok(struct pool_backoff *b);
/* A reload: what was is forgotten, and says nothing about what comes. */
void pool_backoff_reset(struct pool_backoff *b);
/* Milliseconds until the next try; 0: now. */
uint64_t pool_backoff_wait_ms(const struct pool_backoff *b, uint64_t now_ms);
/* While this holds, one try at a time is enough. */
bool pool_backoff_failing(const struct pool_backoff *b);

#endif
