/* child_leave.c -- runs in a child: when it goes by itself. One that has several slots may take long over what they
 * have in hand, and keeps its place so long: it goes only while another child can serve instead. With process.max the
 * pool process alone can tell; without, the scoreboard does, where all that leave are marked. */
#include "mpm/child_leave.h"

#include "mpm/child_link.h"
#include "mpm/child_watch.h"

/* How many requests it begins; 0: no limit. */
static uint64_t quota(const struct child *c)
{
	return c->conf->max_requests > 0 ? (uint64_t)(c->conf->max_requests - c->leaves_early) : 0;
}

static bool used_up(const struct child *c)
{
	return quota(c) > 0 && atomic_load(&c->begun) >= quota(c);
}

static bool alone_in_place(const struct child *c)
{
	return !conf_pool_leaves_slowly(c->conf);
}

bool child_leaving(const struct child *c)
{
	return child_mode(c) == CHILD_MODE_LEAVE || (alone_in_place(c) && used_up(c));
}

static bool has_work(const struct child *c, uint32_t first_slot)
{
	struct board_brief b;

	for (uint32_t i = first_slot; i < first_slot + c->slot_count; i++) {
		board_peek(c->start->board, i, &b);
		if (b.state != BOARD_LEAVING)
			return true;
	}
	return false;
}

/* There are places for three times as many children as may serve. As long as fewer than two thirds leave when one of
 * them decides so, those that decide it at the same moment are at most all that serve, and one place stays free. */
static bool can_be_replaced(const struct child *c)
{
	int most = c->conf->max_children, leaving = 0, at_work = 0;

	if (alone_in_place(c))
		return true;
	if (c->start->limited)
		return false;
	for (int place = 0; place < conf_pool_places(c->conf); place++) {
		uint32_t slot = (uint32_t)place * c->slot_count;

		if (!board_leaves(c->start->board, slot))
			continue;
		leaving++;
		at_work += has_work(c, slot);
	}
	return at_work < most && leaving < 2 * most;
}

bool child_leave(struct child *c)
{
	if (child_mode(c) >= CHILD_MODE_LAST && !alone_in_place(c))
		return true;
	if (!can_be_replaced(c)) {
		if (!atomic_exchange(&c->asked, true))
			child_link_leaves();
		return false;
	}
	if (!alone_in_place(c)) {
		board_slot_leaves(c->slots[0].board);
		child_link_leaves();
	}
	child_watch_raise(c, CHILD_MODE_LEAVE);
	return true;
}

bool child_may_begin(struct child *c)
{
	uint64_t taken = atomic_fetch_add(&c->taken, 1);

	/* Told to, it serves what waits; and without a pool process there is nobody to hand a connection to. */
	if (child_mode(c) == CHILD_MODE_LEAVE)
		return atomic_load(&c->orphaned);
	return quota(c) == 0 || taken < quota(c) || child_mode(c) >= CHILD_MODE_LAST || !child_leave(c);
}

void child_has_begun(struct child *c, unsigned requests)
{
	atomic_fetch_add(&c->taken, (uint64_t)requests - 1);
}

void child_leave_count(struct child *c)
{
	atomic_fetch_add(&c->begun, 1);
	if (!alone_in_place(c) && used_up(c))
		child_leave(c);
}
