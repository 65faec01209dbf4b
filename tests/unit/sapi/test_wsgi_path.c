/* test_wsgi_path.c -- SCRIPT_NAME and PATH_INFO of what front ends send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "sapi/wsgi/wsgi_path.h"
#include "src/base/mem.h"

static struct wsgi_text text(const char *s)
{
	return (struct wsgi_text){ s, s ? strlen(s) : 0 };
}

/* mount NULL: not given. */
static void assert_split(const char *mount, const char *script, const char *info, const char *uri,
			 const char *script_out,
			 const char *info_out)
{
	char *space = xcalloc(1, uri ? strlen(uri) + 1 : 1);
	struct wsgi_path_in in = { wsgi_path_mount(mount ? mount : "/"), mount != NULL, text(script), text(info), text(uri) };
	struct wsgi_path_out out = { .space = space };
	char *got;

	wsgi_path_split(&in, &out);
	got = xasprintf("%.*s|%.*s", (int)out.script.len, out.script.at, (int)out.info.len, out.info.at);
	free(space);
	space = xasprintf("%s|%s", script_out, info_out);
	assert_string_equal(got, space);
	free(space);
	free(got);
}

static void nginx_sends_the_whole_path_as_script_name(void **state)
{
	(void)state;
	assert_split(NULL, "/", NULL, "/", "", "/");
	assert_split(NULL, "/a/b", NULL, "/a/b?c=d", "", "/a/b");
	assert_split(NULL, "/a/index.php", NULL, "/a/", "", "/a/");
	assert_split(NULL, "/a", "", "/a", "", "/a");
	assert_split("/app", "/app/b", NULL, "/app/b", "/app", "/b");
	assert_split("/app", "/app", NULL, "/app", "/app", "");
	assert_split("/app/", "/app/", NULL, "/app/?x", "/app", "/");
	assert_split("/app", "/apple", NULL, "/apple", "", "/apple");
}

static void who_splits_is_believed(void **state)
{
	(void)state;
	assert_split(NULL, "/app", "/b", "/app/b", "/app", "/b");
	assert_split(NULL, "", "/b", "/b", "", "/b");
	assert_split(NULL, "/", "/b", "/b", "", "/b");
	assert_split(NULL, NULL, "/b c", "/b%20c", "", "/b c");
}

static void a_given_mount_point_wins(void **state)
{
	(void)state;
	assert_split("/", "/foo", "/bar", "/foo/bar", "", "/foo/bar");
	assert_split("/app", "", "/app/b", "/app/b", "/app", "/b");
	assert_split("/app", "/other", "/b", "/else/b", "/other", "/b");
	assert_split("/app", "/app/new", NULL, "/old", "/app", "/new");
}

static void the_uri_is_decoded(void **state)
{
	(void)state;
	assert_split(NULL, NULL, NULL, "/a%20b%2Fc", "", "/a b/c");
	assert_split(NULL, NULL, NULL, "/%C3%a4?%20", "", "/\xc3\xa4");
	assert_split(NULL, NULL, NULL, "/100%/%zz/%4", "", "/100%/%zz/%4");
	assert_split(NULL, NULL, NULL, "/a%3Fb?c", "", "/a?b");
	assert_split(NULL, NULL, NULL, "/a%25%32%30", "", "/a%20");
	assert_split("/my app", NULL, NULL, "/my%20app/x", "/my app", "/x");
}

static void dots_go_as_at_the_front_end(void **state)
{
	(void)state;
	assert_split(NULL, "/public", NULL, "/admin/../public", "", "/public");
	assert_split(NULL, "/public", NULL, "/admin//../public", "", "/public");
	assert_split(NULL, "/public", NULL, "/admin/%2e%2E/public", "", "/public");
	assert_split(NULL, "/public", NULL, "/admin/x/.././../public", "", "/public");
	assert_split(NULL, "/", NULL, "/..", "", "/");
	assert_split(NULL, "/", NULL, "/../../", "", "/");
	assert_split(NULL, "/a/", NULL, "/a/b/..", "", "/a/");
	assert_split(NULL, "/a/", NULL, "/a/.", "", "/a/");
	assert_split(NULL, "/.x/...", NULL, "/.x/...", "", "/.x/...");
	assert_split(NULL, "/a//b", NULL, "/a//b", "", "/a//b");
	assert_split("/app", "/admin", NULL, "/app/../admin", "", "/admin");
}

static void other_forms_of_a_uri(void **state)
{
	(void)state;
	assert_split(NULL, "/a", NULL, "http://host/a?b", "", "/a");
	assert_split(NULL, NULL, NULL, "http://host", "", "/");
	assert_split(NULL, NULL, NULL, "*", "", "/");
	assert_split(NULL, NULL, NULL, "", "", "/");
	assert_split(NULL, NULL, NULL, NULL, "", "/");
	assert_split(NULL, "/a b", NULL, NULL, "", "/a b");
	assert_split("/", "/", NULL, "/", "", "/");
	assert_split("///", "/x", NULL, "/x", "", "/x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nginx_sends_the_whole_path_as_script_name),
		cmocka_unit_test(who_splits_is_believed),
		cmocka_unit_test(a_given_mount_point_wins),
		cmocka_unit_test(the_uri_is_decoded),
		cmocka_unit_test(dots_go_as_at_the_front_end),
		cmocka_unit_test(other_forms_of_a_uri),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
