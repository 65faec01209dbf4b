/* wsgi_serve.c -- runs in a child, in a slot's thread, with the GIL: one request from the call of the application to
 * its close(). What the application yields goes out before it is asked for more; a reply of known length, or of one
 * piece, leaves in one write with its end. */
#include "sapi/wsgi/wsgi_priv.h"

#include <string.h>
#include "src/base/log.h"

#define SORRY "Internal Server Error\n"
static const char sorry[] =
	"Status: 500 Internal Server Error\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 22\r\n\r\n" SORRY;

static int send_piece(struct wsgi_turn *turn, PyObject *piece)
{
	if (!PyBytes_Check(piece)) {
		PyErr_Format(PyExc_TypeError, "the application's iterable must give bytes, not %.100s",
			     Py_TYPE(piece)->tp_name);
		return -1;
	}
	if (PyBytes_GET_SIZE(piece) == 0)
		return 0;
	return wsgi_turn_write(turn, PyBytes_AS_STRING(piece), (size_t)PyBytes_GET_SIZE(piece));
}

/* All of it is there: nothing has to be sent before something else is made. */
static int send_list(struct wsgi_turn *turn, PyObject *list)
{
	int rc = 0;

	for (Py_ssize_t i = 0; rc == 0 && i < PySequence_Fast_GET_SIZE(list); i++) {
		PyObject *piece = Py_NewRef(PySequence_Fast_GET_ITEM(list, i));

		rc = send_piece(turn, piece);
		Py_DECREF(piece);
	}
	return rc;
}

/* PEP 3333 has the server stop where Content-Length is reached. */
static int send_iterable(struct wsgi_turn *turn, PyObject *iterable)
{
	PyObject *all = PyObject_GetIter(iterable), *piece;
	int rc = 0;

	if (!all)
		return -1;
	while (rc == 0 && (!turn->sent || !wsgi_turn_is_full(turn)) && (piece = PyIter_Next(all)) != NULL) {
		rc = send_piece(turn, piece);
		if (rc == 0 && PyBytes_GET_SIZE(piece) > 0 && !wsgi_turn_is_full(turn))
			rc = wsgi_turn_flush(turn);
		Py_DECREF(piece);
	}
	Py_DECREF(all);
	return PyErr_Occurred() ? -1 : rc;
}

static int send_result(struct wsgi_turn *turn, PyObject *result)
{
	int rc = 1;

	if (PyList_CheckExact(result) || PyTuple_CheckExact(result))
		return send_list(turn, result);
	if (wsgi_file_is(result))
		rc = wsgi_file_send(turn, result);
	return rc <= 0 ? rc : send_iterable(turn, result);
}

static void tell(const struct wsgi_turn *turn, enum log_level level, const char *text)
{
	struct buf line = { 0 };

	buf_printf(&line, "request %s: %s", turn->req->id, text);
	turn->slot->host->log(level, (const char *)line.data, line.len);
	buf_free(&line);
}

/* Nothing more comes: a header block without a body, and what falls short of its announced length. */
static int complete(struct wsgi_turn *turn)
{
	if (!turn->started) {
		PyErr_SetString(PyExc_AssertionError, "the application ended without a call of start_response()");
		return -1;
	}
	if (wsgi_turn_write(turn, "", 0) < 0)
		return -1;
	if (turn->length > turn->written && !turn->no_body) {
		tell(turn, LOG_LEVEL_WARNING, "the application sent less than its Content-Length says");
		turn->req->app_status = 1;
	}
	return 0;
}

/* An application that was told that nobody listens, or that the body does not come, has nothing new to tell. */
static void fail(struct wsgi_turn *turn)
{
	char who[128];

	if ((turn->gone && PyErr_ExceptionMatches(PyExc_BrokenPipeError))
	    || (turn->read_failed && PyErr_ExceptionMatches(PyExc_OSError))) {
		PyErr_Clear();
	} else {
		snprintf(who, sizeof(who), "request %s: ", turn->req->id);
		wsgi_log_exception(turn->slot->host, who, NULL, 0);
	}
	turn->req->app_status = 1;
	if (turn->sent)
		return;
	turn->sent = true;
	turn->req->ops->write(turn->req, sorry, sizeof(sorry) - 1 - (turn->is_head ? sizeof(SORRY) - 1 : 0));
}

static int close_result(PyObject *result)
{
	PyObject *close, *done;

	if (PyList_CheckExact(result) || PyTuple_CheckExact(result))
		return 0;
	close = PyObject_GetAttrString(result, "close");
	if (!close) {
		PyErr_Clear();
		return 0;
	}
	done = PyObject_CallNoArgs(close);
	Py_DECREF(close);
	Py_XDECREF(done);
	return done ? 0 : -1;
}

static void run(struct wsgi_turn *turn, PyObject *environ)
{
	PyObject *args[] = { environ, (PyObject *)turn };
	PyObject *result = PyObject_Vectorcall(wsgi_app, args, 2, NULL);

	if (!result) {
		fail(turn);
		return;
	}
	if (send_result(turn, result) < 0 || complete(turn) < 0)
		fail(turn);
	if (close_result(result) < 0)
		fail(turn);
	Py_DECREF(result);
}

void wsgi_serve(struct wsgi_slot *slot, struct request *req)
{
	struct wsgi_turn *turn = wsgi_turn_new(slot, req);
	PyObject *environ;

	if (!turn) {
		PyErr_Clear();
		req->ops->write(req, sorry, sizeof(sorry) - 1);
		return;
	}
	slot->turn = turn;
	environ = wsgi_environ_new(turn);
	if (environ)
		run(turn, environ);
	else
		fail(turn);
	Py_XDECREF(environ);
	wsgi_slot_flush_errors(slot);
	wsgi_turn_over(turn);
	slot->turn = NULL;
	Py_DECREF(turn);
}
