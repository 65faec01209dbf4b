/* test_conf_check_sapi.c -- which keys apply to which SAPI. */
#include "tests/unit/conf/conf_help.h"

#define NATIVE GOOD_POOL "sapi = native\nnative.module = /srv/app.so\n"

static void assert_native_error(const char *line, const char *text)
{
	char *whole = xasprintf(NATIVE "%s\n", line);
	struct loaded l = load(whole);

	assert_note(&l, CONF_ERROR, text);
	assert_int_equal(l.notes.errors, 1);
	unload(&l);
	free(whole);
}

static void a_native_pool(void **state)
{
	struct loaded l = load(NATIVE);

	(void)state;
	assert_good(&l);
	assert_string_equal(l.conf->pools[0]->native_module, "/srv/app.so");
	unload(&l);
}

static void php_s_keys_do_not_apply_to_native(void **state)
{
	(void)state;
	assert_native_error("php_value[memory_limit] = 1M", "[f:7] [pool www] php_value does not apply to 'sapi = "
	    "native': it belongs to 'sapi = php'; remove the line");
	assert_native_error("php_flag[x] = on", "[f:7] [pool www] php_flag does not apply to 'sapi = native': it "
	    "belongs to 'sapi = php'; remove the line");
	assert_native_error("php_admin_value[x] = 1", "[f:7] [pool www] php_admin_value does not apply to 'sapi = "
	    "native': it belongs to 'sapi = php'; remove the line");
	assert_native_error("php_admin_flag[x] = on", "[f:7] [pool www] php_admin_flag does not apply to 'sapi = "
	    "native': it belongs to 'sapi = php'; remove the line");
	assert_native_error("php.version = 8.2", "[f:7] [pool www] php.version does not apply to 'sapi = native': it "
	    "belongs to 'sapi = php'; remove the line");
	assert_native_error("security.limit_extensions = .so", "[f:7] [pool www] security.limit_extensions does not "
	    "apply to 'sapi = native': it belongs to 'sapi = php'; remove the line");
}

static void native_s_keys_do_not_apply_to_php(void **state)
{
	(void)state;
	assert_only_error("native.module = /srv/app.so", "[f:5] [pool www] native.module does not apply to 'sapi = "
	    "php': it belongs to 'sapi = native'; remove the line");
}

static void a_module_is_needed(void **state)
{
	(void)state;
	assert_only_error("sapi = native", "[f:1] [pool www] native.module is missing: 'sapi = native' needs the path "
	    "of a module of C handlers, see weir_native(3)");
}

static void a_sapi_of_somebody_else_may_have_any_key(void **state)
{
	struct loaded l = load(GOOD_POOL "sapi = echo\nsecurity.limit_extensions =\nphp_value[x] = 1\n");

	(void)state;
	assert_good(&l);
	unload(&l);
}

static void each_sapi_s_keys_are_shown(void **state)
{
	struct loaded l = load(NATIVE);
	struct buf out = { 0 };

	(void)state;
	conf_dump(l.conf, &out);
	assert_non_null(strstr(buf_str(&out), "\tnative.module = /srv/app.so\n"));
	assert_null(strstr(buf_str(&out), "security.limit_extensions"));
	assert_null(strstr(buf_str(&out), "php.version"));
	unload(&l);
	l = load(GOOD_POOL);
	buf_clear(&out);
	conf_dump(l.conf, &out);
	assert_null(strstr(buf_str(&out), "native.module"));
	assert_non_null(strstr(buf_str(&out), "security.limit_extensions"));
	unload(&l);
	buf_free(&out);
}

static void paths_of_modules(void **state)
{
	struct loaded l = load(GOOD_POOL "sapi = native\nnative.module = app.so\nprefix = /tmp\n");

	(void)state;
	assert_string_equal(l.conf->pools[0]->native_module, "/tmp/app.so");
	unload(&l);
	l = load_as_root(GOOD_POOL "user = daemon\nsapi = native\nnative.module = app.so\nchroot = /tmp\n");
	assert_string_equal(l.conf->pools[0]->native_module, "/app.so");
	unload(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_native_pool),
		cmocka_unit_test(php_s_keys_do_not_apply_to_native),
		cmocka_unit_test(native_s_keys_do_not_apply_to_php),
		cmocka_unit_test(a_module_is_needed),
		cmocka_unit_test(a_sapi_of_somebody_else_may_have_any_key),
		cmocka_unit_test(each_sapi_s_keys_are_shown),
		cmocka_unit_test(paths_of_modules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
