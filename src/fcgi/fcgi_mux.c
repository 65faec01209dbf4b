/* fcgi_mux.c -- the state machine between records and the requests of one connection. Pure.
 * What a record is good for is decided when its header is known (fcgi_use.c); its contents follow that decision.
 * A record that is a request's own is so only while that is active: fcgi_mux_done sees to it, so its stream is
 * there whenever one of its records is taken. */
#include "src/fcgi/fcgi_mux.h"

#include <fastcgi.h>
#include <stdlib.h>
#include "src/base/mem.h"
#include "src/fcgi/fcgi_encode.h"
#include "src/fcgi/fcgi_mux_priv.h"
#include "src/fcgi/fcgi_priv.h"

_Static_assert(sizeof(struct fcgi_mux) < 256, "connections at rest are many");
_Static_assert(sizeof(((struct fcgi_mux *)0)->begin) == FCGI_BEGIN_FRONT, "a BEGIN is kept there");

/* What a part of a step says when there is no event to report. */
#define MUX_GO_ON FCGI_MUX_MORE

static enum fcgi_mux_event mux_bad(struct fcgi_mux *m, const char *why)
{
	m->why = why;
	return FCGI_MUX_BAD;
}

/* An event of this stream. */
static enum fcgi_mux_event mux_tell(struct fcgi_mux *m, const struct fcgi_mux_stream *s, enum fcgi_mux_event event)
{
	m->id = s->id;
	m->role = s->role;
	m->keep_conn = s->keep_conn;
	m->user = s->user;
	return event;
}

static struct fcgi_mux_stream *mux_stream(struct fcgi_mux *m, uint16_t id)
{
	struct fcgi_mux_stream *s = mux_stream_find(m, id);

	BUG_IF(!s);
	return s;
}

static enum fcgi_mux_event mux_start(struct fcgi_mux *m)
{
	const struct fcgi_record *r = &m->record;
	const struct fcgi_mux_stream *s = r->id == FCGI_NULL_REQUEST_ID ? NULL : mux_stream_find(m, r->id);
	const char *why;

	m->use = fcgi_record_use(r, s ? (enum fcgi_at)s->at : FCGI_AT_NONE, s ? s->role : 0, &why);
	return m->use == FCGI_USE_FAULT ? mux_bad(m, why) : MUX_GO_ON;
}

static void mux_keep_values(struct fcgi_mux *m)
{
	if (!m->values.data)
		buf_reserve(&m->values, m->record.length < FCGI_VALUES_FRONT ? m->record.length : FCGI_VALUES_FRONT);
	fcgi_keep_front(&m->record, m->values.data, FCGI_VALUES_FRONT);
}

static enum fcgi_mux_event mux_tell_data(struct fcgi_mux *m, enum fcgi_mux_event event)
{
	m->data = m->record.data;
	m->data_len = m->record.data_len;
	return mux_tell(m, mux_stream(m, m->record.id), event);
}

static enum fcgi_mux_event mux_data(struct fcgi_mux *m)
{
	switch ((enum fcgi_use)m->use) {
	case FCGI_USE_PARAMS:
		return mux_tell_data(m, FCGI_MUX_PARAMS);
	case FCGI_USE_STDIN:
		return mux_tell_data(m, FCGI_MUX_STDIN);
	case FCGI_USE_DATA:
		return mux_tell_data(m, FCGI_MUX_DATA);
	case FCGI_USE_BEGIN:
		fcgi_keep_front(&m->record, m->begin, sizeof(m->begin));
		break;
	case FCGI_USE_GET_VALUES:
		mux_keep_values(m);
		break;
	case FCGI_USE_NOTHING:
	case FCGI_USE_UNKNOWN:
	case FCGI_USE_ABORT:
	case FCGI_USE_FAULT:
		break;
	}
	return MUX_GO_ON;
}

static enum fcgi_mux_event mux_end_begin(struct fcgi_mux *m, const struct fcgi_limits *lim, struct buf *reply)
{
	struct fcgi_begin begin = fcgi_begin_parse(m->begin);
	struct fcgi_mux_stream *s;

	if (!fcgi_serves(lim, begin.role)) {
		fcgi_add_end(reply, m->record.id, 0, FCGI_UNKNOWN_ROLE);
		m->rejected_last |= !begin.keep_conn;
		return MUX_GO_ON;
	}
	if (m->active == FCGI_MUX_STREAMS)
		return mux_bad(m, "too many requests at once on a connection");
	s = mux_stream_add(m, m->record.id);
	s->role = (uint8_t)begin.role;
	s->keep_conn = begin.keep_conn;
	s->at = FCGI_AT_PARAMS;
	return mux_tell(m, s, FCGI_MUX_BEGIN);
}

static enum fcgi_mux_event mux_end_get_values(struct fcgi_mux *m, const struct fcgi_limits *lim, struct buf *reply)
{
	static const uint8_t nothing[1];
	const struct fcgi_values asked = {
		.front = m->values.data ? m->values.data : nothing, .len = m->record.length, .mpxs = 1,
	};
	bool answered = fcgi_answer_values(reply, &asked, lim);

	buf_free(&m->values);
	return answered ? MUX_GO_ON : mux_bad(m, FCGI_WHY_VALUES);
}

/* A stream of the request has ended, and it stands at the next. */
static enum fcgi_mux_event mux_end_stream(struct fcgi_mux *m, enum fcgi_at next, enum fcgi_mux_event event)
{
	struct fcgi_mux_stream *s;

	if (m->record.length != 0)
		return MUX_GO_ON;
	s = mux_stream(m, m->record.id);
	s->at = (uint8_t)next;
	return mux_tell(m, s, event);
}

static enum fcgi_mux_event mux_end_params(struct fcgi_mux *m)
{
	m->end_due = m->record.length == 0 && mux_stream(m, m->record.id)->role == FCGI_AUTHORIZER;
	return mux_end_stream(m, m->end_due ? FCGI_AT_WHOLE : FCGI_AT_STDIN, FCGI_MUX_HEAD);
}

static enum fcgi_mux_event mux_end_stdin(struct fcgi_mux *m)
{
	bool filter = mux_stream(m, m->record.id)->role == FCGI_FILTER;

	return mux_end_stream(m, filter ? FCGI_AT_DATA : FCGI_AT_WHOLE, FCGI_MUX_STDIN_END);
}

static enum fcgi_mux_event mux_end(struct fcgi_mux *m, const struct fcgi_limits *lim, struct buf *reply)
{
	switch ((enum fcgi_use)m->use) {
	case FCGI_USE_BEGIN:
		return mux_end_begin(m, lim, reply);
	case FCGI_USE_GET_VALUES:
		return mux_end_get_values(m, lim, reply);
	case FCGI_USE_UNKNOWN:
		fcgi_add_unknown_type(reply, m->record.type);
		break;
	case FCGI_USE_PARAMS:
		return mux_end_params(m);
	case FCGI_USE_STDIN:
		return mux_end_stdin(m);
	case FCGI_USE_DATA:
		return mux_end_stream(m, FCGI_AT_WHOLE, FCGI_MUX_DATA_END);
	case FCGI_USE_ABORT:
		return mux_end_stream(m, FCGI_AT_ABORTED, FCGI_MUX_ABORT);
	case FCGI_USE_NOTHING:
	case FCGI_USE_FAULT:
		break;
	}
	return MUX_GO_ON;
}

/* One event of the record reader. */
static enum fcgi_mux_event mux_take(struct fcgi_mux *m, const struct fcgi_limits *lim,
	enum fcgi_record_event got, struct buf *reply)
{
	switch (got) {
	case FCGI_RECORD_START:
		return mux_start(m);
	case FCGI_RECORD_DATA:
		return mux_data(m);
	case FCGI_RECORD_END:
		return mux_end(m, lim, reply);
	case FCGI_RECORD_BAD:
		return mux_bad(m, FCGI_WHY_RECORD);
	case FCGI_RECORD_MORE:
		break;
	}
	return MUX_GO_ON;
}

/* The connection ends with what has been replied: nothing more is looked at. */
static bool mux_is_over(const struct fcgi_mux *m)
{
	return m->rejected_last && m->active == 0;
}

static enum fcgi_mux_event mux_step(struct fcgi_mux *m, const struct fcgi_limits *lim,
	const uint8_t **in, size_t *len, struct buf *reply)
{
	enum fcgi_mux_event event = MUX_GO_ON;
	enum fcgi_record_event got;

	while (event == MUX_GO_ON && !mux_is_over(m)) {
		got = fcgi_record_next(&m->record, in, len);
		if (got == FCGI_RECORD_MORE)
			return FCGI_MUX_MORE;
		event = mux_take(m, lim, got, reply);
	}
	return event;
}

enum fcgi_mux_event fcgi_mux_next(struct fcgi_mux *m, const struct fcgi_limits *lim,
	const uint8_t **in, size_t *len, struct buf *reply)
{
	enum fcgi_mux_event event;

	if (m->why)
		return FCGI_MUX_BAD;
	if (m->end_due) {
		m->end_due = false;
		return mux_tell(m, mux_stream(m, m->record.id), FCGI_MUX_STDIN_END);
	}
	event = mux_step(m, lim, in, len, reply);
	if (event == FCGI_MUX_MORE && *len > 0) {
		*in += *len;
		*len = 0;
	}
	return event;
}

void fcgi_mux_set_user(struct fcgi_mux *m, uint16_t id, void *user)
{
	mux_stream(m, id)->user = user;
}

void fcgi_mux_done(struct fcgi_mux *m, uint16_t id)
{
	mux_stream_remove(m, mux_stream(m, id));
	if (m->record.id != id)
		return;
	m->end_due = false;
	if (fcgi_use_is_requests((enum fcgi_use)m->use))
		m->use = FCGI_USE_NOTHING;
}

unsigned fcgi_mux_active(const struct fcgi_mux *m)
{
	return m->active;
}

bool fcgi_mux_clean(const struct fcgi_mux *m)
{
	return !m->why && m->record.head_len == 0;
}

bool fcgi_mux_idle(const struct fcgi_mux *m)
{
	return fcgi_mux_clean(m) && m->active == 0 && !m->rejected_last;
}

void fcgi_mux_free(struct fcgi_mux *m)
{
	free(m->table);
	buf_free(&m->values);
	*m = (struct fcgi_mux){ 0 };
}
