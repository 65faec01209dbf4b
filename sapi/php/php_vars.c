/* php_vars.c -- a request's parameters as PHP's variables: $_SERVER, $_ENV, getenv(). Runs in the child.
 * What php_path changed comes in front of what was sent. HTTP_PROXY, which a client can make and programs take
 * for the proxy to use (httpoxy), does not exist here. */
#include "sapi/php/php_priv.h"

#include <string.h>
#include "php_variables.h"

static void (*import_process)(zval *array);     /* PHP's own: the process' environment */

static const struct { const char *name; size_t len; } param_names[PARAM_COUNT] = {
#define PARAM(name) [PARAM_ ## name] = { #name, sizeof(#name) - 1 }
	PARAM(SCRIPT_FILENAME), PARAM(PATH_TRANSLATED), PARAM(PATH_INFO), PARAM(SCRIPT_NAME), PARAM(REDIRECT_URL),
	PARAM(DOCUMENT_ROOT), PARAM(SERVER_SOFTWARE), PARAM(REQUEST_METHOD), PARAM(QUERY_STRING),
	PARAM(CONTENT_TYPE), PARAM(CONTENT_LENGTH), PARAM(HTTP_COOKIE), PARAM(HTTP_AUTHORIZATION),
	PARAM(SERVER_NAME), PARAM(PHP_VALUE), PARAM(PHP_ADMIN_VALUE),
};

static bool is_proxy(const char *name, size_t len)
{
	return len == sizeof("HTTP_PROXY") - 1 && !memcmp(name, "HTTP_PROXY", len);
}

void php_params_read(struct php_slot *slot)
{
	const struct request_ops *ops = slot->req->ops;
	size_t count = ops->param_count(slot->req);
	struct sapi_param param;

	memset(slot->param, 0, sizeof(slot->param));
	for (size_t i = 0; i < count; i++) {
		ops->param_at(slot->req, i, &param);
		for (size_t k = 0; k < PARAM_COUNT; k++)
			if (param.name_len == param_names[k].len &&
			    !memcmp(param.name, param_names[k].name, param.name_len)) {
				slot->param[k] = (struct php_slice){ param.value, param.value_len };
				break;
			}
	}
}

static struct php_slice role_name(const struct php_slot *slot)
{
	if (1u << slot->req->role == SAPI_AUTHORIZER)
		return (struct php_slice){ "AUTHORIZER", sizeof("AUTHORIZER") - 1 };
	return (struct php_slice){ "RESPONDER", sizeof("RESPONDER") - 1 };
}

/* Of a name sent twice the last value holds. */
static bool param_holds(const struct php_slot *slot, const struct sapi_param *param)
{
	struct php_slice changed;
	size_t len;

	return !is_proxy(param->name, param->name_len) &&
	       !php_path_var(&slot->path, param->name, param->name_len, &changed) &&
	       slot->req->ops->param(slot->req, param->name, &len) == param->value;
}

/* From the last to the first, as php-fpm does: of names that PHP makes equal ("a.b" and "a_b"), or that become the
 * same request header, the one sent first is taken. */
void php_vars_each(const struct php_slot *slot, php_var_fn *fn, void *arg)
{
	const struct request_ops *ops = slot->req->ops;
	struct sapi_param param;
	size_t len;

	for (size_t i = 0; i < slot->path.var_count; i++) {
		const struct php_var *var = &slot->path.vars[i];

		if (var->value.p)
			fn(arg, (struct php_slice){ var->name, strlen(var->name) }, var->value);
	}
	for (size_t i = ops->param_count(slot->req); i-- > 0;) {
		ops->param_at(slot->req, i, &param);
		if (param_holds(slot, &param))
			fn(arg, (struct php_slice){ param.name, param.name_len },
			   (struct php_slice){ param.value, param.value_len });
	}
	if (!ops->param(slot->req, "FCGI_ROLE", &len))
		fn(arg, (struct php_slice){ "FCGI_ROLE", sizeof("FCGI_ROLE") - 1 }, role_name(slot));
}

char *php_vars_getenv(const char *name, size_t len)
{
	struct php_slot *slot = &php_slot;
	struct php_slice value;
	size_t value_len;

	if (!slot->req || is_proxy(name, len))
		return NULL;
	if (php_path_var(&slot->path, name, len, &value))
		return (char *)value.p;
	value.p = slot->req->ops->param(slot->req, name, &value_len);
	if (!value.p && len == sizeof("FCGI_ROLE") - 1 && !memcmp(name, "FCGI_ROLE", len))
		return (char *)role_name(slot).p;
	return (char *)value.p;
}

/* With PHP's input filter in between, which keeps the raw value for filter_input(). */
static void var_filtered(zval *array, const char *name, struct php_slice value)
{
	int kind = Z_ARR_P(array) == Z_ARR(PG(http_globals)[TRACK_VARS_ENV]) ? PARSE_ENV : PARSE_SERVER;
	char *text = (char *)value.p;
	size_t len;

	if (sapi_module.input_filter(kind, name, &text, value.len, &len))
		php_register_variable_safe(name, text, len, array);
}

static void var_import(void *array, struct php_slice name, struct php_slice value)
{
	var_filtered(array, name.p, value);
}

static void var_load(void *array, struct php_slice name, struct php_slice value)
{
	php_register_variable_safe(name.p, value.p, value.len, array);
}

void php_vars_import(zval *array)
{
	import_process(array);
	if (php_slot.req)
		php_vars_each(&php_slot, var_import, array);
}

/* PHP's own comes back through php_vars_import, whose filter writes into $_SERVER: getenv() would put what was sent
 * in the place of PHP_SELF. */
void php_vars_load(zval *array)
{
	import_process(array);
	if (php_slot.req)
		php_vars_each(&php_slot, var_load, array);
}

void php_vars_hook(void)
{
	import_process = php_import_environment_variables;
	php_import_environment_variables = php_vars_import;
	php_load_environment_variables = php_vars_load;
}

static struct php_slice path_info_seen(const struct php_slot *slot)
{
	struct php_slice info;

	if (!CGI(fix_pathinfo))
		return (struct php_slice){ NULL, 0 };
	if (!php_path_var(&slot->path, "PATH_INFO", sizeof("PATH_INFO") - 1, &info))
		info = slot->param[PARAM_PATH_INFO];
	return info;
}

void php_vars_register(zval *array)
{
	struct php_slot *slot = &php_slot;
	struct php_slice uri = slot->path.uri, info = path_info_seen(slot), self;
	zend_string *text = zend_string_alloc(uri.len + info.len, 0);

	php_import_environment_variables(array);
	if (uri.len)
		memcpy(ZSTR_VAL(text), uri.p, uri.len);
	if (info.len)
		memcpy(ZSTR_VAL(text) + uri.len, info.p, info.len);
	ZSTR_VAL(text)[uri.len + info.len] = '\0';
	self = (struct php_slice){ ZSTR_VAL(text), ZSTR_LEN(text) };
	var_filtered(array, "PHP_SELF", self);
	zend_string_release(text);
}
