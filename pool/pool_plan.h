/* pool_plan.h -- how many children a pool should have: a pure function of its limits and a census. Load is
 * counted in slots, births and departures in whole children of as many slots as they have threads. No
 * clock, no fork, no log, no allocation: the caller counts, asks, obeys, and sleeps for wait_ms or until
 * an event. Whom to retire is the caller's choice: the child that has been idle longest. */
#ifndef WEIR_POOL_PLAN_H
#define WEIR_POOL_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include "src/conf/conf.h"

#define POOL_WAIT_NEVER UINT64_MAX      /* time alone changes nothing: sleep until an event */
#define POOL_SETTLE_MS  1000            /* a surplus counts once it has lasted so long */
#define POOL_BUSY_MS    5000            /* dynamic: so often a look whether busy children became a surplus */
#define POOL_CALM_MS    10000           /* so long without saturation, and the next one is news again */

struct pool_limits {
	enum conf_pm pm;
	int max_children;               /* never more, those that are leaving included */
	int threads;                    /* slots of one child; 0 counts as 1 */
	int start_servers;              /* dynamic: the first fill, in children */
	int min_spare, max_spare;       /* dynamic: idle slots, least and most */
	int max_spawn_rate;             /* births at once, and each second; the first fill is free */
	uint64_t idle_timeout_ms;       /* ondemand */
};

/* The state of one generation of a pool at one moment. */
struct pool_census {
	uint64_t now_ms;
	int starting;                   /* slots of children not READY yet: idle before long */
	int idle;                       /* slots */
	int busy;                       /* slots */
	int serving;                    /* children READY and not told to leave */
	int retiring;                   /* children that leave, still alive */
	int ending;                     /* of them, those that have nothing in hand any more */
	int total;                      /* children that count against max_children, of other generations too */
	int apart;                      /* children that count for process.max alone: they leave, and have places of
					 * their own (under worker) */
	int asking;                     /* serving children that should leave and wait for an order to */
	int asking_idle;                /* of them, those that have no request in hand */
	int waiting;                    /* connections on listening sockets and in the ready queue */
	bool waiting_exact;             /* false: at least so many wait (a readable socket says no more) */
	bool booting;                   /* first fill: dynamic makes start_servers, no rate holds */
	bool draining;                  /* the plan orders nothing: the drain decides who leaves */
	bool failing;                   /* pool_backoff_failing(): one child at a time, to see if it lives */
	bool limited;                   /* process.max: no more than granted in all */
	int granted;
	uint64_t backoff_wait_ms;       /* pool_backoff_wait_ms(): no birth before that */

	/* Filled by pool_census_idle(). */
	int expired;                    /* children idle for idle_timeout_ms or longer */
	uint64_t next_idle_ms;          /* the longest idle time among those that have not expired */

	/* Filled by pool_pace_plan(). */
	int spawn_allowed;              /* what the bucket holds */
	uint64_t spawn_wait_ms;         /* until it holds one more; POOL_WAIT_NEVER: it is full */
	int surplus;                    /* idle slots that nobody needed for POOL_SETTLE_MS */
	uint64_t surplus_wait_ms;       /* until a younger surplus counts; POOL_WAIT_NEVER: there is none */
};

struct pool_plan {
	int spawn;                      /* order so many children now */
	int retire;                     /* tell so many children to leave now, the longest idle first */
	int release;                    /* tell so many of those that ask for it to leave, the idlest first */
	int want;                       /* grants for so many children in all would be of use now */
	bool blocked;                   /* births wait for a grant, and for nothing else: it is an event */
	bool at_max;                    /* more children are needed than max_children allows */
	bool say_at_max;                /* at_max is news: log it and count it (pool_pace_plan() only) */
	uint64_t wait_ms;               /* then the plan may differ without any event; or POOL_WAIT_NEVER */
};

void pool_limits_read(struct pool_limits *out, const struct conf_pool *conf);

/* Count one child all of whose slots are idle, the last one since idle_ms. */
void pool_census_idle(struct pool_census *now, const struct pool_limits *lim, uint64_t idle_ms);

struct pool_plan pool_plan(const struct pool_limits *lim, const struct pool_census *now);

/* The bucket of births: holds up to rate, refills evenly by rate a second. Zeroed is new: the first
 * refill fills it. */
struct pool_bucket {
	uint64_t milli;                 /* thousandths of a birth */
	uint64_t at_ms;                 /* of the last refill */
	bool filled;
};
void pool_bucket_refill(struct pool_bucket *b, int rate, uint64_t now_ms);
int pool_bucket_level(const struct pool_bucket *b);
void pool_bucket_take(struct pool_bucket *b, int count);
/* Put count births back, up to most in all; what is more than rate is lost again within a second or so. */
void pool_bucket_give(struct pool_bucket *b, int count, int most);
/* Milliseconds until one more birth is in it; POOL_WAIT_NEVER when it is full. */
uint64_t pool_bucket_wait_ms(const struct pool_bucket *b, int rate);

/* What a plan must remember from one look to the next. One per generation, zeroed at birth; plain data. */
struct pool_pace {
	struct pool_bucket bucket;
	uint64_t surplus_since_ms;
	int surplus_least;              /* slots: the smallest surplus since then; 0: there is none */
	uint64_t at_max_ms;             /* the last look at which the pool was saturated */
	bool at_max_said;
};

/* So many children ended after they had served (max_requests, a crash in a request): the births that
 * replace them are no growth and come at once, whatever the rate; else a small max_requests would bound
 * the pool's throughput. */
void pool_pace_replace(struct pool_pace *pace, const struct pool_limits *lim, int count);

/* The plan at a steady pace: the call for every look. Fills the census' last part, plans, and books what
 * the plan orders as done. A plan that the caller cannot carry out is simply made again at the next
 * look. */
struct pool_plan pool_pace_plan(struct pool_pace *pace, const struct pool_limits *lim,
	struct pool_census *now);

#endif
