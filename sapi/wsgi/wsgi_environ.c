/* wsgi_environ.c -- runs in a child: the environ of a request. Names that come again and again, and short values that
 * are mostly the same (the server's, not the client's headers), are made once for the process. */
#include "sapi/wsgi/wsgi_priv.h"

#include <string.h>
#include <strings.h>
#include "src/base/mem.h"

#define PLACES     512                  /* a power of two */
#define NAMES_MOST (PLACES / 2)
#define NAME_MOST  64
#define VALUE_KEPT 128

/* Parameters that say more than their text. */
enum meaning {
	PLAIN, DROPPED, SCRIPT_NAME, PATH_INFO, REQUEST_URI, REQUEST_METHOD, HTTPS, REQUEST_SCHEME, LENGTH, MEANINGS
};
static const char *const meanings[MEANINGS] = {
	[SCRIPT_NAME] = "SCRIPT_NAME", [PATH_INFO] = "PATH_INFO", [REQUEST_URI] = "REQUEST_URI",
	[REQUEST_METHOD] = "REQUEST_METHOD", [HTTPS] = "HTTPS", [REQUEST_SCHEME] = "REQUEST_SCHEME",
	[LENGTH] = "CONTENT_LENGTH",
};

struct name {
	PyObject *key;                  /* NULL: the place is free */
	PyObject *value;                /* the last one, or NULL */
	char text[NAME_MOST];
	size_t len;
	enum meaning meaning;
	bool keeps;
};

static struct name names[PLACES];
static size_t name_count;
static PyObject *always;                /* what every environ begins with */
static PyObject *key_script, *key_info, *key_input, *key_scheme, *text_http, *text_https;

/* What PEP 3333 has other names for, and what only the SAPI itself may say. */
static bool is_dropped(const char *name, size_t len)
{
	return (len == 17 && !memcmp(name, "HTTP_CONTENT_TYPE", 17)) || (len == 19 && !memcmp(name, "HTTP_CONTENT_LENGTH", 19))
	    || (len >= 5 && !memcmp(name, "wsgi.", 5));
}

static enum meaning meaning_of(const char *name, size_t len)
{
	for (enum meaning m = SCRIPT_NAME; m < MEANINGS; m++)
		if (strlen(meanings[m]) == len && !memcmp(meanings[m], name, len))
			return m;
	return is_dropped(name, len) ? DROPPED : PLAIN;
}

static struct name *name_new(struct name *n, const char *text, size_t len)
{
	if (name_count >= NAMES_MOST)
		return NULL;
	n->key = PyUnicode_DecodeLatin1(text, (Py_ssize_t)len, NULL);
	if (!n->key)
		return NULL;
	PyUnicode_InternInPlace(&n->key);
	memcpy(n->text, text, len);
	n->len = len;
	n->meaning = meaning_of(text, len);
	n->keeps = len < 5 || memcmp(text, "HTTP_", 5) != 0;
	name_count++;
	return n;
}

/* Of the length and both ends, which tells the usual names apart; the table is small, whoever fills it. */
static uint32_t hash_of(const char *text, size_t len)
{
	uint64_t head = 0, tail = 0;
	size_t n = len < sizeof(head) ? len : sizeof(head);

	memcpy(&head, text, n);
	memcpy(&tail, text + len - n, n);
	head = (head ^ (tail * 31) ^ len) * 0x9e3779b97f4a7c15u;
	return (uint32_t)(head >> 40);
}

/* NULL: it is not kept; an exception may be set. */
static struct name *name_find(const char *text, size_t len)
{
	if (len > NAME_MOST || len == 0)
		return NULL;
	for (uint32_t i = hash_of(text, len);; i++) {
		struct name *n = &names[i & (PLACES - 1)];

		if (!n->key)
			return name_new(n, text, len);
		if (n->len == len && !memcmp(n->text, text, len))
			return n;
	}
}

static PyObject *text_new(struct wsgi_text text)
{
	return PyUnicode_DecodeLatin1(text.at, (Py_ssize_t)text.len, NULL);
}

static bool is_text(PyObject *string, struct wsgi_text text)
{
	return PyUnicode_KIND(string) == PyUnicode_1BYTE_KIND && (size_t)PyUnicode_GET_LENGTH(string) == text.len
	    && !memcmp(PyUnicode_DATA(string), text.at, text.len);
}

static PyObject *value_of(struct name *n, struct wsgi_text text)
{
	PyObject *value;

	if (n->value && is_text(n->value, text))
		return Py_NewRef(n->value);
	value = text_new(text);
	if (value && n->keeps && text.len <= VALUE_KEPT)
		Py_XSETREF(n->value, Py_NewRef(value));
	return value;
}

/* Takes the value; a NULL is an exception that is set. */
static int set_item(PyObject *environ, PyObject *key, PyObject *value)
{
	int rc = value ? PyDict_SetItem(environ, key, value) : -1;

	Py_XDECREF(value);
	return rc;
}

static int add_unkept(PyObject *environ, const struct sapi_param *p)
{
	PyObject *key;
	int rc;

	if (PyErr_Occurred())
		return -1;
	if (is_dropped(p->name, p->name_len))
		return 0;
	key = text_new((struct wsgi_text){ p->name, p->name_len });
	rc = key ? set_item(environ, key, text_new((struct wsgi_text){ p->value, p->value_len })) : -1;
	Py_XDECREF(key);
	return rc;
}

/* Caddy sends -1 for a body whose length it does not know: applications, and wsgiref's validator, take a number. */
static bool is_length(struct wsgi_text text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
	return true;
}

/* Of the parameters that have a meaning, those that are no item of environ as they came. */
static bool is_left_out(enum meaning meaning, struct wsgi_text text)
{
	return meaning == DROPPED || meaning == SCRIPT_NAME || meaning == PATH_INFO
	    || (meaning == LENGTH && !is_length(text));
}

static int add_params(PyObject *environ, const struct request *req, struct wsgi_text found[MEANINGS])
{
	size_t count = req->ops->param_count(req);
	struct sapi_param p;

	for (size_t i = 0; i < count; i++) {
		struct name *n;
		struct wsgi_text text;

		req->ops->param_at(req, i, &p);
		n = name_find(p.name, p.name_len);
		text = (struct wsgi_text){ p.value, p.value_len };
		if (!n) {
			if (add_unkept(environ, &p) < 0)
				return -1;
			continue;
		}
		found[n->meaning] = text;
		if (is_left_out(n->meaning, text))
			continue;
		if (set_item(environ, n->key, value_of(n, text)) < 0)
			return -1;
	}
	return 0;
}

static int add_path(PyObject *environ, struct wsgi_slot *slot, const struct wsgi_text found[MEANINGS])
{
	struct wsgi_path_in in = {
		.mount = wsgi_settings.mount, .mount_given = wsgi_settings.mount_given,
		.script = found[SCRIPT_NAME], .info = found[PATH_INFO], .uri = found[REQUEST_URI],
	};
	struct wsgi_path_out out;

	if (slot->path_room < in.uri.len) {
		slot->path_room = in.uri.len + 256;
		slot->path = xrealloc(slot->path, slot->path_room);
	}
	out.space = slot->path;
	wsgi_path_split(&in, &out);
	return set_item(environ, key_script, text_new(out.script)) < 0 ||
		       set_item(environ, key_info, text_new(out.info)) < 0
		       ? -1 : 0;
}

static bool is_secure(const struct wsgi_text found[MEANINGS])
{
	const struct wsgi_text *https = &found[HTTPS], *scheme = &found[REQUEST_SCHEME];

	if (https->at && https->len > 0)
		return strcasecmp(https->at, "off") != 0 && strcmp(https->at, "0") != 0;
	return scheme->at && !strcasecmp(scheme->at, "https");
}

static int fill(PyObject *environ, struct wsgi_turn *turn)
{
	struct wsgi_text found[MEANINGS] = { 0 };
	PyObject *scheme;

	if (add_params(environ, turn->req, found) < 0 || add_path(environ, turn->slot, found) < 0)
		return -1;
	turn->is_head = found[REQUEST_METHOD].at && !strcmp(found[REQUEST_METHOD].at, "HEAD");
	scheme = is_secure(found) ? text_https : text_http;
	if (PyDict_SetItem(environ, key_scheme, scheme) < 0)
		return -1;
	return set_item(environ, key_input, wsgi_input_new(turn));
}

PyObject *wsgi_environ_new(struct wsgi_turn *turn)
{
	PyObject *environ = PyDict_Copy(always);

	if (environ && fill(environ, turn) < 0)
		Py_CLEAR(environ);
	return environ;
}

/* What a front end sends with each request has its place before clients' headers can fill the table; and those with
 * a meaning must. */
static int learn_names(void)
{
	static const char *const usual[] = {
		"CONTENT_TYPE", "QUERY_STRING", "DOCUMENT_ROOT", "DOCUMENT_URI", "GATEWAY_INTERFACE",
		"REDIRECT_STATUS", "REMOTE_ADDR", "REMOTE_PORT", "REMOTE_USER", "SCRIPT_FILENAME", "SERVER_ADDR", "SERVER_NAME",
		"SERVER_PORT", "SERVER_PROTOCOL", "SERVER_SOFTWARE", "HTTP_HOST", "HTTP_ACCEPT", "HTTP_ACCEPT_ENCODING",
		"HTTP_ACCEPT_LANGUAGE", "HTTP_COOKIE", "HTTP_USER_AGENT", "HTTP_REFERER", "HTTP_CONNECTION",
		"HTTP_CONTENT_TYPE", "HTTP_CONTENT_LENGTH",
	};

	for (enum meaning m = SCRIPT_NAME; m < MEANINGS; m++)
		if (!name_find(meanings[m], strlen(meanings[m])))
			return -1;
	for (size_t i = 0; i < ARRAY_LEN(usual); i++)
		if (!name_find(usual[i], strlen(usual[i])))
			return -1;
	return 0;
}

int wsgi_environ_init(void)
{
	const struct wsgi_settings *s = &wsgi_settings;

	/* The five in front are what a front end has to send; a thrifty one may not: HAProxy, no empty QUERY_STRING. */
	always = Py_BuildValue("{ss ss ss ss ss s(ii) sN sO sO sO sO sO}",
			       "REQUEST_METHOD", "GET", "SERVER_NAME", "localhost", "SERVER_PORT", "80",
			       "SERVER_PROTOCOL", "HTTP/1.0", "QUERY_STRING", "", "wsgi.version", 1, 0,
			       "wsgi.errors", wsgi_errors_new(),
			       "wsgi.multithread", s->multithread ? Py_True : Py_False,
			       "wsgi.multiprocess", s->multiprocess ? Py_True : Py_False,
			       "wsgi.run_once", s->run_once ? Py_True : Py_False,
			       "wsgi.file_wrapper", wsgi_file_type, "wsgi.input_terminated", Py_True);
	key_script = PyUnicode_InternFromString("SCRIPT_NAME");
	key_info = PyUnicode_InternFromString("PATH_INFO");
	key_input = PyUnicode_InternFromString("wsgi.input");
	key_scheme = PyUnicode_InternFromString("wsgi.url_scheme");
	text_http = PyUnicode_InternFromString("http");
	text_https = PyUnicode_InternFromString("https");
	if (learn_names() < 0)
		return -1;
	return always && key_script && key_info && key_input && key_scheme && text_http && text_https ? 0 : -1;
}
