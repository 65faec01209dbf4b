/* pool_generation.c -- runs in a pool process: zygotes. One dies: its generation ends, the next is ordered at once
 * (with back-off when they die before they are ready), and the old children leave when it is ready. */
#include "pool/pool_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "mpm/child_proto.h"
#include "pool/zygote_proto.h"
#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/master/master_proto.h"

bool pool_generation_empty(const struct generation *g)
{
	for (int place = 0; place < g->pool->places; place++)
		if (g->children[place])
			return false;
	return true;
}

void pool_generation_end(struct generation *g)
{
	if (g->event)
		event_free(g->event);
	g->event = NULL;
	fd_close(&g->link);
	g->dead = true;
	g->ready = false;
}

void pool_generation_free(struct generation **gp)
{
	struct generation *g = *gp;

	if (!g)
		return;
	BUG_IF(!pool_generation_empty(g));
	*gp = NULL;
	pool_generation_end(g);
	pool_output_end(&g->out);
	buf_free(&g->log);
	board_unmap(&g->board);
	fd_close(&g->board_fd);
	free(g->children);
	free(g);
}

struct generation *pool_generation_first(const struct pool *p)
{
	return p->gen ? p->gen : p->old;
}

struct generation *pool_generation_after(const struct generation *g)
{
	return g == g->pool->gen ? g->pool->old : g->older;
}

void pool_generation_drop(struct generation *old)
{
	struct generation **at = &old->pool->old;

	while (*at != old)
		at = &(*at)->older;
	*at = old->older;
	pool_generation_free(&old);
}

static void retire_all(struct generation *g)
{
	for (int place = 0; place < g->pool->places; place++)
		if (g->children[place])
			pool_talk_order(g->children[place], CHILD_DRAIN);
}

static void on_ready(struct generation *g)
{
	struct pool *p = g->pool;

	g->ready = true;
	free(p->load_error);
	p->load_error = NULL;
	if (pool_backoff_ok(&p->zygote_backoff) == POOL_BACKOFF_WELL)
		log_notice("the application loads again");
	for (struct generation *old = p->old; old; old = old->older)
		retire_all(old);
	pool_dispatch_serve(p);
	pool_poke(p);
}

/* Tried again for days, it is said once, unless it fails for another reason. */
static void on_failed(struct generation *g, const struct ipc_msg *msg)
{
	struct pool *p = g->pool;
	char *why = xasprintf("%.*s", (int)msg->body_len, (const char *)msg->body);
	bool known = p->load_error && strcmp(p->load_error, why) == 0;

	log_at(known ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR, "the application cannot be loaded: %s", why);
	free(p->load_error);
	p->load_error = why;
	g->cannot_load = true;
}

static void on_message(struct generation *g, struct ipc_msg *msg)
{
	const struct zygote_forked *forked = msg->body;
	const struct zygote_exited *exited = msg->body;

	g->heard_ms = clock_ms();
	switch (msg->head.type) {
	case ZYGOTE_READY:
		on_ready(g);
		break;
	case ZYGOTE_FAILED:
		on_failed(g, msg);
		break;
	case ZYGOTE_FORKED:
	case ZYGOTE_FORK_FAILED:
		if (msg->body_len == sizeof(*forked))
			pool_spawn_done(g, forked->place, forked->pid, forked->error);
		break;
	case ZYGOTE_EXITED:
		if (msg->body_len == sizeof(*exited))
			pool_reap_child(g, exited->place, exited->pid, exited->status);
		break;
	case ZYGOTE_LOG:
		pool_talk_log(&g->log, g->zygote, "", msg);
		break;
	default:
		log_warning("the zygote sent a message that does not exist");
	}
}

/* All that it has said. */
static enum ipc_got hear_zygote(struct generation *g)
{
	struct ipc_msg msg;
	enum ipc_got got = IPC_END;

	while (g->link != -1 && (got = ipc_recv(g->link, &msg, g->pool->space)) == IPC_MESSAGE) {
		on_message(g, &msg);
		ipc_drop_fds(&msg);
	}
	return got;
}

static void on_zygote(evutil_socket_t fd, short what, void *arg)
{
	struct generation *g = arg;

	(void)fd;
	(void)what;
	if (hear_zygote(g) == IPC_END)
		pool_generation_lost(g, 0);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct pool *p = arg;

	(void)fd;
	(void)what;
	if (!p->gen && p->drain == DRAIN_NONE)
		pool_generation_order(p);
}

static void retry_later(struct pool *p, uint64_t wait_ms)
{
	struct timeval tv = { .tv_sec = (time_t)(wait_ms / 1000), .tv_usec = (suseconds_t)(wait_ms % 1000) * 1000 };

	if (!p->retry)
		p->retry = evtimer_new(p->base, on_retry, p);
	evtimer_add(p->retry, &tv);
}

/* Children that serve stay until the next zygote is ready; without any, the generation is over. */
static void put_aside(struct generation *g)
{
	struct pool *p = g->pool;

	if (p->gen != g)
		return;
	p->gen = NULL;
	if (pool_generation_empty(g)) {
		pool_generation_free(&g);
		return;
	}
	g->older = p->old;
	p->old = g;
}

/* Those whose order the zygote took along; one that was forked all the same has a link that lives. */
static void reap_unborn(struct generation *g)
{
	for (int place = 0; place < g->pool->places; place++) {
		struct pool_child *c = g->children[place];

		if (c && c->pid == 0 && c->link == -1)
			pool_reap_child(g, (uint32_t)place, 0, 0);
	}
}

void pool_generation_lost(struct generation *g, int error)
{
	struct pool *p = g->pool;
	bool was_ready = g->ready, cannot_load = g->cannot_load;
	enum pool_backoff_news news;
	uint64_t wait_ms;

	if (g->dead)
		return;
	if (error)
		log_warning("the zygote could not be started: %s", strerror(error));
	pool_generation_end(g);
	reap_unborn(g);
	put_aside(g);
	news = pool_backoff_died(&p->zygote_backoff, clock_ms(), was_ready, false);
	if (p->drain != DRAIN_NONE) {
		pool_drain_look(p);
		return;
	}
	wait_ms = pool_backoff_wait_ms(&p->zygote_backoff, clock_ms());
	if (news == POOL_BACKOFF_FAILING)
		log_error("failing: the application does not load; it is tried again, at last every 10 s, and requests "
		    "are answered with 503 (%s)", reason_name(REASON_SPAWN_FAILED));
	if (!was_ready)
		pool_master_failing(p, cannot_load);
	retry_later(p, wait_ms);
	pool_poke(p);
}

/* The master reaps zygotes, and children that outlived theirs. */
void pool_generation_reaped(struct pool *p, pid_t pid, int status)
{
	for (struct generation *g = pool_generation_first(p); g; g = pool_generation_after(g)) {
		if (g->zygote == pid) {
			if (WIFSIGNALED(status))
				log_warning("zygote %d exited on signal %d (SIG%s)", (int)pid, WTERMSIG(status),
				    sigabbrev_np(WTERMSIG(status)));
			g->zygote = 0;
			hear_zygote(g);         /* the master may know of its end first: why is still to be read */
			pool_generation_lost(g, 0);
			return;
		}
		for (int place = 0; place < p->places; place++)
			if (g->children[place] && g->children[place]->pid == pid) {
				pool_reap_child(g, (uint32_t)place, pid, status);
				return;
			}
	}
}

/* The zygote's descriptors: link, scoreboard, ready queue, output pipe. -1 with errno. */
static int make_descriptors(struct generation *g, int link[2], int output[2])
{
	struct pool *p = g->pool;

	link[0] = link[1] = output[0] = output[1] = -1;
	g->board = board_create((uint32_t)(p->places * p->threads), &g->board_fd);
	if (!g->board || ipc_pair(link) < 0 || pipe2(output, O_CLOEXEC) < 0)
		return -1;
	return 0;
}

void pool_generation_order(struct pool *p)
{
	struct generation *g = xcalloc(1, sizeof(*g));
	int link[2], output[2];

	BUG_IF(p->gen);
	g->pool = p;
	g->number = ++p->last_generation;
	g->ordered_ms = clock_ms();
	g->booting = true;
	g->link = g->board_fd = -1;
	g->out = (struct pool_lines){ .pool = p, .stream = "stderr", .fd = -1 };
	g->children = xcalloc((size_t)p->places, sizeof(*g->children));
	p->gen = g;
	if (make_descriptors(g, link, output) < 0) {
		log_warning("cannot order a zygote: %s", strerror(errno));
		fd_close(&link[0]);
		fd_close(&link[1]);
		pool_generation_lost(g, 0);
		return;
	}
	g->link = link[0];
	g->event = event_new(p->base, g->link, EV_READ | EV_PERSIST, on_zygote, g);
	event_add(g->event, NULL);
	pool_output_start(&g->out, output[0]);
	pool_master_order(p, g, (const int[4]){ link[1], g->board_fd, p->ready_r, output[1] });
	fd_close(&link[1]);
	fd_close(&output[1]);
}
