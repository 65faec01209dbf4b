/* fcgi_use.c -- what a record is good for where it stands, and answers that need no request. Pure.
 * The one place that knows what the specification allows where. Strict: a record that it does not allow ends the
 * connection, since a peer that lost count may be sending somebody's body as our records. */
#include <stdio.h>
#include <string.h>
#include <fastcgi.h>
#include "src/base/mem.h"
#include "src/fcgi/fcgi_encode.h"
#include "src/fcgi/fcgi_params.h"
#include "src/fcgi/fcgi_priv.h"

static enum fcgi_use use_fault(const char **why_out, const char *why)
{
	*why_out = why;
	return FCGI_USE_FAULT;
}

/* Section 4: records with id 0. */
static enum fcgi_use use_management(const struct fcgi_record *r, const char **why_out)
{
	switch (r->type) {
	case FCGI_GET_VALUES:
		return FCGI_USE_GET_VALUES;
	case FCGI_GET_VALUES_RESULT:
	case FCGI_UNKNOWN_TYPE:
		/* Answers to what we never ask: no question is made of them, or two such peers never end. */
		return FCGI_USE_NOTHING;
	case FCGI_BEGIN_REQUEST:
	case FCGI_ABORT_REQUEST:
	case FCGI_END_REQUEST:
	case FCGI_PARAMS:
	case FCGI_STDIN:
	case FCGI_STDOUT:
	case FCGI_STDERR:
	case FCGI_DATA:
		return use_fault(why_out, "an application record with request id 0");
	default:
		return FCGI_USE_UNKNOWN;
	}
}

static enum fcgi_use use_begin(const struct fcgi_record *r, enum fcgi_at at, const char **why_out)
{
	if (r->length != sizeof(FCGI_BeginRequestBody))
		return use_fault(why_out, "a BEGIN_REQUEST that is not 8 bytes long");
	if (at != FCGI_AT_NONE)
		return use_fault(why_out, "a BEGIN_REQUEST with the id of an active request");
	return FCGI_USE_BEGIN;
}

static enum fcgi_use use_stdin(enum fcgi_at at, const char **why_out)
{
	if (at == FCGI_AT_DATA)
		return use_fault(why_out, "STDIN after the end of STDIN");
	if (at != FCGI_AT_STDIN)
		return use_fault(why_out, "STDIN before the end of PARAMS");
	return FCGI_USE_STDIN;
}

static enum fcgi_use use_data(enum fcgi_at at, uint16_t role, const char **why_out)
{
	if (role != FCGI_FILTER)
		return FCGI_USE_NOTHING;
	if (at != FCGI_AT_DATA)
		return use_fault(why_out, "DATA before the end of STDIN");
	return FCGI_USE_DATA;
}

/* A record of a request whose streams have not ended. */
static enum fcgi_use use_active(const struct fcgi_record *r, enum fcgi_at at, uint16_t role, const char **why_out)
{
	switch (r->type) {
	case FCGI_PARAMS:
		if (at != FCGI_AT_PARAMS)
			return use_fault(why_out, "PARAMS after the end of PARAMS");
		return FCGI_USE_PARAMS;
	case FCGI_STDIN:
		return use_stdin(at, why_out);
	case FCGI_DATA:
		return use_data(at, role, why_out);
	case FCGI_ABORT_REQUEST:
		if (r->length != 0)
			return use_fault(why_out, "an ABORT_REQUEST with contents");
		return FCGI_USE_ABORT;
	case FCGI_GET_VALUES:
	case FCGI_GET_VALUES_RESULT:
	case FCGI_UNKNOWN_TYPE:
		return use_fault(why_out, "a management record with the id of a request");
	default:
		return use_fault(why_out, "a record of a type that no web server sends to an application");
	}
}

enum fcgi_use fcgi_record_use(const struct fcgi_record *r, enum fcgi_at at, uint16_t role, const char **why_out)
{
	if (r->id == FCGI_NULL_REQUEST_ID)
		return use_management(r, why_out);
	if (r->type == FCGI_BEGIN_REQUEST)
		return use_begin(r, at, why_out);
	switch (at) {
	case FCGI_AT_PARAMS:
	case FCGI_AT_STDIN:
	case FCGI_AT_DATA:
		return use_active(r, at, role, why_out);
	case FCGI_AT_WHOLE:
		/* Else as if it were answered: what a record is good for must not hang on how soon that is. */
		if (r->type == FCGI_ABORT_REQUEST && r->length == 0)
			return FCGI_USE_ABORT;
		break;
	case FCGI_AT_NONE:
	case FCGI_AT_ABORTED:
		break;
	}
	return FCGI_USE_NOTHING;
}

void fcgi_keep_front(const struct fcgi_record *r, uint8_t *front, size_t size)
{
	size_t at = r->length - r->left - r->data_len;

	if (at < size)
		memcpy(front + at, r->data, r->data_len < size - at ? r->data_len : size - at);
}

struct fcgi_begin fcgi_begin_parse(const uint8_t front[FCGI_BEGIN_FRONT])
{
	return (struct fcgi_begin){
		.role = (uint16_t)(front[0] << 8 | front[1]),
		.keep_conn = front[2] & FCGI_KEEP_CONN,
	};
}

bool fcgi_serves(const struct fcgi_limits *lim, uint16_t role)
{
	return role >= FCGI_RESPONDER && role <= FCGI_FILTER && (lim->roles & 1u << role);
}

struct use_value {
	const char *name;
	uint32_t number;
};

/* Which of the values a name asks for, as a bit, or 0. */
static unsigned use_find_value(const struct use_value *values, size_t count, const struct fcgi_pair *pair)
{
	for (size_t i = 0; i < count; i++)
		if (strlen(values[i].name) == pair->name_len &&
		    memcmp(values[i].name, pair->name, pair->name_len) == 0)
			return 1u << i;
	return 0;
}

bool fcgi_answer_values(struct buf *reply, const struct fcgi_values *asked, const struct fcgi_limits *lim)
{
	const struct use_value values[] = {
		{ FCGI_MAX_CONNS, lim->max_conns }, { FCGI_MAX_REQS, lim->max_reqs }, { FCGI_MPXS_CONNS, asked->mpxs },
	};
	const uint8_t *at = asked->front;
	const uint8_t *end = at + (asked->len < FCGI_VALUES_FRONT ? asked->len : FCGI_VALUES_FRONT);
	size_t start = reply->len;
	struct fcgi_pair pair;
	unsigned bits = 0;
	char number[16];

	while (fcgi_pair_next(&at, end, &pair))
		bits |= use_find_value(values, ARRAY_LEN(values), &pair);
	if (at < end && asked->len <= FCGI_VALUES_FRONT)
		return false;
	fcgi_add_stream_end(reply, FCGI_GET_VALUES_RESULT, FCGI_NULL_REQUEST_ID);
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		int len = snprintf(number, sizeof(number), "%u", (unsigned)values[i].number);

		if (bits & 1u << i)
			fcgi_add_pair(reply, values[i].name, strlen(values[i].name), number, (size_t)len);
	}
	fcgi_put_header(reply->data + start, FCGI_GET_VALUES_RESULT, FCGI_NULL_REQUEST_ID,
	    (uint16_t)(reply->len - start - FCGI_HEADER_LEN), 0);
	return true;
}
