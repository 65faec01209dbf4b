/* php_body.c -- the request's body, as PHP asks for it. Runs in the child.
 * PHP takes a block that is shorter than it asked for as the end of the body, so each block is filled. A body
 * without CONTENT_LENGTH ends with its stream. Nothing is stored here, and what a script did not read is left
 * to the slot: a script that has ended waits for no upload. */
#include "sapi/php/php_priv.h"

#include <inttypes.h>

/* -1: absent, empty, or no number that fits. */
static int64_t length_told(struct php_slice text)
{
	int64_t length = 0;

	if (!text.len || text.len > 18)
		return -1;
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return -1;
		length = length * 10 + (text.p[i] - '0');
	}
	return length;
}

void php_body_begin(struct php_slot *slot)
{
	slot->body_left = length_told(slot->param[PARAM_CONTENT_LENGTH]);
	slot->body_ended = slot->body_left == 0;
	slot->body_failed = false;
	SG(request_info).content_length = slot->body_left;
}

/* The rest will not come: the slot tells the client why, if nothing was written yet, so the script ends without
 * a word. While the request starts there is no script to end, and PHP may not be left by a jump. */
static void body_fail(struct php_slot *slot)
{
	slot->body_failed = slot->body_ended = true;
	if (PG(during_request_startup) || slot->over)
		return;
	PG(connection_status) |= PHP_CONNECTION_ABORTED;
	php_output_set_status(PHP_OUTPUT_DISABLED);
	zend_bailout();
}

/* post_max_size is checked by PHP against the length told; where none is, against what comes. */
static size_t body_limit(const struct php_slot *slot, size_t len)
{
	int64_t room;

	if (slot->body_left >= 0)
		return (int64_t)len > slot->body_left ? (size_t)slot->body_left : len;
	if (!PG(during_request_startup) || SG(post_max_size) <= 0)
		return len;
	room = SG(post_max_size) + 1 - SG(read_post_bytes);
	if (room <= 0) {
		php_error_docref(NULL, E_WARNING, "POST data of untold length exceeds the limit of " ZEND_LONG_FMT
		    " bytes", SG(post_max_size));
		return 0;
	}
	return (int64_t)len > room ? (size_t)room : len;
}

size_t php_body_read(char *out, size_t len)
{
	struct php_slot *slot = &php_slot;
	size_t want, have = 0;

	if (!slot->req || slot->body_ended || slot->over)
		return 0;
	want = body_limit(slot, len);
	slot->body_ended = want == 0;
	while (have < want) {
		ssize_t got = slot->req->ops->read(slot->req, out + have, want - have);

		if (got < 0)
			body_fail(slot);
		if (got <= 0) {
			slot->body_ended = true;
			break;
		}
		have += (size_t)got;
	}
	if (slot->body_left >= 0)
		slot->body_left -= (int64_t)have;
	return slot->body_failed ? 0 : have;
}
