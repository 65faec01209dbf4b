/* test_php_path.c -- which script a request means: the forms that front ends send, and hostile ones. No PHP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "sapi/php/php_path.h"
#include "src/base/mem.h"

#define S(text) { text, sizeof(text) - 1 }

/* The file system of these tests. */
static enum php_file probe(void *arg, const char *path)
{
	static const char *const files[] = { "/www/a.php", "/www/dir/b.php", "/www/x.jpg", "a.php", "/www\\w.php" };
	static const char *const folders[] = { "/", "/www", "/www/dir", "/www/f.php" };

	(*(unsigned *)arg)++;
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (!strcmp(path, files[i]))
			return PHP_FILE_REGULAR;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (!strcmp(path, folders[i]))
			return PHP_FILE_OTHER;
	return PHP_FILE_NONE;
}

static unsigned probes;

static void resolve(struct php_path_in in, struct php_path *out)
{
	in.probe = probe;
	in.arg = &probes;
	probes = 0;
	php_path_resolve(&in, out);
}

#define resolve_fixed(out, ...) resolve((struct php_path_in){ .fix_pathinfo = true, __VA_ARGS__ }, out)

static void assert_slice(struct php_slice got, const char *want)
{
	if (!want) {
		assert_null(got.p);
		return;
	}
	assert_non_null(got.p);
	assert_int_equal(got.len, strlen(want));
	assert_string_equal(got.p, want);
}

static void assert_var(const struct php_path *path, const char *name, const char *want)
{
	struct php_slice value;

	assert_true(php_path_var(path, name, strlen(name), &value));
	assert_slice(value, want);
}

static void assert_same(const struct php_path *path, const char *name)
{
	struct php_slice value;

	assert_false(php_path_var(path, name, strlen(name), &value));
}

static void test_plain(void **state)
{
	struct php_path path;

	(void)state;
	resolve_fixed(&path, .script_filename = S("/www/a.php"), .script_name = S("/a.php"));
	assert_slice(path.script, "/www/a.php");
	assert_slice(path.uri, "/a.php");
	assert_int_equal(path.var_count, 0);
	assert_int_equal(path.owned_count, 0);
	assert_int_equal(probes, 1);
	php_path_free(&path);
	php_path_free(&path);
}

static void test_no_script(void **state)
{
	struct php_path path;

	(void)state;
	resolve_fixed(&path, .script_name = S("/a.php"));
	assert_slice(path.script, NULL);
	assert_slice(path.uri, NULL);
	resolve_fixed(&path, .script_filename = S("/none/b.php"), .script_name = S("/b.php"));
	assert_slice(path.script, NULL);
	assert_slice(path.uri, "/b.php");
	assert_var(&path, "SCRIPT_FILENAME", NULL);
	assert_var(&path, "ORIG_SCRIPT_FILENAME", "/none/b.php");
	php_path_free(&path);
	resolve_fixed(&path, .script_filename = S(""));
	assert_slice(path.script, "");
	php_path_free(&path);
}

static void test_path_translated_alone(void **state)
{
	struct php_path path;

	(void)state;
	resolve_fixed(&path, .path_translated = S("/www/a.php"));
	assert_slice(path.script, "/www/a.php");
	assert_var(&path, "SCRIPT_FILENAME", "/www/a.php");
	php_path_free(&path);
}

static void test_path_info_split(void **state)
{
	struct php_path path;

	(void)state;
	/* nginx, SCRIPT_NAME = whole URI, PATH_INFO = whole URI */
	resolve_fixed(&path, .script_filename = S("/www/a.php/x/y"), .script_name = S("/a.php/x/y"),
		      .path_info = S("/a.php/x/y"), .document_root = S("/www/"));
	assert_slice(path.script, "/www/a.php");
	assert_slice(path.uri, "/a.php");
	assert_var(&path, "PATH_INFO", "/x/y");
	assert_var(&path, "ORIG_PATH_INFO", "/a.php/x/y");
	assert_var(&path, "SCRIPT_NAME", "/a.php");
	assert_var(&path, "ORIG_SCRIPT_NAME", "/a.php/x/y");
	assert_var(&path, "SCRIPT_FILENAME", "/www/a.php");
	assert_var(&path, "ORIG_SCRIPT_FILENAME", "/www/a.php/x/y");
	assert_var(&path, "PATH_TRANSLATED", "/www/x/y");
	php_path_free(&path);
}

static void test_path_info_already_right(void **state)
{
	struct php_path path;

	(void)state;
	resolve_fixed(&path, .script_filename = S("/www/a.php/x"), .script_name = S("/a.php"), .path_info = S("/x"));
	assert_slice(path.script, "/www/a.php");
	assert_slice(path.uri, "/a.php");
	assert_same(&path, "PATH_INFO");
	assert_same(&path, "SCRIPT_NAME");
	assert_var(&path, "PATH_TRANSLATED", "/www/x");
	php_path_free(&path);
}

/* CVE-2019-11043 began with an empty PATH_INFO shorter than what was stripped from the path. */
static void test_path_info_shorter_than_the_tail(void **state)
{
	struct php_path path;

	(void)state;
	resolve_fixed(&path, .script_filename = S("/www/a.php/some\nthing/long"), .path_info = S(""),
		      .script_name = S("/a.php/some\nthing/long"), .document_root = S("/www"));
	assert_slice(path.script, "/www/a.php");
	assert_same(&path, "PATH_INFO");
	assert_var(&path, "PATH_TRANSLATED", "/www");
	php_path_free(&path);
}

static void test_trailing_slash(void **state)
{
	struct php_path path;

	(void)state;
	resolve_fixed(&path, .script_filename = S("/www/a.php/"), .script_name = S("/a.php/"));
	assert_slice(path.script, "/www/a.php");
	php_path_free(&path);
	resolve_fixed(&path, .script_filename = S("/www/dir/"), .script_name = S("/dir/"));
	assert_slice(path.script, NULL);
	php_path_free(&path);
	resolve_fixed(&path, .script_filename = S("/www/dir"), .script_name = S("/dir"));
	assert_slice(path.script, "/www/dir");
	php_path_free(&path);
	resolve_fixed(&path, .script_filename = S("/www/f.php/x"));
	assert_slice(path.script, NULL);
	php_path_free(&path);
}

static void test_backslash(void **state)
{
	struct php_path path;

	(void)state;
	resolve_fixed(&path, .script_filename = S("a.php\\x\\y"));
	assert_slice(path.script, "a.php");
	php_path_free(&path);
	resolve_fixed(&path, .script_filename = S("/www\\w.php/x"));
	assert_slice(path.script, "/www\\w.php");
	php_path_free(&path);
}

static void test_apache(void **state)
{
	struct php_path path;

	(void)state;
	/* ProxyPass: no PATH_INFO, SCRIPT_NAME carries it decoded */
	resolve_fixed(&path, .script_filename = S("PROXY:fcgi://localhost:9000/www/a.php/p%20q?a=1"),
		      .script_name = S("/a.php/p q"), .document_root = S("/www"));
	assert_slice(path.script, "/www/a.php");
	assert_slice(path.uri, "/a.php");
	assert_var(&path, "SCRIPT_NAME", "/a.php");
	assert_var(&path, "ORIG_SCRIPT_NAME", "/a.php/p q");
	assert_var(&path, "PATH_INFO", "/p%20q");
	assert_var(&path, "ORIG_SCRIPT_FILENAME", "/www/a.php/p%20q");
	assert_var(&path, "PATH_TRANSLATED", "/www/p%20q");
	php_path_free(&path);
	/* the same, and no document root to be found but by SCRIPT_NAME */
	resolve_fixed(&path, .script_filename = S("proxy:fcgi://localhost:9000/www/a.php/x"),
		      .script_name = S("/a.php/x"));
	assert_var(&path, "PATH_TRANSLATED", "/www/x");
	php_path_free(&path);
	/* SetHandler: PATH_INFO known; REDIRECT_URL does not mislead */
	resolve_fixed(&path, .script_filename = S("proxy:balancer://pool/www/a.php/x"), .script_name = S("/a.php"),
		      .path_info = S("/x"), .redirect_url = S("/r"), .path_translated = S("/www/x"));
	assert_slice(path.script, "/www/a.php");
	assert_slice(path.uri, "/a.php");
	assert_same(&path, "PATH_INFO");
	php_path_free(&path);
	resolve_fixed(&path, .script_filename = S("proxy:fcgi://localhost:9000/www/a.php?x"),
		      .script_name = S("/a.php"));
	assert_slice(path.script, "/www/a.php");
	assert_var(&path, "SCRIPT_FILENAME", "/www/a.php");
	php_path_free(&path);
	resolve_fixed(&path, .script_filename = S("proxy:fcgi://localhost:9000"));
	assert_slice(path.script, NULL);
	php_path_free(&path);
	resolve_fixed(&path, .script_filename = S("proxy:fcgi://"));
	assert_slice(path.script, NULL);
	php_path_free(&path);
}

static void test_apache_action(void **state)
{
	struct php_path path;

	(void)state;
	resolve_fixed(&path, .script_filename = S("/usr/bin/handler"), .script_name = S("/handler"),
		      .path_translated = S("/www/a.php"), .redirect_url = S("/a.php"), .path_info = S("/a.php"));
	assert_slice(path.script, "/www/a.php");
	assert_slice(path.uri, "/a.php");
	assert_var(&path, "SCRIPT_FILENAME", "/www/a.php");
	assert_var(&path, "ORIG_SCRIPT_FILENAME", "/usr/bin/handler");
	assert_var(&path, "PATH_INFO", NULL);
	assert_var(&path, "ORIG_PATH_INFO", "/a.php");
	assert_var(&path, "PATH_TRANSLATED", NULL);
	assert_var(&path, "ORIG_SCRIPT_NAME", "/handler");
	php_path_free(&path);
}

static void test_iis(void **state)
{
	struct php_path path;

	(void)state;
	resolve_fixed(&path, .script_filename = S("/www/a.php"), .script_name = S("/a.php"),
		      .path_info = S("/a.php/x"), .server_software = S("Microsoft-IIS/10.0"));
	assert_var(&path, "PATH_INFO", "/x");
	assert_var(&path, "ORIG_PATH_INFO", "/a.php/x");
	php_path_free(&path);
	resolve_fixed(&path, .script_filename = S("/www/a.php"), .script_name = S("/a.php"),
		      .path_info = S("/a.php"), .server_software = S("Microsoft-IIS/10.0"));
	assert_var(&path, "PATH_INFO", NULL);
	php_path_free(&path);
}

static void test_doc_root_of_php_ini(void **state)
{
	struct php_path path;

	(void)state;
	resolve_fixed(&path, .script_filename = S("/www/a.php/x"), .script_name = S("/a.php"), .path_info = S("/x"),
		      .doc_root = "/srv");
	assert_var(&path, "DOCUMENT_ROOT", "/srv");
	assert_var(&path, "PATH_TRANSLATED", "/srv/x");
	php_path_free(&path);
}

static void test_without_fix_pathinfo(void **state)
{
	struct php_path path;

	(void)state;
	resolve((struct php_path_in){ .script_filename = S("/www/a.php"), .script_name = S("/a.php"),
				      .path_info = S("/p") }, &path);
	assert_slice(path.script, "/www/a.php");
	assert_slice(path.uri, "/p");
	assert_int_equal(probes, 0);
	resolve((struct php_path_in){ .script_filename = S("/www/a.php"), .script_name = S("/a.php"),
				      .path_translated = S("/www/dir/b.php") }, &path);
	assert_slice(path.script, "/www/dir/b.php");
	assert_slice(path.uri, "/a.php");
	resolve((struct php_path_in){ .script_filename = S("/www/a.php"), .discard_path = true,
				      .path_translated = S("/www/dir/b.php") }, &path);
	assert_slice(path.script, "/www/a.php");
}

static void test_climbing_names_no_script(void **state)
{
	static const struct php_slice bad[] = {
		S("/www/../www/a.php"), S("../a.php"), S("/www/dir/.."), S(".."), S("/www/a.php\0.jpg"),
	};
	static const struct php_slice good[] = { S("/www/..a.php"), S("/www/a..php"), S("/www/a../x"), S("/w/.../a") };
	struct php_path path;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		resolve((struct php_path_in){ .script_filename = bad[i] }, &path);
		assert_slice(path.script, NULL);
		resolve((struct php_path_in){ .script_filename = bad[i], .fix_pathinfo = true }, &path);
		assert_slice(path.script, NULL);
		php_path_free(&path);
	}
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		resolve((struct php_path_in){ .script_filename = good[i] }, &path);
		assert_slice(path.script, good[i].p);
	}
}

static void test_limit_extensions(void **state)
{
	(void)state;
	assert_true(php_path_allowed((struct php_slice)S("/a.php"), ".php .phar"));
	assert_true(php_path_allowed((struct php_slice)S("/a.phar"), "  .php\t.phar  "));
	assert_false(php_path_allowed((struct php_slice)S("/a.PHP"), ".php"));
	assert_false(php_path_allowed((struct php_slice)S("/a.php7"), ".php"));
	assert_false(php_path_allowed((struct php_slice)S(".php"), ".php"));
	assert_false(php_path_allowed((struct php_slice)S("/a.\xc4\xb0php"), ".iphp"));
	assert_true(php_path_allowed((struct php_slice)S("/a.x"), ""));
	assert_true(php_path_allowed((struct php_slice)S("/a.x"), "  "));
	assert_false(php_path_allowed((struct php_slice){ NULL, 0 }, ".php"));
}

/* Values of all lengths, made of the pieces that the code looks for: nothing may be read outside them (ASan), each
 * answer must be a prefix of a value that was sent. */
static char *pieces(unsigned *seed, size_t *len)
{
	static const struct php_slice piece[] = {
		S("/www"), S("/a.php"), S("/"), S("proxy:fcgi://"), S("h:9"), S("?"), S("%2f"), S("%"), S(".."), S("\\"),
		S("\0"), S("/x"), S("Microsoft-IIS"), S(""), S("/dir/b.php"),
	};
	size_t count = rand_r(seed) % 5;
	char text[256];

	*len = 0;
	for (size_t i = 0; i < count; i++) {
		const struct php_slice *p = &piece[rand_r(seed) % ARRAY_LEN(piece)];

		memcpy(text + *len, p->p, p->len);
		*len += p->len;
	}
	text[*len] = '\0';
	return memcpy(malloc(*len + 1), text, *len + 1);
}

static void test_any_values(void **state)
{
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 200000; round++) {
		struct php_path_in in = { .fix_pathinfo = rand_r(&seed) % 4, .discard_path = rand_r(&seed) % 2 };
		struct php_slice *all[] = {
			&in.script_filename, &in.path_translated, &in.path_info, &in.script_name,
			&in.redirect_url, &in.document_root, &in.server_software,
		};
		struct php_path path;

		for (size_t i = 0; i < ARRAY_LEN(all); i++)
			if (rand_r(&seed) % 3)
				all[i]->p = pieces(&seed, &all[i]->len);
		resolve(in, &path);
		for (size_t i = 0; i < path.var_count; i++)
			if (path.vars[i].value.p)
				assert_int_equal(path.vars[i].value.p[path.vars[i].value.len], '\0');
		if (path.script.p) {
			assert_int_equal(strlen(path.script.p), path.script.len);
			assert_null(strstr(path.script.p, "/../"));
		}
		php_path_free(&path);
		for (size_t i = 0; i < ARRAY_LEN(all); i++)
			free((char *)all[i]->p);
	}
}

/* A path of slashes alone costs a bounded number of looks at the file system. */
static void test_many_slashes(void **state)
{
	size_t len = 1000000;
	char *name = malloc(len + 1);
	struct php_path path;

	(void)state;
	memset(name, '/', len);
	name[len] = '\0';
	resolve_fixed(&path, .script_filename = { name, len });
	assert_slice(path.script, NULL);
	assert_true(probes < 5000);
	php_path_free(&path);
	free(name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_no_script),
		cmocka_unit_test(test_path_translated_alone),
		cmocka_unit_test(test_path_info_split),
		cmocka_unit_test(test_path_info_already_right),
		cmocka_unit_test(test_path_info_shorter_than_the_tail),
		cmocka_unit_test(test_trailing_slash),
		cmocka_unit_test(test_backslash),
		cmocka_unit_test(test_apache),
		cmocka_unit_test(test_apache_action),
		cmocka_unit_test(test_iis),
		cmocka_unit_test(test_doc_root_of_php_ini),
		cmocka_unit_test(test_without_fix_pathinfo),
		cmocka_unit_test(test_climbing_names_no_script),
		cmocka_unit_test(test_limit_extensions),
		cmocka_unit_test(test_any_values),
		cmocka_unit_test(test_many_slashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
