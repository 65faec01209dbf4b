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

#define WSGI GOOD_POOL "sapi = wsgi\nwsgi.application = "

static void assert_wsgi_error(const char *lines, const char *text)
{
	char *whole = xasprintf(WSGI "%s\n", lines);
	struct loaded l = load(whole);

	assert_note(&l, CONF_ERROR, text);
	assert_int_equal(l.notes.errors, 1);
	unload(&l);
	free(whole);
}

static void a_wsgi_pool(void **state)
{
	static const char *const good[] = { "app:application", "a.b:c.d", "/srv/app.py:app", "site.wsgi", "/a:b/site.wsgi" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		char *whole = xasprintf(WSGI "%s\n", good[i]);
		struct loaded l = load(whole);

		assert_good(&l);
		assert_string_equal(l.conf->pools[0]->wsgi_application, good[i]);
		assert_true(l.conf->pools[0]->wsgi_preload);
		assert_null(l.conf->pools[0]->wsgi_mount);
		unload(&l);
		free(whole);
	}
}

static void what_is_no_application(void **state)
{
	(void)state;
	assert_only_error("sapi = wsgi", "[f:1] [pool www] wsgi.application is missing: 'sapi = wsgi' needs MODULE:CALLABLE, "
	    "FILE.py:CALLABLE or FILE.wsgi");
	assert_wsgi_error("app", "[f:6] [pool www] 'wsgi.application = app' names no application: it is MODULE:CALLABLE, "
	    "FILE.py:CALLABLE or FILE.wsgi");
	assert_wsgi_error("app:", "[f:6] [pool www] 'wsgi.application = app:' names no application: it is MODULE:CALLABLE, "
	    "FILE.py:CALLABLE or FILE.wsgi");
	assert_wsgi_error(":app", "[f:6] [pool www] 'wsgi.application = :app' names no application: it is MODULE:CALLABLE, "
	    "FILE.py:CALLABLE or FILE.wsgi");
	assert_wsgi_error("/a:b/app.py", "[f:6] [pool www] 'wsgi.application = /a:b/app.py' names no application: it is "
	    "MODULE:CALLABLE, FILE.py:CALLABLE or FILE.wsgi");
}

static void what_else_is_wrong_in_a_wsgi_pool(void **state)
{
	(void)state;
	assert_wsgi_error("a:b\nwsgi.mount = app", "[f:7] [pool www] 'wsgi.mount = app' must begin with /");
	assert_wsgi_error("a:b\nwsgi.pythonpath = /a:b", "[f:7] [pool www] 'wsgi.pythonpath = /a:b': each folder must be an "
	    "absolute path");
	assert_wsgi_error("a:b\nphp_value[x] = 1", "[f:7] [pool www] php_value does not apply to 'sapi = wsgi': it belongs "
	    "to 'sapi = php'; remove the line");
	assert_wsgi_error("a:b\nnative.module = /x.so", "[f:7] [pool www] native.module does not apply to 'sapi = wsgi': it "
	    "belongs to 'sapi = native'; remove the line");
	assert_only_error("wsgi.preload = no", "[f:5] [pool www] wsgi.preload does not apply to 'sapi = php': it belongs to "
	    "'sapi = wsgi'; remove the line");
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
		cmocka_unit_test(a_wsgi_pool),
		cmocka_unit_test(what_is_no_application),
		cmocka_unit_test(what_else_is_wrong_in_a_wsgi_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
