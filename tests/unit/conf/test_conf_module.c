/* test_conf_module.c -- which plug-in is found, installed and in a build tree. */
#include "tests/unit/conf/conf_help.h"
#include "src/conf/conf_module.h"
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static void put(const char *name)
{
	char *path = xasprintf("%s/%s", folder, name);
	int fd;

	for (char *slash = strchr(path + strlen(folder) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	free(path);
}

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/test_conf_module.XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int what, struct FTW *ftw)
{
	(void)st;
	(void)what;
	(void)ftw;
	return remove(path);
}

static int remove_folder(void **state)
{
	(void)state;
	return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void assert_finds(const char *sapi, const char *version, const char *name)
{
	char *path, *wanted = xasprintf("%s/%s", folder, name);
	struct err err;

	if (conf_find_module(folder, sapi, version, &path, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(path, wanted);
	free(path);
	free(wanted);
}

static void assert_fails(const char *sapi, const char *version, const char *part)
{
	char *path;
	struct err err;

	assert_int_equal(conf_find_module(folder, sapi, version, &path, &err), -1);
	assert_null(path);
	if (!strstr(err.text, part))
		fail_msg("'%s' without '%s'", err.text, part);
}

static void newest_php(void **state)
{
	(void)state;
	assert_fails("php", NULL, "PHP versions there are: none");
	put("weir_php.so");
	put("weir_php8.x.so");
	put("weir_phpmyadmin.so");
	put("weir_php8.2.so.1");
	assert_fails("php", NULL, "PHP versions there are: none");
	put("weir_php8.9.so");
	assert_finds("php", NULL, "weir_php8.9.so");
	put("weir_php8.10.so");
	put("weir_php8.2.so");
	assert_finds("php", NULL, "weir_php8.10.so");
	assert_finds("php", "8.2", "weir_php8.2.so");
	assert_fails("php", "8.3", "no weir_php8.3.so in ");
}

/* One for threads is taken by its name, or where there is no other. */
static void php_for_threads(void **state)
{
	(void)state;
	put("weir_php8.4-zts.so");
	put("weir_php8.4-ztsx.so");
	put("weir_php-zts.so");
	assert_finds("php", NULL, "weir_php8.4-zts.so");
	put("weir_php8.10-zts.so");
	assert_finds("php", NULL, "weir_php8.10-zts.so");
	put("weir_php8.2.so");
	assert_finds("php", NULL, "weir_php8.2.so");
	assert_finds("php", "8.4-zts", "weir_php8.4-zts.so");
	assert_fails("php", "8.4", "no weir_php8.4.so in ");
	assert_fails("php", "8.2-zts", "no weir_php8.2-zts.so in ");
	assert_fails("php", "8.2-nts", "is not a version such as 8.2 or 8.2-zts");
	assert_fails("php", "-zts", "is not a version such as 8.2 or 8.2-zts");
}

static void build_tree(void **state)
{
	(void)state;
	put(".libs/weir_wsgi.so");
	put("sapi/native/.libs/weir_native.so");
	put("sapi/php/.libs/weir_php9.0.so");
	assert_finds("wsgi", NULL, ".libs/weir_wsgi.so");
	assert_finds("native", "7", "sapi/native/.libs/weir_native.so");
	assert_finds("php", NULL, "sapi/php/.libs/weir_php9.0.so");
	assert_finds("php", "9.0", "sapi/php/.libs/weir_php9.0.so");
	put("weir_wsgi.so");
	assert_finds("wsgi", NULL, "weir_wsgi.so");
}

static void names_stay_inside(void **state)
{
	(void)state;
	assert_fails("../x", NULL, "is not the name of a SAPI");
	assert_fails("", NULL, "is not the name of a SAPI");
	assert_fails("php", "../8.2", "is not a version such as 8.2");
	assert_fails("php", "", "is not a version such as 8.2");
	assert_fails("cgi", NULL, "no weir_cgi.so in ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(newest_php, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(php_for_threads, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(build_tree, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(names_stay_inside, make_folder, remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
