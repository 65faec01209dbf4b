/* fcgi_turn.c -- the state machine between records and a request. Pure.
 * What a record is good for is decided when its header is known (fcgi_use.c); its contents follow that
 * decision. Serves one request at a time. */
#include "src/fcgi/fcgi_turn.h"

#include <fastcgi.h>
#include "src/fcgi/fcgi_encode.h"
#include "src/fcgi/fcgi_priv.h"

enum turn_state {
	TURN_IDLE = FCGI_AT_NONE,       /* no request is active */
	TURN_PARAMS = FCGI_AT_PARAMS,   /* PARAMS have not ended */
	TURN_STDIN = FCGI_AT_STDIN,     /* HEAD was said, STDIN has not ended */
	TURN_DATA = FCGI_AT_DATA,       /* a Filter's DATA has begun and not ended */
	TURN_BETWEEN,                   /* a Filter's STDIN has ended: nothing is taken before fcgi_turn_start_data */
	TURN_ENDED,                     /* the request is complete: nothing is taken before fcgi_turn_done */
	TURN_ABORTED,                   /* likewise */
	TURN_LARGE,                     /* likewise */
	TURN_REFUSED,                   /* the connection ends once its reply is written */
	TURN_LOST,                      /* a fault of protocol */
};

_Static_assert(sizeof(((struct fcgi_turn *)0)->small) == FCGI_VALUES_FRONT, "a GET_VALUES is kept there");

/* What a part of a step says when there is no event to report. */
#define TURN_GO_ON FCGI_TURN_MORE

static enum fcgi_turn_event turn_bad(struct fcgi_turn *t, const char *why)
{
	t->state = TURN_LOST;
	t->why = why;
	return FCGI_TURN_BAD;
}

/* What has not ended of the request with that id. */
static enum fcgi_at turn_at(const struct fcgi_turn *t, uint16_t id)
{
	return t->id == id && t->state <= TURN_DATA ? (enum fcgi_at)t->state : FCGI_AT_NONE;
}

static enum fcgi_turn_event turn_start(struct fcgi_turn *t)
{
	const char *why;

	t->use = fcgi_record_use(&t->record, turn_at(t, t->record.id), t->role, &why);
	return t->use == FCGI_USE_FAULT ? turn_bad(t, why) : TURN_GO_ON;
}

static enum fcgi_turn_event turn_feed_params(struct fcgi_turn *t, const struct fcgi_limits *lim)
{
	const struct fcgi_record *r = &t->record;

	if (fcgi_params_feed(&t->params, r->data, r->data_len, lim->max_params) == FCGI_PARAMS_OK)
		return TURN_GO_ON;
	t->state = TURN_LARGE;
	return FCGI_TURN_TOO_LARGE;
}

static enum fcgi_turn_event turn_data(struct fcgi_turn *t, const struct fcgi_limits *lim)
{
	switch ((enum fcgi_use)t->use) {
	case FCGI_USE_PARAMS:
		return turn_feed_params(t, lim);
	case FCGI_USE_STDIN:
	case FCGI_USE_DATA:
		t->body = t->record.data;
		t->body_len = t->record.data_len;
		return FCGI_TURN_BODY;
	case FCGI_USE_BEGIN:
	case FCGI_USE_GET_VALUES:
		fcgi_keep_front(&t->record, t->small, sizeof(t->small));
		return TURN_GO_ON;
	case FCGI_USE_NOTHING:
	case FCGI_USE_UNKNOWN:
	case FCGI_USE_ABORT:
	case FCGI_USE_FAULT:
		break;
	}
	return TURN_GO_ON;
}

static void turn_end_begin(struct fcgi_turn *t, const struct fcgi_limits *lim, struct buf *reply)
{
	struct fcgi_begin begin = fcgi_begin_parse(t->small);

	if (t->state != TURN_IDLE) {
		fcgi_add_end(reply, t->record.id, 0, FCGI_CANT_MPX_CONN);
	} else if (!fcgi_serves(lim, begin.role)) {
		fcgi_add_end(reply, t->record.id, 0, FCGI_UNKNOWN_ROLE);
		t->rejected_last = !begin.keep_conn;
		if (!begin.keep_conn)
			t->state = TURN_REFUSED;
	} else {
		t->id = t->record.id;
		t->role = begin.role;
		t->keep_conn = begin.keep_conn;
		t->state = TURN_PARAMS;
	}
}

static enum fcgi_turn_event turn_end_get_values(struct fcgi_turn *t,
	const struct fcgi_limits *lim, struct buf *reply)
{
	const struct fcgi_values asked = { .front = t->small, .len = t->record.length, .mpxs = 0 };

	if (!fcgi_answer_values(reply, &asked, lim))
		return turn_bad(t, FCGI_WHY_VALUES);
	return TURN_GO_ON;
}

static enum fcgi_turn_event turn_end_params(struct fcgi_turn *t)
{
	if (t->record.length != 0)
		return TURN_GO_ON;
	if (fcgi_params_finish(&t->params) != FCGI_PARAMS_OK)
		return turn_bad(t, "PARAMS that end inside a name or value");
	t->state = t->role == FCGI_AUTHORIZER ? TURN_ENDED : TURN_STDIN;
	return FCGI_TURN_HEAD;
}

static enum fcgi_turn_event turn_end(struct fcgi_turn *t, const struct fcgi_limits *lim, struct buf *reply)
{
	switch ((enum fcgi_use)t->use) {
	case FCGI_USE_BEGIN:
		turn_end_begin(t, lim, reply);
		break;
	case FCGI_USE_GET_VALUES:
		return turn_end_get_values(t, lim, reply);
	case FCGI_USE_UNKNOWN:
		fcgi_add_unknown_type(reply, t->record.type);
		break;
	case FCGI_USE_PARAMS:
		return turn_end_params(t);
	case FCGI_USE_STDIN:
	case FCGI_USE_DATA:
		if (t->record.length != 0)
			break;
		t->state = t->use == FCGI_USE_STDIN && t->role == FCGI_FILTER ? TURN_BETWEEN : TURN_ENDED;
		return FCGI_TURN_BODY_END;
	case FCGI_USE_ABORT:
		t->state = TURN_ABORTED;
		return FCGI_TURN_ABORT;
	case FCGI_USE_NOTHING:
	case FCGI_USE_FAULT:
		break;
	}
	return TURN_GO_ON;
}

/* One event of the record reader. */
static enum fcgi_turn_event turn_take(struct fcgi_turn *t, const struct fcgi_limits *lim,
	enum fcgi_record_event got, struct buf *reply)
{
	switch (got) {
	case FCGI_RECORD_START:
		return turn_start(t);
	case FCGI_RECORD_DATA:
		return turn_data(t, lim);
	case FCGI_RECORD_END:
		return turn_end(t, lim, reply);
	case FCGI_RECORD_BAD:
		return turn_bad(t, FCGI_WHY_RECORD);
	case FCGI_RECORD_MORE:
		break;
	}
	return TURN_GO_ON;
}

/* In a state in which nothing is read: what is said instead. */
static enum fcgi_turn_event turn_halted(const struct fcgi_turn *t)
{
	switch ((enum turn_state)t->state) {
	case TURN_ENDED:
	case TURN_BETWEEN:
		return FCGI_TURN_BODY_END;
	case TURN_ABORTED:
		return FCGI_TURN_ABORT;
	case TURN_LARGE:
		return FCGI_TURN_TOO_LARGE;
	case TURN_LOST:
		return FCGI_TURN_BAD;
	case TURN_REFUSED:
	case TURN_IDLE:
	case TURN_PARAMS:
	case TURN_STDIN:
	case TURN_DATA:
		break;
	}
	return TURN_GO_ON;
}

enum fcgi_turn_event fcgi_turn_next(struct fcgi_turn *t, const struct fcgi_limits *lim,
	const uint8_t **in, size_t *len, struct buf *reply)
{
	enum fcgi_turn_event event = turn_halted(t);
	enum fcgi_record_event got;

	while (event == TURN_GO_ON && t->state != TURN_REFUSED) {
		got = fcgi_record_next(&t->record, in, len);
		if (got == FCGI_RECORD_MORE)
			return FCGI_TURN_MORE;
		event = turn_take(t, lim, got, reply);
	}
	if (t->state == TURN_REFUSED && *len > 0) {
		*in += *len;
		*len = 0;
	}
	return event;
}

bool fcgi_turn_start_data(struct fcgi_turn *t)
{
	if (t->state != TURN_BETWEEN)
		return false;
	t->state = TURN_DATA;
	return true;
}

bool fcgi_turn_in_head(const struct fcgi_turn *t)
{
	if (t->state != TURN_IDLE)
		return t->state == TURN_PARAMS;
	return t->record.head_len == 1 || (t->record.head_len > 1 && t->record.head[1] == FCGI_BEGIN_REQUEST);
}

bool fcgi_turn_idle(const struct fcgi_turn *t)
{
	return t->state == TURN_IDLE && t->record.head_len == 0;
}

void fcgi_turn_done(struct fcgi_turn *t)
{
	fcgi_params_reset(&t->params);
	t->body = NULL;
	t->body_len = 0;
	t->id = 0;
	if (t->state == TURN_LOST || t->state == TURN_REFUSED)
		return;
	t->state = TURN_IDLE;
	/* The rest of a record half read was the old request's, unless it is the next BEGIN or a
	 * GET_VALUES. */
	if (fcgi_use_is_requests((enum fcgi_use)t->use))
		t->use = FCGI_USE_NOTHING;
}

void fcgi_turn_reset(struct fcgi_turn *t)
{
	fcgi_params_reset(&t->params);
	*t = (struct fcgi_turn){ .params = t->params };
}

void fcgi_turn_free(struct fcgi_turn *t)
{
	fcgi_params_free(&t->params);
	*t = (struct fcgi_turn){ 0 };
}
