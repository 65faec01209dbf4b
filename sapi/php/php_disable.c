/* php_disable.c -- disable_functions for one request. Runs in the child.
 * PHP's own way takes a function out of its table for good, and a script that opcache holds would then call what is
 * not there. Here the function stays: for the request its handler says what PHP says of an undefined one, and
 * function_exists() and is_callable() say no. Two things remain: a script can see it in get_defined_functions(), and
 * cannot define one of that name. */
#include "sapi/php/php_priv.h"

#include <stdlib.h>
#include <string.h>
#include "src/base/mem.h"

static PHP_THREAD struct disabled {
	struct disabled *next;
	zend_internal_function *fn;
	zif_handler handler;
	zend_module_entry *module;
	zend_module_entry shadow;       /* fn's module while it is disabled: the optimizer takes a function of a
					 * lasting module for one that exists, and would write that into the script */
} *disabled;

/* What asks whether a function is there, and what PHP has for it. */
static PHP_THREAD struct asking {
	const char *name;
	zend_internal_function *fn;     /* NULL: not replaced */
	zif_handler handler;
} asking[] = { { "function_exists", NULL, NULL }, { "is_callable", NULL, NULL } };

/* Machine code made from a script has the handlers' addresses in it, and all children share it. */
bool php_disable_can(void)
{
	const char *jit = zend_ini_string("opcache.jit", sizeof("opcache.jit") - 1, 0);
	const char *off[] = { "", "0", "off", "no", "disable" };
	size_t i = 0;

	if (!jit || !zend_ini_long("opcache.jit_buffer_size", sizeof("opcache.jit_buffer_size") - 1, 0))
		return true;
	while (i < ARRAY_LEN(off) && strcasecmp(jit, off[i]))
		i++;
	return i < ARRAY_LEN(off);
}

static ZEND_NAMED_FUNCTION(disabled_call)
{
	(void)return_value;
	zend_throw_error(NULL, "Call to undefined function %s()", ZSTR_VAL(EX(func)->common.function_name));
}

static zend_internal_function *internal_find(const char *name, size_t len)
{
	zend_function *fn = zend_hash_str_find_ptr(CG(function_table), name, len);

	return fn && fn->type == ZEND_INTERNAL_FUNCTION ? &fn->internal_function : NULL;
}

static bool is_disabled(const zval *name)
{
	const zend_internal_function *fn;
	char *lower;
	size_t skip;

	if (Z_TYPE_P(name) != IS_STRING)
		return false;
	lower = zend_str_tolower_dup(Z_STRVAL_P(name), Z_STRLEN_P(name));
	skip = *lower == '\\';
	fn = internal_find(lower + skip, Z_STRLEN_P(name) - skip);
	efree(lower);
	return fn && fn->handler == disabled_call;
}

static ZEND_NAMED_FUNCTION(asking_call)
{
	zval *name = ZEND_NUM_ARGS() ? ZEND_CALL_ARG(execute_data, 1) : NULL;

	if (name)
		ZVAL_DEREF(name);
	if (name && is_disabled(name))
		RETURN_FALSE;
	for (size_t i = 0; i < ARRAY_LEN(asking); i++)
		if (asking[i].fn && zend_string_equals(EX(func)->common.function_name, asking[i].fn->function_name)) {
			asking[i].handler(INTERNAL_FUNCTION_PARAM_PASSTHRU);
			return;
		}
}

static void asking_replace(void)
{
	for (size_t i = 0; i < ARRAY_LEN(asking); i++) {
		struct asking *a = &asking[i];

		if (a->fn || !(a->fn = internal_find(a->name, strlen(a->name))))
			continue;
		a->handler = a->fn->handler;
		a->fn->handler = asking_call;
	}
}

static void disable_one(const char *name, size_t len)
{
	zend_internal_function *fn = internal_find(name, len);
	struct disabled *d;

	if (!fn || fn->handler == disabled_call || fn->handler == asking_call)
		return;         /* PHP has no such function, as is so on many lists */
	d = xcalloc(1, sizeof(*d));
	*d = (struct disabled){ .next = disabled, .fn = fn, .handler = fn->handler, .module = fn->module };
	disabled = d;
	if (fn->module) {
		d->shadow = *fn->module;
		d->shadow.type = MODULE_TEMPORARY;
		fn->module = &d->shadow;
	}
	fn->handler = disabled_call;
}

void php_disable_add(const char *list)
{
	while (*list) {
		size_t len = strcspn(list, " ,");

		if (len)
			disable_one(list, len);
		list += len;
		list += strspn(list, " ,");
	}
	if (disabled)
		asking_replace();
}

void php_disable_undo(void)
{
	for (size_t i = 0; disabled && i < ARRAY_LEN(asking); i++) {
		if (asking[i].fn)
			asking[i].fn->handler = asking[i].handler;
		asking[i].fn = NULL;
	}
	while (disabled) {
		struct disabled *d = disabled;

		disabled = d->next;
		d->fn->handler = d->handler;
		d->fn->module = d->module;
		free(d);
	}
}
