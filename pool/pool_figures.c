/* pool_figures.c -- runs in a pool process: its figures, told when the master asks and once more at the end. */
#include "pool/pool_priv.h"

#include "src/base/mem.h"
#include "src/master/master_proto.h"

static void figures_add_child(const struct pool_child *c, struct master_figures *f)
{
	for (int i = 0; i < c->gen->pool->threads; i++) {
		struct board_brief b;

		board_peek(c->gen->board, pool_child_slot(c, (uint32_t)i), &b);
		f->requests += b.served;
		f->slow += b.slow;
		if (pool_status_active(b.state))
			f->active++;
		else
			f->idle++;
	}
}

static void figures_add(const struct generation *g, struct master_figures *f)
{
	for (int place = 0; place < g->pool->places; place++) {
		const struct pool_child *c = g->children[place];

		if (c && c->phase != CHILD_ORDERED && c->phase != CHILD_BORN)
			figures_add_child(c, f);
	}
}

void pool_figures_say(struct pool *p)
{
	struct master_figures f = { .requests = p->seen_served, .slow = p->seen_slow };

	for (const struct generation *g = pool_generation_first(p); g; g = pool_generation_after(g))
		figures_add(g, &f);
	if (p->dispatch)
		f.requests = pool_dispatch_requests(p).over;
	pool_master_send(POOL_FIGURES, &f, sizeof(f));
}
