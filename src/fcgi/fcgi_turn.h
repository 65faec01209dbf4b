/* fcgi_turn.h -- one request after the other on a connection that does not multiplex: the state machine
 * between records and a request (sections 4 and 5). Pure. Used by every slot; a dispatcher that
 * multiplexes has its own. Events depend on the bytes alone, never on how they were cut into calls; only
 * the bytes of a stream come in as many FCGI_TURN_BODY as the caller's reads make of them. */
#ifndef WEIR_FCGI_TURN_H
#define WEIR_FCGI_TURN_H

#include <stdbool.h>
#include "src/base/buf.h"
#include "src/fcgi/fcgi_limits.h"
#include "src/fcgi/fcgi_params.h"
#include "src/fcgi/fcgi_record.h"

enum fcgi_turn_event {
	FCGI_TURN_MORE,                 /* all input used: read more */
	FCGI_TURN_HEAD,                 /* PARAMS are complete: id, role, keep_conn, params are valid */
	FCGI_TURN_BODY,                 /* body, body_len: bytes of STDIN or DATA, into the caller's input */
	/* STDIN has ended. What follows waits in the caller's buffer for its turn. For an Authorizer it
	 * comes with the next call after HEAD and needs no input: some front ends send it no STDIN at all
	 * (section 6.3 gives it none); what STDIN does come, an empty one or a body, is passed over once
	 * fcgi_turn_done was called. */
	FCGI_TURN_BODY_END,             /* (a Filter has two: of STDIN and, after fcgi_turn_start_data, of DATA) */
	FCGI_TURN_ABORT,                /* FCGI_ABORT_REQUEST for the request at hand */
	FCGI_TURN_TOO_LARGE,            /* PARAMS past max_params; answer, then close */
	FCGI_TURN_BAD,                  /* a fault of protocol, why says which: close without an answer */
};

struct fcgi_turn {                      /* zeroed is ready for a new connection */
	uint16_t id;
	uint16_t role;                  /* FCGI_RESPONDER, FCGI_AUTHORIZER or FCGI_FILTER */
	bool keep_conn;                 /* FCGI_KEEP_CONN of the request at hand */
	/* A BEGIN was refused (UNKNOWN_ROLE) without KEEP_CONN: close after the reply. Whatever follows is
	 * passed over. */
	bool rejected_last;
	struct fcgi_params params;
	const uint8_t *body;
	size_t body_len;
	const char *why;                /* FCGI_TURN_BAD: static text */
	/* private; but between fcgi_turn_done and the next BEGIN its owner may take records of its own with it,
	 * each up to its end */
	struct fcgi_record record;
	uint8_t state;                  /* of the request: enum turn_state */
	uint8_t use;                    /* what the record at hand is good for: enum fcgi_use */
	uint8_t small[256];             /* body of a GET_VALUES or BEGIN in the making (its front) */
};

/* Advance *in, *len up to the next event. Answers that the specification asks for at once
 * (GET_VALUES_RESULT, UNKNOWN_TYPE, END_REQUEST with CANT_MPX_CONN or UNKNOWN_ROLE) are appended to reply
 * (at most twice as many bytes as were taken): write them before reading on. Records of an id that is not
 * active are passed over, whatever their type (section 3.3): empty STDIN before BEGIN is tolerated. DATA
 * is passed over but for a Filter's (section 6.4), which follows its STDIN. BODY_END,
 * ABORT and TOO_LARGE are said again, without taking input, until fcgi_turn_done; BAD for good. */
enum fcgi_turn_event fcgi_turn_next(struct fcgi_turn *t, const struct fcgi_limits *lim,
	const uint8_t **in, size_t *len, struct buf *reply);
/* BODY_END was said of a Filter's STDIN: go on with its DATA. False: that is not so, and nothing changes. */
bool fcgi_turn_start_data(struct fcgi_turn *t);
/* True between the first byte of a BEGIN's record and HEAD; false when only idle or management bytes have
 * come. (Of a record's very first byte nobody knows what it begins: true.) */
bool fcgi_turn_in_head(const struct fcgi_turn *t);
/* No request is active and no record half read: another process may go on with the connection. */
bool fcgi_turn_idle(const struct fcgi_turn *t);
/* The request at hand is answered (also after ABORT and TOO_LARGE): the next BEGIN may come. What is left
 * of its streams is passed over. params are gone. */
void fcgi_turn_done(struct fcgi_turn *t);
/* Ready for a new connection, as if zeroed, but the memory of params is kept (up to 64 KiB). */
void fcgi_turn_reset(struct fcgi_turn *t);
void fcgi_turn_free(struct fcgi_turn *t);

#endif
