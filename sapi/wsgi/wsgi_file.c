/* wsgi_file.c -- runs in a child: wsgi.file_wrapper. Returned as it is by the application, a file of the operating
 * system's is read here, without the GIL and in constant memory; anything else that has read() is iterated over. */
#include "sapi/wsgi/wsgi_priv.h"

#include <errno.h>
#include <unistd.h>

#define PIECE 65536

struct file {
	PyObject_HEAD
	PyObject *file;
	PyObject *size;                 /* what read() is asked for */
};

PyTypeObject *wsgi_file_type;
static PyObject *plain_types;           /* of io, whose descriptor stands where tell() says */

static int file_init(PyObject *self, PyObject *args, PyObject *named)
{
	static char *names[] = { "filelike", "block_size", NULL };
	struct file *f = (struct file *)self;
	PyObject *file;
	Py_ssize_t size = 8192;

	if (!PyArg_ParseTupleAndKeywords(args, named, "O|n:file_wrapper", names, &file, &size))
		return -1;
	Py_INCREF(file);
	Py_XSETREF(f->file, file);
	Py_XSETREF(f->size, PyLong_FromSsize_t(size));
	return f->size ? 0 : -1;
}

static PyObject *file_next(PyObject *self)
{
	struct file *f = (struct file *)self;
	PyObject *piece = f->file ? PyObject_CallMethod(f->file, "read", "O", f->size) : NULL;
	int full = piece ? PyObject_IsTrue(piece) : 0;

	if (piece && full <= 0)
		Py_CLEAR(piece);
	return piece;
}

static PyObject *file_close(PyObject *self, PyObject *unused)
{
	struct file *f = (struct file *)self;
	PyObject *close = f->file ? PyObject_GetAttrString(f->file, "close") : NULL, *result;

	(void)unused;
	if (!close) {
		PyErr_Clear();
		Py_RETURN_NONE;
	}
	result = PyObject_CallNoArgs(close);
	Py_DECREF(close);
	return result;
}

static int file_traverse(PyObject *self, visitproc visit, void *arg)
{
	Py_VISIT(Py_TYPE(self));
	Py_VISIT(((struct file *)self)->file);
	return 0;
}

static int file_clear(PyObject *self)
{
	Py_CLEAR(((struct file *)self)->file);
	Py_CLEAR(((struct file *)self)->size);
	return 0;
}

static void file_free(PyObject *self)
{
	PyTypeObject *type = Py_TYPE(self);

	PyObject_GC_UnTrack(self);
	file_clear(self);
	type->tp_free(self);
	Py_DECREF(type);
}

bool wsgi_file_is(PyObject *object)
{
	return Py_IS_TYPE(object, wsgi_file_type);
}

/* The number that a method without arguments gives; -1: none. No exception stays. */
static int64_t ask_number(PyObject *file, const char *method)
{
	PyObject *result = PyObject_CallMethod(file, method, NULL);
	int64_t number = result ? PyLong_AsLongLong(result) : -1;

	Py_XDECREF(result);
	PyErr_Clear();
	return number;
}

/* A piece from that place on; a file that cannot seek never comes here. */
static ssize_t read_piece(int fd, char *to, size_t len, int64_t at)
{
	ssize_t got;

	Py_BEGIN_ALLOW_THREADS
	do
		got = pread(fd, to, len, at);
	while (got < 0 && errno == EINTR);
	Py_END_ALLOW_THREADS
	return got;
}

static int send_from(struct wsgi_turn *turn, int fd, int64_t at)
{
	char *piece = PyMem_RawMalloc(PIECE);
	ssize_t got = 1;
	int rc = 0;

	if (!piece) {
		PyErr_NoMemory();
		return -1;
	}
	while (rc == 0 && got > 0 && !wsgi_turn_is_full(turn)) {
		got = read_piece(fd, piece, PIECE, at);
		if (got > 0)
			rc = wsgi_turn_write(turn, piece, (size_t)got);
		at += got;
	}
	PyMem_RawFree(piece);
	if (got < 0) {
		PyErr_SetFromErrno(PyExc_OSError);
		return -1;
	}
	return rc;
}

int wsgi_file_send(struct wsgi_turn *turn, PyObject *object)
{
	PyObject *file = ((struct file *)object)->file;
	int64_t fd, at;
	int plain = file ? PyObject_IsInstance(file, plain_types) : 0;

	if (plain <= 0)
		return plain < 0 ? -1 : 1;
	fd = ask_number(file, "fileno");
	at = fd >= 0 ? ask_number(file, "tell") : -1;
	return at >= 0 ? send_from(turn, (int)fd, at) : 1;
}

int wsgi_file_type_init(void)
{
	static PyMethodDef methods[] = {
		{ "close", file_close, METH_NOARGS, NULL },
		{ NULL, NULL, 0, NULL },
	};
	static PyType_Slot slots[] = {
		{ Py_tp_new, PyType_GenericNew }, { Py_tp_init, file_init }, { Py_tp_methods, methods },
		{ Py_tp_iter, PyObject_SelfIter }, { Py_tp_iternext, file_next }, { Py_tp_traverse, file_traverse },
		{ Py_tp_clear, file_clear }, { Py_tp_dealloc, file_free }, { 0, NULL },
	};
	static PyType_Spec spec = {
		.name = "weir.FileWrapper", .basicsize = sizeof(struct file), .slots = slots,
		.flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
	};
	PyObject *io = PyImport_ImportModule("io");

	if (!io)
		return -1;
	plain_types = Py_BuildValue("(NNN)", PyObject_GetAttrString(io, "FileIO"),
				    PyObject_GetAttrString(io, "BufferedReader"),
				    PyObject_GetAttrString(io, "BufferedRandom"));
	Py_DECREF(io);
	wsgi_file_type = (PyTypeObject *)PyType_FromSpec(&spec);
	return plain_types && wsgi_file_type ? 0 : -1;
}
