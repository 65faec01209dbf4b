/* worker.c -- runs in a child: several slots, each a thread that takes connections itself, from the shared listening
 * sockets, the pool's ready queue, and the child's own kept connections. Those are bound to no thread: they wait in
 * the child's one epoll, and whichever slot is free serves the next request. A child keeps at most as many as it
 * has free slots; what is more goes to the pool process, so that none waits here while another child is idle. It
 * does not decide how many children there are. */
#include "mpm/mpm.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "mpm/child_accept.h"
#include "mpm/child_conn.h"
#include "mpm/child_link.h"
#include "mpm/child_serve.h"
#include "mpm/child_space.h"
#include "mpm/child_watch.h"
#include "src/base/clock.h"
#include "src/base/exits.h"
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/mem.h"

/* What an event is about: the low half of its data. The high half is the life of a kept connection, which tells an
 * event that was fetched before the connection was taken away. */
enum wait_for { WAIT_WAKE, WAIT_POKE, WAIT_SOURCE, WAIT_KEPT = 1 << 16 };

/* Where connections come from, to all children: the ready queue, or a listening socket. An event of one wakes one
 * thread, for an edge: were it for a level, each would wake another one in vain. So who takes a connection looks if
 * one more is there, and leaves word of it to the next free thread. */
struct source {
	int fd;
	_Atomic bool more;
};
#define SOURCE_READY 0                  /* the others are listening sockets */

#define REST_MS   200           /* a slot that is idle for so long gives back the memory of its requests */
#define BURST_MIN 4             /* slots that rested at last: worth a look at the heap */

struct kept {
	int fd;                         /* -1: nobody keeps one here */
	uint32_t life;
};

struct worker {
	struct child *child;
	int epoll;
	int poke;                       /* eventfd: wakes a thread for what a source has more */
	struct source *sources;
	unsigned source_count;
	pthread_mutex_t lock;           /* of what follows; held for no system call that can wait */
	struct kept *kept;              /* one for each slot, but bound to none */
	unsigned kept_count;            /* never above free_count */
	_Atomic unsigned free_count;    /* slots without a connection; looked at without lock too */
	unsigned warm_count;            /* slots that have memory to give back */
	unsigned rested_count;          /* that have given it back since the heap was looked at */
};

struct worker_slot {
	struct worker *w;
	struct slot *slot;
	pthread_t thread;
	uint8_t *stack;                 /* its lowest address; NULL: the process' own stack */
	bool warm;                      /* it has served since it rested */
};

static int watch_fd(struct worker *w, int op, int fd, uint32_t events, uint64_t what)
{
	struct epoll_event event = { .events = events, .data.u64 = what };

	return epoll_ctl(w->epoll, op, fd, &event);
}

static int watch_all(struct worker *w)
{
	const uint32_t one_for_an_edge = EPOLLIN | EPOLLET | EPOLLEXCLUSIVE;

	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	w->poke = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->epoll < 0 || w->poke < 0 || watch_fd(w, EPOLL_CTL_ADD, w->child->wake, EPOLLIN, WAIT_WAKE) < 0)
		return -1;
	if (watch_fd(w, EPOLL_CTL_ADD, w->poke, EPOLLIN | EPOLLET, WAIT_POKE) < 0)
		return -1;
	for (unsigned i = 0; i < w->source_count; i++)
		if (watch_fd(w, EPOLL_CTL_ADD, w->sources[i].fd, one_for_an_edge, WAIT_SOURCE + i) < 0)
			return -1;
	return 0;
}

/* Beside the caller, who is not busy yet. */
static bool somebody_is_free(const struct worker *w)
{
	return atomic_load(&w->free_count) > 1;
}

/* The caller's event of this source is used up. If there is more it is the next free thread's: one that sleeps is
 * woken, one that becomes free finds word of it, for it counts as free before it looks. While nobody is free it costs
 * less to let him try than to know; and who left word before has seen to it that somebody comes. */
static void source_pass_on(struct worker *w, struct source *from)
{
	struct pollfd at = { .fd = from->fd, .events = POLLIN };
	uint64_t one = 1;

	if (atomic_load(&from->more) || (somebody_is_free(w) && poll(&at, 1, 0) != 1))
		return;
	if (!atomic_exchange(&from->more, true) && somebody_is_free(w) && write(w->poke, &one, sizeof(one)) < 0)
		log_debug("cannot wake a thread: %s", strerror(errno));
}

/* Under lock: the connection that is kept there is the caller's now. */
static int kept_take(struct worker *w, struct kept *k)
{
	int fd = k->fd;

	k->fd = -1;
	k->life++;
	w->kept_count--;
	return fd;
}

/* One connection too many is kept: it goes to the pool process. False: there is none. */
static bool kept_give_one(struct worker *w, unsigned most)
{
	int fd = -1;

	pthread_mutex_lock(&w->lock);
	for (unsigned i = 0; i < w->child->slot_count && fd == -1 && w->kept_count > most; i++)
		if (w->kept[i].fd != -1)
			fd = kept_take(w, &w->kept[i]);
	pthread_mutex_unlock(&w->lock);
	if (fd == -1)
		return false;
	/* The pool process holds it too from now on: closing it here would leave it registered. */
	epoll_ctl(w->epoll, EPOLL_CTL_DEL, fd, NULL);
	child_link_park(&fd);
	return true;
}

static void slot_is_busy(struct worker *w)
{
	unsigned free_count;

	pthread_mutex_lock(&w->lock);
	free_count = --w->free_count;
	pthread_mutex_unlock(&w->lock);
	while (kept_give_one(w, free_count))
		continue;
}

/* The slot is free again. Its connection, if it still has one, is kept when there is a free slot for each that is;
 * else the caller has to give it away. */
static bool slot_is_free(struct worker *w, struct slot *s)
{
	bool was_registered = s->polled, keep;
	unsigned i = 0;
	uint64_t what;

	pthread_mutex_lock(&w->lock);
	w->free_count++;
	keep = s->fd != -1 && w->kept_count < w->free_count && child_mode(w->child) < CHILD_MODE_LAST;
	if (!keep) {
		pthread_mutex_unlock(&w->lock);
		return false;
	}
	while (w->kept[i].fd != -1)
		i++;
	s->polled = false;
	w->kept[i].fd = child_conn_release(s);
	w->kept_count++;
	what = (uint64_t)w->kept[i].life << 32 | (WAIT_KEPT + i);
	if (watch_fd(w, was_registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, w->kept[i].fd,
		     EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, what) < 0) {
		int fd = kept_take(w, &w->kept[i]);

		child_conn_take(s, fd, NULL);
		keep = false;
	}
	pthread_mutex_unlock(&w->lock);
	return keep;
}

static void slot_is_warm(struct worker_slot *ws)
{
	if (ws->warm)
		return;
	ws->warm = true;
	pthread_mutex_lock(&ws->w->lock);
	ws->w->warm_count++;
	pthread_mutex_unlock(&ws->w->lock);
}

/* Threads are woken last in, first out: what is idle for long belongs to a burst that is over. */
static void slot_rest(struct worker_slot *ws)
{
	struct worker *w = ws->w;
	const struct child_start *start = w->child->start;
	bool burst_over;

	ws->warm = false;
	if (start->sapi->thread_rest)
		start->sapi->thread_rest(start->ctx);
	child_space_rest(ws->slot);
	child_space_rest_stack(ws->stack);
	pthread_mutex_lock(&w->lock);
	w->rested_count++;
	burst_over = --w->warm_count == 0 && w->rested_count >= BURST_MIN;
	if (burst_over)
		w->rested_count = 0;
	pthread_mutex_unlock(&w->lock);
	if (burst_over)
		child_space_rest_heap();
}

static void serve(struct worker_slot *ws)
{
	struct worker *w = ws->w;
	struct slot *s = ws->slot;

	slot_is_warm(ws);
	slot_is_busy(w);
	child_serve(s);
	if (!slot_is_free(w, s) && s->fd != -1)
		child_serve_park(s);
	if (child_leaving(w->child))    /* the last of max_requests, for one: the others must look */
		child_watch_raise(w->child, CHILD_MODE_LEAVE);
}

/* True when somebody was there. */
static bool take_new(struct worker_slot *ws, struct source *from)
{
	struct sockaddr_storage peer;
	int fd = child_accept(ws->slot, from->fd, &peer);

	if (fd == -1)
		return false;
	source_pass_on(ws->w, from);
	if (fd < 0)
		return true;
	child_conn_take(ws->slot, fd, (struct sockaddr *)&peer);
	serve(ws);
	return true;
}

static bool take_ready(struct worker_slot *ws)
{
	struct source *from = &ws->w->sources[SOURCE_READY];
	int fd = child_accept_ready(ws->slot);

	if (fd == -1)
		return false;
	source_pass_on(ws->w, from);
	if (fd < 0)
		return true;
	child_conn_take(ws->slot, fd, NULL);
	serve(ws);
	return true;
}

static bool take_from(struct worker_slot *ws, unsigned i)
{
	return i == SOURCE_READY ? take_ready(ws) : take_new(ws, &ws->w->sources[i]);
}

/* True when somebody left word of one more. */
static bool take_more(struct worker_slot *ws)
{
	struct worker *w = ws->w;

	for (unsigned i = 0; i < w->source_count; i++)
		if (atomic_load(&w->sources[i].more) && atomic_exchange(&w->sources[i].more, false)) {
			take_from(ws, i);
			return true;
		}
	return false;
}

/* A connection of the child's own has spoken, unless it was given away since. */
static void take_kept(struct worker_slot *ws, uint32_t i, uint32_t life)
{
	struct worker *w = ws->w;
	struct slot *s = ws->slot;
	struct kept *k = &w->kept[i];
	int fd = -1;

	pthread_mutex_lock(&w->lock);
	if (k->fd != -1 && k->life == life)
		fd = kept_take(w, k);
	pthread_mutex_unlock(&w->lock);
	if (fd == -1)
		return;
	child_conn_take(s, fd, NULL);
	s->epoll = w->epoll;
	s->polled = true;
	serve(ws);
}

static void on_event(struct worker_slot *ws, uint64_t data)
{
	uint32_t what = (uint32_t)data;

	if (what == WAIT_WAKE || what == WAIT_POKE)
		return;
	if (what < WAIT_KEPT)
		take_from(ws, what - WAIT_SOURCE);
	else
		take_kept(ws, what - WAIT_KEPT, (uint32_t)(data >> 32));
}

/* What waits is all that is left: serve until nothing does. */
static void serve_last(struct worker_slot *ws)
{
	const struct child *c = ws->w->child;
	bool more = child_mode(c) >= CHILD_MODE_LAST;

	while (more && child_mode(c) != CHILD_MODE_LEAVE) {
		more = take_ready(ws);
		for (unsigned i = SOURCE_READY + 1; i < ws->w->source_count && child_mode(c) == CHILD_MODE_LAST; i++)
			more |= take_from(ws, i);
	}
}

static void slot_run(struct worker_slot *ws)
{
	struct worker *w = ws->w;
	struct child *c = w->child;
	struct epoll_event event;

	while (!child_leaving(c) && child_mode(c) < CHILD_MODE_LAST) {
		int got;

		if (take_more(ws))
			continue;
		got = epoll_wait(w->epoll, &event, 1, ws->warm ? REST_MS : -1);
		if (got == 1)
			on_event(ws, event.data.u64);
		else if (got == 0)
			slot_rest(ws);
	}
	while (kept_give_one(w, 0))
		continue;
	serve_last(ws);
	board_slot_state(ws->slot->board, BOARD_LEAVING, clock_ms());
	atomic_fetch_add(&c->slots_gone, 1);
	child_watch_wake(c);
}

/* NULL where it is not known. */
static uint8_t *stack_lowest(void)
{
	pthread_attr_t attr;
	void *lowest = NULL;
	size_t size;

	if (pthread_getattr_np(pthread_self(), &attr) != 0)
		return NULL;
	if (pthread_attr_getstack(&attr, &lowest, &size) != 0)
		lowest = NULL;
	pthread_attr_destroy(&attr);
	return lowest;
}

static void *slot_thread(void *arg)
{
	struct worker_slot *ws = arg;
	const struct child_start *start = ws->w->child->start;
	struct err err;

	if (ws->slot != ws->w->child->slots)    /* the first one's is the process' own */
		ws->stack = stack_lowest();
	if (start->sapi->thread_init && start->sapi->thread_init(start->ctx, &err) < 0) {
		child_link_failed(err.text);
		_exit(EXIT_SOFTWARE);
	}
	slot_run(ws);
	if (start->sapi->thread_end)
		start->sapi->thread_end(start->ctx);
	return NULL;
}

/* One thread more than slots would idle: the main thread is the first slot's. */
static bool threads_start(struct worker_slot *slots, unsigned count)
{
	for (unsigned i = 1; i < count; i++) {
		int error = pthread_create(&slots[i].thread, NULL, slot_thread, &slots[i]);

		if (error == 0)
			continue;
		log_error("cannot start thread %u of mpm.threads_per_child: %s", i + 1, strerror(error));
		return false;
	}
	return true;
}

static struct worker *worker_new(struct child *c)
{
	struct worker *w = xcalloc(1, sizeof(*w));

	w->child = c;
	w->free_count = c->slot_count;
	w->kept = xcalloc(c->slot_count, sizeof(*w->kept));
	for (unsigned i = 0; i < c->slot_count; i++)
		w->kept[i].fd = -1;
	w->source_count = 1 + c->start->listen_count;
	w->sources = xcalloc(w->source_count, sizeof(*w->sources));
	w->sources[SOURCE_READY].fd = c->start->ready;
	for (unsigned i = 0; i < c->start->listen_count; i++)
		w->sources[SOURCE_READY + 1 + i].fd = c->start->listen[i];
	pthread_mutex_init(&w->lock, NULL);
	return w;
}

static void worker_run(struct child *c)
{
	struct worker *w = worker_new(c);
	struct worker_slot *slots = xcalloc(c->slot_count, sizeof(*slots));

	/* All are idle before anybody counts them. */
	for (unsigned i = 0; i < c->slot_count; i++) {
		slots[i] = (struct worker_slot){ .w = w, .slot = &c->slots[i] };
		board_slot_state(c->slots[i].board, BOARD_IDLE, clock_ms());
	}
	if (watch_all(w) < 0) {
		log_error("cannot wait for connections: %s", strerror(errno));
		_exit(EXIT_SOFTWARE);
	}
	if (!threads_start(slots, c->slot_count))
		_exit(EXIT_SOFTWARE);
	child_link_ready();
	slot_thread(&slots[0]);
	for (unsigned i = 1; i < c->slot_count; i++)
		pthread_join(slots[i].thread, NULL);
	fd_close(&w->epoll);
	fd_close(&w->poke);
	pthread_mutex_destroy(&w->lock);
	free(w->sources);
	free(w->kept);
	free(w);
	free(slots);
}

const struct mpm mpm_worker = {
	.name = "worker",
	.run = worker_run,
};
