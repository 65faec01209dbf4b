/* fcgi_turn.c -- the state machine between records and a request. Pure.
 * What a record is good for is decided when its header is known, in one place (turn_start); its contents
 * follow that decision. Strict: a record that the specification does not allow where it stands ends the
 * connection, since a peer that lost count may be sending somebody's body as our records. Serves one
 * request at a time. */
#include "src/fcgi/fcgi_turn.h"

#include <stdio.h>
#include <string.h>
#include <fastcgi.h>
#include "src/base/mem.h"
#include "src/fcgi/fcgi_encode.h"

enum turn_state {
	TURN_IDLE,                      /* no request is active */
	TURN_PARAMS,                    /* PARAMS have not ended */
	TURN_STDIN,                     /* HEAD was said, STDIN has not ended */
	TURN_BETWEEN,                   /* a Filter's STDIN has ended: nothing is taken before fcgi_turn_start_data */
	TURN_DATA,                      /* a Filter's DATA has begun and not ended */
	TURN_ENDED,                     /* the request is complete: nothing is taken before fcgi_turn_done */
	TURN_ABORTED,                   /* likewise */
	TURN_LARGE,                     /* likewise */
	TURN_REFUSED,                   /* the connection ends once its reply is written */
	TURN_LOST,                      /* a fault of protocol */
};

enum turn_use { USE_NOTHING, USE_BEGIN, USE_GET_VALUES, USE_UNKNOWN, USE_PARAMS, USE_STDIN, USE_DATA, USE_ABORT };

/* What a part of a step says when there is no event to report. */
#define TURN_GO_ON FCGI_TURN_MORE

static enum fcgi_turn_event turn_bad(struct fcgi_turn *t, const char *why)
{
	t->state = TURN_LOST;
	t->why = why;
	return FCGI_TURN_BAD;
}

static enum fcgi_turn_event turn_use(struct fcgi_turn *t, enum turn_use use)
{
	t->use = use;
	t->small_len = 0;
	return TURN_GO_ON;
}

static bool turn_is_active(const struct fcgi_turn *t, uint16_t id)
{
	return (t->state == TURN_PARAMS || t->state == TURN_STDIN || t->state == TURN_DATA) && t->id == id;
}

/* Section 4: records with id 0. */
static enum fcgi_turn_event turn_start_management(struct fcgi_turn *t)
{
	switch (t->record.type) {
	case FCGI_GET_VALUES:
		return turn_use(t, USE_GET_VALUES);
	case FCGI_GET_VALUES_RESULT:
	case FCGI_UNKNOWN_TYPE:
		/* Answers to what we never ask: no question is made of them, or two such peers never end. */
		return turn_use(t, USE_NOTHING);
	case FCGI_BEGIN_REQUEST:
	case FCGI_ABORT_REQUEST:
	case FCGI_END_REQUEST:
	case FCGI_PARAMS:
	case FCGI_STDIN:
	case FCGI_STDOUT:
	case FCGI_STDERR:
	case FCGI_DATA:
		return turn_bad(t, "an application record with request id 0");
	default:
		return turn_use(t, USE_UNKNOWN);
	}
}

static enum fcgi_turn_event turn_start_begin(struct fcgi_turn *t)
{
	if (t->record.length != sizeof(FCGI_BeginRequestBody))
		return turn_bad(t, "a BEGIN_REQUEST that is not 8 bytes long");
	if (turn_is_active(t, t->record.id))
		return turn_bad(t, "a BEGIN_REQUEST with the id of the active request");
	return turn_use(t, USE_BEGIN);
}

/* A record of the active request. */
static enum fcgi_turn_event turn_start_active(struct fcgi_turn *t)
{
	switch (t->record.type) {
	case FCGI_PARAMS:
		if (t->state != TURN_PARAMS)
			return turn_bad(t, "PARAMS after the end of PARAMS");
		return turn_use(t, USE_PARAMS);
	case FCGI_STDIN:
		if (t->state == TURN_DATA)
			return turn_bad(t, "STDIN after the end of STDIN");
		if (t->state != TURN_STDIN)
			return turn_bad(t, "STDIN before the end of PARAMS");
		return turn_use(t, USE_STDIN);
	case FCGI_ABORT_REQUEST:
		if (t->record.length != 0)
			return turn_bad(t, "an ABORT_REQUEST with contents");
		return turn_use(t, USE_ABORT);
	case FCGI_DATA:
		if (t->role != FCGI_FILTER)
			return turn_use(t, USE_NOTHING);
		if (t->state != TURN_DATA)
			return turn_bad(t, "DATA before the end of STDIN");
		return turn_use(t, USE_DATA);
	case FCGI_GET_VALUES:
	case FCGI_GET_VALUES_RESULT:
	case FCGI_UNKNOWN_TYPE:
		return turn_bad(t, "a management record with the id of a request");
	default:
		return turn_bad(t, "a record of a type that no web server sends to an application");
	}
}

static enum fcgi_turn_event turn_start(struct fcgi_turn *t)
{
	if (t->record.id == FCGI_NULL_REQUEST_ID)
		return turn_start_management(t);
	if (t->record.type == FCGI_BEGIN_REQUEST)
		return turn_start_begin(t);
	if (turn_is_active(t, t->record.id))
		return turn_start_active(t);
	return turn_use(t, USE_NOTHING);
}

static enum fcgi_turn_event turn_feed_params(struct fcgi_turn *t, const struct fcgi_limits *lim)
{
	const struct fcgi_record *r = &t->record;

	if (fcgi_params_feed(&t->params, r->data, r->data_len, lim->max_params) == FCGI_PARAMS_OK)
		return TURN_GO_ON;
	t->state = TURN_LARGE;
	return FCGI_TURN_TOO_LARGE;
}

static void turn_keep_small(struct fcgi_turn *t)
{
	size_t n = sizeof(t->small) - t->small_len;

	if (n > t->record.data_len)
		n = t->record.data_len;
	memcpy(t->small + t->small_len, t->record.data, n);
	t->small_len += (uint16_t)n;
}

static enum fcgi_turn_event turn_data(struct fcgi_turn *t, const struct fcgi_limits *lim)
{
	switch ((enum turn_use)t->use) {
	case USE_PARAMS:
		return turn_feed_params(t, lim);
	case USE_STDIN:
	case USE_DATA:
		t->body = t->record.data;
		t->body_len = t->record.data_len;
		return FCGI_TURN_BODY;
	case USE_BEGIN:
	case USE_GET_VALUES:
		turn_keep_small(t);
		return TURN_GO_ON;
	case USE_NOTHING:
	case USE_UNKNOWN:
	case USE_ABORT:
		break;
	}
	return TURN_GO_ON;
}

static bool turn_serves(const struct fcgi_limits *lim, uint16_t role)
{
	return role >= FCGI_RESPONDER && role <= FCGI_FILTER && (lim->roles & 1u << role);
}

static void turn_end_begin(struct fcgi_turn *t, const struct fcgi_limits *lim, struct buf *reply)
{
	uint16_t role = (uint16_t)(t->small[0] << 8 | t->small[1]);
	bool keep_conn = t->small[2] & FCGI_KEEP_CONN;

	if (t->state != TURN_IDLE) {
		fcgi_add_end(reply, t->record.id, 0, FCGI_CANT_MPX_CONN);
	} else if (!turn_serves(lim, role)) {
		fcgi_add_end(reply, t->record.id, 0, FCGI_UNKNOWN_ROLE);
		t->rejected_last = !keep_conn;
		if (!keep_conn)
			t->state = TURN_REFUSED;
	} else {
		t->id = t->record.id;
		t->role = role;
		t->keep_conn = keep_conn;
		t->state = TURN_PARAMS;
	}
}

struct turn_value {
	const char *name;
	uint32_t number;
};

/* Which of the values a name asks for, as a bit, or 0. */
static unsigned turn_find_value(const struct turn_value *values, size_t count, const struct fcgi_pair *pair)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(values[i].name) == pair->name_len &&
		    memcmp(values[i].name, pair->name, pair->name_len) == 0)
			return 1u << i;
	return 0;
}

/* Section 4.1. Each value is given once, however often it is asked for: an answer stays below twice the
 * question. Of a question longer than we keep, the front is answered. */
static enum fcgi_turn_event turn_end_get_values(struct fcgi_turn *t,
	const struct fcgi_limits *lim, struct buf *reply)
{
	const struct turn_value values[] = {
		{ FCGI_MAX_CONNS, lim->max_conns }, { FCGI_MAX_REQS, lim->max_reqs }, { FCGI_MPXS_CONNS, 0 },
	};
	const uint8_t *at = t->small, *end = at + t->small_len;
	struct fcgi_pair pair;
	size_t start = reply->len;
	unsigned asked = 0;
	char number[16];

	while (fcgi_pair_next(&at, end, &pair))
		asked |= turn_find_value(values, ARRAY_LEN(values), &pair);
	if (at < end && t->record.length <= sizeof(t->small))
		return turn_bad(t, "a GET_VALUES that ends inside a name or value");
	fcgi_add_stream_end(reply, FCGI_GET_VALUES_RESULT, FCGI_NULL_REQUEST_ID);
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		int len = snprintf(number, sizeof(number), "%u", (unsigned)values[i].number);

		if (asked & 1u << i)
			fcgi_add_pair(reply, values[i].name, strlen(values[i].name), number, (size_t)len);
	}
	fcgi_put_header(reply->data + start, FCGI_GET_VALUES_RESULT, FCGI_NULL_REQUEST_ID,
	    (uint16_t)(reply->len - start - FCGI_HEADER_LEN), 0);
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
	switch ((enum turn_use)t->use) {
	case USE_BEGIN:
		turn_end_begin(t, lim, reply);
		break;
	case USE_GET_VALUES:
		return turn_end_get_values(t, lim, reply);
	case USE_UNKNOWN:
		fcgi_add_unknown_type(reply, t->record.type);
		break;
	case USE_PARAMS:
		return turn_end_params(t);
	case USE_STDIN:
	case USE_DATA:
		if (t->record.length != 0)
			break;
		t->state = t->use == USE_STDIN && t->role == FCGI_FILTER ? TURN_BETWEEN : TURN_ENDED;
		return FCGI_TURN_BODY_END;
	case USE_ABORT:
		t->state = TURN_ABORTED;
		return FCGI_TURN_ABORT;
	case USE_NOTHING:
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
		return turn_bad(t, "bytes that are not a FastCGI record of version 1");
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
	if (t->use == USE_PARAMS || t->use == USE_STDIN || t->use == USE_DATA || t->use == USE_ABORT)
		t->use = USE_NOTHING;
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
