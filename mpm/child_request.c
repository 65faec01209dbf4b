/* child_request.c -- runs in a child, in a slot's thread: what a SAPI can ask of a request. A body is pulled through
 * the slot's read buffer, a reply is collected in its write buffer; both in constant memory. */
#include "mpm/child_request.h"

#include <ctype.h>
#include <errno.h>
#include <fastcgi.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "mpm/access_line.h"
#include "mpm/child_access.h"
#include "mpm/child_conn.h"
#include "mpm/child_pair.h"
#include "mpm/child_serve.h"
#include "mpm/child_watch.h"
#include "src/base/clock.h"
#include "src/fcgi/fcgi_encode.h"
#include "src/fcgi/fcgi_record.h"

static struct slot *slot_of(const struct request *req)
{
	return (struct slot *)((char *)(uintptr_t)req - offsetof(struct slot, req));
}

const char *child_request_param(const struct slot *s, const char *name)
{
	const char *value = fcgi_params_get(&s->turn.params, name, NULL);

	return value ? value : "";
}

static const char *op_param(const struct request *req, const char *name, size_t *len_out)
{
	return fcgi_params_get(&slot_of(req)->turn.params, name, len_out);
}

static size_t op_param_count(const struct request *req)
{
	return fcgi_params_count(&slot_of(req)->turn.params);
}

static void op_param_at(const struct request *req, size_t i, struct sapi_param *out)
{
	const struct fcgi_params *params = &slot_of(req)->turn.params;
	const struct fcgi_param *q = fcgi_params_at(params, i);

	out->name = fcgi_params_name(params, q);
	out->name_len = q->name_len;
	out->value = fcgi_params_value(params, q);
	out->value_len = q->value_len;
}

static int fail(struct slot *s, enum reason reason)
{
	if (s->failed == REASON_NONE)
		s->failed = reason;
	s->must_close = true;
	return -1;
}

enum body_step { BODY_STEP_DONE, BODY_STEP_MORE, BODY_STEP_FAILED };

/* FCGI_ABORT_REQUEST may come while the application runs, and does not read. It may be in the read buffer by now; else
 * the watcher looks for it, if it can tell where a record begins. */
static void watch_for_abort(struct slot *s)
{
	size_t left = s->in_len - s->in_pos, whole;

	if (fcgi_record_aborts(s->in + s->in_pos, left, s->turn.id, &whole))
		atomic_store(&s->abort_id, SLOT_ABORT_CAME);
	else if (whole == left)
		atomic_store(&s->abort_id, s->turn.id);
}

/* Take what the read buffer holds up to the next bytes of STDIN, or its end. */
static enum body_step step_body(struct slot *s)
{
	const uint8_t *at = s->in + s->in_pos;
	size_t left = s->in_len - s->in_pos, had = s->out.len;
	enum fcgi_turn_event event = fcgi_turn_next(&s->turn, &s->child->limits, &at, &left, &s->out);

	s->in_pos = s->in_len - left;
	if (s->out.len != had)          /* an answer stands behind the reply's open record */
		child_conn_seal(s);
	switch (event) {
	case FCGI_TURN_BODY:
		s->body = s->turn.body;
		s->body_len = s->turn.body_len;
		return BODY_STEP_DONE;
	case FCGI_TURN_BODY_END:
		s->body_ended = true;
		watch_for_abort(s);
		return BODY_STEP_DONE;
	case FCGI_TURN_MORE:
		return BODY_STEP_MORE;
	case FCGI_TURN_ABORT:
		s->body_ended = true;
		s->failed = REASON_CLIENT_GONE;
		atomic_store(&s->client, SLOT_CLIENT_ABORTED);
		return BODY_STEP_FAILED;
	default:
		fail(s, REASON_BAD_HEADER);
		return BODY_STEP_FAILED;
	}
}

/* Bring the next bytes of STDIN, or its end, waiting for them. 0, or -1 after fail(). */
static int next_body(struct slot *s)
{
	enum body_step step = step_body(s);

	if (step != BODY_STEP_MORE)
		return step == BODY_STEP_DONE ? 0 : -1;
	if (s->out.len > 0 && !s->out_is_reply && child_conn_flush(s) < 0)
		return fail(s, REASON_CLIENT_GONE);
	atomic_store(&s->abort_id, 0);
	if (child_conn_fill(s, SLOT_READING_BODY) > 0)
		return 0;
	if (s->late != REASON_NONE)
		return fail(s, REASON_BODY_TIMEOUT);
	atomic_store(&s->client, SLOT_CLIENT_GONE);
	return fail(s, REASON_CLIENT_GONE);
}

/* The body is cut to what was announced: more than that is a fault of the peer's, after which nothing on this
 * connection is believed. */
static size_t within_announced(struct slot *s, size_t len)
{
	uint64_t left;

	if (s->announced < 0)
		return len;
	left = (uint64_t)s->announced - s->body_read;
	if (len <= left)
		return len;
	s->must_close = true;
	return (size_t)left;
}

static ssize_t take_body(struct slot *s, void *out, size_t len)
{
	uint64_t max = s->child->conf->request_max_body;
	size_t take = s->body_len < len ? s->body_len : len;
	size_t use = within_announced(s, take);

	memcpy(out, s->body, use);
	s->body += take;
	s->body_len -= take;
	s->body_read += use;
	if (max > 0 && s->body_read > max)
		return fail(s, REASON_BODY_TOO_LARGE);
	return (ssize_t)use;
}

/* A request without a body has mostly come whole: take its end now, so that an abort can be told from it. */
static void take_empty_body(struct slot *s)
{
	if (s->announced <= 0 && s->in_pos < s->in_len)
		step_body(s);
}

static ssize_t op_read(struct request *req, void *out, size_t len)
{
	struct slot *s = slot_of(req);
	ssize_t got = 0;

	while (s->failed == REASON_NONE && len > 0) {
		if (s->body_len > 0)
			got = take_body(s, out, len);
		if (got != 0)
			return got;
		if (s->body_ended && s->announced > 0 && s->body_read < (uint64_t)s->announced)
			return fail(s, REASON_BAD_HEADER);
		if (s->body_ended)
			return 0;
		if (s->body_len == 0 && next_body(s) < 0)
			return -1;
	}
	return len == 0 ? 0 : -1;
}

/* How long DATA is stands in FCGI_DATA_LENGTH, which the application compares (section 6.4). */
static int op_start_data(struct request *req)
{
	struct slot *s = slot_of(req);

	if (s->failed != REASON_NONE || !s->body_ended || !fcgi_turn_start_data(&s->turn))
		return -1;
	s->body_ended = false;
	s->announced = -1;
	s->body_read = 0;
	return 0;
}

static bool reply_is_void(const struct slot *s)
{
	return slot_client_gone(s) || (s->failed != REASON_NONE && !s->sent);
}

static int op_write(struct request *req, const void *data, size_t len)
{
	struct slot *s = slot_of(req);

	if (s->finished)
		return 0;
	if (reply_is_void(s))
		return -1;
	child_access_reply(s, data, len);
	if (!s->head.over)
		reply_head_see(&s->head, data, len);
	if (child_conn_out(s, FCGI_STDOUT, data, len) < 0)
		return -1;
	return s->head.over && s->head.unbuffered ? child_conn_flush(s) : 0;
}

static int op_flush(struct request *req)
{
	struct slot *s = slot_of(req);

	if (s->finished)
		return 0;
	return reply_is_void(s) ? -1 : child_conn_flush(s);
}

static void op_error(struct request *req, const char *text, size_t len)
{
	struct slot *s = slot_of(req);

	if (s->finished || reply_is_void(s) || len == 0)
		return;
	s->stderr_used = true;
	child_conn_out(s, FCGI_STDERR, text, len);
}

void child_request_close(struct slot *s)
{
	if (s->finished)
		return;
	s->finished = true;
	child_conn_seal(s);
	fcgi_add_stream_end(&s->out, FCGI_STDOUT, s->turn.id);
	if (s->stderr_used)
		fcgi_add_stream_end(&s->out, FCGI_STDERR, s->turn.id);
	fcgi_add_end(&s->out, s->turn.id, s->req.app_status, FCGI_REQUEST_COMPLETE);
	s->out_is_reply = true;
}

int child_request_complete(struct slot *s)
{
	if (s->finished)
		return 0;
	child_request_close(s);
	return child_conn_flush(s);
}

static int op_finish(struct request *req)
{
	struct slot *s = slot_of(req);

	if (s->finished)
		return 0;
	if (reply_is_void(s))
		return -1;
	if (child_request_complete(s) < 0)
		return -1;
	child_serve_release(s);
	return 0;
}

void child_request_untime(struct slot *s)
{
	if (s->child->conf->request_terminate_timeout_track_finished)
		return;
	atomic_store_explicit(&s->run_since_ms, 0, memory_order_relaxed);
	board_slot_untimed(s->board);
}

static void op_ended(struct request *req)
{
	child_request_untime(slot_of(req));
}

static bool op_gone(const struct request *req)
{
	return slot_client_gone(slot_of(req));
}

static void op_script(struct request *req, const char *path)
{
	board_slot_script(slot_of(req)->board, path);
	child_access_script(slot_of(req), path);
}

/* Kept with the request's other texts, until the next request. */
static void op_user(struct request *req, const char *name)
{
	board_slot_user(slot_of(req)->board, name);
	child_access_user(slot_of(req), name);
}

static void op_uri(struct request *req, const char *uri)
{
	child_access_uri(slot_of(req), uri);
}

static const struct request_ops ops = {
	.param = op_param,
	.param_count = op_param_count,
	.param_at = op_param_at,
	.read = op_read,
	.write = op_write,
	.flush = op_flush,
	.error = op_error,
	.finish = op_finish,
	.ended = op_ended,
	.gone = op_gone,
	.script = op_script,
	.user = op_user,
	.uri = op_uri,
	.start_data = op_start_data,
};

/* One of ours: the child's seed and a running number, in hexadecimal. Made for each request: no printf. */
static void make_id(struct slot *s)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t number = atomic_fetch_add_explicit(&s->child->ids, 1, memory_order_relaxed);
	char *at = stpcpy(s->id, s->child->id_seed);
	int shift = 60;

	while (shift > 0 && (number >> shift) == 0)
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		*at++ = digits[(number >> shift) & 15];
	*at = '\0';
}

/* The front end's id when it is harmless in a log line, else one of ours. */
static void choose_id(struct slot *s)
{
	const char *sent = child_request_param(s, "HTTP_X_REQUEST_ID");

	if (access_id_fits(sent))
		memcpy(s->id, sent, strlen(sent) + 1);
	else
		make_id(s);
}

void child_request_nameless(struct slot *s)
{
	make_id(s);
	s->sent = false;
	s->finished = false;
}

/* CONTENT_LENGTH: -1 when there is none, or when it is no number. */
static int64_t announced_length(const struct slot *s)
{
	const char *text = child_request_param(s, "CONTENT_LENGTH");
	char *end;
	long long value;

	if (!isdigit((unsigned char)*text))
		return -1;
	errno = 0;
	value = strtoll(text, &end, 10);
	return *end == '\0' && errno == 0 ? value : -1;
}

static void tell_board(struct slot *s, uint64_t now)
{
	const char *uri = child_request_param(s, "REQUEST_URI");
	struct board_request line = {
		.start_ms = now,
		.id = s->id,
		.method = child_request_param(s, "REQUEST_METHOD"),
		.uri = *uri ? uri : child_request_param(s, "SCRIPT_NAME"),
		.script = child_request_param(s, "SCRIPT_FILENAME"),
		.content_length = s->announced > 0 ? (uint64_t)s->announced : 0,
	};

	board_slot_begun(s->board);
	board_slot_request(s->board, &line);
	board_slot_state(s->board, BOARD_RUNNING, now);
}

void child_request_end(struct slot *s)
{
	uint32_t running = atomic_load(&s->sequence);

	atomic_store(&s->run_since_ms, 0);
	atomic_store(&s->abort_id, 0);
	if (s->paired)
		child_pair_unmark(s);
	if ((running & SLOT_DOOMED) == 0
	    && atomic_compare_exchange_strong(&s->sequence, &running, (running + 1) & ~SLOT_DOOMED))
		return;
	for (;;)
		pause();
}

int child_request_begin(struct slot *s)
{
	uint64_t now = clock_ms(), max = s->child->conf->request_max_body;

	choose_id(s);
	s->req = (struct request){
		.ops = &ops, .role = s->turn.role, .id = s->id, .peer = s->peer, .wire_id = s->turn.id,
	};
	s->announced = announced_length(s);
	s->body_read = 0;
	s->body = NULL;
	s->body_len = 0;
	s->body_ended = false;
	s->stderr_used = false;
	s->head = (struct reply_head){ 0 };
	s->finished = false;
	s->must_close = false;
	s->failed = REASON_NONE;
	s->sent = false;
	atomic_store(&s->released, false);
	atomic_store(&s->run_since_ms, now);
	atomic_store(&s->client, atomic_load(&s->sequence) + 1);
	atomic_fetch_add(&s->sequence, 1);
	child_watch_wake(s->child);
	tell_board(s, now);
	child_access_begin(s);
	if (max > 0 && s->announced > 0 && (uint64_t)s->announced > max)
		return fail(s, REASON_BODY_TOO_LARGE);
	take_empty_body(s);
	if (s->paired && atomic_load(&s->abort_id) == 0)
		child_pair_mark(s);
	else if (!s->paired && !s->body_ended)
		watch_for_abort(s);
	return s->failed == REASON_NONE ? 0 : -1;
}
