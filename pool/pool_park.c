/* pool_park.c -- runs in a pool process: connections without a slot. A kept one waits here until it speaks, then goes
 * into the ready queue, which idle slots wait on; an answered one that still sends is read empty. Nothing of what
 * arrives is interpreted here. */
#include "pool/pool_priv.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/mem.h"

#define LINGER_IDLE_MS  2000            /* an answered connection that says nothing for so long is closed */
#define LINGER_TOTAL_MS 30000           /* and any after this */
#define LINGER_MAX      256
#define READY_RETRY_MS  50
#define FILES_KEPT_FREE 64              /* descriptors for everything that is no parked connection */

enum { READY_MESSAGE = 1 };             /* the only type in the ready queue: one descriptor */

static void forget(struct parked *k)
{
	struct pool *p = k->pool;

	if (k->kind == PARKED_IDLE) {
		TAILQ_REMOVE(&p->idle, k, next);
		p->idle_count--;
	} else if (k->kind == PARKED_READY) {
		TAILQ_REMOVE(&p->ready, k, next);
		p->ready_count--;
	} else {
		TAILQ_REMOVE(&p->linger, k, next);
		p->linger_count--;
	}
	if (k->event)
		event_free(k->event);
	fd_close(&k->fd);
	free(k);
}

static struct parked *parked_new(struct pool *p, int fd, enum parked_kind kind)
{
	struct parked *k = xcalloc(1, sizeof(*k));

	k->pool = p;
	k->fd = fd;
	k->kind = kind;
	k->since_ms = clock_ms();
	return k;
}

/* A full queue says when it has room; a kernel short of memory, or of descriptors in flight, does not. */
static void wait_for_room(struct pool *p, int why)
{
	struct timeval soon = { .tv_usec = READY_RETRY_MS * 1000 };

	if (why == EAGAIN)
		event_add(p->ready_room, NULL);
	else
		evtimer_add(p->ready_retry, &soon);
}

/* Hand over what is ready, oldest first, as far as the queue has room. */
static void push_ready(struct pool *p)
{
	struct parked *k;

	while ((k = TAILQ_FIRST(&p->ready)) != NULL) {
		struct ipc_msg msg = { .head.type = READY_MESSAGE, .fd_count = 1 };

		msg.fds[0] = k->fd;
		if (ipc_send(p->ready_w, &msg) < 0) {
			wait_for_room(p, errno);
			return;
		}
		forget(k);
	}
}

static void on_room(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	push_ready(arg);
}

static void make_ready(struct parked *k)
{
	struct pool *p = k->pool;

	TAILQ_REMOVE(&p->idle, k, next);
	p->idle_count--;
	event_free(k->event);
	k->event = NULL;
	k->kind = PARKED_READY;
	TAILQ_INSERT_TAIL(&p->ready, k, next);
	p->ready_count++;
	push_ready(p);
	pool_poke(p);
}

enum peek { PEEK_NOTHING, PEEK_BYTES, PEEK_END };

static enum peek peek(int fd)
{
	char byte;
	ssize_t got = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	if (got > 0)
		return PEEK_BYTES;
	return got < 0 && (errno == EAGAIN || errno == EINTR) ? PEEK_NOTHING : PEEK_END;
}

static void on_parked(evutil_socket_t fd, short what, void *arg)
{
	struct parked *k = arg;

	(void)what;
	switch (peek((int)fd)) {
	case PEEK_BYTES:
		make_ready(k);
		return;
	case PEEK_END:
		forget(k);
		return;
	case PEEK_NOTHING:
		event_add(k->event, NULL);
	}
}

/* One timer for all: the oldest is the first to go. */
static void set_idle_timer(struct pool *p, uint64_t now_ms)
{
	const struct parked *oldest = TAILQ_FIRST(&p->idle);
	uint64_t due_ms;
	struct timeval tv;

	if (!oldest || p->conf->keepalive_timeout_s == 0 || evtimer_pending(p->idle_timer, NULL))
		return;
	due_ms = oldest->since_ms + (uint64_t)p->conf->keepalive_timeout_s * 1000;
	due_ms = due_ms > now_ms ? due_ms - now_ms : 0;
	tv = (struct timeval){ .tv_sec = (time_t)(due_ms / 1000), .tv_usec = (suseconds_t)(due_ms % 1000) * 1000 };
	evtimer_add(p->idle_timer, &tv);
}

/* What has spoken is a request, however late. */
static void on_idle_timer(evutil_socket_t fd, short what, void *arg)
{
	struct pool *p = arg;
	uint64_t now_ms = clock_ms(), age_ms = (uint64_t)p->conf->keepalive_timeout_s * 1000;
	struct parked *k;

	(void)fd;
	(void)what;
	while ((k = TAILQ_FIRST(&p->idle)) != NULL && k->since_ms + age_ms <= now_ms) {
		if (peek(k->fd) == PEEK_BYTES)
			make_ready(k);
		else
			forget(k);
	}
	set_idle_timer(p, now_ms);
	pool_poke(p);                   /* an ondemand pool may come to rest */
}

void pool_park_take(struct pool *p, int fd)
{
	struct parked *k = parked_new(p, fd, PARKED_IDLE);

	TAILQ_INSERT_TAIL(&p->idle, k, next);
	p->idle_count++;
	k->event = event_new(p->base, fd, EV_READ, on_parked, k);
	if (!k->event || event_add(k->event, NULL) < 0) {
		forget(k);
		return;
	}
	if (p->idle_count > p->idle_max) {
		log_warning("%u connections are parked, as many as the limit of open files allows: the oldest is closed",
		    p->idle_max);
		forget(TAILQ_FIRST(&p->idle));
	}
	set_idle_timer(p, k->since_ms);
}

static void on_linger(evutil_socket_t fd, short what, void *arg)
{
	static char nowhere[16384];
	struct parked *k = arg;
	ssize_t got;

	if (what & EV_TIMEOUT || clock_ms() > k->since_ms + LINGER_TOTAL_MS) {
		forget(k);
		return;
	}
	got = recv((int)fd, nowhere, sizeof(nowhere), MSG_DONTWAIT);
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		forget(k);
}

void pool_park_linger(struct pool *p, int fd)
{
	struct timeval idle = { .tv_sec = LINGER_IDLE_MS / 1000 };
	struct parked *k = parked_new(p, fd, PARKED_LINGER);

	TAILQ_INSERT_TAIL(&p->linger, k, next);
	if (++p->linger_count > LINGER_MAX)
		forget(TAILQ_FIRST(&p->linger));
	k->event = event_new(p->base, fd, EV_READ | EV_PERSIST, on_linger, k);
	if (!k->event || event_add(k->event, &idle) < 0)
		forget(k);
}

void pool_park_close_idle(struct pool *p)
{
	struct parked *k, *after;

	for (k = TAILQ_FIRST(&p->idle); k; k = after) {
		after = TAILQ_NEXT(k, next);
		if (peek(k->fd) == PEEK_BYTES)
			make_ready(k);
		else
			forget(k);
	}
}

int pool_park_queued(struct pool *p)
{
	struct pollfd at = { .fd = p->ready_r, .events = POLLIN };

	if (p->dispatch)
		return pool_dispatch_queued(p);
	return (int)p->ready_count + (poll(&at, 1, 0) > 0 && (at.revents & POLLIN));
}

int pool_park_waiting(struct pool *p)
{
	struct pollfd *at = xcalloc(p->info->listen_count, sizeof(*at));
	int waiting = pool_park_queued(p), count = 0;

	if (pool_dispatch_serves(p)) {
		free(at);
		return waiting;
	}
	for (uint32_t i = 0; i < p->info->listen_count; i++)
		at[count++] = (struct pollfd){ .fd = SPAWN_FD_LISTEN + (int)i, .events = POLLIN };
	if (poll(at, (nfds_t)count, 0) > 0)
		for (int i = 0; i < count; i++)
			waiting += (at[i].revents & POLLIN) != 0;
	free(at);
	return waiting;
}

static unsigned parking_places(const struct pool *p)
{
	rlim_t taken = FILES_KEPT_FREE + LINGER_MAX + 4 * (rlim_t)p->places;
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_cur <= taken)
		return 1;
	return r.rlim_cur - taken > 1000000 ? 1000000 : (unsigned)(r.rlim_cur - taken);
}

void pool_park_init(struct pool *p)
{
	int pair[2];

	TAILQ_INIT(&p->idle);
	TAILQ_INIT(&p->ready);
	TAILQ_INIT(&p->linger);
	BUG_IF(ipc_pair(pair) < 0);
	p->ready_w = pair[0];
	p->ready_r = pair[1];
	p->ready_room = event_new(p->base, p->ready_w, EV_WRITE, on_room, p);
	p->ready_retry = evtimer_new(p->base, on_room, p);
	p->idle_timer = evtimer_new(p->base, on_idle_timer, p);
	p->idle_max = parking_places(p);
}
