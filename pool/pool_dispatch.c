/* pool_dispatch.c -- runs in a pool process under mpm = event: the dispatcher among its children. What the dispatcher
 * cannot know by itself is told here: which slots there are, what became of a child, what the pool's own pages say; and
 * what it reports is counted and logged. */
#include "pool/pool_dispatch_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "mpm/child_proto.h"
#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/mem.h"

#define SILENT_US 500000                /* at the end: so long for a new connection to say something */

void pool_dispatch_begin(struct pool *p)
{
	dispatch_time(p->dispatch->core, clock_us());
}

static void set_timer(struct pool_dispatch *pd, uint64_t due_us)
{
	uint64_t now = clock_us(), wait = due_us > now ? due_us - now : 0;
	struct timeval tv = { .tv_sec = (time_t)(wait / 1000000), .tv_usec = (suseconds_t)(wait % 1000000) };

	pd->timer_us = due_us;
	event_add(pd->timer, &tv);
}

/* A connection that has ended made room, or one whose request has. */
static void accept_if_room(struct pool *p)
{
	if (p->dispatch->full && dispatch_has_room(p->dispatch->core))
		pool_dispatch_accept(p, true);
}

/* A timer that comes too soon costs one look; it is never set later. */
void pool_dispatch_done(struct pool *p)
{
	struct pool_dispatch *pd = p->dispatch;
	uint64_t next = dispatch_next(pd->core);

	if (next < pd->timer_us)
		set_timer(pd, next);
	accept_if_room(p);
	if (p->asleep)
		pool_poke(p);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct pool *p = arg;
	uint64_t next;

	(void)fd;
	(void)what;
	pool_dispatch_begin(p);
	p->dispatch->timer_us = DISPATCH_NEVER;
	next = dispatch_tick(p->dispatch->core);
	if (next != DISPATCH_NEVER)
		set_timer(p->dispatch, next);
	accept_if_room(p);
	if (p->asleep && dispatch_conns(p->dispatch->core) == 0)        /* an ondemand pool may come to rest */
		pool_poke(p);
}

void pool_dispatch_accept(struct pool *p, bool accept)
{
	struct pool_dispatch *pd = p->dispatch;

	accept = accept && pd->serves && !pd->stopped;
	if (accept)
		pd->full = false;
	if (accept == pd->accepts)
		return;
	pd->accepts = accept;
	for (uint32_t i = 0; i < p->info->listen_count; i++)
		if (accept)
			event_add(pd->listening[i], NULL);
		else
			event_del(pd->listening[i]);
}

void pool_dispatch_serve(struct pool *p)
{
	if (!p->dispatch || p->dispatch->serves)
		return;
	p->dispatch->serves = true;
	pool_dispatch_accept(p, true);
}

bool pool_dispatch_serves(const struct pool *p)
{
	return p->dispatch && p->dispatch->serves;
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
	(void)what;
	dispatch_io_accept(arg, (int)fd);
}

/* ---- what the dispatcher asks and tells */

static void world_slot_leaves(void *arg)
{
	struct dispatch_io *io = arg;

	if (io->child)
		pool_dispatch_retire(io->child);
}

static void world_give(void *arg)
{
	struct dispatch_io *io = arg;
	struct board_brief b = { 0 };

	if (io->child) {
		board_peek(io->child->gen->board, pool_child_slot(io->child, io->number), &b);
		io->child->slots[io->number].queued_us = dispatch_given_wait_us(io->pool->dispatch->core);
	}
	io->begun = b.begun;
}

static bool world_has_begun(void *arg)
{
	const struct dispatch_io *io = arg;
	struct board_brief b;

	if (!io->child)
		return true;
	board_peek(io->child->gen->board, pool_child_slot(io->child, io->number), &b);
	return b.begun > io->begun;
}

/* Its own time was over: of several slots the process may have been ended for another. */
static bool is_late(const struct pool *p, const struct board_view *v)
{
	uint64_t limit_ms = (uint64_t)p->conf->request_terminate_timeout_s * 1000;

	return limit_ms > 0 && board_age_ms(clock_ms(), v->brief.request_start_ms) >= limit_ms;
}

static struct dispatch_death world_death(void *arg)
{
	const struct dispatch_io *io = arg;
	struct dispatch_death how = { .started = true };
	struct pool_dispatch *pd = io->pool->dispatch;
	const struct board_view *v;
	struct pool_slot *slot;

	pd->child_said = false;
	if (!io->child)
		return how;
	slot = &io->child->slots[io->number];
	v = pool_reap_view(io->child, io->number);
	slot->told = true;
	pd->child_said = v->reasons[REASON_REQUEST_TIMEOUT] > 0;
	how.started = v->brief.begun > io->begun;
	how.ended_by_us = io->child->kill_ms != 0 && (io->pool->threads == 1 || is_late(io->pool, v));
	how.ended_by_us |= pd->child_said;
	return how;
}

static void world_mad(void *arg, const char *why)
{
	struct dispatch_io *io = arg;

	if (!io->child)
		return;
	log_warning("child %d sent its pool process %s: it is ended", (int)io->child->pid, why);
	pool_reap_kill(io->child, clock_ms());
}

/* Only where nothing else runs in that child. */
static void world_kill(void *arg, enum reason reason)
{
	struct dispatch_io *io = arg;

	if (io->child && io->pool->threads == 1)
		pool_talk_stop(io->child, reason);
}

/* As child_status.c: "/" is the default of pm.status_listen, and here the application's own. */
static bool is_path(const struct dispatch_request *r, const char *path)
{
	const char *name;
	size_t len;

	if (!path || !path[0] || !path[1])
		return false;
	name = dispatch_param(r, "SCRIPT_NAME", &len);
	return name && len == strlen(path) && memcmp(name, path, len) == 0;
}

static bool has(const struct dispatch_request *r, const char *name)
{
	size_t len;

	return dispatch_param(r, name, &len) && len > 0;
}

/* Likewise: a script's name must have been sent, though no such file need exist. */
static bool is_request(const struct dispatch_request *r)
{
	return has(r, "REQUEST_METHOD") && (has(r, "SCRIPT_FILENAME") || has(r, "PATH_TRANSLATED"));
}

static bool world_page(void *arg, const struct dispatch_request *r, struct buf *out)
{
	struct pool *p = arg;
	bool status = is_path(r, p->conf->status_path);
	const char *query;
	char *asked;
	size_t len;

	if ((!status && !is_path(r, p->conf->ping_path)) || !is_request(r))
		return false;
	query = dispatch_param(r, "QUERY_STRING", &len);
	asked = xstrndup(query ? query : "", len);
	pool_page(p, status, asked, out);
	free(asked);
	dispatch_note_page(p, r, buf_str(out));
	return true;
}

static void world_note(void *arg, const struct dispatch_request *r, enum reason reason)
{
	dispatch_note(arg, r, reason);
}

static void world_busy(void *arg)
{
	pool_poke(arg);
}

static const struct dispatch_world world = {
	.send = dispatch_io_send,
	.watch = dispatch_io_watch,
	.peek = dispatch_io_peek,
	.close_conn = dispatch_io_close_conn,
	.end_slot = dispatch_io_end_slot,
	.close_slot = dispatch_io_close_slot,
	.slot_leaves = world_slot_leaves,
	.give = world_give,
	.death = world_death,
	.has_begun = world_has_begun,
	.slot_is_mad = world_mad,
	.kill_slot = world_kill,
	.page = world_page,
	.note = world_note,
	.busy = world_busy,
};

/* ---- what the rest of the pool process asks and tells */

void pool_dispatch_init(struct pool *p)
{
	struct pool_dispatch *pd;

	p->over_tcp = p->conf->listen[0] != '/' && p->conf->listen[0] != '@';
	if (p->conf->mpm != CONF_MPM_EVENT)
		return;
	pd = p->dispatch = xcalloc(1, sizeof(*pd));
	pd->core = dispatch_new(p->conf, &world, p);
	pd->timer = evtimer_new(p->base, on_timer, p);
	pd->timer_us = DISPATCH_NEVER;
	dispatch_note_init(p);
	pd->listening = xcalloc(p->info->listen_count, sizeof(*pd->listening));
	for (uint32_t i = 0; i < p->info->listen_count; i++)
		pd->listening[i] = event_new(p->base, SPAWN_FD_LISTEN + (int)i, EV_READ | EV_PERSIST, on_accept, p);
}

void pool_dispatch_slot(struct pool_child *c, uint32_t slot, int *fd)
{
	struct pool *p = c->gen->pool;
	struct dispatch_io *io;

	if (c->slots[slot].io || fd_set_nonblock(*fd, 1) < 0) {
		fd_close(fd);
		return;
	}
	pool_dispatch_begin(p);
	io = dispatch_io_slot(c, slot, *fd);
	*fd = -1;
	if (c->phase == CHILD_RETIRING)
		dispatch_slot_retire(io->slot);
	pool_dispatch_done(p);
}

void pool_dispatch_retire(struct pool_child *c)
{
	struct pool *p = c->gen->pool;

	for (int i = 0; p->dispatch && i < p->threads; i++)
		if (c->slots[i].io)
			dispatch_slot_retire(c->slots[i].io->slot);
}

void pool_dispatch_child_gone(struct pool_child *c)
{
	struct pool *p = c->gen->pool;

	if (!p->dispatch)
		return;
	pool_dispatch_begin(p);
	pool_dispatch_retire(c);        /* the end of a turn brings it no other */
	for (int i = 0; i < p->threads; i++)
		dispatch_io_slot_gone(c, (uint32_t)i);
	pool_dispatch_done(p);
}

int pool_dispatch_queued(const struct pool *p)
{
	return (int)dispatch_queued(p->dispatch->core);
}

unsigned pool_dispatch_conns(const struct pool *p)
{
	return p->dispatch ? dispatch_conns(p->dispatch->core) : 0;
}

void pool_dispatch_refuse(struct pool *p, enum reason reason)
{
	pool_dispatch_begin(p);
	dispatch_refuse_queued(p->dispatch->core, reason);
	pool_dispatch_done(p);
}

void pool_dispatch_refuse_unread(struct pool *p, bool bodies, enum reason reason)
{
	pool_dispatch_begin(p);
	dispatch_refuse_unread(p->dispatch->core, bodies, reason);
	pool_dispatch_done(p);
}

void pool_dispatch_closing(struct pool *p)
{
	dispatch_closing(p->dispatch->core);
}

void pool_dispatch_last(struct pool *p)
{
	pool_dispatch_begin(p);
	dispatch_closing(p->dispatch->core);
	dispatch_close_parked(p->dispatch->core);
	pool_dispatch_done(p);
}

void pool_dispatch_stop(struct pool *p)
{
	p->dispatch->stopped = true;
	pool_dispatch_accept(p, false);
}

void pool_dispatch_unlisten(struct pool *p)
{
	pool_dispatch_stop(p);
	for (uint32_t i = 0; i < p->info->listen_count; i++)
		close(SPAWN_FD_LISTEN + (int)i);
}

bool pool_dispatch_flying(const struct pool *p, uint64_t since_us)
{
	return dispatch_flying(p->dispatch->core, since_us);
}

static bool may_speak(const struct dispatch *core)
{
	uint64_t silent = dispatch_silent_us(core);

	return silent != 0 && clock_us() <= silent + SILENT_US;
}

bool pool_dispatch_empty(const struct pool *p)
{
	const struct dispatch *core = p->dispatch->core;

	return dispatch_in_hand(core) == 0 && !may_speak(core);
}

bool pool_dispatch_needs_children(const struct pool *p)
{
	const struct dispatch *core = p->dispatch->core;
	struct dispatch_figures now;

	dispatch_figures(core, &now);
	return now.reading + now.queued + now.running > 0 || may_speak(core);
}

void pool_dispatch_figures(struct pool *p, struct dispatch_figures *out)
{
	pool_dispatch_begin(p);
	dispatch_figures(p->dispatch->core, out);
}

struct pool_requests pool_dispatch_requests(struct pool *p)
{
	struct dispatch_figures f;

	dispatch_figures(p->dispatch->core, &f);
	return (struct pool_requests){ p->before.begun + f.requests, p->before.over + f.over };
}
