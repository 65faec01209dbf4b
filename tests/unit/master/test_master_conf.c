/* test_master_conf.c -- versions in the names of programs and plug-ins. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include "src/master/master_conf.h"

static void holds(const char *name, const char *start, const char *want)
{
	char *version = master_conf_version_in(name, start);

	if (want)
		assert_string_equal(version, want);
	else
		assert_null(version);
	free(version);
}

static void versions_are_found_in_names(void **state)
{
	(void)state;
	holds("php-fpm8.2", "php-fpm", "8.2");
	holds("php-fpm", "php-fpm", NULL);
	holds("php-fpm-custom", "php-fpm", NULL);
	holds("/usr/lib/weir/0.1.0/weir_php8.10.so", "weir_php", "8.10");
	holds("/etc/php/8.2/fpm/php-fpm.conf", "/etc/php/", "8.2");
	holds("weir", "php-fpm", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_are_found_in_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
