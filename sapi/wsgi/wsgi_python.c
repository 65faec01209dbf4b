/* wsgi_python.c -- runs in zygotes and probes: starts the interpreter. It takes nothing from the environment, handles
 * no signals, and uses UTF-8 for files whatever the locale is. It stands outside the jail then: what it needs of the
 * standard library in every case is imported before. */
#include "sapi/wsgi/wsgi_priv.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "src/base/mem.h"

#define PYTHON_VERSION "python" Py_STRINGIFY(PY_MAJOR_VERSION) "." Py_STRINGIFY(PY_MINOR_VERSION)

PyInterpreterState *wsgi_interpreter;

static const char *const early[] = {
	"traceback", "linecache", "threading", "atexit", "signal", "random", "io", "importlib.util", "encodings.idna",
	"encodings.latin_1", "encodings.ascii", "tokenize", "collections.abc",
};

static bool has_venv(void)
{
	return wsgi_settings.virtualenv && *wsgi_settings.virtualenv;
}

/* Not for another version of Python, and there at all. */
static int check_venv(struct err *err)
{
	const char *root = wsgi_settings.chroot ? wsgi_settings.chroot : "", *venv = wsgi_settings.virtualenv;
	char *packages = xasprintf("%s%s/lib/" PYTHON_VERSION "/site-packages", root, venv);
	int rc = access(packages, R_OK | X_OK);

	if (rc < 0)
		err_sys(err, "wsgi.virtualenv = %s: cannot use %s; make it with '" WEIR_PYTHON " -m venv %s', and let the "
			"pool's user read it", venv, packages, venv);
	free(packages);
	return rc;
}

static int status_err(const PyStatus *status, struct err *err)
{
	const char *venv = has_venv() ? wsgi_settings.virtualenv : NULL;

	return err_set(err, "Python does not start: %s%s%s", status->err_msg ? status->err_msg : "it gives no reason",
		       venv ? "; was wsgi.virtualenv made with " WEIR_PYTHON "? It is " : "", venv ? venv : "");
}

static PyStatus configure(PyConfig *config)
{
	char *executable = has_venv() && !wsgi_settings.chroot ? xasprintf("%s/bin/python3", wsgi_settings.virtualenv)
							       : xstrdup(WEIR_PYTHON);
	char *argv[] = { "weir" };
	PyStatus status = PyConfig_SetBytesString(config, &config->executable, executable);

	free(executable);
	config->install_signal_handlers = 0;
	config->site_import = 1;
	config->optimization_level = wsgi_settings.optimize;
	if (!PyStatus_Exception(status))
		status = PyConfig_SetBytesArgv(config, 1, argv);
	return status;
}

static int initialize(struct err *err)
{
	PyPreConfig before;
	PyConfig config;
	PyStatus status;

	PyPreConfig_InitIsolatedConfig(&before);
	before.utf8_mode = 1;
	status = Py_PreInitialize(&before);
	if (PyStatus_Exception(status))
		return status_err(&status, err);
	PyConfig_InitIsolatedConfig(&config);
	status = configure(&config);
	if (!PyStatus_Exception(status))
		status = Py_InitializeFromConfig(&config);
	PyConfig_Clear(&config);
	return PyStatus_Exception(status) ? status_err(&status, err) : 0;
}

/* What print() writes is a line at once also where it is no terminal. */
static int settle_stdout(void)
{
	PyObject *out = PySys_GetObject("stdout"), *method, *none, *named, *done = NULL;

	if (!out || out == Py_None)
		return 0;
	method = PyObject_GetAttrString(out, "reconfigure");
	none = PyTuple_New(0);
	named = Py_BuildValue("{sO}", "line_buffering", Py_True);
	if (method && none && named)
		done = PyObject_Call(method, none, named);
	Py_XDECREF(method);
	Py_XDECREF(none);
	Py_XDECREF(named);
	Py_XDECREF(done);
	return done ? 0 : -1;
}

static int import_early(void)
{
	for (size_t i = 0; i < ARRAY_LEN(early); i++) {
		PyObject *module = PyImport_ImportModule(early[i]);

		if (!module)
			return -1;
		Py_DECREF(module);
	}
	return 0;
}

/* For the person who runs the server: the exception in one line. */
static int exception_err(struct err *err, const char *what)
{
	PyObject *type, *value, *trace, *text;

	PyErr_Fetch(&type, &value, &trace);
	text = value ? PyObject_Str(value) : NULL;
	err_set(err, "%s: %s", what, text ? PyUnicode_AsUTF8(text) : "Python gives no reason");
	Py_XDECREF(text);
	Py_XDECREF(type);
	Py_XDECREF(value);
	Py_XDECREF(trace);
	PyErr_Clear();
	return -1;
}

int wsgi_types_init(void)
{
	return wsgi_turn_type_init() < 0 || wsgi_input_type_init() < 0 || wsgi_file_type_init() < 0
	    || wsgi_errors_type_init() < 0 ? -1 : 0;
}

int wsgi_python_start(struct err *err)
{
	if (has_venv() && check_venv(err) < 0)
		return -1;
	if (initialize(err) < 0)
		return -1;
	wsgi_interpreter = PyInterpreterState_Get();
	if (import_early() < 0 || settle_stdout() < 0 || wsgi_types_init() < 0 || wsgi_environ_init() < 0)
		return exception_err(err, "Python does not start");
	return 0;
}

static const char settler[] =
	"def settle(pythonpath, packages):\n"
	"    import importlib, site, sys\n"
	"    if packages:\n"
	"        site.addsitedir(packages)\n"
	"    sys.path[:0] = [folder for folder in pythonpath.split(':') if folder]\n"
	"    importlib.invalidate_caches()\n";

/* os.environ was made before the zygote took away what only a start needs. */
static int drop_environment(void)
{
	PyObject *os = PyImport_ImportModule("os"), *environ = os ? PyObject_GetAttrString(os, "environ") : NULL;
	PyObject *names = environ ? PySequence_List(environ) : NULL;
	int rc = names ? 0 : -1;

	for (Py_ssize_t i = 0; rc == 0 && i < PyList_GET_SIZE(names); i++) {
		const char *name = PyUnicode_AsUTF8(PyList_GET_ITEM(names, i));

		if (!name)
			PyErr_Clear();
		else if (!getenv(name))
			rc = PyObject_DelItem(environ, PyList_GET_ITEM(names, i));
	}
	Py_XDECREF(names);
	Py_XDECREF(environ);
	Py_XDECREF(os);
	return rc;
}

static int settle_path(void)
{
	char *packages = has_venv() && wsgi_settings.chroot
		? xasprintf("%s/lib/" PYTHON_VERSION "/site-packages", wsgi_settings.virtualenv) : xstrdup("");
	PyObject *names = PyDict_New(), *code = Py_CompileString(settler, "weir", Py_file_input), *ran = NULL, *done = NULL;

	if (names && code && PyDict_SetItemString(names, "__builtins__", PyEval_GetBuiltins()) == 0)
		ran = PyEval_EvalCode(code, names, names);
	if (ran)
		done = PyObject_CallFunction(PyDict_GetItemString(names, "settle"), "ss",
					     wsgi_settings.pythonpath ? wsgi_settings.pythonpath : "", packages);
	free(packages);
	Py_XDECREF(names);
	Py_XDECREF(code);
	Py_XDECREF(ran);
	Py_XDECREF(done);
	return done ? 0 : -1;
}

int wsgi_python_settle(struct err *err)
{
	if (drop_environment() < 0 || settle_path() < 0)
		return exception_err(err, "Python does not start");
	return 0;
}
