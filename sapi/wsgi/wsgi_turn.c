/* wsgi_turn.c -- runs in a child: one request as an object of Python's, which the application calls as start_response.
 * It lives as long as anybody holds it, the request does not: what comes later is refused. Reads and writes go without
 * the GIL, one at a time; an application may make them from a thread of its own while it answers. */
#include "sapi/wsgi/wsgi_priv.h"

#include <string.h>
#include <time.h>

#define FITS (32 * 1024)                /* bytes that a slot takes without sending any, for sure (sapi.h: buffered) */

static PyTypeObject *turn_type;

int wsgi_turn_enter(struct wsgi_turn *turn, PyThreadState **saved_out)
{
	if (!turn->req) {
		PyErr_SetString(PyExc_ValueError, "this request is over");
		return -1;
	}
	if (turn->busy) {
		PyErr_SetString(PyExc_RuntimeError, "another thread is reading or writing this request");
		return -1;
	}
	turn->busy = true;
	*saved_out = PyEval_SaveThread();
	return 0;
}

void wsgi_turn_leave(struct wsgi_turn *turn, PyThreadState *saved)
{
	PyEval_RestoreThread(saved);
	turn->busy = false;
}

static int client_gone(struct wsgi_turn *turn)
{
	turn->gone = true;
	PyErr_SetString(PyExc_BrokenPipeError, "the client has gone");
	return -1;
}

/* What is small goes into the slot's buffer for sure: the GIL may stay. */
static int put(struct wsgi_turn *turn, const void *data, size_t len)
{
	PyThreadState *saved;
	int rc;

	if (turn->req && !turn->busy && turn->pending + len <= FITS) {
		rc = turn->req->ops->write(turn->req, data, len);
	} else {
		if (wsgi_turn_enter(turn, &saved) < 0)
			return -1;
		rc = turn->req->ops->write(turn->req, data, len);
		wsgi_turn_leave(turn, saved);
	}
	turn->pending += len;
	return rc < 0 ? client_gone(turn) : 0;
}

static int put_head(struct wsgi_turn *turn)
{
	if (!turn->started) {
		PyErr_SetString(PyExc_AssertionError, "the application sends a body before it calls start_response()");
		return -1;
	}
	if (turn->sent)
		return 0;
	turn->sent = true;
	return put(turn, turn->slot->head.data, turn->slot->head.len);
}

int wsgi_turn_write(struct wsgi_turn *turn, const char *data, size_t len)
{
	if (!turn->req) {
		PyErr_SetString(PyExc_ValueError, "this request is over");
		return -1;
	}
	if (put_head(turn) < 0)
		return -1;
	if (turn->length >= 0 && (int64_t)len > turn->length - turn->written)
		len = (size_t)(turn->length - turn->written);
	turn->written += (int64_t)len;
	return len > 0 && !turn->no_body ? put(turn, data, len) : 0;
}

int wsgi_turn_flush(struct wsgi_turn *turn)
{
	PyThreadState *saved;
	int rc;

	if (wsgi_turn_enter(turn, &saved) < 0)
		return -1;
	rc = turn->req->ops->flush(turn->req);
	wsgi_turn_leave(turn, saved);
	turn->pending = 0;
	return rc < 0 ? client_gone(turn) : 0;
}

/* ---- what start_response() returns */

static PyObject *write_call(PyObject *self, PyObject *data)
{
	struct wsgi_turn *turn = (struct wsgi_turn *)self;

	if (!PyBytes_Check(data)) {
		PyErr_Format(PyExc_TypeError, "write() takes bytes, not %.100s", Py_TYPE(data)->tp_name);
		return NULL;
	}
	if (PyBytes_GET_SIZE(data) == 0)
		Py_RETURN_NONE;
	if (turn->req && turn->length >= 0 && PyBytes_GET_SIZE(data) > turn->length - turn->written) {
		PyErr_SetString(PyExc_ValueError, "write() of more bytes than Content-Length says");
		return NULL;
	}
	if (wsgi_turn_write(turn, PyBytes_AS_STRING(data), (size_t)PyBytes_GET_SIZE(data)) < 0
	    || (!wsgi_turn_is_full(turn) && wsgi_turn_flush(turn) < 0))
		return NULL;
	Py_RETURN_NONE;
}

static PyMethodDef write_method = { "write", write_call, METH_O, NULL };

/* ---- start_response() */

static int raise_again(PyObject *info)
{
	PyObject *type, *value, *trace;

	if (!PyArg_ParseTuple(info, "OOO:exc_info", &type, &value, &trace))
		return -1;
	Py_INCREF(type);
	Py_INCREF(value);
	PyErr_Restore(type, value, trace == Py_None ? NULL : Py_NewRef(trace));
	return -1;
}

/* The second call of start_response(), and any after the headers have gone, has an exception to tell of. */
static int may_start(const struct wsgi_turn *turn, PyObject *info)
{
	if (!turn->req) {
		PyErr_SetString(PyExc_ValueError, "this request is over");
		return -1;
	}
	if (info != Py_None && !PyTuple_Check(info)) {
		PyErr_SetString(PyExc_TypeError, "exc_info must be a tuple, as of sys.exc_info()");
		return -1;
	}
	if (info != Py_None && turn->sent)
		return raise_again(info);
	if (info == Py_None && turn->started) {
		PyErr_SetString(PyExc_AssertionError, "start_response() was called already, and this call has no exc_info");
		return -1;
	}
	return 0;
}

static PyObject *turn_call(PyObject *self, PyObject *args, PyObject *named)
{
	static char *names[] = { "status", "response_headers", "exc_info", NULL };
	struct wsgi_turn *turn = (struct wsgi_turn *)self;
	PyObject *status, *headers, *info = Py_None;

	if (!PyArg_ParseTupleAndKeywords(args, named, "OO|O:start_response", names, &status, &headers, &info))
		return NULL;
	if (may_start(turn, info) < 0)
		return NULL;
	turn->started = false;
	if (wsgi_headers_compose(turn, status, headers) < 0)
		return NULL;
	turn->started = true;
	return PyCFunction_New(&write_method, self);
}

static void turn_free(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	type->tp_free(self);
	Py_DECREF(type);
}

struct wsgi_turn *wsgi_turn_new(struct wsgi_slot *slot, struct request *req)
{
	struct wsgi_turn *turn = PyObject_New(struct wsgi_turn, turn_type);

	if (!turn)
		return NULL;
	memset((char *)turn + sizeof(PyObject), 0, sizeof(*turn) - sizeof(PyObject));
	turn->slot = slot;
	turn->req = req;
	turn->length = -1;
	return turn;
}

void wsgi_turn_over(struct wsgi_turn *turn)
{
	const struct timespec moment = { .tv_nsec = 1000000 };

	while (turn->busy) {
		Py_BEGIN_ALLOW_THREADS
		nanosleep(&moment, NULL);
		Py_END_ALLOW_THREADS
	}
	turn->req = NULL;
	turn->slot = NULL;
}

int wsgi_turn_type_init(void)
{
	static PyType_Slot slots[] = {
		{ Py_tp_call, turn_call }, { Py_tp_dealloc, turn_free }, { 0, NULL },
	};
	static PyType_Spec spec = {
		.name = "weir.StartResponse", .basicsize = sizeof(struct wsgi_turn), .slots = slots,
		.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
	};

	turn_type = (PyTypeObject *)PyType_FromSpec(&spec);
	return turn_type ? 0 : -1;
}
