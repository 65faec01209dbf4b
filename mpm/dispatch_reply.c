/* dispatch_reply.c -- runs in a pool process: what comes from a slot. Records go on to the client as they are where
 * they are whole; of one that is cut by the end of a read each piece becomes a record of its own. What no slot sends
 * ends the child: it runs foreign code. */
#include "mpm/dispatch_priv.h"

#include <fastcgi.h>
#include <string.h>
#include "mpm/event_proto.h"
#include "src/base/mem.h"
#include "src/fcgi/fcgi_encode.h"

enum record_use { USE_NOTHING, USE_REPLY, USE_END, USE_DONE };

#define PIECES 60                       /* of one write; with a header for each second one */

/* What goes to the client next. */
struct pieces {
	struct iovec iov[PIECES];
	uint8_t heads[PIECES / 2][FCGI_HEADER_LEN];
	int count, head_count;
	const uint8_t *run;             /* where a run of whole records began in the bytes at hand; NULL: none */
	const uint8_t *run_end;
	bool passing;                   /* the record at hand is part of the run */
};

static void end_run(struct pieces *p)
{
	if (p->run && p->run_end > p->run)
		p->iov[p->count++] = (struct iovec){
			.iov_base = (void *)(uintptr_t)p->run, .iov_len = (size_t)(p->run_end - p->run),
		};
	p->run = NULL;
}

static void pieces_send(struct pieces *p, struct dispatch_slot *s)
{
	end_run(p);
	if (p->count > 0 && s->req)
		conn_send(s->req->conn, s->req, p->iov, p->count);
	p->count = p->head_count = 0;
}

/* A part of a record that is not here whole. */
static void add_part(struct pieces *p, struct dispatch_slot *s, const uint8_t *data, size_t len)
{
	uint8_t *head;

	end_run(p);
	if (p->count + 3 > PIECES)
		pieces_send(p, s);
	head = p->heads[p->head_count++];
	fcgi_put_header(head, s->record.type, s->id, (uint16_t)len, 0);
	p->iov[p->count++] = (struct iovec){ .iov_base = head, .iov_len = FCGI_HEADER_LEN };
	if (len > 0)
		p->iov[p->count++] = (struct iovec){ .iov_base = (void *)(uintptr_t)data, .iov_len = len };
}

static enum record_use use_of(const struct dispatch_slot *s)
{
	const struct fcgi_record *rec = &s->record;
	bool replies = s->use == SLOT_BUSY && !s->answered && rec->id == s->id;

	if (replies && (rec->type == FCGI_STDOUT || rec->type == FCGI_STDERR))
		return USE_REPLY;
	if (replies && rec->type == FCGI_END_REQUEST && rec->length == sizeof(FCGI_EndRequestBody))
		return USE_END;
	if (s->answered && rec->type == EVENT_RECORD && rec->id == FCGI_NULL_REQUEST_ID &&
	    rec->length == sizeof(struct event_done))
		return USE_DONE;
	return USE_NOTHING;
}

/* left: bytes behind the record's header. */
static void on_start(struct dispatch_slot *s, struct pieces *p, const uint8_t *at, size_t left, size_t before)
{
	const struct fcgi_record *rec = &s->record;

	s->small_len = 0;
	s->record_use = (uint8_t)use_of(s);
	if (s->record_use == USE_NOTHING) {
		slot_mad(s, "a record that does not belong where it stands");
		return;
	}
	if (s->record_use == USE_REPLY && rec->length > 0 && s->req)
		s->req->begun = true;
	p->passing = s->record_use == USE_REPLY && before >= FCGI_HEADER_LEN &&
		     left >= (size_t)rec->length + rec->padding;
	if (!p->passing)
		return;
	if (!p->run) {
		if (p->count + 3 > PIECES)
			pieces_send(p, s);
		p->run = at - FCGI_HEADER_LEN;
	}
	p->run_end = at + rec->length + rec->padding;
}

static void on_data(struct dispatch_slot *s, struct pieces *p)
{
	const struct fcgi_record *rec = &s->record;
	size_t room = sizeof(s->small) - s->small_len;

	if (s->record_use == USE_REPLY && !p->passing)
		add_part(p, s, rec->data, rec->data_len);
	if (s->record_use != USE_END && s->record_use != USE_DONE)
		return;
	if (room > rec->data_len)
		room = rec->data_len;
	memcpy(s->small + s->small_len, rec->data, room);
	s->small_len += (uint8_t)room;
}

/* END_REQUEST: the client has all, and the slot may work on. */
static void on_answered(struct dispatch_slot *s, struct pieces *p)
{
	struct dispatch_request *r = s->req;
	struct dispatch *d = s->d;

	add_part(p, s, s->small, sizeof(FCGI_EndRequestBody));
	pieces_send(p, s);
	s->answered = true;
	s->use = SLOT_FINISHED;
	if (!s->req || s->req != r)
		return;
	s->req = NULL;
	r->slot = NULL;
	s->stopped = false;
	slot_watch(s);
	times_add(&d->figures.service, d->now_us - r->given_us);
	request_ended(r);
}

static void on_end(struct dispatch_slot *s, struct pieces *p)
{
	struct event_done done;

	switch ((enum record_use)s->record_use) {
	case USE_REPLY:
		if (!p->passing && s->record.length == 0)       /* a stream's end */
			add_part(p, s, NULL, 0);
		p->passing = false;
		return;
	case USE_END:
		on_answered(s, p);
		return;
	case USE_DONE:
		memcpy(&done, s->small, sizeof(done));
		s->answered = false;
		slot_turn_over(s, done.flags & EVENT_DONE_LEAVING);
		return;
	case USE_NOTHING:
		return;
	}
}

void dispatch_slot_input(struct dispatch_slot *s, const uint8_t *data, size_t len)
{
	struct dispatch *d = s->d;
	struct pieces p = { .count = 0 };
	const uint8_t *first = data;
	enum fcgi_record_event event;

	BUG_IF(len > DISPATCH_READ);
	while (!s->mad && (event = fcgi_record_next(&s->record, &data, &len)) != FCGI_RECORD_MORE) {
		if (event == FCGI_RECORD_START)
			on_start(s, &p, data, len, (size_t)(data - first));
		else if (event == FCGI_RECORD_DATA)
			on_data(s, &p);
		else if (event == FCGI_RECORD_END)
			on_end(s, &p);
		else
			slot_mad(s, "bytes that are no FastCGI record");
	}
	pieces_send(&p, s);
	dispatch_settle(d);
}
