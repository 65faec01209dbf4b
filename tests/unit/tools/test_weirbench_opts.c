/* test_weirbench_opts.c -- the command line, and the manual page's list of options against the table that
 * --help is printed from. The page is looked for below $srcdir, which make check sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "src/base/buf.h"
#include "src/tools/weirbench_opts.c"   /* the tool is no library: its tests take its files in */

#define MAX_ARGS 32

static struct err err;

/* Words as a shell would cut them; the result lives until the next call. */
static enum opts_end parse(const char *line, struct bench_opts *opts)
{
	static char space[512];
	char *argv[MAX_ARGS] = { "weirbench" }, *rest = space;
	int argc = 1;

	snprintf(space, sizeof(space), "%s", line);
	for (char *word; (word = strsep(&rest, " ")) != NULL; )
		argv[argc++] = word;
	return opts_parse(argc, argv, opts, &err);
}

static void test_defaults(void **state)
{
	struct bench_opts o;

	(void)state;
	assert_int_equal(parse("-s /x.php /run/a", &o), OPTS_RUN);
	assert_string_equal(o.target, "/run/a");
	assert_string_equal(o.method, "GET");
	assert_int_equal(o.connections, 1);
	assert_int_equal(o.duration_ns, UINT64_C(10000000000));
	assert_int_equal(o.timeout_ns, UINT64_C(30000000000));
	assert_int_equal(o.expect_status, BENCH_STATUS_BELOW_400);
	assert_false(o.keep);
	opts_free(&o);
}

static void test_all_of_them(void **state)
{
	struct bench_opts o;

	(void)state;
	assert_int_equal(parse("-kc8 -n 5 -t 0.5 --rate=2.5 --warmup 1 --timeout 2 --idle 3 --retry-full "
	    "9000 --docroot /d -p A=b=c --param B=", &o), OPTS_RUN);
	assert_true(o.keep && o.retry_full);
	assert_int_equal(o.connections, 8);
	assert_int_equal(o.count, 5);
	assert_int_equal(o.duration_ns, 500000000);
	assert_true(o.rate == 2.5);
	assert_int_equal(o.warmup_ns, 1000000000);
	assert_int_equal(o.timeout_ns, 2000000000);
	assert_int_equal(o.idle, 3);
	assert_int_equal(o.param_count, 2);
	assert_string_equal(o.params[0].name, "A");
	assert_string_equal(o.params[0].value, "b=c");
	assert_string_equal(o.params[1].value, "");
	opts_free(&o);
	assert_int_equal(parse("-p SCRIPT_FILENAME=/x -u /u --body-size 2k --expect-status any "
	    "--expect-body t --json --show-stderr 1", &o), OPTS_RUN);
	assert_int_equal(o.body_size, 2048);
	assert_string_equal(o.method, "POST");
	assert_int_equal(o.count, 0);
	assert_int_equal(o.expect_status, BENCH_STATUS_ANY);
	assert_true(o.json && o.show_stderr);
	opts_free(&o);
	assert_int_equal(parse("--burst 200 -s /x -m PUT --expect-status 404 1", &o), OPTS_RUN);
	assert_int_equal(o.connections, 200);
	assert_int_equal(o.count, 200);
	assert_int_equal(o.duration_ns, 0);
	assert_int_equal(o.expect_status, 404);
	assert_string_equal(o.method, "PUT");
	opts_free(&o);
}

static void test_refused(void **state)
{
	static const struct { const char *line, *says; } wrong[] = {
		{ "-s /x", "no target" }, { "-s /x a b", "\"b\"" }, { "/run/a", "--script" },
		{ "-s /x -c 0 a", "--connections" }, { "-s /x -c -1 a", "--connections" },
		{ "-s /x -n 1k a", "--count" }, { "-s /x -t 0 a", "--duration" },
		{ "-s /x -t nan a", "--duration" },
		{ "-s /x --rate -5 a", "--rate" }, { "-s /x --body-size 2G a", "--body-size" },
		{ "-s /x --body-size 9999999999999999999999 a", "--body-size" },
		{ "-s /x --body-size 1T a", "--body-size" }, { "-s /x -p =v a", "NAME=VALUE" },
		{ "-s /x -p v a", "NAME=VALUE" }, { "-s /x --expect-status 42 a", "--expect-status" },
		{ "-s /x --burst 5 -n 3 a", "--burst" }, { "-s /x -b f --body-size 1 a", "two bodies" },
		{ "-s /x --replay f -u /u a", "--replay" }, { "-s x a", "absolute" },
		{ "--docroot x a", "absolute" },
		{ "-s /x -u u a", "slash" }, { "-s /x --nope a", "--nope" }, { "-s", "argument" },
		{ "--uri= -s /x a", "--uri is empty" },
	};
	struct bench_opts o;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_int_equal(parse(wrong[i].line, &o), OPTS_BAD);
		if (!strstr(err.text, wrong[i].says))
			fail_msg("\"%s\" says \"%s\"", wrong[i].line, err.text);
		opts_free(&o);
	}
}

static void test_help_and_version(void **state)
{
	struct bench_opts o;

	(void)state;
	assert_int_equal(parse("--help", &o), OPTS_HELP);
	assert_int_equal(parse("-V", &o), OPTS_VERSION);
}

static char *read_manual(void)
{
	const char *top = getenv("srcdir");
	char path[4096], *text = xcalloc(1, 65536);
	FILE *f;

	snprintf(path, sizeof(path), "%s/doc/weirbench.1", top ? top : ".");
	f = fopen(path, "r");
	if (!f)
		fail_msg("cannot open %s: set srcdir to the top of the source", path);
	assert_true(fread(text, 1, 65535, f) > 0);
	fclose(f);
	return text;
}

/* In the manual each option stands as ".It Fl c , Fl -connections Ar N", its help text below. */
static void test_manual_lists_the_options(void **state)
{
	char *manual = read_manual(), *at = strstr(manual, "\n.Sh OPTIONS\n"), *end;
	struct buf item = { 0 };

	(void)state;
	assert_non_null(at);
	end = strstr(at, "\n.El\n");
	assert_non_null(end);
	*end = '\0';
	for (const struct bench_option *o = opts_table(); o->name; o++) {
		buf_clear(&item);
		if (o->short_name)
			buf_printf(&item, "\n.It Fl %c , Fl -%s", o->short_name, o->name);
		else
			buf_printf(&item, "\n.It Fl -%s", o->name);
		buf_printf(&item, "%s%s\n%s", o->arg ? " Ar " : "", o->arg ? o->arg : "", o->help);
		at = strstr(at, "\n.It ");
		if (!at || strncmp(at, buf_str(&item), item.len) != 0)
			fail_msg("doc/weirbench.1 lacks, or has out of turn:%s", buf_str(&item));
		at += item.len;
	}
	assert_null(strstr(at, "\n.It "));
	buf_free(&item);
	free(manual);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_all_of_them),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_help_and_version),
		cmocka_unit_test(test_manual_lists_the_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
