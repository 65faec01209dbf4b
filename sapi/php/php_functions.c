/* php_functions.c -- the functions that PHP scripts know from php-fpm. Runs in the child. */
#include "sapi/php/php_priv.h"

#include "ext/standard/head.h"

static void header_add(void *array, struct php_slice name, struct php_slice value)
{
	sapi_add_request_header(name.p, (unsigned)name.len, (char *)value.p, (unsigned)value.len, array);
}

PHP_FUNCTION(apache_request_headers)
{
	ZEND_PARSE_PARAMETERS_NONE();
	array_init(return_value);
	if (php_slot.req)
		php_vars_each(&php_slot, header_add, return_value);
}

/* The client gets the whole response now; the script goes on without it. */
PHP_FUNCTION(fastcgi_finish_request)
{
	struct php_slot *slot = &php_slot;

	ZEND_PARSE_PARAMETERS_NONE();
	if (!slot->req || slot->finished)
		RETURN_FALSE;
	php_output_end_all();
	php_header();
	slot->finished = true;
	if (slot->req->ops->finish(slot->req) < 0)
		php_handle_aborted_connection();
	RETURN_TRUE;
}

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_finish, 0, 0, _IS_BOOL, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_INFO_EX(arginfo_headers, 0, 0, IS_ARRAY, 0)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_WITH_RETURN_TYPE_MASK_EX(arginfo_status, 0, 0, MAY_BE_ARRAY | MAY_BE_FALSE)
ZEND_END_ARG_INFO()

const zend_function_entry php_functions[] = {
	PHP_FE(fastcgi_finish_request, arginfo_finish)
	PHP_FE(apache_request_headers, arginfo_headers)
	PHP_FALIAS(getallheaders, apache_request_headers, arginfo_headers)
	PHP_FE(fpm_get_status, arginfo_status)
	PHP_FE_END
};
