/* conf_module.h -- where the plug-in of a SAPI lies. */
#ifndef WEIR_CONF_MODULE_H
#define WEIR_CONF_MODULE_H

#include <stddef.h>
#include "src/base/err.h"

struct conf_module {
	char *sapi;                     /* "php", "native" */
	char *version;                  /* of php: "8.2"; else NULL */
	char *path;
};

struct conf_modules {
	struct conf_module *at;         /* sorted by path's last part */
	size_t count;
};

/* The path of weir_SAPI.so, for php of weir_phpVERSION.so (version NULL: the newest that is there). Looked
 * for in module_dir, module_dir/.libs and module_dir/sapi/SAPI/.libs, the last two for a build tree. For
 * other SAPIs version is ignored. 0 and *path_out (the caller frees it), or -1: err names what is missing
 * and what is there. */
int conf_find_module(const char *module_dir, const char *sapi, const char *version, char **path_out,
		     struct err *err);
/* All plug-ins that lie there. */
struct conf_modules conf_list_modules(const char *module_dir);
void conf_modules_free(struct conf_modules *modules);

#endif
