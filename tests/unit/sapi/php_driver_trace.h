/* php_driver_trace.h -- backtraces for php_driver: once, or as fast as they come while a script runs. */
#ifndef WEIR_PHP_DRIVER_TRACE_H
#define WEIR_PHP_DRIVER_TRACE_H

#include "sapi/sapi.h"

/* From any thread but the script's: print one, each text as a line "trace TEXT". */
void trace_print(const struct sapi *sapi, struct sapi_ctx *ctx, struct request *req);
/* Take them in a thread of their own until trace_stop(), which prints
 * the names of all functions that were in them, and how many there were, and how many calls. Each is looked at: a
 * malformed one ends the process. */
void trace_start(const struct sapi *sapi, struct sapi_ctx *ctx, struct request *req);
void trace_stop(void);

#endif
