/* child_serve.c -- runs in a child, in a slot's thread: one connection, request after request. It decides when a
 * connection is kept, given away or closed, and never closes one with unread bytes under a peer that still reads. */
#include "mpm/child_serve.h"

#include <errno.h>
#include <fastcgi.h>
#include <poll.h>
#include <sys/socket.h>
#include "mpm/child_access.h"
#include "mpm/child_answer.h"
#include "mpm/child_conn.h"
#include "mpm/child_leave.h"
#include "mpm/child_link.h"
#include "mpm/child_pair.h"
#include "mpm/child_request.h"
#include "mpm/child_status.h"
#include "mpm/child_watch.h"
#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/fcgi/fcgi_encode.h"

/* A body that the application did not read is read by the slot while it comes at a front end's speed, so that the
 * connection can be kept; a slower or longer one is the pool process' to read, and its connection ends. */
#define DRAIN_BYTES   (64 * 1024 * 1024)
#define DRAIN_WAIT_MS 50
#define DRAIN_TOTAL_MS 1000

enum head_end { HEAD_READY, HEAD_IDLE, HEAD_OVER };

enum fcgi_turn_event child_serve_event(struct slot *s)
{
	const uint8_t *at = s->in + s->in_pos;
	size_t left = s->in_len - s->in_pos;
	enum fcgi_turn_event event = fcgi_turn_next(&s->turn, &s->child->limits, &at, &left, &s->out);

	s->in_pos = s->in_len - left;
	child_conn_seal(s);
	return event;
}

/* Nothing more came for a head: a peer that closed between requests is no event; one that left half a head is. */
static enum head_end head_missing(struct slot *s)
{
	enum reason late = s->late;

	child_request_nameless(s);
	if (late != REASON_NONE && fcgi_turn_in_head(&s->turn) && s->turn.id != 0) {
		child_answer(s, late, late == REASON_HEADER_TIMEOUT
		    ? "raise request.header_timeout if the front end is that slow" : NULL);
		child_access_refused(s, late);
	} else if (late != REASON_NONE)
		board_slot_reason(s->board, late);
	else if (fcgi_turn_in_head(&s->turn))
		child_answer_note(s, REASON_CLIENT_GONE, "the connection ended within a request's head");
	return HEAD_OVER;
}

static enum head_end head_refused(struct slot *s, enum fcgi_turn_event event)
{
	child_request_nameless(s);
	if (event == FCGI_TURN_TOO_LARGE) {
		child_answer(s, REASON_PARAMS_TOO_LARGE, "its parameters are larger than request.max_params");
		child_access_refused(s, REASON_PARAMS_TOO_LARGE);
	} else {
		child_answer_note(s, REASON_BAD_HEADER, s->turn.why);
	}
	s->must_close = true;
	return HEAD_OVER;
}

/* The client gave up before its request was whole: answered with its end (section 5.4), and nothing was run. */
static enum head_end head_aborted(struct slot *s)
{
	bool keep = s->turn.keep_conn;

	fcgi_add_end(&s->out, s->turn.id, 0, FCGI_REQUEST_COMPLETE);
	fcgi_turn_done(&s->turn);
	if (child_conn_flush(s) < 0 || !keep)
		return HEAD_OVER;
	return HEAD_IDLE;
}

/* Read up to the end of a request's head. With wait_first a connection that has said nothing is waited for. */
static enum head_end read_head(struct slot *s, bool wait_first)
{
	bool said_something = !wait_first;

	s->head_since_ms = 0;
	child_access_head(s);
	for (;;) {
		enum fcgi_turn_event event = child_serve_event(s);

		if (event == FCGI_TURN_HEAD)
			return HEAD_READY;
		if (event == FCGI_TURN_BAD || event == FCGI_TURN_TOO_LARGE)
			return head_refused(s, event);
		if (event == FCGI_TURN_ABORT && head_aborted(s) == HEAD_OVER)
			return HEAD_OVER;
		if (event != FCGI_TURN_MORE)
			continue;
		s->must_close = s->turn.rejected_last;
		if (child_conn_flush(s) < 0 || s->must_close)
			return HEAD_OVER;
		if (said_something && fcgi_turn_idle(&s->turn)) {
			if (s->in_full && child_conn_fill_now(s) > 0)
				continue;
			return HEAD_IDLE;
		}
		if (child_conn_fill(s, fcgi_turn_idle(&s->turn) ? SLOT_READING_FIRST : SLOT_READING_HEAD) <= 0)
			return head_missing(s);
		said_something = true;
	}
}

static ssize_t drain_more(struct slot *s, uint64_t until_ms)
{
	struct pollfd more = { .fd = s->fd, .events = POLLIN };
	ssize_t got = child_conn_fill_now(s);

	if (got < 0 && errno == EAGAIN && clock_ms() < until_ms && poll(&more, 1, DRAIN_WAIT_MS) == 1)
		got = child_conn_fill_now(s);
	return got;
}

/* Pass over what is left of the body. True when its end was seen. */
static bool drain_body(struct slot *s)
{
	/* Only a connection that can be kept is worth a wait, and a short one. */
	uint64_t until_ms = s->turn.keep_conn && !s->must_close ? clock_ms() + DRAIN_TOTAL_MS : 0;
	size_t drained = 0;

	s->body_len = 0;
	if (fcgi_turn_start_data(&s->turn))
		s->body_ended = false;
	while (!s->body_ended && drained < DRAIN_BYTES && (drained == 0 || clock_ms() < until_ms)) {
		enum fcgi_turn_event event = child_serve_event(s);
		ssize_t got;

		if (event == FCGI_TURN_ABORT || (event == FCGI_TURN_BODY_END && !fcgi_turn_start_data(&s->turn)))
			s->body_ended = true;
		if (event == FCGI_TURN_BAD || child_conn_flush(s) < 0)
			return false;
		if (event != FCGI_TURN_MORE)
			continue;
		got = drain_more(s, until_ms);
		if (got <= 0)
			return false;
		drained += (size_t)got;
	}
	return s->body_ended;
}

/* Close without a reset: a peer that still sends is read empty by the pool process, not by this slot. */
static void end_connection(struct slot *s, bool read_empty)
{
	int fd = child_conn_release(s);

	if (read_empty || (slot_client_gone(s) && !slot_client_aborted(s))) {
		fd_close(&fd);
		return;
	}
	shutdown(fd, SHUT_WR);
	child_link_linger(&fd);
}

/* After a reply: true when the connection stays the slot's. */
static bool keep_connection(struct slot *s)
{
	bool read_empty = drain_body(s);

	if (read_empty && s->turn.keep_conn && !s->must_close && !atomic_load(&s->child->closing)
	    && (slot_client_aborted(s) || !slot_client_gone(s)))
		return true;
	end_connection(s, read_empty && s->in_pos == s->in_len);
	return false;
}

void child_serve_release(struct slot *s)
{
	atomic_store(&s->released, true);
	child_request_untime(s);
	board_slot_state(s->board, BOARD_FINISHING, clock_ms());
	if (s->paired || !keep_connection(s))
		return;
	if (s->in_pos == s->in_len)
		child_serve_park(s);
}

void child_serve_park(struct slot *s)
{
	int fd = child_conn_release(s);

	child_link_park(&fd);
}

static const char *failure_detail(enum reason reason)
{
	switch (reason) {
	case REASON_BODY_TOO_LARGE:
		return "its body is larger than request.max_body";
	case REASON_BODY_TIMEOUT:
		return "its body stopped coming; raise request.body_timeout if the front end is that slow";
	case REASON_BAD_HEADER:
		return "its body is not what CONTENT_LENGTH or the protocol says";
	default:
		return NULL;
	}
}

/* What Weir has to say about a request in the application's place: why, and *answered_out: the client was told. */
static enum reason answer_failure(struct slot *s, bool *answered_out)
{
	*answered_out = false;
	if (s->failed == REASON_CLIENT_GONE || (slot_client_gone(s) && !s->finished)) {
		child_answer_note(s, REASON_CLIENT_GONE, NULL);
		return REASON_CLIENT_GONE;
	}
	if (s->failed != REASON_NONE)
		*answered_out = child_answer(s, s->failed, failure_detail(s->failed)) == 0;
	return s->failed;
}

void child_serve_request(struct slot *s)
{
	const struct child_start *start = s->child->start;
	enum sapi_end end = SAPI_END_OK;
	enum reason reason;
	bool answered;

	child_leave_count(s->child);
	if (child_request_begin(s) == 0 && !child_status_serve(s))
		end = start->sapi->serve(start->ctx, &s->req);
	reason = answer_failure(s, &answered);
	if (s->paired)
		child_request_close(s);         /* sent with the end of the turn */
	else
		child_request_complete(s);
	child_request_end(s);
	child_status_end(s);
	board_slot_served(s->board);
	if (end == SAPI_END_LEAVE)
		child_leave(s->child);
	if (s->paired)
		child_pair_done(s, s->req.peak_memory);
	child_access_end(s, reason, answered);
}

unsigned child_serve(struct slot *s)
{
	unsigned begun = 0;
	enum head_end head;

	board_slot_state(s->board, BOARD_READING, clock_ms());
	while ((head = read_head(s, begun == 0)) == HEAD_READY) {
		child_serve_request(s);
		begun++;
		if (s->fd == -1 || !keep_connection(s))
			break;
		fcgi_turn_done(&s->turn);
		if (s->in_pos == s->in_len && (!s->in_full || child_conn_fill_now(s) <= 0))
			break;
	}
	if (head == HEAD_OVER)
		end_connection(s, s->in_pos == s->in_len && !s->must_close);
	board_slot_owns(s->board, s->fd != -1);
	board_slot_state(s->board, BOARD_IDLE, clock_ms());
	return begun;
}
