/* sapi_load.h -- opening a SAPI's plug-in. For zygotes and probes: nobody else runs foreign code. */
#ifndef WEIR_SAPI_LOAD_H
#define WEIR_SAPI_LOAD_H

#include "sapi/sapi.h"

/* dlopen the plug-in (its runtime's symbols become visible to what that loads itself) and check what it says of
 * itself. Never closed again. NULL with err. */
const struct sapi *sapi_load(const char *path, struct err *err);

#endif
