/* sapi_settings.c -- runs in zygotes and probes: turns configuration into a SAPI's settings. Checks nothing: the
 * master has done that. */
#include "pool/sapi_settings.h"

#include <string.h>
#include "src/base/mem.h"
#include "src/conf/conf_keys.h"

#define SETTINGS_MOST 17                /* of those below that are neither options nor pairs */

static void add(struct sapi_setting *to, struct sapi_ctx *ctx, const char *name, const char *key, const char *value)
{
	to[ctx->setting_count++] = (struct sapi_setting){ .name = name, .key = key, .value = value };
}

/* Of a pool of Python's: what it says, and what PEP 3333 has an application know of the model. */
static void add_wsgi(struct sapi_setting *to, struct sapi_ctx *ctx, const struct conf_pool *conf)
{
	add(to, ctx, "wsgi.application", NULL, conf->wsgi_application);
	if (conf->wsgi_pythonpath)
		add(to, ctx, "wsgi.pythonpath", NULL, conf->wsgi_pythonpath);
	if (conf->wsgi_virtualenv)
		add(to, ctx, "wsgi.virtualenv", NULL, conf->wsgi_virtualenv);
	if (conf->chdir)
		add(to, ctx, "chdir", NULL, conf->chdir);
	if (conf->wsgi_mount)
		add(to, ctx, "wsgi.mount", NULL, conf->wsgi_mount);
	add(to, ctx, "wsgi.preload", NULL, conf->wsgi_preload ? "1" : "0");
	add(to, ctx, "wsgi.python_optimize", NULL, xasprintf("%d", conf->wsgi_python_optimize));
	add(to, ctx, "mpm.threads_per_child", NULL, xasprintf("%d", conf->threads_per_child));
	add(to, ctx, "pm.max_children", NULL, xasprintf("%d", conf->max_children));
	add(to, ctx, "pm.max_requests", NULL, xasprintf("%lld", (long long)conf->max_requests));
}

static size_t count_options(const struct spawn_info *info)
{
	size_t nuls = 0;

	for (size_t i = 0; i < info->options_len; i++)
		nuls += info->options[i] == '\0';
	return nuls / 3;
}

static void add_options(struct sapi_setting *to, struct sapi_ctx *ctx, const struct spawn_info *info)
{
	const char *at = info->options;

	for (size_t left = count_options(info); left > 0; left--) {
		const char *name = at, *key = name + strlen(name) + 1, *value = key + strlen(key) + 1;

		add(to, ctx, name, *key ? key : NULL, value);
		at = value + strlen(value) + 1;
	}
}

void sapi_settings_fill(struct sapi_ctx *ctx, const struct spawn_info *info, const struct conf_pool *conf)
{
	size_t pairs = conf ? conf->sapi_values.count : 0;
	struct sapi_setting *to = xcalloc(count_options(info) + pairs + SETTINGS_MOST, sizeof(*to));

	ctx->settings = to;
	ctx->setting_count = 0;
	add_options(to, ctx, info);
	if (!conf)
		return;
	add(to, ctx, "security.limit_extensions", NULL, conf->limit_extensions ? conf->limit_extensions : "");
	add(to, ctx, "security.php_value_params", NULL, conf->php_value_params ? "1" : "0");
	if (conf->catch_workers_output)
		add(to, ctx, "catch_workers_output", NULL, "1");
	add(to, ctx, "mpm.threads_per_child", NULL, xasprintf("%d", conf->threads_per_child));
	if (conf->native_module)
		add(to, ctx, "native.module", NULL, conf->native_module);
	if (conf->wsgi_application)
		add_wsgi(to, ctx, conf);
	if (conf->chroot && info->was_root)
		add(to, ctx, "chroot", NULL, conf->chroot);
	for (size_t i = 0; i < pairs; i++) {
		const struct conf_pair *pair = &conf->sapi_values.at[i];

		add(to, ctx, pair->key->name, pair->sub, pair->value);
	}
}
