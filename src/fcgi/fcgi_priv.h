/* fcgi_priv.h -- what both machines between records and requests (fcgi_turn, fcgi_mux) go by: what a record is
 * good for where it stands, and the answers that need no request. Pure. */
#ifndef WEIR_FCGI_PRIV_H
#define WEIR_FCGI_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "src/base/buf.h"
#include "src/fcgi/fcgi_limits.h"
#include "src/fcgi/fcgi_record.h"

/* What of a request has not ended. */
enum fcgi_at {
	FCGI_AT_NONE,                   /* the id is not active */
	FCGI_AT_PARAMS,
	FCGI_AT_STDIN,
	FCGI_AT_DATA,                   /* a Filter's */
	FCGI_AT_WHOLE,                  /* nothing: all has come, and it is not answered yet */
	FCGI_AT_ABORTED,                /* nothing that counts */
};

enum fcgi_use {
	FCGI_USE_NOTHING, FCGI_USE_BEGIN, FCGI_USE_GET_VALUES, FCGI_USE_UNKNOWN,
	FCGI_USE_PARAMS, FCGI_USE_STDIN, FCGI_USE_DATA, FCGI_USE_ABORT,
	FCGI_USE_FAULT,                 /* not allowed where it stands: *why says it */
};

/* The record has just started; at and role are those of the request with its id. */
enum fcgi_use fcgi_record_use(const struct fcgi_record *r, enum fcgi_at at, uint16_t role, const char **why_out);
#define FCGI_WHY_RECORD "bytes that are not a FastCGI record of version 1"
/* The use is a request's own: meaningless once that is answered. */
static inline bool fcgi_use_is_requests(enum fcgi_use use)
{
	return use >= FCGI_USE_PARAMS && use <= FCGI_USE_ABORT;
}

/* Of a record's contents keep what belongs to its first size bytes. At FCGI_RECORD_DATA. */
void fcgi_keep_front(const struct fcgi_record *r, uint8_t *front, size_t size);

/* A BEGIN's body, of which the first FCGI_BEGIN_FRONT bytes count. */
#define FCGI_BEGIN_FRONT 3
struct fcgi_begin {
	uint16_t role;
	bool keep_conn;
};
struct fcgi_begin fcgi_begin_parse(const uint8_t front[FCGI_BEGIN_FRONT]);
bool fcgi_serves(const struct fcgi_limits *lim, uint16_t role);

/* Section 4.1. Add the answer to a GET_VALUES; mpxs: what it says of MPXS_CONNS. front: its body, or the first
 * FCGI_VALUES_FRONT bytes of it. Each value is given once, however often it is asked for: an answer stays below
 * twice the question. False: the body ends inside a name or value, nothing is added. */
#define FCGI_VALUES_FRONT 256
#define FCGI_WHY_VALUES   "a GET_VALUES that ends inside a name or value"
struct fcgi_values {
	const uint8_t *front;
	size_t len;                     /* of the whole body */
	uint32_t mpxs;
};
bool fcgi_answer_values(struct buf *reply, const struct fcgi_values *asked, const struct fcgi_limits *lim);

#endif
