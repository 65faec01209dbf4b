/* wsgi_log.c -- runs wherever Python does: what an application says goes to the pool's log, a traceback as one record.
 * wsgi.errors collects until flush() or the end of the request, because tracebacks are written line by line. */
#include "sapi/wsgi/wsgi_priv.h"

#include <string.h>
#include "src/base/log.h"

#define ERRORS_MOST (64 * 1024)         /* bytes of one record */

/* As Python prints it, or what can be had of it. A new reference or NULL. */
static PyObject *traceback_text(PyObject *type, PyObject *value, PyObject *trace)
{
	PyObject *module = PyImport_ImportModule("traceback"), *lines = NULL, *none = PyUnicode_FromString(""), *text = NULL;

	if (module)
		lines = PyObject_CallMethod(module, "format_exception", "OOO", type, value, trace ? trace : Py_None);
	if (lines && none)
		text = PyUnicode_Join(none, lines);
	if (!text) {
		PyErr_Clear();
		text = value ? PyObject_Str(value) : NULL;
	}
	if (!text)
		PyErr_Clear();
	Py_XDECREF(module);
	Py_XDECREF(lines);
	Py_XDECREF(none);
	return text;
}

static size_t without_newlines(const char *text, size_t len)
{
	while (len > 0 && text[len - 1] == '\n')
		len--;
	return len;
}

/* The last line that is not empty. */
static void last_line(const char *text, size_t len, char *out, size_t size)
{
	const char *line = memrchr(text, '\n', len);
	size_t start = line ? (size_t)(line + 1 - text) : 0;

	snprintf(out, size, "%.*s", (int)(len - start), text + start);
}

void wsgi_log_exception(const struct sapi_host *host, const char *who, char *last_out, size_t size)
{
	PyObject *type, *value, *trace, *text, *bytes;
	struct buf line = { 0 };

	PyErr_Fetch(&type, &value, &trace);
	PyErr_NormalizeException(&type, &value, &trace);
	text = traceback_text(type, value, trace);
	bytes = text ? PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace") : NULL;
	PyErr_Clear();
	buf_printf(&line, "%s", who);
	if (bytes) {
		size_t len = without_newlines(PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));

		buf_add(&line, PyBytes_AS_STRING(bytes), len);
		if (last_out)
			last_line(PyBytes_AS_STRING(bytes), len, last_out, size);
	}
	host->log(LOG_LEVEL_ERROR, (const char *)line.data, line.len);
	buf_free(&line);
	Py_XDECREF(bytes);
	Py_XDECREF(text);
	Py_XDECREF(type);
	Py_XDECREF(value);
	Py_XDECREF(trace);
}

/* ---- wsgi.errors */

struct errors {
	PyObject_HEAD
};
static PyTypeObject *errors_type;

/* From a thread of the application's own: a record at once. */
static void add_foreign(const char *text, size_t len)
{
	struct wsgi_slot *any = atomic_load(&wsgi_slots);

	len = without_newlines(text, len);
	if (any && len > 0)
		any->host->log(LOG_LEVEL_WARNING, text, len);
}

static void add_text(const char *text, size_t len)
{
	struct wsgi_slot *slot = wsgi_slot();

	if (!slot || !slot->turn) {
		add_foreign(text, len);
		return;
	}
	buf_add(&slot->errors, text, len);
	if (slot->errors.len >= ERRORS_MOST)
		wsgi_slot_flush_errors(slot);
}

static PyObject *errors_write(PyObject *self, PyObject *text)
{
	PyObject *bytes;

	(void)self;
	if (!PyUnicode_Check(text)) {
		PyErr_Format(PyExc_TypeError, "wsgi.errors takes str, not %.100s", Py_TYPE(text)->tp_name);
		return NULL;
	}
	bytes = PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace");
	if (!bytes)
		return NULL;
	add_text(PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
	Py_DECREF(bytes);
	return PyLong_FromSsize_t(PyUnicode_GET_LENGTH(text));
}

static PyObject *errors_writelines(PyObject *self, PyObject *lines)
{
	PyObject *all = PyObject_GetIter(lines), *line;

	if (!all)
		return NULL;
	while ((line = PyIter_Next(all)) != NULL) {
		PyObject *count = errors_write(self, line);

		Py_DECREF(line);
		Py_XDECREF(count);
		if (!count)
			break;
	}
	Py_DECREF(all);
	if (PyErr_Occurred())
		return NULL;
	Py_RETURN_NONE;
}

static PyObject *errors_flush(PyObject *self, PyObject *unused)
{
	struct wsgi_slot *slot = wsgi_slot();

	(void)self;
	(void)unused;
	if (slot && slot->turn)
		wsgi_slot_flush_errors(slot);
	Py_RETURN_NONE;
}

PyObject *wsgi_errors_new(void)
{
	return errors_type->tp_alloc(errors_type, 0);
}

int wsgi_errors_type_init(void)
{
	static PyMethodDef methods[] = {
		{ "write", errors_write, METH_O, NULL },
		{ "writelines", errors_writelines, METH_O, NULL },
		{ "flush", errors_flush, METH_NOARGS, NULL },
		{ NULL, NULL, 0, NULL },
	};
	static PyType_Slot slots[] = { { Py_tp_methods, methods }, { 0, NULL } };
	static PyType_Spec spec = {
		.name = "weir.Errors", .basicsize = sizeof(struct errors), .flags = Py_TPFLAGS_DEFAULT, .slots = slots,
	};

	errors_type = (PyTypeObject *)PyType_FromSpec(&spec);
	return errors_type ? 0 : -1;
}
