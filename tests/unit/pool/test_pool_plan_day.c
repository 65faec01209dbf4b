/* test_pool_plan_day.c -- a day of a busy site in front of the plan: 86,400 seconds of a clock that only
 * the test moves, a load curve with a dead hour, bursts, short and long requests, children that need 5
 * ms to start and leave after 1000 requests. The pool process is modelled as it sleeps and wakes: an
 * arrival or the plan's own wait_ms wakes it, it looks every 10 ms, and sleeps again after a second
 * without change. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pool/pool_plan.h"

/* Asked some hundred million times: no function call where it holds. */
#define MUST(cond) do { if (!(cond)) fail_msg("%s", #cond); } while (0)

#define HOUR_MS      UINT64_C(3600000)
#define DAY_MS       (24 * HOUR_MS)
#define LOOK_MS      10
#define AWAKE_MS     1000
#define START_MS     5
#define MAX_REQUESTS 1000
#define BURST        200
#define NEVER        UINT64_MAX
#define MOST         64                 /* children */
#define QUEUE        4096               /* connections that wait, a power of 2 */
#define QUIET_FROM   (2 * HOUR_MS)      /* no request at all for two hours */
#define QUIET_TO     (4 * HOUR_MS)

/* Requests per 10 seconds, by hour. */
static const unsigned curve[24] = { 10, 3, 0, 0, 1, 3, 10, 30, 60, 100, 130, 140,
	130, 120, 140, 150, 140, 120, 110, 100, 90, 70, 50, 25 };

/* Quantiles of the exponential distribution, in thousandths of its mean. */
static const uint16_t exponential[64] = {
	4852, 3753, 3243, 2906, 2655, 2454, 2287, 2144, 2019, 1908, 1808, 1717, 1633, 1556, 1485, 1418,
	1356, 1297, 1241, 1188, 1138, 1091, 1045, 1002, 960, 920, 882, 845, 809, 774, 741, 709,
	678, 647, 618, 589, 562, 535, 508, 483, 458, 433, 409, 386, 363, 341, 319, 298,
	277, 257, 237, 217, 198, 179, 161, 143, 125, 107, 90, 73, 56, 40, 24, 8,
};

struct child {
	uint64_t since_ms;              /* of being idle */
	unsigned served;
};

struct event {
	uint64_t at_ms;
	int child;
	bool born;                      /* else: its request is done */
};

struct day {
	struct pool_limits lim;
	struct pool_pace pace;
	bool exact;                     /* does the pool know how many wait? */
	uint64_t patience_ms;           /* no wait is longer while there is room for a child */
	uint64_t now_ms, random;

	struct child child[MOST];
	int free[MOST], frees;          /* numbers without a child */
	int idle[MOST], idles;          /* longest idle first */
	int starting, busy;
	struct event heap[MOST];
	int events;
	uint64_t queue[QUEUE];          /* when each connection came */
	unsigned first, last;

	uint64_t arrival_ms, burst_ms, look_ms, looked_ms, changed_ms;
	int seen[3];                    /* starting, idle, busy at the last look */
	uint64_t excuse_ms;             /* last time when the pool was full or its bucket empty */
	bool booted;

	uint64_t requests, looks, quiet_looks, waited, waited_ms;
	int spawned, retired, left, told;
};

static uint64_t draw(struct day *d, uint64_t mean)
{
	d->random = d->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return mean * exponential[d->random >> 58] / 1000;
}

/* One request in twenty takes ten times as long. */
static uint64_t service_ms(struct day *d)
{
	bool slow = draw(d, 1000) > 3000;

	return 1 + draw(d, slow ? 400 : 40);
}

static uint64_t next_arrival(struct day *d, uint64_t now_ms)
{
	while (now_ms < DAY_MS && curve[now_ms / HOUR_MS] == 0)
		now_ms = (now_ms / HOUR_MS + 1) * HOUR_MS;
	if (now_ms >= DAY_MS)
		return NEVER;
	uint64_t at_ms = now_ms + draw(d, 10000 / curve[now_ms / HOUR_MS]);
	return at_ms >= QUIET_FROM && at_ms < QUIET_TO ? QUIET_TO : at_ms;
}

static void event_add(struct day *d, struct event e)
{
	int i = d->events++;

	MUST(i < MOST);
	for (; i > 0 && d->heap[(i - 1) / 2].at_ms > e.at_ms; i = (i - 1) / 2)
		d->heap[i] = d->heap[(i - 1) / 2];
	d->heap[i] = e;
}

static struct event event_take(struct day *d)
{
	struct event top = d->heap[0], e = d->heap[--d->events];
	int i = 0;

	for (int down = 1; down < d->events; down = 2 * i + 1) {
		if (down + 1 < d->events && d->heap[down + 1].at_ms < d->heap[down].at_ms)
			down++;
		if (d->heap[down].at_ms >= e.at_ms)
			break;
		d->heap[i] = d->heap[down];
		i = down;
	}
	d->heap[i] = e;
	return top;
}

static int waiting(const struct day *d)
{
	return (int)(d->last - d->first);
}

static int total(const struct day *d)
{
	return d->starting + d->idles + d->busy;
}

static bool asleep(const struct day *d)
{
	return d->now_ms - d->changed_ms >= AWAKE_MS;
}

/* Something changed: seen at the next of the looks every 10 ms. Those at which nothing has changed are
 * left out; that they would see nothing before the plan's wait_ms is what the plan promises. */
static void notice(struct day *d)
{
	uint64_t passed_ms = d->now_ms - d->looked_ms;
	uint64_t due_ms = d->looked_ms + (passed_ms + LOOK_MS - 1) / LOOK_MS * LOOK_MS;

	if (!asleep(d) && due_ms < d->look_ms)
		d->look_ms = due_ms;
}

/* A connection on a listening socket, or a message from the zygote: an event, which ends the sleep. */
static void wake(struct day *d)
{
	if (asleep(d))
		d->look_ms = d->now_ms;
	notice(d);
}

static void arrive(struct day *d, int count)
{
	for (int i = 0; i < count; i++) {
		MUST(waiting(d) < QUEUE);
		d->queue[d->last++ % QUEUE] = d->now_ms;
		d->requests++;
	}
	wake(d);
}

/* The kernel wakes one of those that wait in epoll; here the one that came last, as it mostly does. */
static void serve(struct day *d)
{
	while (waiting(d) > 0 && d->idles > 0) {
		int c = d->idle[--d->idles];
		uint64_t came_ms = d->queue[d->first++ % QUEUE];
		uint64_t waited_ms = d->now_ms - came_ms;
		if (waited_ms > d->patience_ms && d->excuse_ms < came_ms)
			fail_msg("%lu ms of waiting beside room for a child", (unsigned long)waited_ms);
		d->waited += waited_ms > 0;
		d->waited_ms = waited_ms > d->waited_ms ? waited_ms : d->waited_ms;
		d->busy++;
		event_add(d, (struct event){ d->now_ms + service_ms(d), c, false });
	}
}

static void child_rests(struct day *d, int c)
{
	d->child[c].since_ms = d->now_ms;
	d->idle[d->idles++] = c;
}

static void happen(struct day *d, struct event e)
{
	notice(d);
	if (e.born) {
		d->starting--;
		d->child[e.child].served = 0;
		child_rests(d, e.child);
		return;
	}
	d->busy--;
	if (++d->child[e.child].served < MAX_REQUESTS) {
		child_rests(d, e.child);
		return;
	}
	d->free[d->frees++] = e.child;
	d->left++;
	pool_pace_replace(&d->pace, &d->lim, 1);
	wake(d);
}

static void spawn(struct day *d, int count)
{
	for (int i = 0; i < count; i++) {
		MUST(d->frees > 0);
		event_add(d, (struct event){ d->now_ms + START_MS, d->free[--d->frees], true });
	}
	d->starting += count;
	d->spawned += count;
}

static void retire(struct day *d, int count)
{
	for (int i = 0; i < count; i++)
		d->free[d->frees++] = d->idle[i];
	d->idles -= count;
	memmove(d->idle, d->idle + count, (size_t)d->idles * sizeof(d->idle[0]));
	d->retired += count;
}

static void take_census(struct day *d, struct pool_census *now)
{
	*now = (struct pool_census){ .now_ms = d->now_ms, .starting = d->starting, .busy = d->busy,
		.total = total(d), .waiting = d->exact ? waiting(d) : waiting(d) > 0,
		.waiting_exact = d->exact, .booting = !d->booted };
	int i = 0;      /* they lie in order: those behind the first that has not expired have not either */
	for (; i < d->idles && now->next_idle_ms == 0; i++)
		pool_census_idle(now, &d->lim, d->now_ms - d->child[d->idle[i]].since_ms);
	now->idle += d->idles - i;
}

/* What must hold for every plan, whatever the load. */
static void check_plan(const struct day *d, const struct pool_census *now, const struct pool_plan *plan)
{
	int covered = now->idle + now->starting;

	MUST(plan->spawn >= 0 && plan->retire >= 0 && plan->retire <= now->idle);
	MUST(plan->spawn == 0 || plan->retire == 0);
	MUST(now->total + plan->spawn <= d->lim.max_children);
	MUST(waiting(d) == 0 || now->idle == 0);
	MUST(plan->wait_ms > 0);
	if (plan->spawn > 0 && d->booted)
		MUST(now->waiting > covered || covered < d->lim.min_spare);
	if (plan->retire > 0 && d->lim.pm == CONF_PM_DYNAMIC)
		MUST(now->idle - plan->retire >= d->lim.max_spare);
	if (plan->retire > 0 && d->lim.pm == CONF_PM_ONDEMAND)
		MUST(plan->retire <= now->expired);
}

static bool changed(struct day *d, const struct pool_plan *plan)
{
	int see[3] = { d->starting, d->idles, d->busy };
	bool same = memcmp(see, d->seen, sizeof(see)) == 0;

	memcpy(d->seen, see, sizeof(see));
	return !same || waiting(d) > 0 || plan->spawn > 0 || plan->retire > 0;
}

static void look(struct day *d)
{
	struct pool_census now;

	take_census(d, &now);
	struct pool_plan plan = pool_pace_plan(&d->pace, &d->lim, &now);
	check_plan(d, &now, &plan);
	spawn(d, plan.spawn);
	retire(d, plan.retire);
	d->told += plan.say_at_max;
	d->booted = true;
	d->looks++;
	d->quiet_looks += d->now_ms > QUIET_FROM + 60000 && d->now_ms < QUIET_TO;
	if (total(d) == d->lim.max_children || pool_bucket_level(&d->pace.bucket) == 0)
		d->excuse_ms = d->now_ms;
	if (changed(d, &plan))
		d->changed_ms = d->now_ms;
	d->looked_ms = d->now_ms;
	d->look_ms = plan.wait_ms == POOL_WAIT_NEVER ? NEVER : d->now_ms + plan.wait_ms;
	if (d->changed_ms == d->now_ms)
		d->look_ms = d->now_ms + LOOK_MS;
}

static uint64_t next_moment(const struct day *d)
{
	uint64_t at_ms = d->arrival_ms < d->look_ms ? d->arrival_ms : d->look_ms;

	if (d->burst_ms < at_ms)
		at_ms = d->burst_ms;
	return d->events > 0 && d->heap[0].at_ms < at_ms ? d->heap[0].at_ms : at_ms;
}

static void step(struct day *d)
{
	if (d->now_ms == d->arrival_ms) {
		arrive(d, 1);
		d->arrival_ms = next_arrival(d, d->now_ms);
	}
	if (d->now_ms == d->burst_ms) {
		arrive(d, BURST);
		d->burst_ms += HOUR_MS;
	}
	while (d->events > 0 && d->heap[0].at_ms <= d->now_ms)
		happen(d, event_take(d));
	serve(d);
	if (d->now_ms >= d->look_ms)
		look(d);
}

/* A dead hour: nobody is there who need not be, and nobody looks. */
static void check_quiet(const struct day *d)
{
	assert_int_equal(d->busy + d->starting, 0);
	assert_true(d->idles <= (d->lim.pm == CONF_PM_DYNAMIC ? d->lim.max_spare : 0));
	assert_true(d->look_ms == NEVER);
	assert_int_equal(d->quiet_looks, 0);
}

static void run(struct day *d)
{
	bool quiet_seen = false;

	MUST(d->lim.max_children <= MOST);
	for (int i = 0; i < MOST; i++)
		d->free[d->frees++] = i;
	d->random = 1;
	d->arrival_ms = next_arrival(d, 0);
	d->burst_ms = 4 * HOUR_MS + HOUR_MS / 2;
	while (d->now_ms < DAY_MS) {
		step(d);
		uint64_t next_ms = next_moment(d);
		if (!quiet_seen && next_ms >= QUIET_TO) {
			check_quiet(d);
			quiet_seen = true;
		}
		MUST(next_ms > d->now_ms || d->arrival_ms == d->now_ms);
		d->now_ms = next_ms;
	}
	print_message("%lu requests, %lu waited, longest %lu ms; ", (unsigned long)d->requests,
		(unsigned long)d->waited, (unsigned long)d->waited_ms);
	print_message("%d born, %d retired, %d left; %lu looks; full %d times\n", d->spawned, d->retired,
		d->left, (unsigned long)d->looks, d->told);
	MUST(quiet_seen);
	assert_int_equal(d->spawned, d->retired + d->left + total(d));
}

static struct day *new_day(void)
{
	struct day *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	return d;
}

/* Births that replace nobody that had served its time. */
static int growth(const struct day *d)
{
	return d->spawned - d->left;
}

static void day_of_a_dynamic_pool(void **state)
{
	struct day *d = new_day();
	(void)state;

	d->lim = (struct pool_limits){ .pm = CONF_PM_DYNAMIC, .max_children = 50, .start_servers = 4,
		.min_spare = 3, .max_spare = 8, .max_spawn_rate = 32 };
	d->patience_ms = 100;
	run(d);
	/* no flapping: a full pool for each of the 20 bursts, and ten births an hour to follow the curve */
	assert_in_range(growth(d), 0, 20 * d->lim.max_children + 24 * 10);
	assert_in_range(d->told, 1, 20);
	free(d);
}

static void day_of_an_ondemand_pool(void **state)
{
	struct day *d = new_day();
	(void)state;

	d->lim = (struct pool_limits){ .pm = CONF_PM_ONDEMAND, .max_children = 50, .max_spawn_rate = 32,
		.idle_timeout_ms = 10000 };
	d->exact = true;
	d->patience_ms = 2 * LOOK_MS + START_MS;
	run(d);
	/* whoever leaves was idle for the whole timeout: less than one birth in that time, over the day */
	assert_in_range(growth(d), 0, (int)(DAY_MS / d->lim.idle_timeout_ms));
	assert_in_range(d->told, 1, 20);
	free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(day_of_a_dynamic_pool),
		cmocka_unit_test(day_of_an_ondemand_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
