/* sapi_load.c -- runs in zygotes and probes, after the rights are given up: opens a plug-in. It refuses one that was
 * built for another border, or that leaves out a required callback. */
#include "sapi/sapi_load.h"

#include <dlfcn.h>

const struct sapi *sapi_load(const char *path, struct err *err)
{
	const struct sapi *sapi;
	void *handle = dlopen(path, RTLD_NOW | RTLD_GLOBAL);

	if (!handle) {
		err_set(err, "cannot load the plug-in: %s", dlerror());
		return NULL;
	}
	sapi = dlsym(handle, SAPI_SYMBOL);
	if (!sapi) {
		err_set(err, "%s is no plug-in of Weir: it does not export " SAPI_SYMBOL, path);
		return NULL;
	}
	if (sapi->abi != SAPI_ABI) {
		err_set(err, "%s was built for plug-in interface %u, this Weir has %u: install the plug-in of this version",
		    path, sapi->abi, SAPI_ABI);
		return NULL;
	}
	if (!sapi->name || !sapi->probe || !sapi->preload || !sapi->serve) {
		err_set(err, "%s leaves out a required callback", path);
		return NULL;
	}
	return sapi;
}
