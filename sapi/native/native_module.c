/* native_module.c -- runs in zygotes and probes, as the pool's user: opens a module of C handlers and checks what it
 * says of itself. Each refusal names the key, the file, and what to do. */
#include "sapi/native/native_priv.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include "src/base/mem.h"

const char *native_setting(const struct sapi_ctx *ctx, const char *name)
{
	for (size_t i = 0; i < ctx->setting_count; i++)
		if (!strcmp(ctx->settings[i].name, name))
			return ctx->settings[i].value;
	return NULL;
}

/* The loader's reason mostly begins with the path, which is said already. */
static const char *loader_reason(const char *path)
{
	const char *why = dlerror();
	size_t len = strlen(path);

	if (!why)
		return "it gives no reason";
	return !strncmp(why, path, len) && !strncmp(why + len, ": ", 2) ? why + len + 2 : why;
}

static int check_info(const char *path, const struct weir_native_info *info, struct err *err)
{
	if (!info || info->abi == WEIR_NATIVE_ABI)
		return 0;
	if (info->abi == 0)
		return err_set(err, "native.module = %s: its weir_native does not say .abi = WEIR_NATIVE_ABI", path);
	return err_set(err, "native.module = %s: it was compiled for module interface %u, this Weir has %u: compile it "
	    "with this version's weir/native.h", path, info->abi, WEIR_NATIVE_ABI);
}

static int open_path(const char *path, struct native_module *out, struct err *err)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL), *found;

	if (!handle)
		return err_set(err, "native.module = %s: cannot load it: %s", path, loader_reason(path));
	out->info = dlsym(handle, "weir_native");
	if (check_info(path, out->info, err) < 0)
		return -1;
	found = dlsym(handle, "weir_handler");
	if (!found)
		return err_set(err, "native.module = %s: it does not export weir_handler; weir/native.h declares it", path);
	memcpy(&out->handler, &found, sizeof(found));
	return 0;
}

int native_module_open(const struct sapi_ctx *ctx, const char *root, struct native_module *out, struct err *err)
{
	const char *path = native_setting(ctx, "native.module");
	char *whole;
	int rc;

	if (!path || !*path)
		return err_set(err, "native.module is missing: sapi = native needs the path of a module");
	whole = xasprintf("%s%s", root, path);
	rc = open_path(whole, out, err);
	free(whole);
	return rc;
}
