/* pool_reap.c -- runs in a pool process: deaths. What a child left is added up, its end is logged with the request it
 * took along, and its place is free again. Whether another is born is the plan's business. */
#include "pool/pool_priv.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include "pool/zygote_proto.h"
#include "src/base/clock.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/master/master_proto.h"

#define KILL_PATIENCE_MS 1000           /* the zygote gets so long to end a child, then the master is asked */

/* SIGSEGV and its kin by name, without the "SIG" that sigabbrev_np leaves out. */
static void describe(char *out, size_t size, int status)
{
	if (WIFSIGNALED(status))
		snprintf(out, size, "exited on signal %d (SIG%s%s)", WTERMSIG(status), sigabbrev_np(WTERMSIG(status)),
		    WCOREDUMP(status) ? " - core dumped" : "");
	else
		snprintf(out, size, "exited with code %d", WEXITSTATUS(status));
}

static void log_exit(const struct pool_child *c, int status)
{
	uint64_t age_ms = clock_ms() - c->born_ms;
	enum log_level level = LOG_LEVEL_WARNING;
	char how[80];

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		level = c->phase == CHILD_RETIRING && !c->asks ? LOG_LEVEL_DEBUG : LOG_LEVEL_NOTICE;
	describe(how, sizeof(how), status);
	log_at(level, "child %d %s after %llu.%06llu seconds from start", (int)c->pid, how,
	    (unsigned long long)(age_ms / 1000), (unsigned long long)(age_ms % 1000) * 1000);
}

/* A death takes at most the one request that each slot had in hand. */
static void log_lost_request(struct pool_child *c, const struct pool_slot *slot, int status)
{
	const struct board_view *v = slot->view;
	enum reason reason = v->reasons[REASON_REQUEST_TIMEOUT] ? REASON_REQUEST_TIMEOUT :
			     v->reasons[REASON_DRAINING] ? REASON_DRAINING : REASON_CHILD_DIED;
	/* The slot of one that was given up has left already. */
	bool lost = v->brief.state == BOARD_RUNNING || (v->brief.state == BOARD_LEAVING && reason != REASON_CHILD_DIED);
	char how[80];

	if (!lost || (!WIFSIGNALED(status) && WEXITSTATUS(status) == 0))
		return;
	if (!slot->told)
		pool_access_lost(c, slot, reason);
	if (reason != REASON_CHILD_DIED)
		return;
	describe(how, sizeof(how), status);
	c->gen->pool->reasons[REASON_CHILD_DIED] += !slot->told;
	log_warning("child %d, request %s: %s: the child %s while it served \"%s %s\", script '%s'", (int)c->pid,
	    v->id, reason_name(REASON_CHILD_DIED), how, v->method, v->uri, v->script);
}

static bool crashed(int status)
{
	return WIFSIGNALED(status) && (WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS);
}

static void add_up(struct pool *p, const struct board_view *v)
{
	p->seen_begun += v->brief.begun;
	p->seen_served += v->brief.served;
	p->seen_slow += v->brief.slow;
	for (int i = 0; i < REASON_COUNT; i++)
		p->reasons[i] += v->reasons[i];
}

/* Many live and die without being asked. */
const struct board_view *pool_reap_view(struct pool_child *c, uint32_t i)
{
	struct pool_slot *s = &c->slots[i];

	if (!s->view)
		s->view = xcalloc(1, sizeof(*s->view));
	board_read(c->gen->board, pool_child_slot(c, i), s->view);
	return s->view;
}

/* What its slots left on the scoreboard, one after the other. */
static void settle_slots(struct pool_child *c, int status)
{
	struct pool *p = c->gen->pool;

	for (int i = 0; i < p->threads; i++) {
		const struct board_view *v = pool_reap_view(c, (uint32_t)i);

		log_lost_request(c, &c->slots[i], status);
		add_up(p, v);
	}
}

static bool has_served(const struct pool_child *c)
{
	for (int i = 0; i < c->gen->pool->threads; i++)
		if (c->slots[i].view && c->slots[i].view->brief.served > 0)
			return true;
	return false;
}

static bool was_late(const struct pool_child *c)
{
	for (int i = 0; i < c->gen->pool->threads; i++)
		if (c->slots[i].view && c->slots[i].view->reasons[REASON_REQUEST_TIMEOUT] > 0)
			return true;
	return false;
}

static void note_for_backoff(struct pool_child *c, int status)
{
	struct pool *p = c->gen->pool;
	/* One that gave up a late request had come to serve. */
	bool served = has_served(c) || was_late(c);
	bool in_order = c->phase == CHILD_RETIRING || (WIFEXITED(status) && WEXITSTATUS(status) == 0 && served);
	bool sigkill = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;

	if (in_order || c->pid == 0)
		return;
	if (pool_backoff_died(&p->child_backoff, clock_ms(), served, sigkill) != POOL_BACKOFF_FAILING)
		return;
	log_error("children die before they serve a request; births are slowed down, at last to one per 10 s");
	pool_master_failing(p, false);
}

static void child_free(struct pool_child *c)
{
	struct generation *g = c->gen;

	if (c->event)
		event_free(c->event);
	c->event = NULL;
	pool_output_end(&c->out);
	pool_output_end(&c->err);
	buf_free(&c->log);
	buf_free(&c->access);
	buf_free(&c->slow);
	for (int i = 0; i < g->pool->threads; i++) {
		board_slot_reset(board_slot(g->board, pool_child_slot(c, (uint32_t)i)), BOARD_EMPTY, clock_ms());
		free(c->slots[i].view);
	}
	g->children[c->place] = NULL;
	free(c->slots);
	free(c);
}

/* The plan gets its dead back without the rate of births: a replacement is no growth. */
static void replaced_freely(struct generation *g, const struct pool_child *c)
{
	if (has_served(c) && c->phase != CHILD_RETIRING && !c->replaced)
		pool_pace_replace(&g->pace, &g->pool->limits, 1);
}

void pool_reap_child(struct generation *g, uint32_t place, pid_t pid, int status)
{
	struct pool *p = g->pool;
	struct pool_child *c = place < (uint32_t)p->places ? g->children[place] : NULL;

	if (!c || c->pid != pid)
		return;
	pool_talk_drain(c);
	pool_dispatch_child_gone(c);
	if (c->pid != 0) {
		log_exit(c, status);
		settle_slots(c, status);
		if (crashed(status))
			pool_master_say(p, POOL_CRASHED);
	}
	note_for_backoff(c, status);
	replaced_freely(g, c);
	p->unmourned += c->phase != CHILD_RETIRING && c->pid != 0 && !c->replaced;
	child_free(c);
	if (g != p->gen && pool_generation_empty(g))
		pool_generation_drop(g);
	pool_drain_look(p);
	pool_poke(p);
}

void pool_reap_kill(struct pool_child *c, uint64_t now_ms)
{
	struct zygote_kill body = { .pid = c->pid, .signal = SIGKILL };
	struct ipc_msg msg = { .head.type = ZYGOTE_KILL, .body = &body, .body_len = sizeof(body) };

	if (c->pid == 0)
		return;
	if (c->kill_ms == 0) {
		c->kill_ms = now_ms;
		if (c->gen->link != -1 && ipc_send(c->gen->link, &msg) == 0)
			return;
	} else if (now_ms < c->kill_ms + KILL_PATIENCE_MS) {
		return;
	}
	c->kill_ms = now_ms;
	pool_master_kill(c->gen->pool, c->pid);
}
