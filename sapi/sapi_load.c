/* sapi_load.c -- runs in zygotes and probes, after the rights are given up: opens a plug-in. It refuses one that was
 * built for another border, or that leaves out a required callback. */
#include "sapi/sapi_load.h"

#include <dlfcn.h>
#include <string.h>

/* How many bytes at its end say the version of a library whose name begins so; 0: it is not in the text. */
static size_t version_in(const char *why, const char *name, const char **at_out)
{
	const char *lib = strstr(why, name);
	size_t digits = lib ? strspn(lib + strlen(name), "0123456789.") : 0;

	while (digits && lib[strlen(name) + digits - 1] == '.')
		digits--;
	*at_out = lib ? lib + strlen(name) : NULL;
	return digits;
}

/* A plug-in is there, and what it needs is not: of Debian's packages the name tells which one that is. */
static int cannot_load(struct err *err, const char *why)
{
	const char *version;
	size_t digits = version_in(why, "libphp", &version);

	if (digits)
		return err_set(err, "cannot load the plug-in: %s; install the library (Debian: libphp%.*s-embed), or build "
			       "Weir again with the php-config of the one that is there", why, (int)digits, version);
	digits = version_in(why, "libpython", &version);
	if (digits)
		return err_set(err, "cannot load the plug-in: %s; install the library (Debian: libpython%.*s), or build "
			       "Weir again for the Python that is there", why, (int)digits, version);
	return err_set(err, "cannot load the plug-in: %s", why);
}

const struct sapi *sapi_load(const char *path, struct err *err)
{
	const struct sapi *sapi;
	void *handle = dlopen(path, RTLD_NOW | RTLD_GLOBAL);

	if (!handle) {
		cannot_load(err, dlerror());
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
