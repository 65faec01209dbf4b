/* test_master_cli.c -- the command line: clusters, values in every place, what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include "src/master/master_cli.h"

#define WORDS_MOST 16

struct line {                           /* a command line and what came of it */
	struct master_cli cli;
	struct err err;
	int rc;
};

static void parse(struct line *l, const char *text)
{
	static char copy[256];
	char *argv[WORDS_MOST + 1] = { NULL }, *save = NULL;
	int argc = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		assert_true(argc < WORDS_MOST);
		argv[argc++] = word;
	}
	l->rc = master_cli_parse(argc, argv, &l->cli, &l->err);
}

static void refused(const char *text, const char *why)
{
	struct line l;

	parse(&l, text);
	assert_int_equal(l.rc, -1);
	if (!strstr(l.err.text, why))
		fail_msg("'%s' was refused with '%s'", text, l.err.text);
	master_cli_free(&l.cli);
}

static void nothing_is_the_default(void **state)
{
	struct line l;
	(void)state;

	parse(&l, "/usr/sbin/weir");
	assert_int_equal(l.rc, 0);
	assert_string_equal(l.cli.program, "weir");
	assert_int_equal(l.cli.names, SPAWN_NAMES_WEIR);
	assert_int_equal(l.cli.job, MASTER_JOB_SERVE);
	assert_int_equal(l.cli.background, MASTER_BACKGROUND_CONFIGURED);
	assert_int_equal(l.cli.tests, 0);
	assert_null(l.cli.conf_file);
	master_cli_free(&l.cli);
}

static void flags_join_and_the_last_takes_a_value(void **state)
{
	struct line l;
	(void)state;

	parse(&l, "weir -nFORttyFILE");
	assert_int_equal(l.rc, 0);
	assert_true(l.cli.no_ini && l.cli.force_stderr && l.cli.allow_root);
	assert_int_equal(l.cli.background, MASTER_BACKGROUND_NO);
	assert_int_equal(l.cli.tests, 2);
	assert_string_equal(l.cli.conf_file, "FILE");
	master_cli_free(&l.cli);
}

static void values_stand_where_php_fpm_takes_them(void **state)
{
	static const char *const lines[] = {
		"weir -yF", "weir -y F", "weir -y=F", "weir --fpm-config F", "weir --fpm-config=F", "weir -y X -y F",
	};
	(void)state;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct line l;

		parse(&l, lines[i]);
		assert_int_equal(l.rc, 0);
		assert_string_equal(l.cli.conf_file, "F");
		master_cli_free(&l.cli);
	}
}

static void defines_keep_their_order(void **state)
{
	struct line l;
	(void)state;

	parse(&l, "weir -d a=1 -db --define=c=x=y -c /etc/php --module-dir=mods --ready-fd 3");
	assert_int_equal(l.rc, 0);
	assert_int_equal(l.cli.define_count, 3);
	assert_string_equal(l.cli.defines[0], "a=1");
	assert_string_equal(l.cli.defines[1], "b");
	assert_string_equal(l.cli.defines[2], "c=x=y");
	assert_string_equal(l.cli.ini_path, "/etc/php");
	assert_string_equal(l.cli.module_dir, "mods");
	assert_string_equal(l.cli.ready_fd, "3");
	master_cli_free(&l.cli);
}

static void the_last_of_two_and_the_first_job_win(void **state)
{
	struct line l;
	(void)state;

	parse(&l, "php-fpm8.2 -F -D -v -i");
	assert_int_equal(l.rc, 0);
	assert_int_equal(l.cli.background, MASTER_BACKGROUND_YES);
	assert_int_equal(l.cli.job, MASTER_JOB_VERSION);
	assert_int_equal(l.cli.names, SPAWN_NAMES_PHP_FPM);
	master_cli_free(&l.cli);
}

static void help_has_four_names(void **state)
{
	static const char *const lines[] = { "weir -h", "weir -?", "weir --help", "weir --usage" };
	(void)state;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct line l;

		parse(&l, lines[i]);
		assert_int_equal(l.rc, 0);
		assert_int_equal(l.cli.job, MASTER_JOB_HELP);
		master_cli_free(&l.cli);
	}
}

static void what_stands_behind_help_is_not_looked_at(void **state)
{
	struct line l;
	(void)state;

	parse(&l, "weir -nhz --bogus");
	assert_int_equal(l.rc, 0);
	assert_int_equal(l.cli.job, MASTER_JOB_HELP);
	assert_true(l.cli.no_ini);
	master_cli_free(&l.cli);
	parse(&l, "weir -i stray -z");
	assert_int_equal(l.rc, 0);
	assert_int_equal(l.cli.job, MASTER_JOB_INFO);
	master_cli_free(&l.cli);
	parse(&l, "weir -i -m stray");          /* -i waits for the end of the line */
	assert_int_equal(l.rc, 0);
	assert_int_equal(l.cli.job, MASTER_JOB_MODULES);
	master_cli_free(&l.cli);
}

static void all_of_php_fpm_s_options_are_taken(void **state)
{
	struct line l;
	(void)state;

	parse(&l, "weir -p /x -g /y -e --test=1 --pid=/z --");
	assert_int_equal(l.rc, 0);
	assert_string_equal(l.cli.prefix, "/x");
	assert_string_equal(l.cli.pid_file, "/z");
	assert_true(l.cli.profile_info);
	assert_int_equal(l.cli.tests, 1);
	master_cli_free(&l.cli);
}

static void what_is_wrong_is_named(void **state)
{
	(void)state;
	refused("weir -z", "unknown option -z");
	refused("weir -nz", "unknown option -z");
	refused("weir --bogus=1", "unknown option --bogus");
	refused("weir -z -h", "unknown option -z");
	refused("weir -t=1", "unknown option -=");
	refused("weir stray", "'stray' is no option");
	refused("weir -F -", "'-' is no option");
	refused("weir -- -t", "'-t' is no option");
	refused("weir -i -z", "unknown option -z");
	refused("weir -y", "--fpm-config needs a value");
	refused("weir --fpm-config=", "--fpm-config needs a value");
	refused("weir --module-dir", "--module-dir needs a value");
	refused("weir --ready-fd=", "--ready-fd needs a value");
}

static void usage_names_every_option_that_works(void **state)
{
	struct buf usage = { 0 };
	(void)state;

	master_cli_usage("weir", &usage);
	assert_memory_equal(usage.data, "Usage: weir ", 12);
	assert_non_null(strstr(buf_str(&usage), "-y, --fpm-config FILE"));
	assert_non_null(strstr(buf_str(&usage), "--module-dir DIR"));
	assert_non_null(strstr(buf_str(&usage), "-p, --prefix DIR"));
	buf_free(&usage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_the_default),
		cmocka_unit_test(flags_join_and_the_last_takes_a_value),
		cmocka_unit_test(values_stand_where_php_fpm_takes_them),
		cmocka_unit_test(defines_keep_their_order),
		cmocka_unit_test(the_last_of_two_and_the_first_job_win),
		cmocka_unit_test(help_has_four_names),
		cmocka_unit_test(what_stands_behind_help_is_not_looked_at),
		cmocka_unit_test(all_of_php_fpm_s_options_are_taken),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(usage_names_every_option_that_works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
