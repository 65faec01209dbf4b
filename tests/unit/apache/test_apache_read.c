/* test_apache_read.c -- the reader: lines, words, quotes, variables, sections, conditions, and what is wrong. */
#include "tests/unit/apache/apache_help.h"

static void words_and_quotes(void **state)
{
	struct apache_words w = apache_words_split("a  \"b \\\" \\\\ c\" 'd \" e' f\\\\g \"open");
	(void)state;

	assert_int_equal(w.count, 5);
	assert_string_equal(w.at[0], "a");
	assert_string_equal(w.at[1], "b \" \\ c");
	assert_string_equal(w.at[2], "d \" e");
	assert_string_equal(w.at[3], "f\\g");
	assert_string_equal(w.at[4], "open");
	assert_true(w.open_quote);
	apache_words_free(&w);
	w = apache_words_split(" \"\" ");
	assert_int_equal(w.count, 1);
	assert_string_equal(w.at[0], "");
	assert_false(w.open_quote);
	apache_words_free(&w);
}

static void lines_go_on(void **state)
{
	struct apache_conf conf = read_text("# comment \\\nUser no\n  uSeR \\\n\twww\\\r\n-data  \r\n\nGroup g");
	(void)state;

	assert_int_equal(conf.count, 2);
	assert_true(apache_is(&conf.at[0], "User"));
	assert_int_equal(conf.at[0].line, 3);
	assert_string_equal(conf.at[0].text, "www-data");
	assert_int_equal(conf.at[1].line, 7);
	apache_conf_free(&conf);
}

static void variables(void **state)
{
	struct apache_conf conf = read_text("Define A x\nDefine B \"${A} y\"\nX ${B} ${FROM_ENV} ${map:k} ${NO}\nUnDefine A\nY ${A}\n");
	(void)state;

	assert_string_equal(conf.at[2].text, "x y value ${map:k} ${NO}");
	assert_string_equal(conf.at[4].text, "${A}");
	assert_int_equal(conf.errors, 0);
	assert_non_null(strstr(buf_str(&conf.words), "f:3: warning: ${NO} is not defined"));
	apache_conf_free(&conf);
}

static void debians_envvars(void **state)
{
	static const char text[] = "SUFFIX=\nexport APACHE_RUN_USER=www-data\nexport RUN=/run/apache2$SUFFIX\n"
				   "export Q=\"a\"\nexport P=$RUN/pid\n#export NO=1\n";
	struct apache_vars vars = { .env = NULL };
	struct buf out = { 0 };
	size_t len;
	(void)state;

	apache_vars_envvars(&vars, text, strlen(text));
	assert_null(apache_vars_expand(&vars, "${APACHE_RUN_USER} ${RUN} ${Q} ${P}", &out, &len));
	assert_string_equal(buf_str(&out), "www-data /run/apache2 a /run/apache2/pid");
	assert_non_null(apache_vars_expand(&vars, "${NO}", &out, &len));
	buf_free(&out);
	apache_vars_free(&vars);
}

static void conditions(void **state)
{
	struct apache_conf conf = read_text("Define D\n<IfDefine D>\nA\n</IfDefine>\n<IfDefine !D>\nB\n</IfDefine>\n"
					    "<IfVersion >= 2.4>\nC\n</IfVersion>\n<IfVersion < 2.4>\nE\n</IfVersion>\n"
					    "<ifmodule nobody.c>\nF\n</IFMODULE>\nLoadModule php_module x.so\n"
					    "<IfModule mod_php.c>\nG\n</IfModule>\n<IfModule mod_php7.c>\nH\n</IfModule>\n");
	(void)state;

	assert_int_equal(conf.errors, 0);
	assert_int_equal(conf.count, 6);
	assert_string_equal(conf.at[1].name, "A");
	assert_string_equal(conf.at[2].name, "C");
	assert_string_equal(conf.at[3].name, "F");
	assert_string_equal(conf.at[5].name, "G");
	apache_conf_free(&conf);
}

static void models(void **state)
{
	struct apache_conf conf = read_text("<IfModule mpm_worker_module>\nA\n</IfModule>\n<IfModule prefork.c>\nB\n</IfModule>\n"
					    "<IfModule !mpm_event.c>\nC\n</IfModule>\n");
	(void)state;

	assert_int_equal(conf.count, 2);
	assert_int_equal(conf.at[0].mpm, APACHE_MPM_WORKER);
	assert_int_equal(conf.at[1].mpm, APACHE_MPM_PREFORK);
	apache_conf_free(&conf);
	conf = read_text("LoadModule mpm_event_module x\n<IfModule mpm_worker_module>\nA\n</IfModule>\n<IfModule event.c>\nB\n</IfModule>");
	assert_int_equal(conf.count, 2);
	assert_string_equal(conf.at[1].name, "B");
	assert_int_equal(apache_pools_mpm(&conf), APACHE_MPM_EVENT);
	apache_conf_free(&conf);
}

static void sections_stand_in_each_other(void **state)
{
	struct apache_conf conf = read_text("<VirtualHost *:80>\n<Directory \"/a b\">\nX\n</Directory>\n</VirtualHost>\nY\n");
	(void)state;

	assert_string_equal(conf.at[0].in->kind, "directory");
	assert_string_equal(conf.at[0].in->args.at[0], "/a b");
	assert_string_equal(apache_host(conf.at[0].in)->args.at[0], "*:80");
	assert_null(conf.at[1].in);
	apache_conf_free(&conf);
}

static void assert_error(const char *text, size_t len, const char *line)
{
	struct apache_conf conf = { 0 };

	apache_read_text(&conf, "f", text, len);
	assert_int_equal(conf.errors, 1);
	if (strncmp(buf_str(&conf.words), line, strlen(line)) != 0)
		fail_msg("'%s' instead of '%s'", buf_str(&conf.words), line);
	apache_conf_free(&conf);
}

static void what_is_wrong(void **state)
{
	char *endless = xcalloc(APACHE_LINE_MAX + 3, 1);
	(void)state;

	assert_error("A\n<VirtualHost x>\n", 18, "f:2: error: <virtualhost> is not closed\n");
	assert_error("</Files>\n", 9, "f:1: error: </files> without <files>\n");
	assert_error("<Files x>\n</Dir>\n</Files>\n", 26, "f:2: error: </dir> stands where </files> is expected, for line 1\n");
	assert_error("<Files x\n", 9, "f:1: error: '<Files x' has no '>' at its end\n");
	assert_error("A\0B\n", 4, "f:1: error: a line with a NUL");
	assert_error("Include x\n", 10, "f:1: error: 'x' is not included here\n");
	assert_error("<IfModule>\n</IfModule>\n", 23, "f:1: error: <ifmodule> without an argument\n");
	memset(endless, 'a', APACHE_LINE_MAX + 1);
	assert_error(endless, APACHE_LINE_MAX + 1, "f:1: error: a line of more than 65536 bytes\n");
	free(endless);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_and_quotes),
		cmocka_unit_test(lines_go_on),
		cmocka_unit_test(variables),
		cmocka_unit_test(debians_envvars),
		cmocka_unit_test(conditions),
		cmocka_unit_test(models),
		cmocka_unit_test(sections_stand_in_each_other),
		cmocka_unit_test(what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
