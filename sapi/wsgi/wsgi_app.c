/* wsgi_app.c -- runs in zygotes, children and probes: finds and imports the application that the section names. */
#include "sapi/wsgi/wsgi_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "src/base/exits.h"

PyObject *wsgi_app;

/* What is short in Python. A file's own folder is in front of sys.path, as when Python runs it. */
static const char finder[] =
	"def find(said):\n"
	"    import importlib, os, sys\n"
	"    from importlib import machinery, util\n"
	"    place, colon, name = said.rpartition(':')\n"
	"    if not colon or '/' in name:\n"
	"        place, name = said, 'application'\n"
	"    if '/' in place or place.endswith(('.py', '.wsgi')):\n"
	"        place = os.path.abspath(place)\n"
	"        title = os.path.splitext(os.path.basename(place))[0]\n"
	"        if title in sys.modules or title in sys.builtin_module_names:\n"
	"            title = 'weir_' + title\n"
	"        sys.path.insert(0, os.path.dirname(place))\n"
	"        loader = machinery.SourceFileLoader(title, place)\n"
	"        found = util.module_from_spec(util.spec_from_file_location(title, place, loader=loader))\n"
	"        sys.modules[title] = found\n"
	"        loader.exec_module(found)\n"
	"    else:\n"
	"        found = importlib.import_module(place)\n"
	"    for part in name.split('.'):\n"
	"        found = getattr(found, part)\n"
	"    if not callable(found):\n"
	"        raise TypeError('%s is a %s, which cannot be called' % (said, type(found).__name__))\n"
	"    return found\n";

static PyObject *find(const char *said)
{
	PyObject *names = PyDict_New(), *code, *ran, *app = NULL;

	if (!names || PyDict_SetItemString(names, "__builtins__", PyEval_GetBuiltins()) < 0)
		return NULL;
	code = Py_CompileString(finder, "weir", Py_file_input);
	ran = code ? PyEval_EvalCode(code, names, names) : NULL;
	if (ran)
		app = PyObject_CallFunction(PyDict_GetItemString(names, "find"), "s", said);
	Py_XDECREF(ran);
	Py_XDECREF(code);
	Py_DECREF(names);
	return app;
}

int wsgi_app_import(const struct sapi_ctx *ctx, struct err *err)
{
	char last[512] = "", who[512];

	wsgi_app = find(wsgi_settings.application);
	if (wsgi_app)
		return 0;
	snprintf(who, sizeof(who), "wsgi.application = %s: the import failed: ", wsgi_settings.application);
	wsgi_log_exception(ctx->host, who, last, sizeof(last));
	return err_set(err, "wsgi.application = %s: the import failed: %s", wsgi_settings.application, last);
}

/* 0: cannot be told. */
static int count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	int count = 0;

	while (dir && (entry = readdir(dir)) != NULL)
		count += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

/* What the one that is thrown away says. */
struct verdict {
	int threads;                    /* -1: err holds why */
	struct err err;
};

static _Noreturn void try_and_say(const struct sapi_ctx *ctx, int to)
{
	struct verdict verdict = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	PyOS_AfterFork_Child();
	if (wsgi_app_import(ctx, &verdict.err) < 0)
		verdict.threads = -1;
	else
		verdict.threads = count_threads();
	_exit(write(to, &verdict, sizeof(verdict)) == sizeof(verdict) ? EXIT_OK : EXIT_SOFTWARE);
}

static int hear(int from, pid_t pid, struct err *err)
{
	struct verdict verdict;
	ssize_t got;
	int status = 0;

	do
		got = read(from, &verdict, sizeof(verdict));
	while (got < 0 && errno == EINTR);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (got != sizeof(verdict))
		return err_set(err, "wsgi.application = %s: the import ended its process with %s %d",
			       wsgi_settings.application, WIFSIGNALED(status) ? "signal" : "code",
			       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	if (verdict.threads < 0)
		return err_set(err, "%s", verdict.err.text);
	return verdict.threads;
}

int wsgi_app_try(const struct sapi_ctx *ctx, struct err *err)
{
	int ends[2], rc;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, "pipe");
	PyOS_BeforeFork();
	pid = fork();
	if (pid == 0)
		try_and_say(ctx, ends[1]);
	PyOS_AfterFork_Parent();
	close(ends[1]);
	rc = pid < 0 ? err_sys(err, "fork") : hear(ends[0], pid, err);
	close(ends[0]);
	return rc;
}
