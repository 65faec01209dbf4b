/* dispatch_model.h -- what the fuzz target of the dispatcher knows of each client and each slot: what it may send next,
 * and what it must have been sent. Bodies and replies are patterns, of which each byte says where it belongs. */
#ifndef WEIR_DISPATCH_MODEL_H
#define WEIR_DISPATCH_MODEL_H

#include <stdio.h>
#include <stdlib.h>
#include "tests/unit/mpm/dispatch_world.h"

#define MODEL_IDS 24                    /* of requests of one client: each is used once */

static bool clients_are_wild;           /* their bodies are not what their heads say */

/* Never ASCII: so a pattern is told from a page of Weir's own. */
static inline uint8_t pattern(uint16_t id, size_t at)
{
	return (uint8_t)(0x80 | ((id * 31 + at * 7) & 0x7f));
}

struct model_request {
	bool begun;                     /* by the client */
	bool closes;                    /* without FCGI_KEEP_CONN */
	bool answered;                  /* END_REQUEST has come */
	bool page;                      /* the reply is Weir's own */
	size_t length, body, got;       /* of its body, in all and said so far; bytes of its reply */
	size_t whole_at;                /* where in all that the client says its last byte stands; 0: it is not whole */
};

struct model_client {
	struct model_request requests[MODEL_IDS + 1];   /* by id */
	uint16_t last;                  /* id used last */
	bool wild;                      /* it has sent what no client sends */
	bool ended;                     /* its sending side */
	bool gone;                      /* or it may be, or its connection may be broken off */
	struct buf says;                /* what it will send */
	size_t said;                    /* bytes of that in all that were sent */
};

enum model_at { MODEL_FREE, MODEL_TURN, MODEL_PARAMS, MODEL_INPUT, MODEL_WHOLE };

struct model_slot {
	enum model_at at;
	uint16_t id;
	bool aborted, answered;
	bool wild;
	size_t body, sent;              /* STDIN that came; STDOUT that went */
	size_t announced;               /* CONTENT_LENGTH */
	struct buf says;                /* what it will send */
	struct fcgi_record record;
	uint8_t small[256];
	size_t small_len;
};

/* ---- a slot: what it is sent must be turns as event_proto.h says */

static inline void slot_params(struct model_slot *s)
{
	const char *text = (const char *)s->small;
	const char *at = memmem(text, s->small_len, "CONTENT_LENGTH", 14);

	s->small[s->small_len < sizeof(s->small) ? s->small_len : sizeof(s->small) - 1] = '\0';
	s->announced = at && !clients_are_wild ? strtoul(at + 14, NULL, 10) : 0;
}

static inline void slot_start(struct model_slot *s)
{
	const struct fcgi_record *r = &s->record;

	s->small_len = s->at == MODEL_PARAMS && r->type == FCGI_PARAMS ? s->small_len : 0;
	if (s->at == MODEL_FREE && r->type != EVENT_RECORD) {
		BUG_IF(r->id != s->id || (r->type != FCGI_STDIN && r->type != FCGI_DATA &&
		    r->type != FCGI_ABORT_REQUEST));
		return;
	}
	BUG_IF(r->type == EVENT_RECORD && (s->at != MODEL_FREE || r->id != 0));
	BUG_IF(r->type == EVENT_RECORD && r->length != sizeof(struct event_turn));
	BUG_IF(r->type == FCGI_BEGIN_REQUEST && (s->at != MODEL_TURN || r->length != 8));
	BUG_IF(r->type == FCGI_PARAMS && s->at != MODEL_PARAMS);
	BUG_IF(r->type == FCGI_STDIN && (s->at != MODEL_INPUT || s->aborted));
	BUG_IF(r->type == FCGI_ABORT_REQUEST && s->aborted);
	BUG_IF(r->type != EVENT_RECORD && r->type != FCGI_BEGIN_REQUEST && r->id != s->id);
}

static inline void slot_body(struct model_slot *s)
{
	const struct fcgi_record *r = &s->record;

	for (size_t i = 0; i < r->data_len; i++)
		BUG_IF(s->announced && r->data[i] != pattern(s->id, s->body + i));
	s->body += r->data_len;
}

static inline void slot_data(struct model_slot *s)
{
	const struct fcgi_record *r = &s->record;
	size_t room = sizeof(s->small) - s->small_len;

	if (s->at == MODEL_INPUT && r->type == FCGI_STDIN)
		slot_body(s);
	if (room > r->data_len)
		room = r->data_len;
	memcpy(s->small + s->small_len, r->data, room);
	s->small_len += room;
}

static inline void slot_begin(struct model_slot *s)
{
	s->id = s->record.id;
	s->at = MODEL_PARAMS;
	s->aborted = s->answered = false;
	s->body = s->sent = s->announced = 0;
	s->small_len = 0;
}

static inline void slot_record_end(struct model_slot *s)
{
	const struct fcgi_record *r = &s->record;
	bool empty = r->length == 0;

	if (r->type == EVENT_RECORD) {
		s->at = MODEL_TURN;
	} else if (s->at == MODEL_FREE) {
		return;
	} else if (r->type == FCGI_BEGIN_REQUEST) {
		slot_begin(s);
	} else if (r->type == FCGI_PARAMS && empty) {
		slot_params(s);
		s->at = MODEL_INPUT;
	} else if (r->type == FCGI_STDIN && empty) {
		BUG_IF(!s->aborted && s->announced && s->body != s->announced);
		s->at = MODEL_WHOLE;
	} else if (r->type == FCGI_ABORT_REQUEST) {
		s->aborted = true;
	}
}

static inline void model_slot_reads(struct world_io *io)
{
	struct model_slot *s = io->model;
	const uint8_t *at = io->got.data;
	size_t left = io->got.len;
	enum fcgi_record_event event;

	while (!s->wild && (event = fcgi_record_next(&s->record, &at, &left)) != FCGI_RECORD_MORE) {
		BUG_IF(event == FCGI_RECORD_BAD);
		if (event == FCGI_RECORD_START)
			slot_start(s);
		else if (event == FCGI_RECORD_DATA)
			slot_data(s);
		else
			slot_record_end(s);
	}
	buf_clear(&io->got);
}

/* ---- a client: each request is answered at most once, and with its own bytes in order */

static inline void client_out(struct model_request *q, uint16_t id, const uint8_t *data, size_t len)
{
	if (q->got == 0 && len > 0)
		q->page = data[0] < 0x80;
	for (size_t i = 0; i < len; i++)
		BUG_IF(q->page ? data[i] >= 0x80 : data[i] != pattern(id, q->got + i));
	q->got += len;
}

static inline void client_record(struct model_client *m, const uint8_t *head, size_t len)
{
	uint16_t id = (uint16_t)(head[2] << 8 | head[3]);
	struct model_request *q = &m->requests[id <= MODEL_IDS ? id : 0];

	BUG_IF(head[0] != FCGI_VERSION_1);
	if (m->wild)
		return;
	BUG_IF(id == 0 || id > MODEL_IDS || !q->begun || q->answered);
	BUG_IF(head[1] != FCGI_STDOUT && head[1] != FCGI_STDERR && head[1] != FCGI_END_REQUEST);
	if (head[1] == FCGI_STDOUT)
		client_out(q, id, head + FCGI_HEADER_LEN, len);
	if (head[1] == FCGI_END_REQUEST)
		q->answered = true;
}

static inline void model_client_reads(struct world_io *io)
{
	struct model_client *m = io->model;
	size_t at = 0;

	while (at + FCGI_HEADER_LEN <= io->got.len) {
		const uint8_t *head = io->got.data + at;
		size_t len = (size_t)head[4] << 8 | head[5], all = FCGI_HEADER_LEN + len + head[6];

		if (at + all > io->got.len)
			break;
		client_record(m, head, len);
		at += all;
	}
	buf_drop_front(&io->got, at);
}

#endif
