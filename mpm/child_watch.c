/* child_watch.c -- runs in a child, as its watcher thread. It never touches the application's data, takes no lock
 * that a slot holds while it waits (a failed trylock is an answer too), and ends the process only for a request
 * that is past its time or given up by order. */
#include "mpm/child_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "mpm/child_answer.h"
#include "mpm/child_leave.h"
#include "mpm/child_pair.h"
#include "mpm/child_proto.h"
#include "mpm/child_slow.h"
#include "mpm/child_status.h"
#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/ipc.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/fcgi/fcgi_record.h"

#define TICK_MS         100             /* how soon a gone client or a deadline is seen */
#define LEAVING_READ_MS 500             /* a leaving child waits so long for a silent connection */
#define LOOK_AHEAD      1024            /* bytes: an abort behind more than that is found when they are read */
#define SLEEP_AFTER     10              /* ticks without a request before the watcher sleeps for good */

enum { AT_LINK, AT_KICK, AT_CLIENTS };   /* what poll() looks at; the clients, one a slot, are the rest */

struct watch {
	struct child *child;
	uint32_t *seen;                 /* sequence of each slot at the last tick */
	struct pollfd *at;
	unsigned quiet;                 /* ticks without change */
	unsigned doomed;                /* slots that the process ends for, once all others are gone */
	uint8_t *peeked;                /* CHILD_PAIR_PEEK; NULL: there was no need yet */
	uint8_t *space;                 /* IPC_MAX_BODY, of which orders use little */
};

void child_watch_raise(struct child *c, enum child_mode mode)
{
	uint32_t old = atomic_load(&c->mode);
	uint64_t one = 1;

	if (mode >= CHILD_MODE_CLOSING && mode < CHILD_MODE_LEAVE)
		atomic_store(&c->closing, true);
	do {
		if (mode <= (enum child_mode)old)
			return;
	} while (!atomic_compare_exchange_weak(&c->mode, &old, mode));
	if (mode >= CHILD_MODE_LAST && write(c->wake, &one, sizeof(one)) < 0)
		log_debug("cannot wake the slot: %s", strerror(errno));
}

/* SIGTERM's default action, as php-fpm ends a child: what waits for us sees that signal. */
static _Noreturn void die(void)
{
	sigset_t term;

	signal(SIGTERM, SIG_DFL);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	pthread_sigmask(SIG_UNBLOCK, &term, NULL);
	raise(SIGTERM);
	_exit(1);
}

/* A slot cannot be freed of what runs in it: the process ends for it. Other slots finish what they have in hand. */
static void end_if_alone(const struct watch *w)
{
	if (w->doomed > 0 && atomic_load(&w->child->slots_gone) + w->doomed >= w->child->slot_count)
		die();
}

/* End the process for the request of this number, unless that is over already. */
static void give_up(struct watch *w, struct slot *s, uint32_t sequence, enum reason reason)
{
	const char *detail = NULL;
	struct board_view view = { 0 };
	uint64_t since_ms = atomic_load(&s->run_since_ms);

	if (!atomic_compare_exchange_strong(&s->sequence, &sequence, sequence | SLOT_DOOMED))
		return;
	board_read(s->child->start->board, s->number, &view);
	if (reason == REASON_REQUEST_TIMEOUT) {
		detail = "raise request_terminate_timeout if it may take that long";
		log_warning("script '%s' (request: \"%s %s\") execution timed out (%.6f sec), terminating",
		    view.script, view.method, view.uri, (double)board_age_ms(clock_ms(), since_ms) / 1000.0);
	}
	w->doomed++;
	child_leave(w->child);          /* before the answer: who has it finds another child */
	child_answer_late(s, reason, detail);
	if (s->paired)                  /* whatever was sent: nothing follows */
		shutdown(s->fd, SHUT_WR);
	board_slot_state(s->board, BOARD_LEAVING, clock_ms());
	if (w->child->slot_count == 1)
		die();
}

/* End this blocked read, unless it is over by itself; the slot sees why. A slot that writes at this moment reads
 * nothing. */
static void end_read(struct slot *s, uint32_t what, enum reason reason)
{
	if (pthread_mutex_trylock(&s->io_lock) != 0)
		return;
	if (s->fd != -1 && atomic_compare_exchange_strong(&s->reading, &what, SLOT_READ_ENDED | (uint32_t)reason))
		shutdown(s->fd, SHUT_RD);
	pthread_mutex_unlock(&s->io_lock);
}

static bool reads(uint32_t reading)
{
	return reading != SLOT_NOT_READING && (reading & SLOT_READ_ENDED) == 0;
}

static void stop_slot(struct watch *w, struct slot *s, enum reason reason)
{
	uint32_t sequence = atomic_load(&s->sequence), what = atomic_load(&s->reading);

	if (sequence & SLOT_DOOMED)
		return;
	if (sequence % 2 == 1)
		give_up(w, s, sequence, reason);
	else if (reads(what))
		end_read(s, what, reason);
}

static void on_order(struct watch *w, struct ipc_msg *msg)
{
	const struct child_stop *stop = msg->body;
	const struct child_ask *ask = msg->body;
	struct child *c = w->child;

	switch (msg->head.type) {
	case CHILD_DRAIN:
		child_watch_raise(c, CHILD_MODE_LEAVE);
		return;
	case CHILD_CLOSING:
		child_watch_raise(c, CHILD_MODE_CLOSING);
		return;
	case CHILD_QUEUE:
		child_watch_raise(c, CHILD_MODE_QUEUE);
		return;
	case CHILD_LAST:
		child_watch_raise(c, CHILD_MODE_LAST);
		return;
	case CHILD_STOP:
		BUG_IF(msg->body_len != sizeof(*stop) || stop->reason >= REASON_COUNT);
		atomic_store(&c->closing, true);
		child_watch_raise(c, CHILD_MODE_LEAVE);
		for (unsigned i = 0; i < c->slot_count; i++)
			stop_slot(w, &c->slots[i], (enum reason)stop->reason);
		return;
	case CHILD_STATUS:
		BUG_IF(msg->body_len != sizeof(*ask) || msg->fd_count != 1);
		child_status_take(c, ask, &msg->fds[0]);
		return;
	default:
		BUG_IF("an order that does not exist");
	}
}

/* Nobody is behind the listening sockets any more but this child, which accepts nothing: a new master must find them
 * dead, and not take a request that is still in hand here for a server. The numbers stay taken, by /dev/null, which is
 * descriptor 0 (a chroot may have none to open). */
static void let_sockets_go(const struct child *c)
{
	for (unsigned i = 0; i < c->start->listen_count; i++)
		dup3(STDIN_FILENO, c->start->listen[i], O_CLOEXEC);
}

/* False once the pool process has gone: then the link says nothing any more. */
static bool take_orders(struct watch *w)
{
	struct ipc_msg msg;
	enum ipc_got got;

	while ((got = ipc_recv(CHILD_FD_LINK, &msg, w->space)) == IPC_MESSAGE) {
		on_order(w, &msg);
		ipc_drop_fds(&msg);
	}
	if (got == IPC_END) {
		atomic_store(&w->child->closing, true);
		atomic_store(&w->child->orphaned, true);
		child_watch_raise(w->child, CHILD_MODE_LEAVE);
		let_sockets_go(w->child);
		for (unsigned i = 0; i < w->child->slot_count; i++)
			child_pair_last(&w->child->slots[i]);
	}
	return got != IPC_END;
}

/* A connection that is silent, or stuck in a request's head, holds no child that is to leave. While others go on to
 * serve, a head that comes within its time is waited for all the same. */
static bool hurries(const struct child *c, enum slot_reading what)
{
	bool may_take_its_time = what == SLOT_READING_HEAD && c->conf->request_header_timeout_s > 0;

	return child_mode(c) >= CHILD_MODE_LAST && (atomic_load(&c->closing) || !may_take_its_time);
}

/* How long a blocked read may last, and why not longer. 0: for ever. */
static uint64_t read_limit_ms(const struct child *c, enum slot_reading what, enum reason *reason_out)
{
	if (what == SLOT_READING_BODY) {
		*reason_out = REASON_BODY_TIMEOUT;
		return (uint64_t)c->conf->request_body_timeout_s * 1000;
	}
	*reason_out = hurries(c, what) ? REASON_DRAINING : REASON_HEADER_TIMEOUT;
	return *reason_out == REASON_DRAINING ? LEAVING_READ_MS : (uint64_t)c->conf->request_header_timeout_s * 1000;
}

static void end_late_read(struct slot *s, uint64_t now)
{
	uint32_t what = atomic_load(&s->reading);
	enum reason reason;
	uint64_t limit_ms = read_limit_ms(s->child, (enum slot_reading)(what & SLOT_READING_KIND), &reason);

	if (reads(what) && limit_ms != 0 && now >= atomic_load(&s->read_since_ms) + limit_ms)
		end_read(s, what, reason);
}

static void end_late_request(struct watch *w, struct slot *s, uint64_t now)
{
	int64_t limit_s = s->child->conf->request_terminate_timeout_s;
	uint32_t sequence = atomic_load(&s->sequence);
	uint64_t since = atomic_load(&s->run_since_ms);

	if (limit_s > 0 && (sequence & (SLOT_DOOMED | 1)) == 1 && since != 0 && now >= since + (uint64_t)limit_s * 1000)
		give_up(w, s, sequence, REASON_REQUEST_TIMEOUT);
}

/* how: SLOT_CLIENT_GONE or SLOT_CLIENT_ABORTED. */
static void on_gone(struct slot *s, uint32_t sequence, uint32_t how)
{
	const struct child_start *start = s->child->start;

	if (atomic_load(&s->released) || !atomic_compare_exchange_strong(&s->client, &sequence, how))
		return;
	/* Under event a script may run on until it has something to say: then it asks by itself. */
	if (s->paired && s->child->conf->request_on_abort == CONF_ON_ABORT_CONTINUE)
		return;
	if (start->sapi->interrupt)
		start->sapi->interrupt(start->ctx, &s->req);
}

/* Watch the client of a request that has run for a tick already. A Unix peer that only shut down its writing side
 * still reads; over TCP the two cannot be told apart. */
static void watch_client(struct slot *s, uint32_t sequence, uint32_t seen, struct pollfd *client)
{
	client->fd = -1;
	if (sequence % 2 == 0 || sequence != seen || slot_client_gone(s) || atomic_load(&s->released))
		return;
	client->fd = s->fd;
	client->events = s->over_tcp ? POLLRDHUP : 0;
}

static uint8_t *peek_space(struct watch *w)
{
	if (!w->peeked)
		w->peeked = xrealloc(NULL, CHILD_PAIR_PEEK);
	return w->peeked;
}

/* Has FCGI_ABORT_REQUEST come, behind what the slot has read or within it? It is only looked at: the slot reads it when
 * its reply is done (section 5.4). */
static bool abort_came(struct watch *w, struct slot *s)
{
	uint32_t id = atomic_load(&s->abort_id);
	uint8_t ahead[LOOK_AHEAD];
	bool aborted = false;
	ssize_t got = 0;
	size_t whole;

	if ((id == 0 && !s->paired) || slot_client_gone(s))
		return false;
	if (id == SLOT_ABORT_CAME)
		return true;
	if (pthread_mutex_trylock(&s->io_lock) != 0)
		return false;
	if (id != 0 && s->fd != -1)
		got = recv(s->fd, ahead, sizeof(ahead), MSG_PEEK | MSG_DONTWAIT);
	else if (s->paired)
		aborted = child_pair_aborted(s, peek_space(w));
	pthread_mutex_unlock(&s->io_lock);
	return aborted || (got > 0 && fcgi_record_aborts(ahead, (size_t)got, (uint16_t)id, &whole));
}

static bool busy(struct slot *s)
{
	return atomic_load(&s->sequence) % 2 == 1 || atomic_load(&s->reading) != SLOT_NOT_READING;
}

static bool any_busy(const struct child *c)
{
	for (unsigned i = 0; i < c->slot_count; i++)
		if (busy(&c->slots[i]))
			return true;
	return false;
}

/* Put the clients to watch in place, and see whether anything has moved since the last tick. */
static bool look_at_slots(struct watch *w)
{
	bool moved = false;

	for (unsigned i = 0; i < w->child->slot_count; i++) {
		struct slot *s = &w->child->slots[i];
		uint32_t sequence = atomic_load(&s->sequence);

		watch_client(s, sequence, w->seen[i], &w->at[AT_CLIENTS + i]);
		moved |= busy(s) || sequence != w->seen[i];
		w->seen[i] = sequence;
	}
	return moved;
}

/* -1: sleep until a slot or the pool process wakes us. */
static int next_wait(struct watch *w, bool moved)
{
	struct child *c = w->child;

	if (moved)
		w->quiet = 0;
	if (moved || ++w->quiet < SLEEP_AFTER)
		return TICK_MS;
	atomic_store(&c->watch_asleep, true);
	if (any_busy(c)) {
		atomic_store(&c->watch_asleep, false);
		return TICK_MS;
	}
	return -1;
}

static void look_after(struct watch *w, unsigned i)
{
	struct slot *s = &w->child->slots[i];
	const struct pollfd *client = &w->at[AT_CLIENTS + i];

	if (client->fd != -1 && (client->revents & (POLLHUP | POLLERR | POLLRDHUP)))
		on_gone(s, w->seen[i], SLOT_CLIENT_GONE);
	if (client->fd != -1 && abort_came(w, s))
		on_gone(s, w->seen[i], SLOT_CLIENT_ABORTED);
	end_late_read(s, clock_ms());
	child_slow_look(s, clock_ms());
	end_late_request(w, s, clock_ms());
}

static void take_kick(struct watch *w)
{
	uint64_t count;

	w->quiet = 0;                   /* what it was kicked for may begin a moment later */
	if (read(w->child->watch_kick, &count, sizeof(count)) < 0)
		log_debug("the watcher was kicked by nobody: %s", strerror(errno));
}

static void watch_free(struct watch *w)
{
	free(w->space);
	free(w->at);
	free(w->peeked);
	free(w->seen);
	free(w);
}

static void *watch_run(void *arg)
{
	struct watch *w = arg;
	struct child *c = w->child;

	while (!atomic_load(&c->watch_stop)) {
		bool moved = look_at_slots(w);

		if (poll(w->at, AT_CLIENTS + c->slot_count, next_wait(w, moved)) < 0)
			continue;
		atomic_store(&c->watch_asleep, false);
		if (w->at[AT_LINK].revents && !take_orders(w))
			w->at[AT_LINK].fd = -1;
		if (w->at[AT_KICK].revents)
			take_kick(w);
		for (unsigned i = 0; i < c->slot_count; i++)
			look_after(w, i);
		if (w->doomed > 0)
			child_leave(c);
		end_if_alone(w);
	}
	watch_free(w);
	return NULL;
}

void child_watch_kick(struct child *c)
{
	uint64_t one = 1;

	if (write(c->watch_kick, &one, sizeof(one)) < 0)
		log_debug("cannot wake the watcher: %s", strerror(errno));
}

static struct watch *watch_new(struct child *c)
{
	struct watch *w = xcalloc(1, sizeof(*w));

	w->child = c;
	w->seen = xcalloc(c->slot_count, sizeof(*w->seen));
	w->space = xrealloc(NULL, IPC_MAX_BODY);        /* not zeroed: most of it is never touched */
	w->at = xcalloc(AT_CLIENTS + c->slot_count, sizeof(*w->at));
	w->at[AT_LINK] = (struct pollfd){ .fd = CHILD_FD_LINK, .events = POLLIN };
	w->at[AT_KICK] = (struct pollfd){ .fd = c->watch_kick, .events = POLLIN };
	return w;
}

int child_watch_start(struct child *c, struct err *err)
{
	struct watch *w;
	sigset_t all, old;
	int error;

	c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	c->watch_kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->wake < 0 || c->watch_kick < 0)
		return err_sys(err, "eventfd");
	w = watch_new(c);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&c->watcher, NULL, watch_run, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error == 0)
		return 0;
	watch_free(w);
	errno = error;
	return err_sys(err, "cannot start the watcher thread");
}

void child_watch_stop(struct child *c)
{
	atomic_store(&c->watch_stop, true);
	child_watch_kick(c);
	pthread_join(c->watcher, NULL);
}
