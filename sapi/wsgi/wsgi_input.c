/* wsgi_input.c -- runs in a child: wsgi.input. It ends where the body ends, whether its length was announced or not.
 * A body that will not come (late, too large, broken off) is an OSError; the front end gets Weir's answer then. */
#include "sapi/wsgi/wsgi_priv.h"

#include <errno.h>
#include <string.h>

#define AHEAD   8192                    /* bytes read for a line at a time */
#define AT_ONCE 65536                   /* bytes that a read without a size asks for first */

struct input {
	PyObject_HEAD
	struct wsgi_turn *turn;
	bool ended;
	size_t pos, len;                /* of what was read ahead */
	char *ahead;                    /* AHEAD bytes, made at the first line */
};

static PyTypeObject *input_type;

/* Up to len bytes, at least one: 0 at the end, -1. */
static Py_ssize_t more(struct input *in, char *to, size_t len)
{
	PyThreadState *saved;
	ssize_t got;

	if (in->ended)
		return 0;
	if (wsgi_turn_enter(in->turn, &saved) < 0)
		return -1;
	got = in->turn->req->ops->read(in->turn->req, to, len);
	wsgi_turn_leave(in->turn, saved);
	in->ended = got <= 0;
	if (got >= 0)
		return got;
	in->turn->read_failed = true;
	errno = EIO;
	PyErr_SetString(PyExc_OSError, "the body of this request does not come: too late, too large, or broken off");
	return -1;
}

static size_t take_ahead(struct input *in, char *to, size_t len)
{
	size_t take = in->len - in->pos;

	if (take > len)
		take = len;
	if (take > 0)
		memcpy(to, in->ahead + in->pos, take);
	in->pos += take;
	return take;
}

/* Until the room is full: how much, or -1. */
static Py_ssize_t fill(struct input *in, char *to, size_t room)
{
	size_t done = take_ahead(in, to, room);
	Py_ssize_t got = 1;

	while (done < room && got > 0) {
		got = more(in, to + done, room - done);
		if (got > 0)
			done += (size_t)got;
	}
	return got < 0 ? -1 : (Py_ssize_t)done;
}

/* size bytes, or all there are: memory is taken as they come, whatever was asked for. */
static PyObject *read_bytes(struct input *in, Py_ssize_t size)
{
	Py_ssize_t room = size < 0 || size > AT_ONCE ? AT_ONCE : size, done = 0;
	PyObject *bytes = PyBytes_FromStringAndSize(NULL, room);

	while (bytes) {
		Py_ssize_t got = fill(in, PyBytes_AS_STRING(bytes) + done, (size_t)(room - done));

		if (got < 0) {
			Py_DECREF(bytes);
			return NULL;
		}
		done += got;
		if (done < room || done == size)
			break;
		room = size >= 0 && room > size / 2 ? size : 2 * room;
		_PyBytes_Resize(&bytes, room);
	}
	if (bytes && done < room)
		_PyBytes_Resize(&bytes, done);
	return bytes;
}

/* A size of -1 or None asks for all. */
static int take_size(PyObject *const *args, Py_ssize_t count, Py_ssize_t *size_out)
{
	*size_out = -1;
	if (count > 1) {
		PyErr_Format(PyExc_TypeError, "at most one argument, not %zd", count);
		return -1;
	}
	if (count == 0 || args[0] == Py_None)
		return 0;
	*size_out = PyNumber_AsSsize_t(args[0], PyExc_OverflowError);
	return *size_out == -1 && PyErr_Occurred() ? -1 : 0;
}

static PyObject *input_read(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
	Py_ssize_t size;

	if (take_size(args, count, &size) < 0)
		return NULL;
	return read_bytes((struct input *)self, size);
}

/* At least one byte of what was read ahead: how many, 0 at the end, -1. */
static Py_ssize_t look_ahead(struct input *in)
{
	Py_ssize_t got;

	if (in->pos < in->len)
		return (Py_ssize_t)(in->len - in->pos);
	if (!in->ahead)
		in->ahead = PyMem_Malloc(AHEAD);
	if (!in->ahead) {
		PyErr_NoMemory();
		return -1;
	}
	got = more(in, in->ahead, AHEAD);
	in->pos = 0;
	in->len = got > 0 ? (size_t)got : 0;
	return got;
}

/* Add what was read ahead to line, up to a newline or most bytes. 1: the line goes on. */
static int add_piece(struct input *in, struct buf *line, size_t most)
{
	const char *at = in->ahead + in->pos, *end;
	size_t len = in->len - in->pos;

	if (len > most)
		len = most;
	end = memchr(at, '\n', len);
	if (end)
		len = (size_t)(end + 1 - at);
	buf_add(line, at, len);
	in->pos += len;
	return !end && len < most;
}

static PyObject *read_line(struct input *in, Py_ssize_t size)
{
	struct buf line = { 0 };
	Py_ssize_t got = 1;
	PyObject *bytes = NULL;
	int on = size != 0;

	while (on && (got = look_ahead(in)) > 0)
		on = add_piece(in, &line, size < 0 ? SIZE_MAX : (size_t)size - line.len);
	if (got >= 0)
		bytes = PyBytes_FromStringAndSize((const char *)line.data, (Py_ssize_t)line.len);
	buf_free(&line);
	return bytes;
}

static PyObject *input_readline(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
	Py_ssize_t size;

	if (take_size(args, count, &size) < 0)
		return NULL;
	return read_line((struct input *)self, size);
}

static PyObject *input_readlines(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
	Py_ssize_t hint, total = 0;
	PyObject *lines, *line;
	int rc = 0;

	if (take_size(args, count, &hint) < 0)
		return NULL;
	lines = PyList_New(0);
	while (lines && rc == 0 && (line = read_line((struct input *)self, -1)) != NULL && PyBytes_GET_SIZE(line) > 0) {
		total += PyBytes_GET_SIZE(line);
		rc = PyList_Append(lines, line);
		Py_DECREF(line);
		if (hint > 0 && total >= hint)
			return lines;
	}
	if (lines && rc == 0 && line)
		Py_DECREF(line);                /* the empty one */
	if (lines && PyErr_Occurred())
		Py_CLEAR(lines);
	return lines;
}

static PyObject *input_next(PyObject *self)
{
	PyObject *line = read_line((struct input *)self, -1);

	if (line && PyBytes_GET_SIZE(line) == 0)
		Py_CLEAR(line);
	return line;
}

static void input_free(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);
	struct input *in = (struct input *)self;

	Py_XDECREF(in->turn);
	PyMem_Free(in->ahead);
	type->tp_free(self);
	Py_DECREF(type);
}

PyObject *wsgi_input_new(struct wsgi_turn *turn)
{
	struct input *in = PyObject_New(struct input, input_type);

	if (!in)
		return NULL;
	Py_INCREF(turn);
	in->turn = turn;
	in->ended = false;
	in->pos = in->len = 0;
	in->ahead = NULL;
	return (PyObject *)in;
}

int wsgi_input_type_init(void)
{
	static PyMethodDef methods[] = {
		{ "read", (PyCFunction)(void (*)(void))input_read, METH_FASTCALL, NULL },
		{ "readline", (PyCFunction)(void (*)(void))input_readline, METH_FASTCALL, NULL },
		{ "readlines", (PyCFunction)(void (*)(void))input_readlines, METH_FASTCALL, NULL },
		{ NULL, NULL, 0, NULL },
	};
	static PyType_Slot slots[] = {
		{ Py_tp_methods, methods }, { Py_tp_iter, PyObject_SelfIter }, { Py_tp_iternext, input_next },
		{ Py_tp_dealloc, input_free }, { 0, NULL },
	};
	static PyType_Spec spec = {
		.name = "weir.Input", .basicsize = sizeof(struct input), .slots = slots,
		.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
	};

	input_type = (PyTypeObject *)PyType_FromSpec(&spec);
	return input_type ? 0 : -1;
}
