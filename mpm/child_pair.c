/* child_pair.c -- runs in a child, in a slot's thread: takes turns from the dispatcher and gives them back. A small
 * request is one read and one write. The dispatcher is our own: what it may not say is a bug, and ends the child. */
#include "mpm/child_pair.h"

#include <errno.h>
#include <fastcgi.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "mpm/child_access.h"
#include "mpm/child_conn.h"
#include "mpm/child_leave.h"
#include "mpm/child_serve.h"
#include "mpm/child_space.h"
#include "mpm/event_proto.h"
#include "src/base/clock.h"
#include "src/base/exits.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/fcgi/fcgi_encode.h"

int child_pair_open(struct slot *s, int *far_out)
{
	int pair[2];

	BUG_IF(!s->paired);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	child_conn_take(s, pair[0], NULL);
	*far_out = pair[1];
	return 0;
}

static _Noreturn void end_child(const struct slot *s, const char *why)
{
	log_error("slot %u: the pool process broke the protocol of mpm = event: %s; this child ends", s->number, why);
	_exit(EXIT_SOFTWARE);
}

/* A record between two turns. True: the next turn begins with it. Others are what is left of the last one's input. */
static bool begins_turn(const struct slot *s)
{
	const struct fcgi_record *r = &s->turn.record;

	if (r->type == EVENT_RECORD) {
		if (r->id != FCGI_NULL_REQUEST_ID || r->length != sizeof(struct event_turn))
			end_child(s, "a turn that begins with something else");
		return true;
	}
	if (r->id == FCGI_NULL_REQUEST_ID || r->type == FCGI_BEGIN_REQUEST)
		end_child(s, "a request without a turn");
	return false;
}

/* How long a read on the pair waits; a negative number: for ever. As an option of the socket it is set twice a burst,
 * and a read stays one call. */
static void set_patience(struct slot *s, int ms)
{
	struct timeval limit = { 0 };

	if (ms > 0)
		limit = (struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
	if (setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		log_debug("cannot set how long a slot waits: %s", strerror(errno));
}

/* A slot that waits for long gives back what it held for its requests. */
static ssize_t fill_idle(struct slot *s)
{
	ssize_t got = child_conn_fill(s, SLOT_READING_FIRST);

	if (got >= 0 || errno != EAGAIN)
		return got;
	child_space_rest(s);
	set_patience(s, child_space_patience_ms(s));
	return child_conn_fill(s, SLOT_READING_FIRST);
}

/* Wait for the next turn. False: there is none. The wait is idleness, not a late read: the watcher is not told. */
static bool next_turn(struct slot *s, struct event_turn *turn_out)
{
	struct fcgi_record *r = &s->turn.record;
	size_t filled = 0;
	bool ours = false;

	for (;;) {
		const uint8_t *at = s->in + s->in_pos;
		size_t left = s->in_len - s->in_pos;
		enum fcgi_record_event event = fcgi_record_next(r, &at, &left);

		s->in_pos = s->in_len - left;
		if (event == FCGI_RECORD_BAD)
			end_child(s, "bytes that are not a FastCGI record");
		if (event == FCGI_RECORD_MORE && fill_idle(s) <= 0)
			return false;
		if (event == FCGI_RECORD_START)
			ours = begins_turn(s);
		if (event == FCGI_RECORD_END && ours)
			return true;
		if (event != FCGI_RECORD_DATA || !ours)
			continue;
		memcpy((uint8_t *)turn_out + filled, r->data, r->data_len);
		filled += r->data_len;
	}
}

static void begin_turn(struct slot *s, const struct event_turn *turn)
{
	size_t len = strnlen(turn->peer, sizeof(s->peer) - 1);

	if (child_space_use(s))
		set_patience(s, child_space_patience_ms(s));
	memcpy(s->peer, turn->peer, len);
	s->peer[len] = '\0';
	s->queued_us = turn->queued_us;
	child_access_head(s);
}

/* False: nothing is to be run, but the turn is to be given back; s->out holds the answer. */
static bool read_head(struct slot *s)
{
	for (;;) {
		switch (child_serve_event(s)) {
		case FCGI_TURN_HEAD:
			return true;
		case FCGI_TURN_MORE:
			/* A role that this application does not serve, or the pool process has gone. */
			if (s->out.len > 0 || child_conn_fill(s, SLOT_READING_HEAD) <= 0)
				return false;
			break;
		case FCGI_TURN_ABORT:
			fcgi_add_end(&s->out, s->turn.id, 0, FCGI_REQUEST_COMPLETE);
			return false;
		case FCGI_TURN_TOO_LARGE:
			end_child(s, "parameters larger than request.max_params");
		default:
			end_child(s, s->turn.why);
		}
	}
}

void child_pair_done(struct slot *s, uint64_t peak_memory)
{
	bool leaving = child_leaving(s->child);
	struct event_done done = {
		.flags = leaving ? EVENT_DONE_LEAVING : 0,
		.served = atomic_load(&s->child->begun),
		.peak_memory = peak_memory,
	};
	uint8_t head[FCGI_HEADER_LEN];

	if (s->turn.why)
		end_child(s, s->turn.why);
	board_slot_state(s->board, leaving ? BOARD_LEAVING : BOARD_IDLE, clock_ms());
	fcgi_put_header(head, EVENT_RECORD, FCGI_NULL_REQUEST_ID, sizeof(done), 0);
	buf_add(&s->out, head, sizeof(head));
	buf_add(&s->out, &done, sizeof(done));
	child_conn_flush(s);            /* where it fails, so does the next read */
}

void child_pair_serve(struct slot *s)
{
	struct event_turn turn;

	while (next_turn(s, &turn)) {
		begin_turn(s, &turn);
		if (read_head(s))
			child_serve_request(s);
		else
			child_pair_done(s, 0);
		fcgi_turn_done(&s->turn);
	}
	shutdown(s->fd, SHUT_RDWR);     /* not closed: the watcher may still hold the number */
}

/* Read on as the slot will. True when the request is aborted there; else r stands behind the last of these bytes. */
static bool meets_abort(struct fcgi_record *r, uint16_t id, const uint8_t *at, size_t left)
{
	enum fcgi_record_event event;

	while ((event = fcgi_record_next(r, &at, &left)) != FCGI_RECORD_MORE && event != FCGI_RECORD_BAD)
		if (event == FCGI_RECORD_START && r->type == FCGI_ABORT_REQUEST && r->id == id)
			return true;
	return false;
}

void child_pair_mark(struct slot *s)
{
	struct slot_ahead ahead = { .id = s->turn.id, .record = s->turn.record };

	ahead.aborted = meets_abort(&ahead.record, ahead.id, s->in + s->in_pos, s->in_len - s->in_pos);
	pthread_mutex_lock(&s->io_lock);
	s->ahead = ahead;
	pthread_mutex_unlock(&s->io_lock);
}

void child_pair_unmark(struct slot *s)
{
	if (s->ahead.id == 0)           /* nobody else writes it */
		return;
	pthread_mutex_lock(&s->io_lock);
	s->ahead.id = 0;
	pthread_mutex_unlock(&s->io_lock);
}

bool child_pair_aborted(const struct slot *s, uint8_t *space)
{
	struct fcgi_record r = s->ahead.record;
	ssize_t got;

	if (s->ahead.id == 0 || s->ahead.aborted)
		return s->ahead.id != 0;
	got = recv(s->fd, space, CHILD_PAIR_PEEK, MSG_PEEK | MSG_DONTWAIT);
	return got > 0 && meets_abort(&r, s->ahead.id, space, (size_t)got);
}

void child_pair_last(struct slot *s)
{
	if (s->paired)
		shutdown(s->fd, SHUT_RD);
}
