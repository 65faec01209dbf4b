/* prefork.c -- runs in a child: one slot that takes connections itself, from the shared listening sockets and from
 * the pool's ready queue. It owns at most one connection while idle and exactly one while busy; before it serves
 * another it hands its idle one to the pool process. It does not decide how many children there are. */
#include "mpm/mpm.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "mpm/child_accept.h"
#include "mpm/child_conn.h"
#include "mpm/child_leave.h"
#include "mpm/child_link.h"
#include "mpm/child_serve.h"
#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/log.h"

/* What an event is about; values from WAIT_LISTEN on are indexes of listening sockets. */
enum wait_for { WAIT_WAKE, WAIT_OWN, WAIT_READY, WAIT_LISTEN };

struct prefork {
	struct child *child;
	struct slot *slot;
	int epoll;
	uint64_t own_since_ms;          /* since when the slot's own connection is idle */
};

static int watch_fd(struct prefork *p, int fd, uint32_t events, uint32_t what)
{
	struct epoll_event event = { .events = events, .data.u32 = what };

	return epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &event);
}

static int watch_all(struct prefork *p)
{
	const struct child_start *start = p->child->start;

	p->epoll = p->slot->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (p->epoll < 0 || watch_fd(p, p->child->wake, EPOLLIN, WAIT_WAKE) < 0)
		return -1;
	if (watch_fd(p, start->ready, EPOLLIN | EPOLLEXCLUSIVE, WAIT_READY) < 0)
		return -1;
	for (unsigned i = 0; i < start->listen_count; i++)
		if (watch_fd(p, start->listen[i], EPOLLIN | EPOLLEXCLUSIVE, WAIT_LISTEN + i) < 0)
			return -1;
	return 0;
}

/* Serve the slot's connection, and wait for its next request if it is kept: for an edge, since child_serve leaves
 * nothing unread behind. */
static void serve(struct prefork *p)
{
	struct slot *s = p->slot;

	child_serve(s);
	if (s->fd == -1 || s->polled)
		return;
	if (watch_fd(p, s->fd, EPOLLIN | EPOLLRDHUP | EPOLLET, WAIT_OWN) < 0) {
		child_serve_park(s);
		return;
	}
	s->polled = true;
	p->own_since_ms = clock_ms();
}

/* How long the slot's own connection may stay idle yet, for epoll_wait; -1: for ever, or there is none. */
static int own_wait_ms(const struct prefork *p)
{
	uint64_t limit_ms = (uint64_t)p->child->conf->keepalive_timeout_s * 1000, age_ms;

	if (limit_ms == 0 || p->slot->fd == -1)
		return -1;
	age_ms = board_age_ms(clock_ms(), p->own_since_ms);
	if (age_ms >= limit_ms)
		return 0;
	return limit_ms - age_ms > INT_MAX ? INT_MAX : (int)(limit_ms - age_ms);
}

/* What has come meanwhile is an event that still waits. */
static void end_own_if_late(struct prefork *p)
{
	if (own_wait_ms(p) == 0 && child_conn_is_silent(p->slot->fd))
		child_conn_close(p->slot);
}

static void serve_new(struct prefork *p, int fd, const struct sockaddr *peer)
{
	if (p->slot->fd != -1)
		child_serve_park(p->slot);
	child_conn_take(p->slot, fd, peer);
	serve(p);
}

/* True when somebody was there. */
static bool take_new(struct prefork *p, int listening)
{
	struct sockaddr_storage peer;
	int fd = child_accept(p->slot, listening, &peer);

	if (fd >= 0)
		serve_new(p, fd, (struct sockaddr *)&peer);
	return fd != -1;
}

/* True when one was served. */
static bool take_ready(struct prefork *p)
{
	int fd = child_accept_ready(p->slot);

	if (fd >= 0)
		serve_new(p, fd, NULL);
	return fd != -1;
}

/* What waits is all that is left: serve until nothing does. */
static void serve_last(struct prefork *p)
{
	const struct child_start *start = p->child->start;
	bool more = child_mode(p->child) >= CHILD_MODE_LAST;

	while (more && child_mode(p->child) != CHILD_MODE_LEAVE) {
		more = take_ready(p);
		for (unsigned i = 0; i < start->listen_count && child_mode(p->child) == CHILD_MODE_LAST; i++)
			more |= take_new(p, start->listen[i]);
	}
}

static void on_event(struct prefork *p, uint32_t what)
{
	switch (what) {
	case WAIT_WAKE:
		return;
	case WAIT_OWN:
		serve(p);
		return;
	case WAIT_READY:
		take_ready(p);
		return;
	default:
		take_new(p, p->child->start->listen[what - WAIT_LISTEN]);
	}
}

static void prefork_run(struct child *c)
{
	struct prefork p = { .child = c, .slot = &c->slots[0] };
	struct epoll_event event;

	if (watch_all(&p) < 0) {
		log_error("cannot wait for connections: %s", strerror(errno));
		return;
	}
	board_slot_state(p.slot->board, BOARD_IDLE, clock_ms());
	child_link_ready();
	while (!child_leaving(c) && child_mode(c) < CHILD_MODE_LAST) {
		int got = epoll_wait(p.epoll, &event, 1, own_wait_ms(&p));

		if (got == 1)
			on_event(&p, event.data.u32);
		else if (got == 0)
			end_own_if_late(&p);
	}
	serve_last(&p);
	board_slot_state(p.slot->board, BOARD_LEAVING, clock_ms());
	if (p.slot->fd != -1)
		child_serve_park(p.slot);
	fd_close(&p.epoll);
}

const struct mpm mpm_prefork = {
	.name = "prefork",
	.run = prefork_run,
};
