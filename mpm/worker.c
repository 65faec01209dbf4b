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
#include <sys/timerfd.h>
#include <unistd.h>
#include "mpm/child_accept.h"
#include "mpm/child_conn.h"
#include "mpm/child_leave.h"
#include "mpm/child_link.h"
#include "mpm/child_serve.h"
#include "mpm/child_space.h"
#include "mpm/child_watch.h"
#include "mpm/slots.h"
#include "src/base/clock.h"
#include "src/base/exits.h"
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/mem.h"

/* What an event is about: the low half of its data. The high half is the life of a kept connection, which tells an
 * event that was fetched before the connection was taken away. */
enum wait_for { WAIT_WAKE, WAIT_POKE, WAIT_LATE, WAIT_SOURCE, WAIT_KEPT = 1 << 16 };

/* Where connections come from, to all children: the ready queue, or a listening socket. An event of one wakes one
 * thread, for an edge: were it for a level, each would wake another one in vain. So who takes a connection looks if
 * one more is there, and leaves word of it to the next free thread. */
struct source {
	int fd;
	_Atomic bool more;
};
#define SOURCE_READY 0                  /* the others are listening sockets */

struct kept {
	int fd;                         /* -1: nobody keeps one here */
	uint32_t life;
	uint64_t since_ms;
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
	int late_timer;                 /* one kept here may be past keepalive_timeout; -1: there is no such time */
	bool late_timer_set;
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
	if (w->child->conf->keepalive_timeout_s == 0)
		return 0;
	w->late_timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	/* An edge: one thread is woken. */
	return w->late_timer < 0 ? -1 : watch_fd(w, EPOLL_CTL_ADD, w->late_timer, EPOLLIN | EPOLLET, WAIT_LATE);
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

/* How long this connection may be kept yet; 0: no longer. */
static uint64_t kept_left_ms(const struct worker *w, const struct kept *k)
{
	uint64_t limit_ms = (uint64_t)w->child->conf->keepalive_timeout_s * 1000;
	uint64_t age_ms = board_age_ms(clock_ms(), k->since_ms);

	return age_ms < limit_ms ? limit_ms - age_ms : 0;
}

/* Under lock: set the timer for the first that will be late, unless it is set. One that is late already and still here
 * has spoken: its event waits. */
static void set_late_timer(struct worker *w)
{
	uint64_t first_ms = UINT64_MAX;

	for (unsigned i = 0; i < w->child->slot_count && !w->late_timer_set; i++) {
		uint64_t left_ms = w->kept[i].fd != -1 ? kept_left_ms(w, &w->kept[i]) : 0;

		if (left_ms > 0 && left_ms < first_ms)
			first_ms = left_ms;
	}
	if (first_ms == UINT64_MAX)
		return;
	struct itimerspec at = { .it_value = { (time_t)(first_ms / 1000), (long)(first_ms % 1000) * 1000000 } };

	w->late_timer_set = timerfd_settime(w->late_timer, 0, &at, NULL) == 0;
}

/* One that is late and has said nothing is the caller's; -1: none is. */
static int kept_take_late(struct worker *w)
{
	int fd = -1;

	pthread_mutex_lock(&w->lock);
	for (unsigned i = 0; i < w->child->slot_count && fd == -1; i++) {
		struct kept *k = &w->kept[i];

		if (k->fd != -1 && kept_left_ms(w, k) == 0 && child_conn_is_silent(k->fd))
			fd = kept_take(w, k);
	}
	pthread_mutex_unlock(&w->lock);
	return fd;
}

static void end_late(struct worker *w)
{
	int fd;

	while ((fd = kept_take_late(w)) != -1) {
		epoll_ctl(w->epoll, EPOLL_CTL_DEL, fd, NULL);   /* the application may hold a copy */
		fd_close(&fd);
	}
	pthread_mutex_lock(&w->lock);
	w->late_timer_set = false;
	set_late_timer(w);
	pthread_mutex_unlock(&w->lock);
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
	} else if (w->late_timer != -1) {
		w->kept[i].since_ms = clock_ms();
		set_late_timer(w);
	}
	pthread_mutex_unlock(&w->lock);
	return keep;
}

/* The slot has a connection on which a request is expected. A child that leaves begins none any more: it hands over
 * what a slot had just taken. */
static void serve(struct worker *w, struct slot *s)
{
	if (!child_may_begin(w->child)) {
		child_serve_park(s);
		return;
	}
	child_space_use(s);
	slot_is_busy(w);
	child_has_begun(w->child, child_serve(s));
	if (!slot_is_free(w, s) && s->fd != -1)
		child_serve_park(s);
}

/* True when somebody was there. */
static bool take_new(struct worker *w, struct slot *s, struct source *from)
{
	struct sockaddr_storage peer;
	int fd = child_accept(s, from->fd, &peer);

	if (fd == -1)
		return false;
	source_pass_on(w, from);
	if (fd < 0)
		return true;
	child_conn_take(s, fd, (struct sockaddr *)&peer);
	serve(w, s);
	return true;
}

static bool take_ready(struct worker *w, struct slot *s)
{
	int fd = child_accept_ready(s);

	if (fd == -1)
		return false;
	source_pass_on(w, &w->sources[SOURCE_READY]);
	if (fd < 0)
		return true;
	child_conn_take(s, fd, NULL);
	serve(w, s);
	return true;
}

static bool take_from(struct worker *w, struct slot *s, unsigned i)
{
	return i == SOURCE_READY ? take_ready(w, s) : take_new(w, s, &w->sources[i]);
}

/* True when somebody left word of one more. */
static bool take_more(struct worker *w, struct slot *s)
{
	for (unsigned i = 0; i < w->source_count; i++)
		if (atomic_load(&w->sources[i].more) && atomic_exchange(&w->sources[i].more, false)) {
			take_from(w, s, i);
			return true;
		}
	return false;
}

/* A connection of the child's own has spoken, unless it was given away since. */
static void take_kept(struct worker *w, struct slot *s, uint32_t i, uint32_t life)
{
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
	serve(w, s);
}

static void on_event(struct worker *w, struct slot *s, uint64_t data)
{
	uint32_t what = (uint32_t)data;

	if (what == WAIT_WAKE || what == WAIT_POKE)
		return;
	if (what == WAIT_LATE)
		end_late(w);
	else if (what < WAIT_KEPT)
		take_from(w, s, what - WAIT_SOURCE);
	else
		take_kept(w, s, what - WAIT_KEPT, (uint32_t)(data >> 32));
}

/* Word of one more that nobody took before the child leaves: no thread of another child was woken for it. There is at
 * most one for each thread here that was. */
static void take_left(struct worker *w, struct slot *s)
{
	for (unsigned i = 0; i < w->child->slot_count && take_more(w, s); i++)
		continue;
}

/* What waits is all that is left: serve until nothing does. */
static void serve_last(struct worker *w, struct slot *s)
{
	const struct child *c = w->child;
	bool more = child_mode(c) >= CHILD_MODE_LAST;

	while (more && child_mode(c) != CHILD_MODE_LEAVE) {
		more = take_ready(w, s);
		for (unsigned i = SOURCE_READY + 1; i < w->source_count && child_mode(c) == CHILD_MODE_LAST; i++)
			more |= take_from(w, s, i);
	}
}

static void slot_run(struct slot *s, void *arg)
{
	struct worker *w = arg;
	struct child *c = w->child;
	struct epoll_event event;

	while (!child_leaving(c) && child_mode(c) < CHILD_MODE_LAST) {
		int got;

		if (take_more(w, s))
			continue;
		got = epoll_wait(w->epoll, &event, 1, child_space_patience_ms(s));
		if (got == 1)
			on_event(w, s, event.data.u64);
		else if (got == 0)
			child_space_rest(s);
	}
	while (kept_give_one(w, 0))
		continue;
	take_left(w, s);
	serve_last(w, s);
}

static struct worker *worker_new(struct child *c)
{
	struct worker *w = xcalloc(1, sizeof(*w));

	w->child = c;
	w->free_count = c->slot_count;
	w->late_timer = -1;
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

	if (watch_all(w) < 0) {
		log_error("cannot wait for connections: %s", strerror(errno));
		_exit(EXIT_SOFTWARE);
	}
	slots_run(c, slot_run, w);
	fd_close(&w->epoll);
	fd_close(&w->late_timer);
	fd_close(&w->poke);
	pthread_mutex_destroy(&w->lock);
	free(w->sources);
	free(w->kept);
	free(w);
}

const struct mpm mpm_worker = {
	.name = "worker",
	.run = worker_run,
};
