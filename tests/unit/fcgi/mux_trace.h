/* mux_trace.h -- what a struct fcgi_mux says, written down as text, so that two ways of feeding it can be compared.
 * It plays the caller, who answers each request when mux_trace_when says so, and checks what must hold at every
 * event. For unit tests and fuzz targets. */
#ifndef WEIR_MUX_TRACE_H
#define WEIR_MUX_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <fastcgi.h>
#include "src/base/buf.h"
#include "src/base/mem.h"
#include "src/fcgi/fcgi_mux.h"

enum mux_trace_when {                   /* a request is answered */
	MUX_TRACE_WHOLE,                /* when it is whole, or aborted */
	MUX_TRACE_HEAD,                 /* at HEAD */
	MUX_TRACE_LATE,                 /* when the next one is whole, or aborted */
	MUX_TRACE_NEVER,
};

struct mux_trace {
	struct fcgi_mux mux;
	struct fcgi_limits lim;
	enum mux_trace_when when;
	struct buf said;                /* "1 BEGIN role 1 keep 0\n" "1 PARAMS xyz\n" "1 HEAD\n" ... */
	struct buf reply;
	unsigned active;
	enum fcgi_mux_event in_data;    /* the stream that the last event was of, else FCGI_MUX_MORE */
	uint16_t in_id;
	uint16_t waiting;               /* the id of who is to be answered late */
	bool bad;                       /* nothing is fed any more */
};

/* What is attached to a request: known by its id. */
static inline void *mux_trace_user(uint16_t id)
{
	static char users[65536];

	return &users[id];
}

static inline void mux_trace_done(struct mux_trace *tr, uint16_t id)
{
	fcgi_mux_done(&tr->mux, id);
	tr->active--;
}

/* A request has said its last. */
static inline void mux_trace_last(struct mux_trace *tr)
{
	uint16_t id = tr->mux.id;

	if (tr->when == MUX_TRACE_WHOLE) {
		mux_trace_done(tr, id);
	} else if (tr->when == MUX_TRACE_LATE) {
		if (tr->waiting != 0 && tr->waiting != id)
			mux_trace_done(tr, tr->waiting);
		tr->waiting = id;
	}
}

static inline void mux_trace_end_data(struct mux_trace *tr)
{
	if (tr->in_data != FCGI_MUX_MORE)
		buf_add_str(&tr->said, "\n");
	tr->in_data = FCGI_MUX_MORE;
}

static inline void mux_trace_data(struct mux_trace *tr, enum fcgi_mux_event event)
{
	const struct fcgi_mux *m = &tr->mux;
	const char *word = event == FCGI_MUX_PARAMS ? "PARAMS" : event == FCGI_MUX_STDIN ? "STDIN" : "DATA";

	BUG_IF(m->data_len == 0);
	if (tr->in_data != event || tr->in_id != m->id) {
		mux_trace_end_data(tr);
		buf_printf(&tr->said, "%d %s ", m->id, word);
	}
	buf_add(&tr->said, m->data, m->data_len);
	tr->in_data = event;
	tr->in_id = m->id;
}

static inline void mux_trace_begin(struct mux_trace *tr)
{
	const struct fcgi_mux *m = &tr->mux;

	BUG_IF(m->user);
	buf_printf(&tr->said, "%d BEGIN role %d keep %d\n", m->id, m->role, m->keep_conn);
	fcgi_mux_set_user(&tr->mux, m->id, mux_trace_user(m->id));
	tr->active++;
}

static inline void mux_trace_word(struct mux_trace *tr, enum fcgi_mux_event event)
{
	static const char *const words[] = {
		[FCGI_MUX_HEAD] = "HEAD", [FCGI_MUX_STDIN_END] = "STDIN_END", [FCGI_MUX_DATA_END] = "DATA_END",
		[FCGI_MUX_ABORT] = "ABORT",
	};

	buf_printf(&tr->said, "%d %s\n", tr->mux.id, words[event]);
	if (event == FCGI_MUX_HEAD && tr->when == MUX_TRACE_HEAD)
		mux_trace_done(tr, tr->mux.id);
	else if (event == FCGI_MUX_ABORT || event == FCGI_MUX_DATA_END ||
	    (event == FCGI_MUX_STDIN_END && tr->mux.role != FCGI_FILTER))
		mux_trace_last(tr);
}

static inline void mux_trace_event(struct mux_trace *tr, enum fcgi_mux_event event)
{
	bool data = event == FCGI_MUX_PARAMS || event == FCGI_MUX_STDIN || event == FCGI_MUX_DATA;

	BUG_IF(event != FCGI_MUX_BEGIN && event != FCGI_MUX_BAD && tr->mux.user != mux_trace_user(tr->mux.id));
	if (data) {
		mux_trace_data(tr, event);
		return;
	}
	mux_trace_end_data(tr);
	if (event == FCGI_MUX_BEGIN)
		mux_trace_begin(tr);
	else if (event == FCGI_MUX_BAD)
		buf_printf(&tr->said, "BAD %s\n", tr->mux.why);
	else
		mux_trace_word(tr, event);
	tr->bad = event == FCGI_MUX_BAD;
}

static inline void mux_trace_feed(struct mux_trace *tr, const uint8_t *in, size_t len)
{
	enum fcgi_mux_event event;

	while (!tr->bad) {
		event = fcgi_mux_next(&tr->mux, &tr->lim, &in, &len, &tr->reply);
		if (event == FCGI_MUX_MORE)
			BUG_IF(len != 0);
		else
			mux_trace_event(tr, event);
		BUG_IF(fcgi_mux_active(&tr->mux) != tr->active);
		BUG_IF(fcgi_mux_idle(&tr->mux) && tr->active > 0);
		if (event == FCGI_MUX_MORE)
			return;
	}
}

/* A stream that has not ended is told as far as it has come. */
static inline void mux_trace_end(struct mux_trace *tr)
{
	mux_trace_end_data(tr);
}

static inline void mux_trace_free(struct mux_trace *tr)
{
	fcgi_mux_free(&tr->mux);
	buf_free(&tr->said);
	buf_free(&tr->reply);
}

#endif
