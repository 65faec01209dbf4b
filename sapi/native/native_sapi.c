/* native_sapi.c -- the plug-in's door: struct sapi for modules of C handlers on libfcgi. The plug-in is opened with its
 * symbols global, and so brings libfcgi's to the module. The module is opened inside the jail, with no right left. */
#include "sapi/native/native_priv.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static struct native_module module;

atomic_bool native_leaving;

/* In front of libfcgi's own, which only tells FCGX_Accept_r: found first, because the plug-in comes first. */
__attribute__((visibility("default"))) void FCGX_ShutdownPending(void)
{
	atomic_store(&native_leaving, true);
}

static bool thread_safe(const struct native_module *m)
{
	return m->info && m->info->thread_safe;
}

/* Throw-away process, outside the jail. */
static int probe(struct sapi_ctx *ctx, struct sapi_info *info_out, struct err *err)
{
	const char *root = native_setting(ctx, "chroot");
	struct native_module m = { 0 };

	*info_out = (struct sapi_info){ 0 };
	if (native_layout_check(err) < 0 || native_module_open(ctx, root ? root : "", &m, err) < 0)
		return -1;
	info_out->thread_safe = thread_safe(&m);
	snprintf(info_out->version, sizeof(info_out->version), "native, module interface %d (the module is%s thread-safe)",
	    WEIR_NATIVE_ABI, info_out->thread_safe ? "" : " not");
	return 0;
}

static int preload(struct sapi_ctx *ctx, struct err *err)
{
	(void)ctx;
	return native_layout_check(err);
}

/* Asked before the start too; the file may have been changed since. */
static int check_threads(struct sapi_ctx *ctx, struct err *err)
{
	const char *threads = native_setting(ctx, "mpm.threads_per_child");

	if (!threads || strcmp(threads, "1") == 0 || thread_safe(&module))
		return 0;
	return err_set(err, "native.module = %s: it is not thread-safe, and mpm.threads_per_child = %s: set mpm = prefork, "
		       "or use a thread-safe build of it", native_setting(ctx, "native.module"), threads);
}

static int load(struct sapi_ctx *ctx, struct err *err)
{
	int rc;

	if (native_module_open(ctx, "", &module, err) < 0 || check_threads(ctx, err) < 0)
		return -1;
	if (!module.info || !module.info->load)
		return 0;
	rc = module.info->load();
	if (rc != 0)
		return err_set(err, "native.module = %s: its load() says %d", native_setting(ctx, "native.module"), rc);
	return 0;
}

static void nothing(int number)
{
	(void)number;
}

/* A write to a closed pipe is an error to a handler, as in a program on libfcgi, but to programs that it starts what
 * they expect: a handler goes with an exec, to ignore a signal does not. */
static void survive_pipes(void)
{
	struct sigaction how = { .sa_handler = nothing, .sa_flags = SA_RESTART };

	sigaction(SIGPIPE, &how, NULL);
}

static int child_init(struct sapi_ctx *ctx, struct err *err)
{
	int rc;

	survive_pipes();
	if (!module.info || !module.info->init)
		return 0;
	rc = module.info->init();
	if (rc != 0)
		return err_set(err, "native.module = %s: its init() says %d", native_setting(ctx, "native.module"), rc);
	return 0;
}

static void child_end(struct sapi_ctx *ctx)
{
	(void)ctx;
	if (module.info && module.info->fini)
		module.info->fini();
}

/* What a slot keeps for good is made together, not between buffers that come and go. */
static int thread_init(struct sapi_ctx *ctx, struct err *err)
{
	(void)ctx;
	(void)err;
	native_slot();
	return 0;
}

static void thread_rest(struct sapi_ctx *ctx)
{
	(void)ctx;
	native_slot_rest();
}

static enum sapi_end serve(struct sapi_ctx *ctx, struct request *req)
{
	struct native_slot *slot = native_slot();

	(void)ctx;
	native_request_begin(slot, req);
	native_request_end(slot, module.handler(&slot->fcgx));
	return atomic_load_explicit(&native_leaving, memory_order_relaxed) ? SAPI_END_LEAVE : SAPI_END_OK;
}

__attribute__((visibility("default"))) const struct sapi weir_sapi = {
	.abi = SAPI_ABI,
	.name = "native",
	.roles = SAPI_RESPONDER | SAPI_AUTHORIZER | SAPI_FILTER,
	.probe = probe,
	.preload = preload,
	.load = load,
	.child_init = child_init,
	.child_end = child_end,
	.thread_init = thread_init,
	.thread_rest = thread_rest,
	.serve = serve,
};
