/* sapi_settings.h -- what of a pool's section and of the command line concerns its SAPI, as the SAPI gets it. */
#ifndef WEIR_SAPI_SETTINGS_H
#define WEIR_SAPI_SETTINGS_H

#include "sapi/sapi.h"
#include "src/base/spawn.h"
#include "src/conf/conf.h"

/* Fill ctx->settings from the command-line options and conf (NULL: none). The texts are borrowed from both; the array
 * is the caller's, freed with free(). */
void sapi_settings_fill(struct sapi_ctx *ctx, const struct spawn_info *info, const struct conf_pool *conf);

#endif
