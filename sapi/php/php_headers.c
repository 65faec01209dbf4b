/* php_headers.c -- the header block of a response, built whole and written at once. Runs in the child.
 * It knows CGI's Status header and php-fpm's rules about it (cgi.nph, cgi.rfc2616_headers); it invents no
 * header and checks none that PHP has let through. */
#include "sapi/php/php_priv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "http_status_codes.h"

#define STATUS_MAX 1023         /* bytes of a status line; php-fpm cuts there too */

static bool header_is(const sapi_header_struct *h, const char *name, size_t len)
{
	return h->header_len > len && !strncasecmp(h->header, name, len);
}

#define HEADER_IS(h, name) header_is(h, name, sizeof(name) - 1)

static const char *status_text(int code)
{
	for (size_t i = 0; http_status_map[i].str; i++)
		if (http_status_map[i].code == code)
			return http_status_map[i].str;
	return NULL;
}

static bool status_was_sent(sapi_headers_struct *headers)
{
	zend_llist_position pos;
	sapi_header_struct *h = zend_llist_get_first_ex(&headers->headers, &pos);

	for (; h; h = zend_llist_get_next_ex(&headers->headers, &pos))
		if (HEADER_IS(h, "Status:"))
			return true;
	return false;
}

static void status_cut(struct buf *out)
{
	if (out->len > STATUS_MAX)
		out->len = STATUS_MAX;
	buf_add(out, "\r\n", 2);
}

/* The line that says the status, if one must be made here; returns the status that goes out. */
static int status_line(struct buf *out, sapi_headers_struct *headers)
{
	const char *line = headers->http_status_line;
	const char *blank = line ? strchr(line, ' ') : NULL;
	int code = headers->http_response_code;
	const char *text;

	if (CGI(rfc2616_headers) && line) {
		buf_add_str(out, line);
	} else if (blank && blank - line >= 5 && !strncasecmp(line, "HTTP/", 5)) {
		buf_printf(out, "Status:%s", blank);
	} else {
		if (status_was_sent(headers))
			return code;
		text = status_text(code);
		buf_printf(out, "Status: %d%s%s", code, text ? " " : "", text ? text : "");
		blank = NULL;
	}
	status_cut(out);
	return blank ? (int)strtol(blank + 1, NULL, 10) : code;
}

static void header_lines(struct buf *out, sapi_headers_struct *headers, int code)
{
	bool have_status = out->len > 0;
	zend_llist_position pos;
	sapi_header_struct *h = zend_llist_get_first_ex(&headers->headers, &pos);

	for (; h; h = zend_llist_get_next_ex(&headers->headers, &pos)) {
		if (!h->header_len || (code == 304 && HEADER_IS(h, "Content-Type:")))
			continue;
		if (HEADER_IS(h, "Status:")) {
			if (have_status)
				continue;
			have_status = true;
		}
		buf_add(out, h->header, h->header_len);
		buf_add(out, "\r\n", 2);
	}
	buf_add(out, "\r\n", 2);
}

int php_headers_send(sapi_headers_struct *headers)
{
	struct php_slot *slot = &php_slot;
	int code = headers->http_response_code;

	if (SG(request_info).no_headers || !slot->req || slot->body_failed)
		return SAPI_HEADER_SENT_SUCCESSFULLY;
	buf_clear(&slot->head);
	if (CGI(nph) || code != 200)
		code = status_line(&slot->head, headers);
	header_lines(&slot->head, headers, code);
	if (slot->req->ops->write(slot->req, slot->head.data, slot->head.len) < 0)
		php_handle_aborted_connection();
	return SAPI_HEADER_SENT_SUCCESSFULLY;
}
