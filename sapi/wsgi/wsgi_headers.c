/* wsgi_headers.c -- runs in a child: the header block of a reply, of what start_response() is given. Nothing gets
 * into it that could end a line or begin another. */
#include "sapi/wsgi/wsgi_priv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "src/base/log.h"
#include "src/base/mem.h"

/* Of the connection, which is the front end's (RFC 2616, section 13.5.1). */
#define HOP(name) { name, sizeof(name) - 1 }
static const struct wsgi_text hop_by_hop[] = {
	HOP("connection"), HOP("keep-alive"), HOP("proxy-authenticate"), HOP("proxy-authorization"), HOP("te"),
	HOP("trailers"), HOP("transfer-encoding"), HOP("upgrade"),
};

/* The bytes of a native string, which holds latin-1 only. */
static int latin_1(PyObject *text, const char *what, const char **at_out, size_t *len_out)
{
	if (!PyUnicode_Check(text)) {
		PyErr_Format(PyExc_TypeError, "%s must be str, not %.100s", what, Py_TYPE(text)->tp_name);
		return -1;
	}
	if (PyUnicode_READY(text) < 0)
		return -1;
	if (PyUnicode_KIND(text) != PyUnicode_1BYTE_KIND) {
		PyErr_Format(PyExc_ValueError, "%s holds characters beyond latin-1: %R", what, text);
		return -1;
	}
	*at_out = PyUnicode_DATA(text);
	*len_out = (size_t)PyUnicode_GET_LENGTH(text);
	return 0;
}

/* Anything that is printed, a tab, and all above ASCII. */
static bool is_value(const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)at[i];

		if ((c < 32 && c != '\t') || c == 127)
			return false;
	}
	return true;
}

/* A token (RFC 9110, section 5.6.2). Letters, digits and '-' are the most of it. */
static bool is_name(const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)at[i], letter = c | 32;

		if ((letter >= 'a' && letter <= 'z') || c == '-' || (c >= '0' && c <= '9'))
			continue;
		if (c <= 32 || c >= 127 || strchr("()<>@,;:\\\"/[]?={}", c))
			return false;
	}
	return len > 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static int add_status(struct wsgi_turn *turn, PyObject *status)
{
	struct buf *head = &turn->slot->head;
	const char *at;
	size_t len;
	int code;

	if (latin_1(status, "the status", &at, &len) < 0)
		return -1;
	if (len < 3 || !is_digit(at[0]) || !is_digit(at[1]) || !is_digit(at[2]) || (len > 3 && at[3] != ' ')
	    || at[0] == '0' || !is_value(at, len)) {
		PyErr_Format(PyExc_ValueError, "the status must be three digits, a blank and a reason, not %R", status);
		return -1;
	}
	code = (at[0] - '0') * 100 + (at[1] - '0') * 10 + at[2] - '0';
	turn->no_body = turn->is_head || code == 204 || code == 304;
	buf_add(head, "Status: ", 8);
	buf_add(head, at, len);
	buf_add(head, "\r\n", 2);
	return 0;
}

static bool is_hop_by_hop(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(hop_by_hop); i++)
		if (hop_by_hop[i].len == len && !strncasecmp(hop_by_hop[i].at, name, len))
			return true;
	return false;
}

static void tell_hop_by_hop(const struct sapi_host *host, const char *name, size_t len)
{
	static atomic_bool told;
	struct buf line = { 0 };

	if (atomic_exchange(&told, true))
		return;
	buf_printf(&line, "the application sends the header %.*s, which is the front end's to decide (PEP 3333): it is "
		   "left out, here and in other replies", (int)len, name);
	host->log(LOG_LEVEL_NOTICE, (const char *)line.data, line.len);
	buf_free(&line);
}

static int take_length(struct wsgi_turn *turn, const char *at, size_t len)
{
	int64_t length = 0;

	for (size_t i = 0; i < len; i++) {
		if (!is_digit(at[i]) || length > INT64_MAX / 10 - 1) {
			PyErr_Format(PyExc_ValueError, "Content-Length must be a number, not '%.100s'", at);
			return -1;
		}
		length = length * 10 + at[i] - '0';
	}
	turn->length = len > 0 ? length : -1;
	return 0;
}

static int add_header(struct wsgi_turn *turn, PyObject *pair)
{
	struct buf *head = &turn->slot->head;
	const char *name, *value;
	size_t name_len, value_len;

	if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) {
		PyErr_Format(PyExc_TypeError, "each header must be a tuple (name, value), not %R", pair);
		return -1;
	}
	if (latin_1(PyTuple_GET_ITEM(pair, 0), "a header's name", &name, &name_len) < 0
	    || latin_1(PyTuple_GET_ITEM(pair, 1), "a header's value", &value, &value_len) < 0)
		return -1;
	if (!is_name(name, name_len) || (name_len == 6 && !strncasecmp(name, "status", 6))) {
		PyErr_Format(PyExc_ValueError, "%R is no name of a header", PyTuple_GET_ITEM(pair, 0));
		return -1;
	}
	if (!is_value(value, value_len)) {
		PyErr_Format(PyExc_ValueError, "the value of header %U holds a control character: %R",
			     PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1));
		return -1;
	}
	if (is_hop_by_hop(name, name_len)) {
		tell_hop_by_hop(turn->slot->host, name, name_len);
		return 0;
	}
	if (name_len == 14 && !strncasecmp(name, "content-length", 14) && take_length(turn, value, value_len) < 0)
		return -1;
	buf_add(head, name, name_len);
	buf_add(head, ": ", 2);
	buf_add(head, value, value_len);
	buf_add(head, "\r\n", 2);
	return 0;
}

int wsgi_headers_compose(struct wsgi_turn *turn, PyObject *status, PyObject *headers)
{
	if (!PyList_Check(headers)) {
		PyErr_Format(PyExc_TypeError, "the headers must be a list, not %.100s", Py_TYPE(headers)->tp_name);
		return -1;
	}
	buf_clear(&turn->slot->head);
	turn->length = -1;
	if (add_status(turn, status) < 0)
		return -1;
	for (Py_ssize_t i = 0; i < PyList_GET_SIZE(headers); i++)
		if (add_header(turn, PyList_GET_ITEM(headers, i)) < 0)
			return -1;
	buf_add(&turn->slot->head, "\r\n", 2);
	return 0;
}
