/* mux_as_turn.h -- a struct fcgi_mux that is used as a struct fcgi_turn is, one request at a time, and written
 * down in the words of turn_trace.h, so that the two can be compared. Of the connection's requests but one at a
 * time may be active, or the two differ by design. For unit tests and fuzz targets. */
#ifndef WEIR_MUX_AS_TURN_H
#define WEIR_MUX_AS_TURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <fastcgi.h>
#include "src/base/buf.h"
#include "src/fcgi/fcgi_mux.h"
#include "src/fcgi/fcgi_params.h"

struct mux_as_turn {
	struct fcgi_mux mux;
	struct fcgi_limits lim;
	struct fcgi_params params;
	struct buf said, reply;
	bool in_body;
	bool bad;
	bool done_at_head;
};

/* Whether a struct fcgi_turn answered a concurrent BEGIN, by what it replied. */
static inline bool turn_refused_concurrent(const struct buf *reply)
{
	struct fcgi_record r = { 0 };
	const uint8_t *in = reply->data;
	size_t len = reply->len;
	enum fcgi_record_event event;

	while ((event = fcgi_record_next(&r, &in, &len)) != FCGI_RECORD_MORE)
		if (event == FCGI_RECORD_DATA && r.type == FCGI_END_REQUEST && r.data[4] == FCGI_CANT_MPX_CONN)
			return true;
	return false;
}

static inline void mux_as_turn_done(struct mux_as_turn *mt)
{
	fcgi_params_reset(&mt->params);
	fcgi_mux_done(&mt->mux, mt->mux.id);
}

static inline void mux_as_turn_params(struct mux_as_turn *mt)
{
	const struct fcgi_mux *m = &mt->mux;

	if (fcgi_params_feed(&mt->params, m->data, m->data_len, mt->lim.max_params) == FCGI_PARAMS_OK)
		return;
	buf_add_str(&mt->said, "TOO_LARGE\n");
	mux_as_turn_done(mt);
}

static inline void mux_as_turn_head(struct mux_as_turn *mt)
{
	const struct fcgi_params *p = &mt->params;

	if (fcgi_params_finish(&mt->params) != FCGI_PARAMS_OK) {
		buf_add_str(&mt->said, "BAD PARAMS that end inside a name or value\n");
		mt->bad = true;
		return;
	}
	buf_printf(&mt->said, "HEAD %d role %d keep %d: ", mt->mux.id, mt->mux.role, mt->mux.keep_conn);
	for (size_t i = 0; i < fcgi_params_count(p); i++) {
		const struct fcgi_param *q = fcgi_params_at(p, i);

		buf_add(&mt->said, fcgi_params_name(p, q), q->name_len);
		buf_add_str(&mt->said, "=");
		buf_add(&mt->said, fcgi_params_value(p, q), q->value_len);
		buf_add_str(&mt->said, ";");
	}
	buf_add_str(&mt->said, "\n");
	if (mt->done_at_head)
		mux_as_turn_done(mt);
}

/* The body of a request that has not ended is told as far as it has come. */
static inline void mux_as_turn_end_body(struct mux_as_turn *mt)
{
	if (mt->in_body)
		buf_add_str(&mt->said, "\n");
	mt->in_body = false;
}

static inline void mux_as_turn_body(struct mux_as_turn *mt)
{
	if (!mt->in_body)
		buf_add_str(&mt->said, "BODY ");
	buf_add(&mt->said, mt->mux.data, mt->mux.data_len);
	mt->in_body = true;
}

static inline void mux_as_turn_event(struct mux_as_turn *mt, enum fcgi_mux_event event)
{
	if (event != FCGI_MUX_STDIN && event != FCGI_MUX_DATA)
		mux_as_turn_end_body(mt);
	switch (event) {
	case FCGI_MUX_PARAMS:
		mux_as_turn_params(mt);
		break;
	case FCGI_MUX_HEAD:
		mux_as_turn_head(mt);
		break;
	case FCGI_MUX_STDIN:
	case FCGI_MUX_DATA:
		mux_as_turn_body(mt);
		break;
	case FCGI_MUX_STDIN_END:
	case FCGI_MUX_DATA_END:
		buf_add_str(&mt->said, "BODY_END\n");
		if (event == FCGI_MUX_DATA_END || mt->mux.role != FCGI_FILTER)
			mux_as_turn_done(mt);
		break;
	case FCGI_MUX_ABORT:
		buf_add_str(&mt->said, "ABORT\n");
		mux_as_turn_done(mt);
		break;
	case FCGI_MUX_BAD:
		buf_printf(&mt->said, "BAD %s\n", mt->mux.why);
		mt->bad = true;
		break;
	case FCGI_MUX_BEGIN:
	case FCGI_MUX_MORE:
		break;
	}
}

static inline void mux_as_turn_feed(struct mux_as_turn *mt, const uint8_t *in, size_t len)
{
	enum fcgi_mux_event event;

	while (!mt->bad) {
		event = fcgi_mux_next(&mt->mux, &mt->lim, &in, &len, &mt->reply);
		if (event == FCGI_MUX_MORE)
			return;
		mux_as_turn_event(mt, event);
	}
}

/* No more comes. Of what was replied, the one word that differs by design is made the other's. */
static inline void mux_as_turn_end(struct mux_as_turn *mt)
{
	static const char name[] = "FCGI_MPXS_CONNS1";
	uint8_t *at = mt->reply.data;

	mux_as_turn_end_body(mt);
	while (at && (at = memmem(at, mt->reply.len - (size_t)(at - mt->reply.data), name, sizeof(name) - 1)))
		at[sizeof(name) - 2] = '0';
}

static inline void mux_as_turn_free(struct mux_as_turn *mt)
{
	fcgi_mux_free(&mt->mux);
	fcgi_params_free(&mt->params);
	buf_free(&mt->said);
	buf_free(&mt->reply);
}

#endif
