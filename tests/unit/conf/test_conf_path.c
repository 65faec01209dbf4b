/* test_conf_path.c -- relative paths, $prefix, and folders that are not there. */
#include "tests/unit/conf/conf_help.h"

static void global_paths(void **state)
{
	struct loaded l = load("pid = run/x.pid\n" GOOD_POOL);

	(void)state;
	assert_good(&l);
	assert_string_equal(l.conf->global.pid, "/var/run/x.pid");
	assert_string_equal(l.conf->global.error_log, "/var/log/php-fpm.log");
	unload(&l);
	l = load_with((struct conf_load_options){ .prefix = "/srv" }, "pid = x\nerror_log = /y\n" GOOD_POOL);
	assert_string_equal(l.conf->global.pid, "/srv/x");
	assert_string_equal(l.conf->global.error_log, "/y");
	unload(&l);
}

static void folders_are_missing(void **state)
{
	static const struct { const char *lines, *error; } cases[] = {
		{ "prefix = /nowhere", "[f:5] [pool www] the prefix '/nowhere' does not exist or is not a directory" },
		{ "prefix = /etc/passwd", "[f:5] [pool www] the prefix '/etc/passwd' does not exist or is not a directory" },
		{ "chdir = /nowhere", "[f:5] [pool www] the chdir path '/nowhere' does not exist or is not a directory" },
		{ "chdir = nowhere", "[f:5] [pool www] the chdir path '/usr/nowhere' does not exist or is not a directory" },
		{ "user = 12345\ngroup = 12345\nchroot = /nowhere\nchdir = /x", "[f:7] [pool www] the chroot path '/nowhere' "
		  "does not exist or is not a directory" },
		{ "user = 12345\ngroup = 12345\nchroot = /usr\nchdir = /nowhere", "[f:8] [pool www] the chdir path '/nowhere' "
		  "within the chroot path '/usr' ('/usr/nowhere') does not exist or is not a directory" },
		{ "user = 12345\ngroup = 12345\nchroot = /usr$prefix", "[f:7] [pool www] chroot = /usr$prefix: '$prefix' must be "
		  "use at the beginning of the value" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = xasprintf("%s%s\n", GOOD_POOL, cases[i].lines);
		struct loaded l = strstr(text, "user") ? load_as_root(text) : load(text);

		assert_note(&l, CONF_ERROR, cases[i].error);
		assert_int_equal(l.notes.errors, 1);
		unload(&l);
		free(text);
	}
}

static void prefix_word(void **state)
{
	struct loaded l = load_as_root(GOOD_POOL "user = 12345\ngroup = 12345\nprefix = /usr\nchroot = $prefix/lib\n"
				       "chdir = /\n");

	(void)state;
	assert_good(&l);
	assert_string_equal(l.conf->pools[0]->chroot, "/usr/lib");
	assert_string_equal(l.conf->pools[0]->chdir, "/");
	unload(&l);
	l = load_as_root(GOOD_POOL "user = 12345\ngroup = 12345\nchroot = lib\n");
	assert_string_equal(l.conf->pools[0]->chroot, "/usr/lib");
	unload(&l);
}

/* Some options of PHP are paths; others only look so. */
static void options_of_php(void **state)
{
	struct loaded l = load(GOOD_POOL "prefix = /tmp\nphp_value[Error_Log] = x\nphp_admin_value[error_log] = syslog\n"
			       "php_value[include_path] = x\n");
	const struct conf_pairs *values;

	(void)state;
	assert_good(&l);
	values = &l.conf->pools[0]->sapi_values;
	assert_string_equal(values->at[0].value, "x");
	assert_string_equal(values->at[1].value, "/tmp/x");
	assert_string_equal(values->at[2].value, "syslog");
	unload(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(global_paths),
		cmocka_unit_test(folders_are_missing),
		cmocka_unit_test(prefix_word),
		cmocka_unit_test(options_of_php),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
