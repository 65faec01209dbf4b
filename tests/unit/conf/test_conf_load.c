/* test_conf_load.c -- files, sections, includes, values and unknown keys; all errors of a file at once. */
#include "tests/unit/conf/conf_help.h"
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test_conf_load.XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static char *path_of(const char *name)
{
	return xasprintf("%s/%s", folder, name);
}

static void put(const char *name, const char *text)
{
	char *path = path_of(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	free(path);
}

static void drop(const char *name)
{
	char *path = path_of(name);

	assert_int_equal(unlink(path), 0);
	free(path);
}

static struct loaded load_file(const char *name)
{
	char *path = path_of(name);
	struct conf_load_options opt = { .file = path, .prefix = folder };
	struct loaded l;

	l.conf = conf_load(&opt, &l.notes);
	free(path);
	return l;
}

/* A note whose text ends so; the folder's name stands before. */
static void assert_note_has(const struct loaded *l, enum conf_severity severity, const char *part)
{
	for (size_t i = 0; i < l->notes.count; i++)
		if (l->notes.at[i].severity == severity && strstr(l->notes.at[i].text, part))
			return;
	print_notes(l);
	fail_msg("no note with '%s'", part);
}

static void reads_a_file(void **state)
{
	struct loaded l;

	(void)state;
	put("a.conf", "; comment\ndaemonize = no\n[global]\npid = run/x.pid\n" GOOD_POOL "PM.Max_Children = 7\n");
	l = load_file("a.conf");
	assert_good(&l);
	assert_false(l.conf->global.daemonize);
	assert_int_equal(l.conf->pool_count, 1);
	assert_string_equal(l.conf->pools[0]->name, "www");
	assert_int_equal(l.conf->pools[0]->line, 5);
	assert_int_equal(l.conf->pools[0]->max_children, 7);
	assert_int_equal(strncmp(l.conf->global.pid, folder, strlen(folder)), 0);
	unload(&l);
	drop("a.conf");
}

static void file_is_missing(void **state)
{
	struct loaded l = load_file("none.conf");

	(void)state;
	assert_null(l.conf);
	assert_int_equal(l.notes.count, 1);
	assert_note_has(&l, CONF_ERROR, "failed to open configuration file '");
	assert_note_has(&l, CONF_ERROR, "none.conf': No such file or directory (2)");
	unload(&l);
}

static void file_is_a_folder(void **state)
{
	struct loaded l = load_file(".");

	(void)state;
	assert_int_equal(l.notes.errors, 1);
	assert_note_has(&l, CONF_ERROR, "failed to read configuration file");
	unload(&l);
}

/* What follows an include belongs to the last section of the file included. */
static void include_leaves_its_section(void **state)
{
	struct loaded l;

	(void)state;
	put("main.conf", "[global]\ndaemonize = no\ninclude = pool*.conf\npm.max_requests = 5\n");
	put("pool1.conf", "[one]\nlisten = 127.0.0.1:1\npm = static\npm.max_children = 1\n");
	put("pool2.conf", "[two]\nlisten = 127.0.0.1:2\npm = static\npm.max_children = 1\n");
	l = load_file("main.conf");
	assert_good(&l);
	assert_int_equal(l.conf->pool_count, 2);
	assert_string_equal(l.conf->pools[0]->name, "one");
	assert_int_equal(l.conf->pools[0]->max_requests, 0);
	assert_int_equal(l.conf->pools[1]->max_requests, 5);
	assert_non_null(strstr(l.conf->pools[1]->file, "pool2.conf"));
	unload(&l);
	drop("main.conf");
	drop("pool1.conf");
	drop("pool2.conf");
}

static void errors_name_the_included_file(void **state)
{
	struct loaded l;

	(void)state;
	put("main.conf", "include = pool1.conf\nbad2 = 1\n");
	put("pool1.conf", "[one]\nlisten = 127.0.0.1:1\nbad1 = 1\npm = static\npm.max_children = 1\n");
	l = load_file("main.conf");
	assert_int_equal(l.notes.errors, 2);
	assert_note_has(&l, CONF_ERROR, "pool1.conf:3] unknown entry 'bad1'");
	assert_note_has(&l, CONF_ERROR, "main.conf:2] unknown entry 'bad2'");
	unload(&l);
	drop("main.conf");
	drop("pool1.conf");
}

static void include_matches_nothing(void **state)
{
	struct loaded l;

	(void)state;
	put("main.conf", "include = nothing*.conf\ninclude = none/*.conf\n" GOOD_POOL);
	l = load_file("main.conf");
	assert_note_has(&l, CONF_WARNING, "Nothing matches the include pattern '");
	assert_note_has(&l, CONF_WARNING, "main.conf at line 1.");
	assert_note_has(&l, CONF_ERROR, "main.conf:2] Unable to globalize '");
	assert_int_equal(l.notes.errors, 1);
	unload(&l);
	drop("main.conf");
}

static void include_skips_folders(void **state)
{
	struct loaded l;
	char *sub = path_of("sub.conf");

	(void)state;
	assert_int_equal(mkdir(sub, 0700), 0);
	put("main.conf", GOOD_POOL "include = sub.conf\n");
	l = load_file("main.conf");
	assert_good(&l);
	unload(&l);
	rmdir(sub);
	free(sub);
	drop("main.conf");
}

static void include_in_a_circle(void **state)
{
	struct loaded l;

	(void)state;
	put("main.conf", GOOD_POOL "include = *.conf\n");
	put("other.conf", "include = *.conf\n");
	l = load_file("main.conf");
	assert_int_equal(l.notes.errors, 1);
	assert_note_has(&l, CONF_ERROR, "failed to include more than 5 files recursively");
	unload(&l);
	drop("main.conf");
	drop("other.conf");
}

static void sections_go_on(void **state)
{
	struct loaded l = load(GOOD_POOL "[global]\ndaemonize = no\n[WWW]\npm.max_children = 9\n[Global]\nlog_level = ERROR\n");

	(void)state;
	assert_good(&l);
	assert_int_equal(l.conf->pool_count, 1);
	assert_int_equal(l.conf->pools[0]->max_children, 9);
	assert_false(l.conf->global.daemonize);
	unload(&l);
}

static void last_plain_value_holds(void **state)
{
	struct loaded l = load(GOOD_POOL "pm.max_children = 3\npm.max_children = 4\nchdir = /tmp\nchdir =\n");

	(void)state;
	assert_good(&l);
	assert_int_equal(l.conf->pools[0]->max_children, 4);
	assert_null(l.conf->pools[0]->chdir);
	unload(&l);
}

/* Applied in this order, the first that stood in the file holds. */
static void arrays_apply_last_in_first(void **state)
{
	struct loaded l = load(GOOD_POOL "env[A] = 1\nenv[A] = 2\nphp_admin_value[x] = 1\nphp_value[x] = 2\n"
			       "php_flag[y] = on\nphp_admin_flag[y] = no\nphp_value[x] = 3\n");
	const struct conf_pairs *values;
	static const char *const wanted[] = { "php_value x 3", "php_flag y 1", "php_value x 2", "php_admin_flag y 0",
					      "php_admin_value x 1" };

	(void)state;
	assert_good(&l);
	assert_string_equal(l.conf->pools[0]->env.at[0].value, "2");
	assert_string_equal(l.conf->pools[0]->env.at[1].value, "1");
	values = &l.conf->pools[0]->sapi_values;
	assert_int_equal(values->count, ARRAY_LEN(wanted));
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		char *is = xasprintf("%s %s %s", values->at[i].key->name, values->at[i].sub, values->at[i].value);

		assert_string_equal(is, wanted[i]);
		free(is);
	}
	unload(&l);
}

static void env_takes_variables(void **state)
{
	struct loaded l;

	(void)state;
	setenv("CONF_TEST", "from\nhere", 1);
	unsetenv("CONF_TEST_NONE");
	l = load(GOOD_POOL "env[A] = $CONF_TEST\nenv[B] = $CONF_TEST_NONE\nenv[C] = \"$pool-${CONF_TEST}\"\n");
	assert_good(&l);
	assert_string_equal(l.conf->pools[0]->env.at[0].value, "www-from\nhere");
	assert_null(l.conf->pools[0]->env.at[0].written);
	assert_string_equal(l.conf->pools[0]->env.at[1].value, "");
	assert_string_equal(l.conf->pools[0]->env.at[2].value, "from\nhere");
	assert_string_equal(l.conf->pools[0]->env.at[2].written, "$CONF_TEST");
	unload(&l);
}

static void pool_word_is_replaced(void **state)
{
	struct loaded l = load("[www]\nlisten = /run/$pool/$pool.sock\npm = static\npm.max_children = 1\n"
			       "php_value[$pool] = $pooly\n");

	(void)state;
	assert_good(&l);
	assert_string_equal(l.conf->pools[0]->listen, "/run/www/www.sock");
	assert_string_equal(l.conf->pools[0]->sapi_values.at[0].sub, "$pool");
	assert_string_equal(l.conf->pools[0]->sapi_values.at[0].value, "wwwy");
	unload(&l);
}

static void single_errors(void **state)
{
	static const struct { const char *lines, *error; } cases[] = {
		{ "foo = 1", "[f:5] unknown entry 'foo'" },
		{ "foo[x] = 1", "[f:5] unknown directive 'foo'" },
		{ "pm.max_childern = 5", "[f:5] unknown entry 'pm.max_childern': did you mean 'pm.max_children'?" },
		{ "max_children = 5", "[f:5] unknown entry 'max_children': did you mean 'pm.max_children'?" },
		{ "php_vlaue[x] = 5", "[f:5] unknown directive 'php_vlaue': did you mean 'php_value'?" },
		{ "PHP_VALUE[x] = 5", "[f:5] unknown directive 'PHP_VALUE': did you mean 'php_value'?" },
		{ "INCLUDE = x", "[f:5] unknown entry 'INCLUDE': did you mean 'include'?" },
		{ "daemonize = no", "[f:5] unknown entry 'daemonize': it belongs into [global]" },
		{ "[global]\nlisten = /x", "[f:6] unknown entry 'listen': it belongs into the section of a pool" },
		{ "pm[x] = 1", "[f:5] unknown directive 'pm': pm takes no [...]" },
		{ "php_value = 1", "[f:5] unknown entry 'php_value': write php_value[NAME] = VALUE" },
		{ "php_value[] = 1", "[f:5] You must provide a key for field 'php_value': php_value[NAME] = VALUE" },
		{ "[global]\nenv[A] = 1", "[f:6] Array are not allowed in the global section: env[] belongs into the "
		  "section of a pool" },
		{ "env[A] =", "[f:5] empty value for env[A]: give it one, or remove the line" },
		{ "env[A=B] = 1", "[f:5] env[A=B]: the name of a variable cannot hold '='" },
		{ "php_flag[x] = maybe", "[f:5] error while parsing 'php_flag[x]' : invalid boolean value (it is 'maybe')" },
		{ "php_admin_flag[x] = \"Yes\"", "[f:5] error while parsing 'php_admin_flag[x]' : invalid boolean value (it "
		  "is 'Yes')" },
		{ "clear_env = maybe", "[f:5] unable to parse value for entry 'clear_env': invalid boolean value (it is "
		  "'maybe')" },
		{ "[global]\npid = $pool", "[f:6] unable to parse value for entry 'pid': Can't use '$pool' when the pool is not "
		  "defined (it is '$pool')" },
		{ "foo", "[f:5] syntax error at 'foo': 'foo' has no value: write foo = VALUE" },
		{ "chdir = a=b", "[f:5] syntax error at 'chdir': unexpected '=' in the value: put the whole value in double "
		  "quotes" },
		{ "[www", "[f:5] syntax error at 'www': '[' without its ']'" },
		{ "[WWW] x\npm.max_children = 2", "[f:5] syntax error at 'WWW': text behind the ']' of [WWW]: put it on a line "
		  "of its own" },
		{ "Listen.setfib = 1", "[f:5] unknown entry 'Listen.setfib': only FreeBSD has it: remove the line" },
		{ "access.suppress_path[x] = /s", "[f:5] Keys provided to field 'access.suppress_path' are ignored: write "
		  "access.suppress_path[] = VALUE, once for each" },
		{ "access.suppress_path[] = s", "[f:5] Values provided to field 'access.suppress_path' must begin with '/' (it "
		  "is 's')" },
		{ "access.suppress_path[] =", "[f:5] Values provided to field 'access.suppress_path' must begin with '/' (it "
		  "is '')" },
		{ "access.log = a\naccess.format = %x", "[f:6] [pool www] wrong format for access.format '%x': Invalid token "
		  "in the access.format (%x)" },
		{ "[global]\nlog_limit = 511", "[f:6] log_limit must be greater than 512" },
		{ "[global]\nlog_limit = -1", "[f:6] log_limit must be greater than 512" },
		{ "exec.command = x", "[f:5] 'exec.command' is not built into this version of Weir" },
		{ "listen.tls_key = x", "[f:5] 'listen.tls_key' is not built into this version of Weir" },
		{ "mpm = x", "[f:5] unable to parse value for entry 'mpm': invalid multi-processing model (prefork, worker or "
		  "event) (it is 'x')" },
		{ "queue.abandoned = x", "[f:5] unable to parse value for entry 'queue.abandoned': invalid value, give one of "
		  "drop-safe, drop, run (it is 'x')" },
		{ "event.retry = no", "[f:5] unable to parse value for entry 'event.retry': invalid value, give one of safe, "
		  "all (it is '')" },
		{ "event.max_connections = 0", "[f:5] unable to parse value for entry 'event.max_connections': must be at "
		  "least 1 (it is '0')" },
		{ "[global]\nerror_log =", "[f:6] unable to parse value for entry 'error_log': it is empty (it is '')" },
		{ "internal.uid = 0", "[f:5] unknown entry 'internal.uid'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_only_error(cases[i].lines, cases[i].error);
}

static void all_errors_at_once(void **state)
{
	struct loaded l = load("deamonize = no\nlog_level = loud\n[one]\nlisten = foo:bar\npm = fast\nenv[] = 1\n"
			       "[two]\nlisten = 127.0.0.1:1\npm = static\n");

	(void)state;
	assert_null(l.conf);
	assert_int_equal(l.notes.errors, 7);
	assert_note(&l, CONF_ERROR, "[f:1] unknown entry 'deamonize': did you mean 'daemonize'?");
	assert_note(&l, CONF_ERROR, "[f:2] unable to parse value for entry 'log_level': invalid value for 'log_level' (it "
		    "is 'loud')");
	assert_note(&l, CONF_ERROR, "[f:5] unable to parse value for entry 'pm': invalid process manager (static, dynamic or "
		    "ondemand) (it is 'fast')");
	assert_note(&l, CONF_ERROR, "[f:3] [pool one] pm.max_children must be a positive value");
	assert_note(&l, CONF_ERROR, "[f:7] [pool two] pm.max_children must be a positive value");
	unload(&l);
}

static void doubts_are_warnings(void **state)
{
	struct loaded l = load(GOOD_POOL "env[PASS] = pa&ss\n");

	(void)state;
	assert_non_null(l.conf);
	assert_note_has(&l, CONF_WARNING, "[f:5] 'env': 'ss' counts as the number 0");
	unload(&l);
}

static void no_pool(void **state)
{
	struct loaded l = load("[global]\ndaemonize = no\n");

	(void)state;
	assert_note(&l, CONF_ERROR, "[f] No pool defined. at least one pool section must be specified in config file");
	unload(&l);
}

static void pool_names(void **state)
{
	struct loaded l = load("[a\tb]\nlisten = 127.0.0.1:1\npm = static\npm.max_children = 1\n");
	char name[200];
	char *text;

	(void)state;
	assert_note(&l, CONF_ERROR, "[f:1] a pool's name cannot hold control characters");
	unload(&l);
	memset(name, 'x', sizeof(name));
	name[129] = '\0';
	text = xasprintf("[%s]\nlisten = 127.0.0.1:1\npm = static\npm.max_children = 1\n", name);
	l = load(text);
	assert_note(&l, CONF_ERROR, "[f:1] a pool's name cannot be longer than 128 bytes");
	unload(&l);
	free(text);
}

static void bytes_do_not_matter(void **state)
{
	struct loaded l = load("\xef\xbb\xbf[www]\r\nlisten = 127.0.0.1:9000\r\npm = static\r\npm.max_children = 2");

	(void)state;
	assert_good(&l);
	unload(&l);
	l = load("");
	assert_int_equal(l.notes.errors, 1);
	unload(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_file),
		cmocka_unit_test(file_is_missing),
		cmocka_unit_test(file_is_a_folder),
		cmocka_unit_test(include_leaves_its_section),
		cmocka_unit_test(errors_name_the_included_file),
		cmocka_unit_test(include_matches_nothing),
		cmocka_unit_test(include_skips_folders),
		cmocka_unit_test(include_in_a_circle),
		cmocka_unit_test(sections_go_on),
		cmocka_unit_test(last_plain_value_holds),
		cmocka_unit_test(arrays_apply_last_in_first),
		cmocka_unit_test(env_takes_variables),
		cmocka_unit_test(pool_word_is_replaced),
		cmocka_unit_test(single_errors),
		cmocka_unit_test(all_errors_at_once),
		cmocka_unit_test(doubts_are_warnings),
		cmocka_unit_test(no_pool),
		cmocka_unit_test(pool_names),
		cmocka_unit_test(bytes_do_not_matter),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
