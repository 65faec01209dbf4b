/* test_conf_check_listen.c -- where a pool may listen, and what is unsafe. */
#include "tests/unit/conf/conf_help.h"

#define PM "pm = static\npm.max_children = 1\n"

static void bad_addresses(void **state)
{
	static const struct { const char *listen, *error; } cases[] = {
		{ "foo:bar", "listen = foo:bar: invalid port value 'bar': a port is a number from 1 to 65535" },
		{ "127.0.0.1:0", "listen = 127.0.0.1:0: invalid port value '0': a port is a number from 1 to 65535" },
		{ "65536", "listen = 65536: invalid port value '65536': a port is a number from 1 to 65535" },
		{ "127.0.0.1:", "listen = 127.0.0.1:: invalid port value '': a port is a number from 1 to 65535" },
		{ "[::1:9000", "listen = [::1:9000: '[::1:9000' has '[' without ']': write [ADDRESS]:PORT" },
		{ "[x]:9000", "listen = [x]:9000: 'x' is not an IPv6 address" },
		{ "@", "listen = @: an abstract socket needs a name behind the '@'" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *line = xasprintf("listen = %s", cases[i].listen);
		char *error = xasprintf("[f:5] [pool www] %s", cases[i].error);

		assert_only_error(line, error);
		free(line);
		free(error);
	}
}

static void long_path(void **state)
{
	char path[109];
	char *text, *error;
	struct loaded l;

	(void)state;
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[108] = '\0';
	text = xasprintf("listen = %s", path);
	error = xasprintf("[f:5] [pool www] listen = %s: the path is 108 bytes long, and a Unix socket's cannot be longer "
			  "than 107", path);
	assert_only_error(text, error);
	free(error);
	free(text);
	path[107] = '\0';
	text = xasprintf("%slisten = %s\n", GOOD_POOL, path);
	l = load(text);
	assert_good(&l);
	unload(&l);
	free(text);
}

static void used_twice(void **state)
{
	static const char *const pairs[][2] = {
		{ "/run/x", "/run/x" }, { "127.0.0.1:9000", "127.0.0.1:9000" }, { "9000", "[::]:9000" },
		{ "[::1]:80", "[0:0:0:0:0:0:0:1]:80" }, { "Localhost:9000", "localhost:09000" }, { "@a", "@a" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		char *text = xasprintf("[one]\nlisten = %s\n" PM "[two]\nlisten = %s\n" PM, pairs[i][0], pairs[i][1]);
		char *error = xasprintf("[f:6] [pool two] unable to set listen address as it's already used in another pool "
					"'one': give each pool an address of its own, not %s", pairs[i][1]);
		struct loaded l = load(text);

		assert_note(&l, CONF_ERROR, error);
		unload(&l);
		free(text);
		free(error);
	}
}

static void not_used_twice(void **state)
{
	struct loaded l = load("[one]\nlisten = 127.0.0.1:9000\n" PM "[two]\nlisten = 127.0.0.1:9001\n" PM
			       "[three]\nlisten = [::1]:9000\n" PM "[four]\nlisten = /x\n" PM "[five]\nlisten = /y\n" PM);

	(void)state;
	assert_good(&l);
	unload(&l);
}

/* Each is a warning, and an error with security.strict. What other machines reach is advice too. */
static void unsafe_settings(void **state)
{
	static const struct { const char *lines, *text; } cases[] = {
		{ "listen = 0.0.0.0:9000", "[f:5] [pool www] listen = 0.0.0.0:9000 can be reached from other machines, and "
		  "whoever reaches it can run code: set listen.allowed_clients, or listen on 127.0.0.1 or a Unix socket" },
		{ "listen = 9000", "[f:5] [pool www] listen = 9000 can be reached from other machines, and whoever reaches it "
		  "can run code: set listen.allowed_clients, or listen on 127.0.0.1 or a Unix socket" },
		{ "listen = /run/x\nlisten.mode = 0666", "[f:6] [pool www] listen.mode = 0666 lets every user of this machine "
		  "run code through /run/x: 0660 with listen.owner or listen.group of the front end is enough" },
		{ "listen = @x", "[f:5] [pool www] listen = @x can be reached by every user of this machine: an abstract socket "
		  "has no access rights; a path with listen.mode has" },
		{ "listen = 9000\nlisten.allowed_clients = 10.0.0.1\nsecurity.php_value_params = yes", "[f:7] [pool www] "
		  "security.php_value_params = yes lets whoever reaches listen = 9000 set every ini entry of PHP, and so run "
		  "any code: set the values in the pool's section with php_value[]" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = xasprintf("%s%s\n", GOOD_POOL, cases[i].lines);
		char *strict = xasprintf("%s\nsecurity.strict = yes", cases[i].lines);
		struct loaded l = load(text);

		assert_non_null(l.conf);
		assert_int_equal(l.notes.count, strstr(cases[i].lines, "9000") ? 2 : 1);
		assert_note(&l, CONF_WARNING, cases[i].text);
		assert_only_error(strict, cases[i].text);
		unload(&l);
		free(text);
		free(strict);
	}
}

static void advice_where_other_machines_are(void **state)
{
	struct loaded l = load(GOOD_POOL "listen = 9000\nlisten.allowed_clients = 10.0.0.1\n");

	(void)state;
	assert_note(&l, CONF_NOTICE, "[f:5] [pool www] listen = 9000 can be reached from other machines: mpm = event would "
		    "keep their slow and idle connections away from the children");
	assert_int_equal(l.notes.count, 1);
	unload(&l);
	l = load(GOOD_POOL "listen = 9000\nlisten.allowed_clients = 10.0.0.1\nmpm = event\n");
	assert_int_equal(l.notes.count, 0);
	unload(&l);
}

/* Who may set ini entries with a request: the machine's own, unless the file says it. */
static void php_value_params(void **state)
{
	static const struct { const char *lines; bool wanted; } cases[] = {
		{ "listen = /run/x", true }, { "listen = @x", true }, { "listen = 127.0.0.1:9000", true },
		{ "listen = [::1]:9000", true }, { "listen = localhost:9000", true }, { "listen = 9000", false },
		{ "listen = 10.0.0.1:9000", false }, { "listen = [::]:9000", false }, { "listen = example.test:9000", false },
		{ "listen = /run/x\nsecurity.php_value_params = no", false },
		{ "listen = 10.0.0.1:9000\nsecurity.php_value_params = yes", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = xasprintf("%s%s\n", GOOD_POOL, cases[i].lines);
		struct loaded l = load(text);

		assert_non_null(l.conf);
		assert_int_equal(l.conf->pools[0]->php_value_params, cases[i].wanted);
		unload(&l);
		free(text);
	}
}

static void safe_settings(void **state)
{
	static const char *const cases[] = {
		"listen = 127.5.5.5:9000", "listen = [::1]:9000", "listen = localhost:9000", "listen = ::ffff:127.0.0.1:9000",
		"listen = 0.0.0.0:9000\nlisten.allowed_clients = 10.0.0.1", "listen = /x\nlisten.mode = 0664",
		"listen.mode = 0666",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *text = xasprintf("%ssecurity.strict = yes\n%s\n", GOOD_POOL, cases[i]);
		struct loaded l = load(text);

		assert_good(&l);
		unload(&l);
		free(text);
	}
}

static void relative_path_counts_from_prefix(void **state)
{
	struct loaded l = load(GOOD_POOL "prefix = /tmp\nlisten = x/$pool.sock\n");

	(void)state;
	assert_good(&l);
	assert_string_equal(l.conf->pools[0]->listen, "/tmp/x/www.sock");
	unload(&l);
	l = load(GOOD_POOL "listen = x.sock\n");
	assert_string_equal(l.conf->pools[0]->listen, "/usr/x.sock");
	unload(&l);
	l = load_with((struct conf_load_options){ .prefix = "/srv/" }, GOOD_POOL "listen = x.sock\n");
	assert_string_equal(l.conf->pools[0]->listen, "/srv/x.sock");
	unload(&l);
}

static void bad_clients(void **state)
{
	(void)state;
	assert_only_error("listen.allowed_clients = 127.0.0.1,foo", "[f:5] [pool www] Wrong IP address 'foo' in "
			  "listen.allowed_clients: give addresses such as 127.0.0.1, ::1 or 10.0.0.0/8, separated by commas");
	assert_only_error("listen.allowed_clients =", "[f:5] unable to parse value for entry 'listen.allowed_clients': it is "
			  "empty (it is '')");
}

static void bad_mode(void **state)
{
	static const char *const modes[] = { "0999", "rw", "01777", "-1", "\"\"" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		char *line = xasprintf("listen.mode = %s", modes[i]);
		char *error = xasprintf("[f:5] unable to parse value for entry 'listen.mode': is not an octal file mode such as "
					"0660 (it is '%s')", *modes[i] == '"' ? "" : modes[i]);

		assert_only_error(line, error);
		free(line);
		free(error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_addresses),
		cmocka_unit_test(long_path),
		cmocka_unit_test(used_twice),
		cmocka_unit_test(not_used_twice),
		cmocka_unit_test(unsafe_settings),
		cmocka_unit_test(advice_where_other_machines_are),
		cmocka_unit_test(php_value_params),
		cmocka_unit_test(safe_settings),
		cmocka_unit_test(relative_path_counts_from_prefix),
		cmocka_unit_test(bad_clients),
		cmocka_unit_test(bad_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
