/* php_module.c -- Weir as PHP sees it: the SAPI module "fpm-fcgi" and the extension module "cgi-fcgi", names that
 * opcache and applications know. Callbacks that run in a request take it from php_slot; without one (start-up,
 * preload) they do nothing. */
#include "sapi/php/php_priv.h"

#include <string.h>
#include <unistd.h>
#include "ext/standard/info.h"

#ifdef ZTS
ts_rsrc_id php_cgi_ini_id;
# define CGI_INI_AT &php_cgi_ini_id
#else
struct php_cgi_ini php_cgi_ini;
# define CGI_INI_AT &php_cgi_ini
#endif

/* The values come with the entries. */
static void cgi_ini_init(void *ini)
{
	memset(ini, 0, sizeof(struct php_cgi_ini));
}

PHP_INI_BEGIN()
#define CGI_BOOL(name, value, who, field) \
	STD_PHP_INI_BOOLEAN(name, value, who, OnUpdateBool, field, struct php_cgi_ini, php_cgi_ini)
#define CGI_TEXT(name, field) \
	STD_PHP_INI_ENTRY(name, NULL, PHP_INI_SYSTEM, OnUpdateString, field, struct php_cgi_ini, php_cgi_ini)
	CGI_BOOL("cgi.rfc2616_headers", "0", PHP_INI_ALL, rfc2616_headers)
	CGI_BOOL("cgi.nph", "0", PHP_INI_ALL, nph)
	CGI_BOOL("cgi.force_redirect", "1", PHP_INI_SYSTEM, force_redirect)
	CGI_TEXT("cgi.redirect_status_env", redirect_status_env)
	CGI_BOOL("cgi.fix_pathinfo", "1", PHP_INI_SYSTEM, fix_pathinfo)
	CGI_BOOL("cgi.discard_path", "0", PHP_INI_SYSTEM, discard_path)
	CGI_BOOL("fastcgi.logging", "1", PHP_INI_SYSTEM, logging)
	CGI_TEXT("fastcgi.error_header", error_header)
	CGI_TEXT("fpm.config", fpm_config)
PHP_INI_END()

static PHP_MINIT_FUNCTION(cgi)
{
	(void)type;
	REGISTER_INI_ENTRIES();
	return SUCCESS;
}

static PHP_MSHUTDOWN_FUNCTION(cgi)
{
	(void)type;
	UNREGISTER_INI_ENTRIES();
	return SUCCESS;
}

static PHP_MINFO_FUNCTION(cgi)
{
	php_info_print_table_start();
	php_info_print_table_row(2, "FastCGI server", "Weir");
	php_info_print_table_end();
	DISPLAY_INI_ENTRIES();
	(void)zend_module;
}

zend_module_entry php_cgi_module = {
	STANDARD_MODULE_HEADER,
	"cgi-fcgi",
	php_functions,
	PHP_MINIT(cgi),
	PHP_MSHUTDOWN(cgi),
	NULL,
	NULL,
	PHP_MINFO(cgi),
	PHP_VERSION,
	sizeof(struct php_cgi_ini),
	CGI_INI_AT,
	cgi_ini_init,
	NULL,
	NULL,
	STANDARD_MODULE_PROPERTIES_EX
};

static size_t module_write(const char *text, size_t len)
{
	struct php_slot *slot = &php_slot;

	if (!slot->req) {
		if (!php_print_capture(text, len))
			fwrite(text, 1, len, stdout);
		return len;
	}
	if (slot->body_failed || slot->finished)
		return len;
	if (slot->req->ops->gone(slot->req) || slot->req->ops->write(slot->req, text, len) < 0)
		php_handle_aborted_connection();
	return len;
}

static void module_flush(void *context)
{
	struct php_slot *slot = &php_slot;

	(void)context;
	if (slot->req && !slot->finished && !slot->body_failed && slot->req->ops->flush(slot->req) < 0)
		php_handle_aborted_connection();
}

static char *module_cookies(void)
{
	return php_slot.req ? (char *)php_slot.param[PARAM_HTTP_COOKIE].p : NULL;
}

/* The time of the request is taken once, so that all who compare with it mean the same second. */
static zend_result module_request_time(double *out)
{
	struct php_slot *slot = &php_slot;

	if (!slot->req)
		return FAILURE;
	*out = (double)slot->started.tv_sec + (double)slot->started.tv_usec / 1000000.0;
	return SUCCESS;
}

/* PHP starts a timer for the input (max_input_time) and then another for the script. Where no body is parsed the
 * first measures nothing: saying "-1" makes PHP start the script's at once. */
static void input_time_put_aside(struct php_slot *slot)
{
	const char *method = SG(request_info).request_method;

	slot->input_time = (long)PG(max_input_time);
	slot->input_time_aside = !method || strcmp(method, "POST");
	if (!slot->input_time_aside)
		return;
	PG(max_input_time) = -1;
	EG(timeout_seconds) = zend_ini_long("max_execution_time", sizeof("max_execution_time") - 1, 0);
}

static int module_activate(void)
{
	struct php_slot *slot = &php_slot;

	if (!slot->req)
		return SUCCESS;
#if PHP_VERSION_ID < 80400
	if (slot->script)
		php_user_ini_activate(slot);
#endif
	input_time_put_aside(slot);
	return SUCCESS;
}

#if PHP_VERSION_ID >= 80400
/* From 8.4 on .user.ini is read before the body, so that post_max_size in it counts. */
static int module_pre_request(void)
{
	if (php_slot.req && php_slot.script)
		php_user_ini_activate(&php_slot);
	return SUCCESS;
}
#endif

static void default_set(HashTable *configuration, const char *name, const char *text)
{
	zval value;

	ZVAL_NEW_STR(&value, zend_string_init(text, strlen(text), 1));
	zend_hash_str_update(configuration, name, strlen(name), &value);
}

/* Weaker than any php.ini. A zygote has nobody to display PHP's start-up messages to: they go to the log. */
static void module_ini_defaults(HashTable *configuration)
{
	default_set(configuration, "display_errors", "1");
	default_set(configuration, "display_startup_errors", PHP_INI_QUIET);
}

sapi_module_struct php_sapi_module = {
	.name = "fpm-fcgi",
	.pretty_name = "FPM/FastCGI",
	.activate = module_activate,
	.ub_write = module_write,
	.flush = module_flush,
	.getenv = php_vars_getenv,
	.sapi_error = zend_error,
	.send_headers = php_headers_send,
	.read_post = php_body_read,
	.read_cookies = module_cookies,
	.register_server_variables = php_vars_register,
	.log_message = php_log_message,
	.get_request_time = module_request_time,
	.ini_defaults = module_ini_defaults,
#if PHP_VERSION_ID >= 80400
	.pre_request_init = module_pre_request,
#endif
};

void php_module_thread(void)
{
	SG(options) |= SAPI_OPTION_NO_CHDIR;    /* php_script.c does it, with one system call for PHP's three */
#ifdef ZEND_SIGNALS
	SIGG(reset) = 0;                        /* the handlers stand already: not seven system calls a request */
#endif
}

void php_module_hook(void)
{
	php_vars_hook();
	php_interrupt_hook();
}
