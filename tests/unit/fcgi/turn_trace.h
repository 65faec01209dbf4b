/* turn_trace.h -- what a struct fcgi_turn says, written down as text, so that two ways of feeding it can
 * be compared. It plays the caller: each request is answered (fcgi_turn_done) as soon as it is complete,
 * aborted or too large. For unit tests and fuzz targets. */
#ifndef WEIR_TURN_TRACE_H
#define WEIR_TURN_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "src/base/buf.h"
#include "src/fcgi/fcgi_turn.h"

struct turn_trace {
	struct fcgi_turn turn;
	struct fcgi_limits lim;
	struct buf said;                /* "HEAD 1 role 1 keep 0: a=b;\n" "BODY xyz\n" "BODY_END\n" ... */
	struct buf reply;
	bool in_body;
	bool bad;                       /* nothing is fed any more */
	bool done_at_head;              /* answer at HEAD already: the rest of the request is left over */
	size_t params_taken;            /* most bytes that params held after any call */
};

static inline void trace_head(struct turn_trace *tr)
{
	const struct fcgi_params *p = &tr->turn.params;

	buf_printf(&tr->said, "HEAD %d role %d keep %d: ", tr->turn.id, tr->turn.role, tr->turn.keep_conn);
	for (size_t i = 0; i < fcgi_params_count(p); i++) {
		const struct fcgi_param *q = fcgi_params_at(p, i);

		buf_add(&tr->said, fcgi_params_name(p, q), q->name_len);
		buf_add_str(&tr->said, "=");
		buf_add(&tr->said, fcgi_params_value(p, q), q->value_len);
		buf_add_str(&tr->said, ";");
	}
	buf_add_str(&tr->said, "\n");
}

static inline void trace_event(struct turn_trace *tr, enum fcgi_turn_event event)
{
	static const char *const words[] = {
		[FCGI_TURN_BODY_END] = "BODY_END\n", [FCGI_TURN_ABORT] = "ABORT\n",
		[FCGI_TURN_TOO_LARGE] = "TOO_LARGE\n",
	};

	if (event == FCGI_TURN_BODY) {
		if (!tr->in_body)
			buf_add_str(&tr->said, "BODY ");
		buf_add(&tr->said, tr->turn.body, tr->turn.body_len);
		tr->in_body = true;
		return;
	}
	if (tr->in_body)
		buf_add_str(&tr->said, "\n");
	tr->in_body = false;
	if (event == FCGI_TURN_HEAD)
		trace_head(tr);
	else if (event == FCGI_TURN_BAD)
		buf_printf(&tr->said, "BAD %s\n", tr->turn.why);
	else
		buf_add_str(&tr->said, words[event]);
	tr->bad = event == FCGI_TURN_BAD;
	if (event == FCGI_TURN_BODY_END && !tr->done_at_head && fcgi_turn_start_data(&tr->turn))
		return;
	if (event != FCGI_TURN_HEAD || tr->done_at_head)
		fcgi_turn_done(&tr->turn);
}

static inline void trace_feed(struct turn_trace *tr, const uint8_t *in, size_t len)
{
	enum fcgi_turn_event event;

	while (!tr->bad) {
		event = fcgi_turn_next(&tr->turn, &tr->lim, &in, &len, &tr->reply);
		if (tr->turn.params.arena.len > tr->params_taken)
			tr->params_taken = tr->turn.params.arena.len;
		if (event == FCGI_TURN_MORE)
			return;
		trace_event(tr, event);
	}
}

/* The body of a request that has not ended is told as far as it has come. */
static inline void trace_end(struct turn_trace *tr)
{
	if (tr->in_body)
		buf_add_str(&tr->said, "\n");
	tr->in_body = false;
}

static inline void trace_free(struct turn_trace *tr)
{
	fcgi_turn_free(&tr->turn);
	buf_free(&tr->said);
	buf_free(&tr->reply);
}

#endif
