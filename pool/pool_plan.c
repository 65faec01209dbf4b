/* pool_plan.c -- the policy of a pool: when children are born and when they leave. Runs in the pool
 * process. Pure: it reads no clock, forks nothing, logs nothing and keeps no state but what the caller
 * hands in, so that a whole day of load can be played through it in a second. It does not choose which
 * child leaves. */
#include "pool/pool_plan.h"

static int at_least(int a, int b)
{
	return a > b ? a : b;
}

static int at_most(int a, int b)
{
	return a < b ? a : b;
}

static int threads(const struct pool_limits *lim)
{
	return at_least(lim->threads, 1);
}

/* The children that have so many slots: the last one need not be used up. */
static int children_for(const struct pool_limits *lim, int slots)
{
	return slots > 0 ? (slots + threads(lim) - 1) / threads(lim) : slots;
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void pool_limits_read(struct pool_limits *out, const struct conf_pool *conf)
{
	bool in_threads = conf->min_spare_threads > 0;

	*out = (struct pool_limits){
		.pm = conf->pm,
		.max_children = conf->max_children,
		.threads = conf->threads_per_child,
		.start_servers = conf->start_servers,
		.min_spare = in_threads ? conf->min_spare_threads : conf->min_spare_servers * conf->threads_per_child,
		.max_spare = in_threads ? conf->max_spare_threads : conf->max_spare_servers * conf->threads_per_child,
		.max_spawn_rate = conf->max_spawn_rate,
		.idle_timeout_ms = (uint64_t)conf->process_idle_timeout_s * 1000,
	};
}

void pool_census_idle(struct pool_census *now, const struct pool_limits *lim, uint64_t idle_ms)
{
	now->idle += threads(lim);
	if (idle_ms >= lim->idle_timeout_ms)
		now->expired++;
	else if (idle_ms > now->next_idle_ms)
		now->next_idle_ms = idle_ms;
}

/* A child that starts is an idle one in a moment: counting it keeps a slow start from being answered by
 * more. */
static int covered(const struct pool_census *now)
{
	return now->idle + now->starting;
}

static bool short_of_idle(const struct pool_census *now)
{
	return now->waiting > covered(now);
}

/* While something waits and nobody is idle, "at least one" may mean hundreds; filling up to max_spare
 * grows fast and still makes no child that would have to leave again. */
static int need_dynamic(const struct pool_limits *lim, const struct pool_census *now)
{
	int aim = lim->min_spare;

	if (short_of_idle(now))
		aim = at_least(now->waiting, now->waiting_exact ? lim->min_spare : lim->max_spare);
	int need = aim - covered(now);
	if (now->booting)
		need = at_least(need, lim->start_servers * threads(lim) - covered(now) - now->busy);
	return need;
}

/* A quarter more than are busy, where only "at least one" is known: one child a look would be slow for a
 * large pool, and doubling would leave half of the children idle for the whole timeout. */
static int need_ondemand(const struct pool_census *now)
{
	if (!short_of_idle(now))
		return 0;
	int aim = now->waiting_exact ? now->waiting : at_least(now->waiting, now->busy / 4);
	return aim - covered(now);
}

/* In children. */
static int needed(const struct pool_limits *lim, const struct pool_census *now)
{
	switch (lim->pm) {
	case CONF_PM_DYNAMIC:
		return children_for(lim, need_dynamic(lim, now));
	case CONF_PM_ONDEMAND:
		return children_for(lim, need_ondemand(now));
	case CONF_PM_STATIC:
	case CONF_PM_UNSET:
		break;
	}
	return lim->max_children - now->total;
}

/* How many births back-off and bucket leave for now, of want > 0; and when that changes by itself. */
static int allowed(const struct pool_census *now, int want, uint64_t *wait_out)
{
	if (now->backoff_wait_ms > 0) {
		*wait_out = now->backoff_wait_ms;
		return 0;
	}
	if (now->failing)       /* the fate of the one that starts is an event: no time to wait for */
		return now->starting > 0 ? 0 : 1;
	if (now->booting || want <= now->spawn_allowed)
		return want;
	*wait_out = now->spawn_wait_ms;
	return at_least(now->spawn_allowed, 0);
}

/* Processes in all. */
static int alive(const struct pool_census *now)
{
	return now->total + now->apart;
}

static void plan_spawn(struct pool_plan *plan, const struct pool_limits *lim, const struct pool_census *now)
{
	int need = needed(lim, now);
	int room = at_least(lim->max_children - now->total, 0);

	if (lim->pm == CONF_PM_DYNAMIC || lim->pm == CONF_PM_ONDEMAND)
		plan->at_max = need > room;
	else
		plan->at_max = room == 0 && short_of_idle(now);
	int want = at_most(need, room);
	plan->want = alive(now) + at_least(now->failing ? at_most(want, 1) : want, 0) + (now->asking > 0);
	if (now->limited && want > 0) {
		want = at_most(want, at_least(now->granted - alive(now), 0));
		plan->blocked = want == 0;
	}
	if (want > 0)
		plan->spawn = allowed(now, want, &plan->wait_ms);
}

/* Children send no message when a request ends: while one that is busy could become a surplus, or expire
 * later on, the sleep is bounded, here as under ondemand. */
static void retire_dynamic(struct pool_plan *plan, const struct pool_limits *lim,
	const struct pool_census *now)
{
	int surplus = now->surplus / threads(lim);

	/* Half of it a time: hundreds are gone in seconds, and the next wave still finds children. */
	plan->retire = (surplus + 1) / 2;
	plan->wait_ms = lesser(plan->wait_ms, now->surplus_wait_ms);
	if (surplus > plan->retire)
		plan->wait_ms = lesser(plan->wait_ms, POOL_SETTLE_MS);
	if (now->busy > 0 && covered(now) + now->busy > lim->max_spare)
		plan->wait_ms = lesser(plan->wait_ms, POOL_BUSY_MS);
}

static void retire_ondemand(struct pool_plan *plan, const struct pool_limits *lim,
	const struct pool_census *now)
{
	plan->retire = at_least(now->expired - children_for(lim, now->waiting), 0);
	if (plan->retire < now->expired)        /* kept for what waits; look whether it was taken */
		plan->wait_ms = lesser(plan->wait_ms, POOL_SETTLE_MS);
	if (now->idle > now->expired * threads(lim))
		plan->wait_ms = lesser(plan->wait_ms, lim->idle_timeout_ms - now->next_idle_ms);
	if (now->busy > 0)      /* none of them can expire before */
		plan->wait_ms = lesser(plan->wait_ms, lim->idle_timeout_ms);
}

/* So many more may leave, each with a place of its own. */
static int leave_room(const struct pool_limits *lim, const struct pool_census *now)
{
	int at_work = now->retiring - now->ending;

	return at_least(at_most(lim->max_children - at_work, 2 * lim->max_children - now->retiring), 0);
}

static void plan_retire(struct pool_plan *plan, const struct pool_limits *lim, const struct pool_census *now)
{
	if (lim->pm == CONF_PM_DYNAMIC)
		retire_dynamic(plan, lim, now);
	else if (lim->pm == CONF_PM_ONDEMAND)
		retire_ondemand(plan, lim, now);
	int over = children_for(lim, covered(now) + now->busy - lim->max_children * threads(lim));
	plan->retire = at_least(plan->retire, over);
	/* A child of several slots may leave with some of them busy: those finish. It keeps its place meanwhile, and
	 * of these there are as many again as may serve. */
	if (threads(lim) > 1)
		plan->retire = at_most(at_most(plan->retire, now->serving), leave_room(lim, now));
	else
		plan->retire = at_most(plan->retire, now->idle);
}

/* Who should leave may when another can be born for it. At process.max, without a grant for that, one may at a time
 * where others serve, and else one that has nothing in hand. */
static void plan_release(struct pool_plan *plan, const struct pool_limits *lim, const struct pool_census *now)
{
	int room = leave_room(lim, now) - plan->retire;
	int spare = now->granted - alive(now) - plan->spawn;

	if (now->limited && spare <= 0)
		spare = now->asking_idle > 0 || (now->retiring == 0 && now->serving > 1);
	if (now->limited)
		room = at_most(room, spare);
	plan->release = at_least(at_most(now->asking, room), 0);
	if (now->limited && plan->release < now->asking)        /* that one has nothing in hand is no event */
		plan->wait_ms = lesser(plan->wait_ms, POOL_SETTLE_MS);
}

struct pool_plan pool_plan(const struct pool_limits *lim, const struct pool_census *now)
{
	struct pool_plan plan = { .wait_ms = POOL_WAIT_NEVER };

	if (now->draining)
		return plan;
	plan_spawn(&plan, lim, now);
	if (plan.spawn == 0)
		plan_retire(&plan, lim, now);
	plan_release(&plan, lim, now);
	return plan;
}

static uint64_t bucket_full(int rate)
{
	return (uint64_t)at_least(rate, 1) * 1000;
}

void pool_bucket_refill(struct pool_bucket *b, int rate, uint64_t now_ms)
{
	uint64_t full = bucket_full(rate);
	uint64_t passed_ms = now_ms > b->at_ms ? now_ms - b->at_ms : 0;
	uint64_t flow = passed_ms < 1000 ? passed_ms * (full / 1000) : full;

	/* rate births a second are rate thousandths a millisecond; what was given on top flows off as fast */
	if (!b->filled)
		b->milli = full;
	else if (b->milli > full)
		b->milli = b->milli - full > flow ? b->milli - flow : full;
	else
		b->milli = lesser(b->milli + flow, full);
	b->filled = true;
	b->at_ms = now_ms;
}

void pool_bucket_give(struct pool_bucket *b, int count, int most)
{
	uint64_t cap = bucket_full(most);

	if (b->milli < cap)
		b->milli = lesser(b->milli + (uint64_t)at_least(count, 0) * 1000, cap);
}

int pool_bucket_level(const struct pool_bucket *b)
{
	return (int)(b->milli / 1000);
}

void pool_bucket_take(struct pool_bucket *b, int count)
{
	uint64_t milli = (uint64_t)at_least(count, 0) * 1000;

	b->milli = milli < b->milli ? b->milli - milli : 0;
}

uint64_t pool_bucket_wait_ms(const struct pool_bucket *b, int rate)
{
	uint64_t a_ms = bucket_full(rate) / 1000;

	if (b->milli >= bucket_full(rate))
		return POOL_WAIT_NEVER;
	return (1000 - b->milli % 1000 + a_ms - 1) / a_ms;
}

/* A surplus is what stood idle above max_spare at every look for POOL_SETTLE_MS: a child that any wave
 * of load used meanwhile is none, and so load that goes up and down makes no child leave and come again. Whole
 * children alone count: a part of one, held as the least, would hide for ever what came on top of it. */
static void watch_surplus(struct pool_pace *pace, const struct pool_limits *lim, struct pool_census *now)
{
	int over = now->idle - lim->max_spare - now->waiting;

	over -= over % threads(lim);
	now->surplus = 0;
	now->surplus_wait_ms = POOL_WAIT_NEVER;
	if (over <= 0 || lim->pm != CONF_PM_DYNAMIC || now->booting) {
		pace->surplus_least = 0;
		return;
	}
	if (pace->surplus_least == 0) {
		pace->surplus_since_ms = now->now_ms;
		pace->surplus_least = over;
	}
	pace->surplus_least = at_most(pace->surplus_least, over);
	uint64_t age = now->now_ms - pace->surplus_since_ms;
	if (age < POOL_SETTLE_MS)
		now->surplus_wait_ms = POOL_SETTLE_MS - age;
	else
		now->surplus = pace->surplus_least;
}

static void note_at_max(struct pool_pace *pace, struct pool_plan *plan, uint64_t now_ms)
{
	if (pace->at_max_said && now_ms - pace->at_max_ms >= POOL_CALM_MS)
		pace->at_max_said = false;
	if (!plan->at_max)
		return;
	plan->say_at_max = !pace->at_max_said;
	pace->at_max_said = true;
	pace->at_max_ms = now_ms;
}

void pool_pace_replace(struct pool_pace *pace, const struct pool_limits *lim, int count)
{
	pool_bucket_give(&pace->bucket, count, at_least(lim->max_spawn_rate, lim->max_children));
}

struct pool_plan pool_pace_plan(struct pool_pace *pace, const struct pool_limits *lim,
	struct pool_census *now)
{
	pool_bucket_refill(&pace->bucket, lim->max_spawn_rate, now->now_ms);
	now->spawn_allowed = pool_bucket_level(&pace->bucket);
	now->spawn_wait_ms = pool_bucket_wait_ms(&pace->bucket, lim->max_spawn_rate);
	watch_surplus(pace, lim, now);

	struct pool_plan plan = pool_plan(lim, now);
	if (!now->booting)
		pool_bucket_take(&pace->bucket, plan.spawn);
	if (plan.retire > 0) {  /* the next half is due after the same time again */
		pace->surplus_since_ms = now->now_ms;
		pace->surplus_least = at_least(pace->surplus_least - plan.retire * threads(lim), 0);
	}
	note_at_max(pace, &plan, now->now_ms);
	/* What the bucket will hold after this plan's own births, where those were cut short by it. */
	if (plan.spawn > 0 && plan.wait_ms != POOL_WAIT_NEVER)
		plan.wait_ms = pool_bucket_wait_ms(&pace->bucket, lim->max_spawn_rate);
	return plan;
}
