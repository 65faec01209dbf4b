/* pool_figures.c -- runs in a pool process: its figures, told when the master asks and once more at the end. */
#include "pool/pool_priv.h"

#include "src/base/mem.h"
#include "src/master/master_proto.h"

static void figures_add(const struct generation *g, struct master_figures *f)
{
	struct board_brief b;

	for (int slot = 0; slot < g->pool->conf->max_children; slot++) {
		const struct pool_child *c = g->children[slot];

		if (!c || c->phase == CHILD_ORDERED || c->phase == CHILD_BORN)
			continue;
		board_peek(g->board, c->slot, &b);
		f->requests += b.served;
		if (b.state == BOARD_IDLE)
			f->idle++;
		else
			f->active++;
	}
}

void pool_figures_say(struct pool *p)
{
	struct master_figures f = { .requests = p->seen_served, .slow = p->slow_count };
	const struct generation *both[] = { p->gen, p->old };

	for (size_t i = 0; i < ARRAY_LEN(both); i++)
		if (both[i])
			figures_add(both[i], &f);
	pool_master_send(POOL_FIGURES, &f, sizeof(f));
}
