/* fcgi_mux.h -- many requests at once on one connection: the state machine between records and requests
 * (sections 3.3, 4 and 5) where streams interleave. Pure. Used by a dispatcher; a slot, which serves one
 * request at a time, has fcgi_turn.h. Contents are told as they come and copied nowhere. A connection without
 * a request costs the struct alone. Events depend on the bytes, and on when fcgi_mux_done was called, never on
 * how the bytes were cut into calls; only those of a stream come in as many pieces as the caller's reads make. */
#ifndef WEIR_FCGI_MUX_H
#define WEIR_FCGI_MUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "src/base/buf.h"
#include "src/fcgi/fcgi_limits.h"
#include "src/fcgi/fcgi_record.h"

#define FCGI_MUX_STREAMS 4096           /* that are active on one connection: one more is FCGI_MUX_BAD */

enum fcgi_mux_event {
	FCGI_MUX_MORE,                  /* all input used: read more */
	FCGI_MUX_BEGIN,                 /* a request begins: fcgi_mux_set_user may attach the caller's pointer */
	FCGI_MUX_PARAMS,                /* data, data_len: bytes of its PARAMS stream, not decoded and not limited */
	FCGI_MUX_HEAD,                  /* PARAMS have ended; whether inside a pair, the caller finds */
	FCGI_MUX_STDIN,                 /* data, data_len */
	/* STDIN has ended. For an Authorizer it comes with the next call after HEAD and needs no input, as in
	 * fcgi_turn.h; what STDIN does come is passed over. */
	FCGI_MUX_STDIN_END,
	FCGI_MUX_DATA,                  /* data, data_len: a Filter's, after its STDIN_END (section 6.4) */
	FCGI_MUX_DATA_END,
	FCGI_MUX_ABORT,                 /* FCGI_ABORT_REQUEST, also of a request that is whole: its last event */
	FCGI_MUX_BAD,                   /* a fault of protocol, why says which: close; said again for good */
};

struct fcgi_mux_stream {                /* private */
	void *user;
	uint16_t id;                    /* 0: a free place */
	uint8_t role;
	uint8_t at;                     /* enum fcgi_at */
	bool keep_conn;
};

struct fcgi_mux {                       /* zeroed is ready for a new connection */
	/* Whose the event is (all but MORE and BAD). */
	uint16_t id;
	uint16_t role;                  /* FCGI_RESPONDER, FCGI_AUTHORIZER or FCGI_FILTER */
	bool keep_conn;                 /* FCGI_KEEP_CONN of that request */
	/* A BEGIN was refused (UNKNOWN_ROLE) without KEEP_CONN: close after the reply as soon as nothing is
	 * active. What comes from then on is passed over. */
	bool rejected_last;
	void *user;
	const uint8_t *data;            /* into the caller's input */
	size_t data_len;                /* never 0 with an event that has data */
	const char *why;                /* FCGI_MUX_BAD: static text */
	/* private */
	struct fcgi_record record;
	struct buf values;              /* body of a GET_VALUES in the making (its front), else without memory */
	struct fcgi_mux_stream few[4];  /* used while table is NULL */
	struct fcgi_mux_stream *table;
	uint32_t active;
	uint32_t last;                  /* the place where the last search ended */
	uint8_t table_bits;             /* table has 1 << table_bits places */
	uint8_t begin[3];               /* front of a BEGIN's body: role and flags */
	uint8_t use;                    /* what the record at hand is good for: enum fcgi_use */
	bool end_due;                   /* an Authorizer's STDIN_END is to be told, of id */
};

/* Advance *in, *len up to the next event. Answers that the specification asks for at once
 * (GET_VALUES_RESULT with MPXS_CONNS 1, UNKNOWN_TYPE, END_REQUEST with UNKNOWN_ROLE) are appended to reply (at
 * most twice as many bytes as were taken). Ids are any but 0, in any order and interleaved; the id of an active
 * request does not begin another. Records of an id that is not active are passed over, whatever their type
 * (section 3.3), and so are those of a request that is whole, but for its ABORT. How many requests are served at
 * once is the caller's to bound, below FCGI_MUX_STREAMS. */
enum fcgi_mux_event fcgi_mux_next(struct fcgi_mux *m, const struct fcgi_limits *lim,
	const uint8_t **in, size_t *len, struct buf *reply);
/* id is active, else it is a bug. What events of this request say from now on as user. */
void fcgi_mux_set_user(struct fcgi_mux *m, uint16_t id, void *user);
/* id is active, else it is a bug. It is answered, at whatever point: what is left of its streams is passed over,
 * and the id may be used again. (A record half read stays the old request's.) */
void fcgi_mux_done(struct fcgi_mux *m, uint16_t id);
unsigned fcgi_mux_active(const struct fcgi_mux *m);     /* requests between BEGIN and fcgi_mux_done */
/* No record is half read. */
bool fcgi_mux_clean(const struct fcgi_mux *m);
/* Clean, none active, and the connection may go on. */
bool fcgi_mux_idle(const struct fcgi_mux *m);
/* Memory is given back; it is ready for a new connection. */
void fcgi_mux_free(struct fcgi_mux *m);

#endif
