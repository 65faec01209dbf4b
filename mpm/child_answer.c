/* child_answer.c -- runs in a child: the answers that Weir gives by itself. Refuses to add to a reply of which a byte
 * has been sent. */
#include "mpm/child_answer.h"

#include <string.h>
#include <sys/socket.h>
#include "mpm/answer.h"
#include "mpm/child_conn.h"
#include "src/base/log.h"

/* The request under way: the scoreboard knows it, in the watcher's thread too. False: there is none. */
static bool request_view(const struct slot *s, struct board_view *out)
{
	if (atomic_load(&s->sequence) % 2 == 0)
		return false;
	board_read(s->child->start->board, s->number, out);
	return true;
}

static void compose(const struct slot *s, enum reason reason, struct buf *out)
{
	struct board_view view = { 0 };
	struct answer answer = {
		.id = s->turn.id, .reason = reason, .with_header = s->child->conf->reason_header,
		.is_head = request_view(s, &view) && !strcmp(view.method, "HEAD"),
	};

	answer_compose(out, &answer);
}

/* What the line is about. */
static void name_request(const struct slot *s, struct buf *out)
{
	struct board_view view = { 0 };

	buf_printf(out, "request %s", s->id);
	if (!request_view(s, &view))
		return;
	buf_printf(out, " \"%s %s\", script '%s'", view.method, view.uri, view.script);
}

void child_answer_note(struct slot *s, enum reason reason, const char *detail)
{
	enum log_level level = reason == REASON_CLIENT_GONE ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARNING;
	struct buf line = { 0 };

	board_slot_reason(s->board, reason);
	name_request(s, &line);
	buf_printf(&line, ": %s%s%s", reason_name(reason), detail ? ": " : "", detail ? detail : "");
	log_text(level, (const char *)line.data, line.len);
	buf_free(&line);
}

int child_answer(struct slot *s, enum reason reason, const char *detail)
{
	child_answer_note(s, reason, detail);
	if (s->sent || s->finished)
		return -1;
	buf_clear(&s->out);
	child_conn_seal(s);
	compose(s, reason, &s->out);
	s->out_is_reply = true;
	s->finished = true;
	return child_conn_flush(s);
}

void child_answer_late(struct slot *s, enum reason reason, const char *detail)
{
	struct buf out = { 0 };

	child_answer_note(s, reason, detail);
	if (pthread_mutex_trylock(&s->io_lock) != 0)
		return;
	if (s->fd != -1 && !s->sent) {
		compose(s, reason, &out);
		if (send(s->fd, out.data, out.len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)out.len)
			shutdown(s->fd, SHUT_WR);
		s->sent = true;
	}
	pthread_mutex_unlock(&s->io_lock);
	buf_free(&out);
}
