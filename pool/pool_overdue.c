/* pool_overdue.c -- runs in a pool process: who is stuck. A child keeps its requests' time itself, a zygote answers at
 * once; this is for those that do not, because they are stopped, hang, or have gone out of their minds. They are
 * killed, and what follows is the business of any death. */
#include "pool/pool_priv.h"

#include <errno.h>
#include <poll.h>
#include <sys/pidfd.h>
#include "src/base/fd.h"
#include "src/base/log.h"

#define REQUEST_GRACE_MS 2000           /* a child ends a late request itself; after this the pool process does */
#define CHILD_READY_MS   60000          /* from the order to fork to READY: mere milliseconds in good health */
#define ZYGOTE_ANSWER_MS 10000          /* a zygote that says nothing, with an order to fork or a dead child at hand */
#define ZYGOTE_READY_MS  300000         /* an application may take its time to load */
#define AGAIN_MS         1000           /* who was ordered killed is looked at again */

static uint64_t late_request(struct pool_child *c, const struct board_brief *b, uint64_t now_ms)
{
	uint64_t limit_ms = (uint64_t)c->gen->pool->conf->request_terminate_timeout_s * 1000;
	bool working = b->state == BOARD_RUNNING || b->state == BOARD_FINISHING;
	uint64_t age_ms;

	if (limit_ms == 0)
		return POOL_WAIT_NEVER;
	if (!working || b->untimed)
		return working || b->owns_connection ? limit_ms : POOL_WAIT_NEVER;
	age_ms = board_age_ms(now_ms, b->request_start_ms);
	if (age_ms < limit_ms + REQUEST_GRACE_MS)
		return limit_ms + REQUEST_GRACE_MS - age_ms;
	if (c->kill_ms == 0)
		log_warning("child %d does not end its late request: it is killed", (int)c->pid);
	pool_reap_kill(c, now_ms);
	return AGAIN_MS;
}

static uint64_t late_requests(struct pool_child *c, uint64_t now_ms)
{
	uint64_t least_ms = POOL_WAIT_NEVER;

	for (int i = 0; i < c->gen->pool->threads; i++) {
		struct board_brief b;
		uint64_t wait_ms;

		board_peek(c->gen->board, pool_child_slot(c, (uint32_t)i), &b);
		wait_ms = late_request(c, &b, now_ms);
		if (wait_ms < least_ms)
			least_ms = wait_ms;
	}
	return least_ms;
}

uint64_t pool_overdue_child(struct pool_child *c, uint64_t now_ms)
{
	uint64_t until_ms = c->born_ms + CHILD_READY_MS;

	if (c->phase != CHILD_BORN)             /* without a pid it is its zygote that is late */
		return late_requests(c, now_ms);
	if (now_ms < until_ms)
		return until_ms - now_ms;
	if (c->kill_ms == 0)
		log_warning("child %d is not ready after %d s: it is killed", (int)c->pid, CHILD_READY_MS / 1000);
	pool_reap_kill(c, now_ms);
	return AGAIN_MS;
}

static bool has_ended(pid_t pid)
{
	int fd = pidfd_open(pid, 0);
	struct pollfd at = { .fd = fd, .events = POLLIN };
	bool ended = fd < 0 ? errno == ESRCH : poll(&at, 1, 0) > 0;

	fd_close(&fd);
	return ended;
}

/* Since when the zygote owes word of this child: of its birth, or of its death. 0: it does not. */
static uint64_t owed_ms(struct pool_child *c, uint64_t now_ms)
{
	if (c->pid == 0)
		return c->born_ms;
	/* Who closes its link may still have a request in hand. */
	if (c->gone_ms != 0 && now_ms >= c->gone_ms + ZYGOTE_ANSWER_MS && !has_ended(c->pid))
		c->gone_ms = now_ms;
	return c->gone_ms;
}

/* Orders that come many at once are carried out one after the other: what counts is that it goes on. */
static uint64_t zygote_limit_ms(const struct generation *g, uint64_t now_ms)
{
	uint64_t oldest_ms = POOL_WAIT_NEVER;

	if (!g->ready)
		return g->ordered_ms + ZYGOTE_READY_MS;
	for (int place = 0; place < g->pool->places; place++) {
		uint64_t since_ms = g->children[place] ? owed_ms(g->children[place], now_ms) : 0;

		if (since_ms != 0 && since_ms < oldest_ms)
			oldest_ms = since_ms;
	}
	if (oldest_ms == POOL_WAIT_NEVER)
		return POOL_WAIT_NEVER;
	return (oldest_ms > g->heard_ms ? oldest_ms : g->heard_ms) + ZYGOTE_ANSWER_MS;
}

uint64_t pool_overdue_zygote(struct generation *g, uint64_t now_ms)
{
	uint64_t until_ms;

	if (g->dead || g->zygote == 0)
		return POOL_WAIT_NEVER;
	until_ms = zygote_limit_ms(g, now_ms);
	if (until_ms == POOL_WAIT_NEVER)
		return until_ms;
	if (now_ms < until_ms)
		return until_ms - now_ms;
	if (!g->told_stuck)
		log_error("zygote %d %s for %d s: it is killed, and another is started", (int)g->zygote,
		    g->ready ? "has not answered" : "has not become ready",
		    (g->ready ? ZYGOTE_ANSWER_MS : ZYGOTE_READY_MS) / 1000);
	g->told_stuck = true;
	pool_master_kill(g->pool, g->zygote);
	return AGAIN_MS;
}
