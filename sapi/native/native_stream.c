/* native_stream.c -- runs in a child, in a slot's thread: FCGX_Streams whose bytes come from a struct request and go
 * to it. Their data is laid out as libfcgi's own and comes from malloc, so that every call of the library's may be
 * made on them. What is emptied before its end is sent at once; the last piece goes out with the end of the reply. */
#include "sapi/native/native_priv.h"

#include <errno.h>
#include <fastcgi.h>
#include <stdint.h>
#include <stdlib.h>
#include "src/base/mem.h"

static struct native_slot *slot_of(const struct native_block *b)
{
	return (struct native_slot *)((char *)b->request - offsetof(struct native_slot, fcgx));
}

/* The first error stays. */
static void fail(FCGX_Stream *stream, int error)
{
	stream->isClosed = 1;
	if (stream->FCGI_errno == 0)
		stream->FCGI_errno = error;
}

static ssize_t read_more(struct native_slot *slot, struct native_block *b)
{
	if (slot->complete)
		return 0;
	if (b->type == FCGI_DATA && !slot->data_started) {
		if (slot->req->ops->start_data(slot->req) < 0)
			return -1;
		slot->data_started = true;
	}
	return slot->req->ops->read(slot->req, b->start, (size_t)b->size);
}

/* The buffer comes with its first byte: many requests have no body, and most nothing to complain of. */
static void make_room(struct native_block *b)
{
	b->size = b->type == FCGI_STDERR ? NATIVE_ERR_BYTES : NATIVE_BYTES;
	/* not zeroed: pages that nobody uses cost nothing */
	b->start = b->allocated = xrealloc(NULL, (size_t)b->size);
	b->end = b->start + b->size;
}

static void fill(FCGX_Stream *stream)
{
	struct native_block *b = stream->data;
	ssize_t got;

	if (!b->start)
		make_room(b);
	stream->stopUnget = b->start;
	got = read_more(slot_of(b), b);
	stream->rdNext = b->start;
	stream->stop = stream->wrNext = b->start + (got > 0 ? got : 0);
	if (got == 0)
		stream->isClosed = 1;
	if (got < 0)
		fail(stream, FCGX_PROTOCOL_ERROR);
}

/* 0 or -1: the client has gone. */
static int take(struct native_slot *slot, FCGX_Stream *stream)
{
	struct native_block *b = stream->data;
	size_t len = (size_t)(stream->wrNext - b->start);

	stream->wrNext = b->start;
	if (len == 0)
		return 0;
	if (b->type == FCGI_STDOUT)
		return slot->req->ops->write(slot->req, b->start, len);
	slot->req->ops->error(slot->req, (const char *)b->start, len);
	return 0;
}

/* As with libfcgi, the reply ends when both its streams are closed. */
static int close_writer(struct native_slot *slot)
{
	if (--slot->fcgx.nWriters > 0)
		return 0;
	slot->complete = true;
	slot->req->app_status = (uint32_t)slot->fcgx.appStatus;
	return slot->req->ops->finish(slot->req);
}

static void empty(FCGX_Stream *stream, int closing)
{
	struct native_block *b = stream->data;
	struct native_slot *slot = slot_of(b);
	int rc;

	if (!b->start && !closing) {
		make_room(b);
		stream->wrNext = b->start;
		stream->rdNext = stream->stop = b->end;
		return;
	}
	rc = slot->complete || stream->isClosed ? 0 : take(slot, stream);

	if (closing)
		rc |= close_writer(slot);
	else if (rc == 0)
		rc = slot->req->ops->flush(slot->req);
	if (rc == 0)
		return;
	fail(stream, EPIPE);
	stream->wrNext = stream->stop;          /* no room: every later call says EOF */
}

static FCGX_Stream *stream_new(struct native_slot *slot, int type)
{
	FCGX_Stream *stream = xcalloc(1, sizeof(*stream));
	struct native_block *b = xcalloc(1, sizeof(*b));

	b->type = type;
	b->request = &slot->fcgx;
	stream->data = b;
	return stream;
}

void native_stream_rest(FCGX_Stream *stream)
{
	struct native_block *b = stream ? stream->data : NULL;

	if (!b)
		return;
	free(b->allocated);
	b->start = b->end = b->allocated = NULL;
	b->size = 0;
}

static FCGX_Stream *reader_begin(struct native_slot *slot, FCGX_Stream *stream)
{
	struct native_block *b;

	if (!stream)
		stream = stream_new(slot, FCGI_STDIN);
	b = stream->data;
	b->type = FCGI_STDIN;
	*stream = (FCGX_Stream){
		.isReader = 1, .fillBuffProc = fill, .data = b,
		.rdNext = b->start, .wrNext = b->start, .stop = b->start, .stopUnget = b->start,
	};
	return stream;
}

static FCGX_Stream *writer_begin(struct native_slot *slot, FCGX_Stream *stream, int type)
{
	struct native_block *b;

	if (!stream)
		stream = stream_new(slot, type);
	b = stream->data;
	*stream = (FCGX_Stream){
		.emptyBuffProc = empty, .data = b, .rdNext = b->end, .wrNext = b->start, .stop = b->end,
	};
	return stream;
}

void native_streams_begin(struct native_slot *slot)
{
	slot->in = reader_begin(slot, slot->in);
	slot->out = writer_begin(slot, slot->out, FCGI_STDOUT);
	slot->err = writer_begin(slot, slot->err, FCGI_STDERR);
}

void native_stream_end(struct native_slot *slot, FCGX_Stream *stream)
{
	if (stream && !stream->isClosed && !slot->complete)
		(void)take(slot, stream);
}
