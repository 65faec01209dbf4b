/* pool_status.c -- runs in a pool process: what the pool does now, as one struct status. It knows all children, and
 * takes of their scoreboards what fits: texts with bounds, states that exist. No figure waits for a child, and none is
 * kept under a lock that a dead one could hold. */
#include "pool/pool_priv.h"

#include <stdlib.h>
#include <string.h>
#include "mpm/child_proto.h"
#include "mpm/dispatch.h"
#include "mpm/status_page.h"
#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/base/sock_queue.h"
#include "src/base/status.h"

static void copy_text(char *out, size_t size, const char *text)
{
	size_t len = strnlen(text, size - 1);

	memcpy(out, text, len);
	out[len] = '\0';
}

static enum status_state state_of(enum board_state state)
{
	switch (state) {
	case BOARD_READING:
		return STATUS_READING;
	case BOARD_RUNNING:
		return STATUS_RUNNING;
	case BOARD_FINISHING:
		return STATUS_FINISHING;
	case BOARD_LEAVING:
		return STATUS_ENDING;
	default:
		return STATUS_IDLE;
	}
}

/* Who leaves has nothing in hand any more. */
bool pool_status_active(enum board_state state)
{
	return state_of(state) != STATUS_IDLE && state != BOARD_LEAVING;
}

/* Of a request that runs the time so far; of one that is over all of it, and its cost. */
static void put_cost(struct status_child *out, const struct board_view *v, uint64_t now_ms)
{
	const struct board_used *used = &v->used;

	out->duration_us = used->duration_us;
	if (out->state == STATUS_RUNNING || out->state == STATUS_FINISHING)
		out->duration_us = board_age_ms(now_ms, v->brief.request_start_ms) * 1000;
	if (out->state != STATUS_IDLE)
		return;
	out->last_memory = used->peak_memory;
	if (used->duration_us > 0)
		out->last_cpu = (double)used->cpu_us * 100.0 / (double)used->duration_us;
}

static void put_slot(struct status *s, struct pool_child *c, uint32_t i, uint64_t now_ms)
{
	struct status_child *out = &s->children[s->child_count++];
	const struct board_view *v = pool_reap_view(c, i);

	out->pid = c->pid;
	out->state = state_of(v->brief.state);
	out->start_time = c->born_s;
	out->requests = v->brief.begun;
	out->content_length = v->content_length;
	put_cost(out, v, now_ms);
	copy_text(out->method, sizeof(out->method), v->method);
	copy_text(out->uri, sizeof(out->uri), v->uri);
	copy_text(out->user, sizeof(out->user), v->user);
	copy_text(out->script, sizeof(out->script), v->script);
	if (pool_status_active(v->brief.state))
		s->active++;
	else
		s->idle++;
	s->starting += v->brief.state == BOARD_STARTING || v->brief.state == BOARD_EMPTY;
	s->accepted += v->brief.begun;
	s->served += v->brief.served;
	s->slow += v->brief.slow;
	for (int reason = 0; reason < REASON_COUNT; reason++)
		s->reasons[reason] += v->reasons[reason];
}

/* Where a child has several slots each stands for itself, as a process of one would. */
static void put_child(struct status *s, struct pool_child *c, uint64_t now_ms)
{
	for (int i = 0; i < c->gen->pool->threads; i++)
		put_slot(s, c, (uint32_t)i, now_ms);
}

/* One that is READY may ask before its zygote's word of its birth has been read. */
static bool is_there(const struct pool_child *c)
{
	return c->pid > 0 || c->phase == CHILD_SERVING;
}

static void put_children(struct status *s, struct pool *p)
{
	uint64_t now_ms = clock_ms();

	for (struct generation *g = pool_generation_first(p); g; g = pool_generation_after(g))
		for (int place = 0; place < p->places; place++)
			if (g->children[place] && is_there(g->children[place]))
				put_child(s, g->children[place], now_ms);
}

/* Where the kernel does not tell: one, when any waits. */
static void ask_queue(int fd, struct sock_queue *out)
{
	if (sock_queue(fd, out) == 0)
		return;
	out->waiting = fd_readable(fd);
	out->limit = 0;
}

static void put_queue(struct status *s, struct pool *p)
{
	struct sock_queue queue;

	for (uint32_t i = 0; i < p->info->listen_count; i++) {
		ask_queue(SPAWN_FD_LISTEN + (int)i, &queue);
		s->queue += queue.waiting;
		s->queue_limit += queue.limit;
	}
	if (s->queue > p->queue_max)
		p->queue_max = s->queue;
	s->queue_max = p->queue_max;
}

void pool_status_look(struct pool *p, unsigned active)
{
	struct status s = { 0 };

	if (active > p->active_max)
		p->active_max = active;
	if (p->conf->status_path)
		put_queue(&s, p);
}

static const char *pm_name(const struct pool *p)
{
	static const char *const names[] = {
		[CONF_PM_STATIC] = "static", [CONF_PM_DYNAMIC] = "dynamic", [CONF_PM_ONDEMAND] = "ondemand",
	};

	return p->conf->pm < ARRAY_LEN(names) && names[p->conf->pm] ? names[p->conf->pm] : "";
}

static struct status_times times_of(const struct dispatch_times *t)
{
	struct status_times out = { .sum_us = t->sum_us, .count = t->count };

	_Static_assert(sizeof(out.counts) == sizeof(t->counts), "the same buckets");
	memcpy(out.counts, t->counts, sizeof(out.counts));
	return out;
}

static void put_figures(struct status_dispatch *out, const struct dispatch_figures *f)
{
	*out = (struct status_dispatch){
		.conns = f->conns, .reading = f->reading, .queued = f->queued, .running = f->running,
		.writing = f->writing, .finishing = f->finished, .queued_max = f->queued_max, .oldest_us = f->oldest_us,
		.accepted = f->accepted, .retried = f->retried, .abandoned = f->abandoned,
		.queue = times_of(&f->queue), .service = times_of(&f->service), .total = times_of(&f->total),
	};
	for (unsigned i = 0; i < STATUS_BUCKETS; i++)
		out->bucket_us[i] = dispatch_bucket_us(i);
}

/* What waits in the dispatcher waits to be served as what waits in the kernel does. */
static void put_dispatch(struct status *s, struct pool *p)
{
	struct dispatch_figures f;

	pool_dispatch_figures(p, &f);
	s->has_dispatch = 1;
	put_figures(&s->dispatch, &f);
	s->accepted = pool_dispatch_requests(p).begun;
	s->served = pool_dispatch_requests(p).over;
	s->parked = f.parked;
	s->ready = f.queued;
	s->queue += f.queued;
	if (s->queue > p->queue_max)
		p->queue_max = s->queue;
	if (f.queued_max > p->queue_max)
		p->queue_max = f.queued_max;
	s->queue_max = p->queue_max;
	s->queue_limit += (uint64_t)p->conf->queue_max;
}

struct status *pool_status(struct pool *p)
{
	struct status *s = xcalloc(1, status_size(pool_child_count(p) * (unsigned)p->threads));

	s->magic = STATUS_MAGIC;
	copy_text(s->pool, sizeof(s->pool), p->conf->name);
	copy_text(s->pm, sizeof(s->pm), pm_name(p));
	s->now = clock_wall_us() / 1000000;
	s->start_time = p->start_s;
	s->accepted = p->seen_begun;
	s->served = p->seen_served;
	s->slow = p->seen_slow;
	memcpy(s->reasons, p->reasons, sizeof(s->reasons));
	put_children(s, p);
	put_queue(s, p);
	if (s->active > p->active_max)
		p->active_max = (unsigned)s->active;
	s->active_max = p->active_max;
	s->max_reached = p->at_max_count;
	s->max_children = (uint64_t)conf_pool_slots(p->conf);
	s->parked = p->idle_count;
	s->ready = p->ready_count;
	if (p->dispatch)
		put_dispatch(s, p);
	return s;
}

void pool_page(struct pool *p, bool is_status, const char *asked, struct buf *out)
{
	struct status_query query;
	struct status *status;

	if (p->drain != DRAIN_NONE && p->drain != DRAIN_REPLACED) {
		reason_page(REASON_DRAINING, p->conf->reason_header, out);
		return;
	}
	if (!is_status) {
		status_ping_head(out);
		buf_add_str(out, p->conf->ping_response);
		return;
	}
	query = status_query_read(asked);
	status = pool_status(p);
	status_page_head(out, &query);
	status_page(out, &query, status);
	free(status);
}

int pool_status_tell(struct pool_child *c, const struct ipc_msg *ask)
{
	struct ipc_msg msg = { .head.type = CHILD_STATUS, .body = ask->body, .body_len = ask->body_len, .fd_count = 1 };
	struct status *s;

	if (ask->body_len != sizeof(struct child_ask) || ask->fd_count != 0)
		return -1;
	s = pool_status(c->gen->pool);
	msg.fds[0] = status_write(s);
	free(s);
	/* A child that does not read asked for nothing: its own wait is bounded. */
	if (msg.fds[0] < 0 || c->link == -1 || ipc_send(c->link, &msg) < 0)
		log_debug("child %d could not be told the status", (int)c->pid);
	fd_close(&msg.fds[0]);
	return 0;
}
