/* pool_spawn.c -- runs in a pool process: births. The child's link and pipes are made here, so that their ends are
 * in place before the child exists. How many are born is the plan's business. */
#include "pool/pool_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "pool/zygote_proto.h"
#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/mem.h"

struct ends {
	int link[2], out[2], err[2];    /* ours, theirs; pipes: ours reads */
};

static void close_ends(struct ends *e)
{
	int *all[] = { &e->link[0], &e->link[1], &e->out[0], &e->out[1], &e->err[0], &e->err[1] };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		fd_close(all[i]);
}

static int make_ends(struct ends *e, bool with_output)
{
	*e = (struct ends){ { -1, -1 }, { -1, -1 }, { -1, -1 } };
	if (ipc_pair(e->link) < 0)
		return -1;
	if (with_output && (pipe2(e->out, O_CLOEXEC) < 0 || pipe2(e->err, O_CLOEXEC) < 0))
		return -1;
	return 0;
}

static int send_order(const struct generation *g, uint32_t place, const struct ends *e)
{
	struct zygote_place body = { .place = place };
	struct ipc_msg msg = { .head.type = ZYGOTE_FORK, .body = &body, .body_len = sizeof(body), .fd_count = 1 };

	msg.fds[0] = e->link[1];
	if (e->out[1] >= 0) {
		msg.fd_count = 3;
		msg.fds[1] = e->out[1];
		msg.fds[2] = e->err[1];
	}
	return ipc_send(g->link, &msg);
}

static int free_place(const struct generation *g)
{
	for (int place = 0; place < g->pool->places; place++)
		if (!g->children[place])
			return place;
	return -1;
}

static struct pool_child *child_new(struct generation *g, uint32_t place)
{
	struct pool_child *c = xcalloc(1, sizeof(*c));
	struct pool *p = g->pool;

	c->gen = g;
	c->place = place;
	c->slots = xcalloc((size_t)p->threads, sizeof(*c->slots));
	c->born_ms = clock_ms();
	c->born_s = clock_wall_us() / 1000000;
	c->replaces_dead = p->unmourned > 0;
	p->unmourned -= c->replaces_dead;
	c->link = -1;
	c->out = (struct pool_lines){ .child = c, .pool = p, .stream = "stdout", .fd = -1 };
	c->err = (struct pool_lines){ .child = c, .pool = p, .stream = "stderr", .fd = -1 };
	g->children[place] = c;
	return c;
}

static void reset_slots(struct generation *g, uint32_t place, enum board_state state)
{
	uint32_t threads = (uint32_t)g->pool->threads;

	for (uint32_t i = place * threads; i < (place + 1) * threads; i++)
		board_slot_reset(board_slot(g->board, i), state, clock_ms());
}

bool pool_spawn_child(struct generation *g)
{
	int place = free_place(g);
	struct pool_child *c;
	struct ends e;

	if (place < 0)
		return false;
	/* Before the order: the child may serve its first request before this process runs again. */
	reset_slots(g, (uint32_t)place, BOARD_STARTING);
	if (make_ends(&e, g->pool->conf->catch_workers_output) < 0 || send_order(g, (uint32_t)place, &e) < 0) {
		log_warning("cannot order a child: %s", strerror(errno));
		reset_slots(g, (uint32_t)place, BOARD_EMPTY);
		close_ends(&e);
		return false;
	}
	c = child_new(g, (uint32_t)place);
	c->link = e.link[0];
	e.link[0] = -1;
	pool_talk_start(c);
	if (e.out[0] >= 0) {
		pool_output_start(&c->out, e.out[0]);
		pool_output_start(&c->err, e.err[0]);
		e.out[0] = e.err[0] = -1;
	}
	close_ends(&e);
	return true;
}

void pool_spawn_done(struct generation *g, uint32_t place, pid_t pid, int error)
{
	struct pool_child *c = place < (uint32_t)g->pool->places ? g->children[place] : NULL;

	if (!c || c->pid != 0)
		return;
	if (pid <= 0) {
		log_warning("cannot fork a child: %s (%s)", strerror(error), reason_name(REASON_SPAWN_FAILED));
		g->pool->reasons[REASON_SPAWN_FAILED]++;
		pool_backoff_died(&g->pool->child_backoff, clock_ms(), false, false);
		pool_reap_child(g, place, 0, 0);
		return;
	}
	c->pid = pid;
	if (c->phase == CHILD_ORDERED)          /* it may have been told to leave already, or be READY */
		c->phase = CHILD_BORN;
	log_at(c->replaces_dead ? LOG_LEVEL_NOTICE : LOG_LEVEL_DEBUG, "child %d started", (int)pid);
	pool_poke(g->pool);
}
