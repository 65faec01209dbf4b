/* php_print.c -- what -v, -i and -m print, in php-fpm's words. Runs in a throw-away process. */
#include "sapi/php/php_priv.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "ext/standard/info.h"
#include "zend_extensions.h"

static struct buf *capture;     /* where output goes while something is looked up in it */

bool php_print_capture(const char *text, size_t len)
{
	if (capture)
		buf_add(capture, text, len);
	return capture != NULL;
}

/* The headers that this plug-in was built with may be of another 8.2.x than the library that is loaded. */
const char *php_print_version(void)
{
	const zend_module_entry *core = zend_hash_str_find_ptr(&module_registry, "core", sizeof("core") - 1);

	return core && core->version ? core->version : PHP_VERSION;
}

/* Only phpinfo tells when libphp was built. */
static void build_date(char *out, size_t size)
{
	static const char name[] = "Build Date => ";
	struct buf text = { 0 };
	const char *at;

	capture = &text;
	php_print_info(PHP_INFO_GENERAL);
	capture = NULL;
	at = strstr(buf_str(&text), name);
	if (at)
		snprintf(out, size, "%.*s", (int)strcspn(at + strlen(name), "\n"), at + strlen(name));
	else
		snprintf(out, size, "unknown");
	buf_free(&text);
}

static void print_version(void)
{
	char built[64];

	build_date(built, sizeof(built));
	php_printf("PHP %s (%s) (built: %s)%s\n", php_print_version(), sapi_module.name, built,
	    ZEND_DEBUG ? " (DEBUG)" : "");
	php_printf("Copyright (c) The PHP Group\n%s", get_zend_version());
}

static int by_module_name(Bucket *a, Bucket *b)
{
	const zend_module_entry *left = Z_PTR(a->val), *right = Z_PTR(b->val);

	return strcasecmp(left->name, right->name);
}

static int by_extension_name(const zend_llist_element **a, const zend_llist_element **b)
{
	const zend_extension *left = (const void *)(*a)->data, *right = (const void *)(*b)->data;

	return strcmp(left->name, right->name);
}

static void print_modules(void)
{
	HashTable sorted;
	zend_module_entry *module;
	zend_llist extensions;
	zend_llist_position pos;

	zend_hash_init(&sorted, 64, NULL, NULL, 1);
	zend_hash_copy(&sorted, &module_registry, NULL);
	zend_hash_sort(&sorted, by_module_name, 0);
	php_printf("[PHP Modules]\n");
	ZEND_HASH_FOREACH_PTR(&sorted, module) {
		php_printf("%s\n", module->name);
	} ZEND_HASH_FOREACH_END();
	zend_hash_destroy(&sorted);

	php_printf("\n[Zend Modules]\n");
	zend_llist_copy(&extensions, &zend_extensions);
	extensions.dtor = NULL;
	zend_llist_sort(&extensions, by_extension_name);
	for (zend_extension *ext = zend_llist_get_first_ex(&extensions, &pos); ext;
	     ext = zend_llist_get_next_ex(&extensions, &pos))
		php_printf("%s\n", ext->name);
	zend_llist_destroy(&extensions);
	php_printf("\n");
}

static void print_what(enum sapi_print what)
{
	switch (what) {
	case SAPI_PRINT_VERSION:
		print_version();
		return;
	case SAPI_PRINT_INFO:
		php_print_info(0xFFFFFFFF);
		return;
	case SAPI_PRINT_MODULES:
		print_modules();
		return;
	}
}

static void print_caught(enum sapi_print what)
{
	SG(headers_sent) = SG(request_info).no_headers = 1;
	zend_try {
		php_output_end_all();   /* php.ini's output_buffering would hold back what is to be captured */
		print_what(what);
	} zend_end_try();
}

int php_print(struct sapi_ctx *ctx, enum sapi_print what, struct err *err)
{
	int status = 0;

	php_sapi_module.phpinfo_as_text = 1;
	if (php_start(ctx, err) < 0)
		return -1;
	if (php_request_startup() == FAILURE)
		status = err_set(err, "PHP cannot start a request; the lines above say why");
	else
		print_caught(what);
	php_request_shutdown(NULL);
	fflush(stdout);
	php_stop();
	return status;
}
