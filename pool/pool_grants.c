/* pool_grants.c -- runs in a pool process: with process.max, how many children the master lets it have. Without, it
 * asks nobody. A wish has a number, so that an answer to an older one is known for what it is. */
#include "pool/pool_priv.h"

#include "src/master/master_proto.h"

static void grants_send(struct pool_grants *g)
{
	struct master_wish wish = { .seq = ++g->seq, .count = (uint32_t)g->want };

	pool_master_send(POOL_WANT, &wish, sizeof(wish));
}

void pool_grants_want(struct pool *p, int count)
{
	struct pool_grants *g = &p->grants;

	if (p->global.process_max == 0 || g->want == count)
		return;
	g->want = count;
	if (g->has > count)
		g->has = count;
	grants_send(g);
}

void pool_grants_remind(struct pool *p)
{
	grants_send(&p->grants);
}

void pool_grants_got(struct pool *p, uint32_t seq, uint32_t count)
{
	struct pool_grants *g = &p->grants;
	bool more = seq == g->seq && (int)count > g->has;

	if (seq == g->seq)
		g->has = (int)count;
	if (more)
		pool_poke(p);
}
