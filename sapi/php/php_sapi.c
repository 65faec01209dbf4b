/* php_sapi.c -- the plug-in's only door: struct sapi for PHP, on libphp. Says which callback runs in which process,
 * and starts and stops PHP. Requests are php_script.c's, configuration php_ini.c's. */
#include "sapi/php/php_priv.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "zend_signal.h"

static bool php_started;

static const char *ini_file(void)
{
	char *path = NULL;

	if (cfg_get_string("cfg_file_path", &path) == SUCCESS && path)
		return path;
	return "php.ini (none was found)";
}

/* -c: there may be nothing to read. */
static void options_check(const struct sapi_ctx *ctx)
{
	for (size_t i = 0; i < ctx->setting_count; i++)
		if (!strcmp(ctx->settings[i].name, "-c"))
			php_missing_option_check(ctx->settings[i].value);
}

/* PHP is one per process: probe, print and preload each call this once. */
int php_start(struct sapi_ctx *ctx, struct err *err)
{
	log_to_sink(php_log_sink, ctx);
	if (php_missing_version_check(err) < 0)
		return -1;
	php_thread_startup();
	php_slot.ctx = ctx;
	php_settings_read(ctx, &php_settings);
	signal(SIGPIPE, SIG_IGN);
#ifdef ZEND_SIGNALS
	zend_signal_startup();
#endif
	sapi_startup(&php_sapi_module);
	php_ini_prepare(ctx, &php_sapi_module);
#if PHP_VERSION_ID >= 80200
	if (php_module_startup(&php_sapi_module, &php_cgi_module) == FAILURE)
#else
	if (php_module_startup(&php_sapi_module, &php_cgi_module, 1) == FAILURE)
#endif
		return err_set(err, "PHP %s does not start: its own messages in the log say why; see %s, the files in "
		    "its conf.d, and opcache.preload", PHP_VERSION, ini_file());
	php_started = true;
	options_check(ctx);
	php_module_hook();
	php_ini_apply(ctx);
	php_thread_settle(ctx);
	return 0;
}

void php_stop(void)
{
	if (!php_started)
		return;
	php_started = false;
	php_module_shutdown();
	sapi_shutdown();
	php_thread_shutdown();
}

static void startup_messages_explain(void)
{
	if (!php_log_startup_count())
		return;
	log_notice("PHP had %u message(s) while starting, see above: they come from %s and the files in its conf.d, or "
	    "from the pool's php_value and php_admin_value", php_log_startup_count(), ini_file());
}

/* Throw-away process. */
static int probe(struct sapi_ctx *ctx, struct sapi_info *info_out, struct err *err)
{
	memset(info_out, 0, sizeof(*info_out));
	if (php_start(ctx, err) < 0)
		return -1;
	info_out->thread_safe = PHP_THREAD_SAFE;
	snprintf(info_out->version, sizeof(info_out->version), "PHP %s (%s)", php_print_version(),
	    PHP_THREAD_SAFE ? "ZTS" : "NTS");
	php_stop();
	return 0;
}

/* Zygote. */
static int preload(struct sapi_ctx *ctx, struct err *err)
{
	if (php_start(ctx, err) < 0)
		return -1;
	if (php_settings.threads && !PHP_THREAD_SAFE)
		return err_set(err, "this PHP is not thread-safe: set mpm = prefork, or php.version of one that is");
	startup_messages_explain();
	ctx->state = &php_slot;
	return 0;
}

static void unload(struct sapi_ctx *ctx)
{
	ctx->state = NULL;
	php_stop();
}

/* Child. */
static int child_init(struct sapi_ctx *ctx, struct err *err)
{
	(void)err;
	php_slot.ctx = ctx;
	log_to_sink(php_log_sink, ctx);
	php_script_child_init();
	php_thread_child_init();
	return 0;
}

static void child_end(struct sapi_ctx *ctx)
{
	(void)ctx;
	php_stop();
}

__attribute__((visibility("default"))) const struct sapi weir_sapi = {
	.abi = SAPI_ABI,
	.name = "php",
	.roles = SAPI_RESPONDER | SAPI_AUTHORIZER,
	.probe = probe,
	.print = php_print,
	.preload = preload,
	.unload = unload,
	.child_init = child_init,
	.thread_init = php_thread_init,
	.thread_end = php_thread_end,
	.child_end = child_end,
	.serve = php_script_serve,
	.interrupt = php_interrupt,
	.backtrace = php_backtrace,
};
