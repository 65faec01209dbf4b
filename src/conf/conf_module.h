/* conf_module.h -- where the plug-in of a SAPI lies. */
#ifndef WEIR_CONF_MODULE_H
#define WEIR_CONF_MODULE_H

#include "src/base/err.h"

/* The path of weir_SAPI.so, for php of weir_phpVERSION.so (version NULL: the newest that is there). Looked
 * for in module_dir, module_dir/.libs and module_dir/sapi/SAPI/.libs, the last two for a build tree. For
 * other SAPIs version is ignored. 0 and *path_out (the caller frees it), or -1: err names what is missing
 * and what is there. */
int conf_find_module(const char *module_dir, const char *sapi, const char *version, char **path_out,
		     struct err *err);

#endif
