/* weirbench_reply.c -- reads what a FastCGI server answers. Believes nothing: a record of another request,
 * an unknown type, an END_REQUEST of the wrong size, bytes behind it or a reply without a head are faults,
 * each with its own words. Keeps the head only, never the body, so that replies of any size pass in constant
 * memory. */
#include <fastcgi.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "src/base/mem.h"
#include "src/tools/weirbench_plan.h"
#include "src/tools/weirbench_reply.h"

void reply_want_init(struct reply_want *want, const char *text, bool keep_error_text)
{
	uint32_t k = 0;

	*want = (struct reply_want){ .text = text, .keep_error_text = keep_error_text };
	if (!text)
		return;
	want->text_len = strlen(text);
	want->fallback = xcalloc(want->text_len, sizeof(*want->fallback));
	/* Knuth, Morris and Pratt's: the text is found however it is cut into records and reads. */
	for (size_t i = 1; i < want->text_len; i++) {
		while (k > 0 && text[i] != text[k])
			k = want->fallback[k - 1];
		if (text[i] == text[k])
			k++;
		want->fallback[i] = k;
	}
}

void reply_want_free(struct reply_want *want)
{
	free(want->fallback);
	*want = (struct reply_want){ 0 };
}

void reply_reset(struct reply *r)
{
	struct buf head = r->head, error_text = r->error_text;

	buf_clear(&head);
	buf_clear(&error_text);
	*r = (struct reply){ .head = head, .error_text = error_text };
}

void reply_free(struct reply *r)
{
	buf_free(&r->head);
	buf_free(&r->error_text);
}

static enum reply_end bad(struct reply *r, const char *why)
{
	r->why = why;
	return REPLY_BAD;
}

static void search(struct reply *r, const struct reply_want *want, const uint8_t *in, size_t len)
{
	size_t k = r->matched;

	for (size_t i = 0; i < len && k < want->text_len; i++) {
		while (k > 0 && in[i] != (uint8_t)want->text[k])
			k = want->fallback[k - 1];
		if (in[i] == (uint8_t)want->text[k])
			k++;
	}
	r->matched = k;
	r->text_found = k == want->text_len;
}

static void take_body(struct reply *r, const struct reply_want *want, const uint8_t *in, size_t len)
{
	r->body_bytes += len;
	if (want->text && !r->text_found)
		search(r, want, in, len);
}

/* Offset behind the empty line that ends the head, or 0. */
static size_t head_end(const struct buf *b, size_t from)
{
	for (size_t i = from; i < b->len; i++) {
		if (b->data[i] != '\n')
			continue;
		if (i + 1 < b->len && b->data[i + 1] == '\n')
			return i + 2;
		if (i + 2 < b->len && b->data[i + 1] == '\r' && b->data[i + 2] == '\n')
			return i + 3;
	}
	return 0;
}

/* RFC 3875, section 6.3.3: 200 without a Status field; with a Location alone a redirect is meant. */
static int head_status(const char *head)
{
	int status = 200;

	for (const char *line = head; line[0]; line += strspn(line, "\r\n")) {
		if (strncasecmp(line, "Status:", 7) == 0)
			return (int)strtol(line + 7, NULL, 10);
		if (strncasecmp(line, "Location:", 9) == 0)
			status = 302;
		line += strcspn(line, "\n");
	}
	return status;
}

static enum reply_end take_out(struct reply *r, const struct reply_want *want, const uint8_t *in, size_t len)
{
	size_t before = r->head.len, end, used;

	if (r->status) {
		take_body(r, want, in, len);
		return REPLY_MORE;
	}
	buf_add(&r->head, in, len);
	end = head_end(&r->head, before > 2 ? before - 2 : 0);
	if (!end)
		return r->head.len > REPLY_MAX_HEAD ? bad(r, "the head is longer than 64 KiB") : REPLY_MORE;
	used = end - before;
	r->head.len = end;
	r->status = head_status(buf_str(&r->head));
	if (r->status < 100 || r->status > 599)
		return bad(r, "the Status field holds no HTTP status");
	take_body(r, want, in + used, len - used);
	return REPLY_MORE;
}

static void take_error(struct reply *r, const struct reply_want *want, const uint8_t *in, size_t len)
{
	size_t room = REPLY_MAX_ERROR_TEXT - r->error_text.len;

	r->error_bytes += len;
	if (want->keep_error_text)
		buf_add(&r->error_text, in, len < room ? len : room);
}

static enum reply_end on_start(struct reply *r)
{
	if (r->record.id != PLAN_REQUEST_ID)
		return bad(r, "a record of another request id");
	switch (r->record.type) {
	case FCGI_STDOUT:
	case FCGI_STDERR:
		return REPLY_MORE;
	case FCGI_END_REQUEST:
		return r->record.length == sizeof(r->end) ? REPLY_MORE :
		    bad(r, "an END_REQUEST that is not 8 bytes long");
	default:
		return bad(r, "a record type that no reply holds");
	}
}

static enum reply_end on_data(struct reply *r, const struct reply_want *want)
{
	const struct fcgi_record *rec = &r->record;

	if (rec->type == FCGI_STDOUT)
		return take_out(r, want, rec->data, rec->data_len);
	if (rec->type == FCGI_STDERR) {
		take_error(r, want, rec->data, rec->data_len);
		return REPLY_MORE;
	}
	memcpy(r->end + r->end_len, rec->data, rec->data_len);  /* on_start has seen to the length */
	r->end_len += (uint8_t)rec->data_len;
	return REPLY_MORE;
}

static enum reply_end on_end(struct reply *r, size_t left)
{
	if (r->record.type != FCGI_END_REQUEST)
		return REPLY_MORE;
	r->protocol_status = r->end[4];
	if (left > 0)
		return bad(r, "bytes behind END_REQUEST");
	if (r->protocol_status == FCGI_REQUEST_COMPLETE && !r->status)
		return bad(r, "the reply has no complete head");
	return REPLY_DONE;
}

enum reply_end reply_feed(struct reply *r, const struct reply_want *want, const uint8_t *in, size_t len)
{
	enum reply_end end = REPLY_MORE;

	if (len > 0)
		r->any = true;
	while (end == REPLY_MORE) {
		switch (fcgi_record_next(&r->record, &in, &len)) {
		case FCGI_RECORD_MORE:
			return REPLY_MORE;
		case FCGI_RECORD_START:
			end = on_start(r);
			break;
		case FCGI_RECORD_DATA:
			end = on_data(r, want);
			break;
		case FCGI_RECORD_END:
			end = on_end(r, len);
			break;
		case FCGI_RECORD_BAD:
			return bad(r, "not FastCGI 1");
		}
	}
	return end;
}
