/* wsgi_sapi.c -- the plug-in's door: struct sapi for applications of Python's. The zygote keeps the GIL, since it is
 * one thread; a child's threads take it for each request and let it go between them. */
#include "sapi/wsgi/wsgi_priv.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "src/base/log.h"
#include "src/base/mem.h"

struct wsgi_settings wsgi_settings;

static const char *setting(const struct sapi_ctx *ctx, const char *name, const char *otherwise)
{
	for (size_t i = 0; i < ctx->setting_count; i++)
		if (!strcmp(ctx->settings[i].name, name))
			return ctx->settings[i].value;
	return otherwise;
}

static int number(const struct sapi_ctx *ctx, const char *name)
{
	return (int)strtol(setting(ctx, name, "0"), NULL, 10);
}

static int take_settings(const struct sapi_ctx *ctx, struct err *err)
{
	const char *mount = setting(ctx, "wsgi.mount", NULL);

	wsgi_settings = (struct wsgi_settings){
		.application = setting(ctx, "wsgi.application", NULL),
		.pythonpath = setting(ctx, "wsgi.pythonpath", NULL),
		.virtualenv = setting(ctx, "wsgi.virtualenv", NULL),
		.chroot = setting(ctx, "chroot", NULL),
		.chdir = setting(ctx, "chdir", NULL),
		.mount = wsgi_path_mount(mount ? mount : "/"),
		.mount_given = mount != NULL,
		.preload = number(ctx, "wsgi.preload") != 0,
		.optimize = number(ctx, "wsgi.python_optimize"),
		.multithread = number(ctx, "mpm.threads_per_child") > 1,
		.multiprocess = number(ctx, "pm.max_children") != 1,
		.run_once = number(ctx, "pm.max_requests") == 1,
	};
	if (!wsgi_settings.application)
		return err_set(err, "wsgi.application is missing: sapi = wsgi needs MODULE:CALLABLE, FILE.py:CALLABLE or "
			       "FILE.wsgi");
	return 0;
}

/* Throw-away process, outside the jail: what the jail holds cannot be imported from there. Without any setting it is
 * asked for no pool, only what it is (weir -V). */
static int probe(struct sapi_ctx *ctx, struct sapi_info *info_out, struct err *err)
{
	*info_out = (struct sapi_info){ .thread_safe = true };
	snprintf(info_out->version, sizeof(info_out->version), "Python %s", PY_VERSION);
	if (ctx->setting_count == 0)
		return 0;
	if (take_settings(ctx, err) < 0 || wsgi_python_start(err) < 0)
		return -1;
	if (wsgi_settings.chroot)
		return 0;
	return wsgi_python_settle(err) < 0 ? -1 : wsgi_app_import(ctx, err);
}

static int preload(struct sapi_ctx *ctx, struct err *err)
{
	return take_settings(ctx, err) < 0 ? -1 : wsgi_python_start(err);
}

static void say_threads(const struct sapi_ctx *ctx, int threads)
{
	struct buf line = { 0 };

	buf_printf(&line, "wsgi.application = %s has %d threads once it is imported, and a process with threads cannot be "
		   "forked: each child imports it, and shares no memory with others; wsgi.preload = no says so",
		   wsgi_settings.application, threads);
	ctx->host->log(LOG_LEVEL_WARNING, (const char *)line.data, line.len);
	buf_free(&line);
}

/* What is there now is never looked at again: children would otherwise copy the pages that it lies on. */
static void freeze(void)
{
	PyObject *gc = PyImport_ImportModule("gc"), *done = gc ? PyObject_CallMethod(gc, "freeze", NULL) : NULL;

	Py_XDECREF(done);
	Py_XDECREF(gc);
	PyErr_Clear();
}

static int load(struct sapi_ctx *ctx, struct err *err)
{
	int threads;

	if (wsgi_python_settle(err) < 0)
		return -1;
	threads = wsgi_app_try(ctx, err);
	if (threads < 0)
		return -1;
	if (wsgi_settings.preload && threads > 1)
		say_threads(ctx, threads);
	if (wsgi_settings.preload && threads <= 1 && wsgi_app_import(ctx, err) < 0)
		return -1;
	freeze();
	return 0;
}

static void fork_prepare(struct sapi_ctx *ctx)
{
	(void)ctx;
	PyOS_BeforeFork();
}

static void fork_parent(struct sapi_ctx *ctx)
{
	(void)ctx;
	PyOS_AfterFork_Parent();
}

static int child_init(struct sapi_ctx *ctx, struct err *err)
{
	PyOS_AfterFork_Child();
	signal(SIGPIPE, SIG_IGN);       /* as in every Python; it gives it back to programs that it starts */
	if (!wsgi_app && wsgi_app_import(ctx, err) < 0)
		return -1;
	wsgi_slot_begin(ctx->host, PyEval_SaveThread())->is_main = true;
	return 0;
}

static int thread_init(struct sapi_ctx *ctx, struct err *err)
{
	PyThreadState *thread;

	if (wsgi_slot())                /* the child's main thread */
		return 0;
	thread = PyThreadState_New(wsgi_interpreter);
	if (!thread)
		return err_set(err, "Python has no memory for a thread");
	wsgi_slot_begin(ctx->host, thread);
	return 0;
}

static void thread_end(struct sapi_ctx *ctx)
{
	(void)ctx;
	if (!wsgi_slot()->is_main)      /* whose thread ends the child */
		wsgi_slot_end();
}

/* atexit functions, as at the end of a program; the interpreter itself just goes with the process. */
static void child_end(struct sapi_ctx *ctx)
{
	PyObject *module, *done;

	PyEval_RestoreThread(wsgi_slot()->thread);
	module = PyImport_ImportModule("atexit");
	done = module ? PyObject_CallMethod(module, "_run_exitfuncs", NULL) : NULL;
	if (!done)
		wsgi_log_exception(ctx->host, "at the end of a child: ", NULL, 0);
	Py_XDECREF(done);
	Py_XDECREF(module);
	PyEval_SaveThread();
}

static enum sapi_end serve(struct sapi_ctx *ctx, struct request *req)
{
	struct wsgi_slot *slot = wsgi_slot();

	(void)ctx;
	PyEval_RestoreThread(slot->thread);
	atomic_store_explicit(&slot->serving, req, memory_order_release);
	wsgi_serve(slot, req);
	atomic_store_explicit(&slot->serving, NULL, memory_order_release);
	PyEval_SaveThread();
	return SAPI_END_OK;
}

__attribute__((visibility("default"))) const struct sapi weir_sapi = {
	.abi = SAPI_ABI,
	.name = "wsgi",
	.roles = SAPI_RESPONDER,
	.probe = probe,
	.preload = preload,
	.load = load,
	.fork_prepare = fork_prepare,
	.fork_parent = fork_parent,
	.child_init = child_init,
	.thread_init = thread_init,
	.thread_end = thread_end,
	.child_end = child_end,
	.serve = serve,
	.backtrace = wsgi_backtrace,
};
