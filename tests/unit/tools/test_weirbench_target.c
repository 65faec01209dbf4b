/* test_weirbench_target.c -- the ways to write a target, and what is said when it cannot be reached. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <sys/un.h>
#include <cmocka.h>
#include "src/tools/weirbench_target.c" /* the tool is no library: its tests take its files in */

static void assert_unix(const char *text, const char *path)
{
	struct target t;
	const struct sockaddr_un *un = (const struct sockaddr_un *)&t.addr;

	assert_int_equal(target_parse(text, &t, NULL), 0);
	assert_int_equal(un->sun_family, AF_UNIX);
	assert_string_equal(un->sun_path, path);
}

static void test_unix(void **state)
{
	struct target t;
	const struct sockaddr_un *un = (const struct sockaddr_un *)&t.addr;

	(void)state;
	assert_unix("unix:/run/a.sock", "/run/a.sock");
	assert_unix("unix:a.sock", "a.sock");
	assert_unix("/run/a:9.sock", "/run/a:9.sock");
	assert_unix("./a.sock", "./a.sock");
	assert_int_equal(target_parse("@name", &t, NULL), 0);
	assert_int_equal(un->sun_path[0], 0);
	assert_memory_equal(un->sun_path + 1, "name", 4);
	assert_int_equal(t.addr_len, offsetof(struct sockaddr_un, sun_path) + 5);
	assert_string_equal(t.name, "unix:@name");
}

static void test_tcp(void **state)
{
	struct target t;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&t.addr;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&t.addr;

	(void)state;
	assert_int_equal(target_parse("127.0.0.2:9000", &t, NULL), 0);
	assert_int_equal(ntohl(in->sin_addr.s_addr), 0x7f000002);
	assert_int_equal(ntohs(in->sin_port), 9000);
	assert_int_equal(target_parse("9001", &t, NULL), 0);
	assert_string_equal(t.name, "127.0.0.1:9001");
	assert_int_equal(target_parse("[::1]:9000", &t, NULL), 0);
	assert_int_equal(in6->sin6_family, AF_INET6);
	assert_int_equal(ntohs(in6->sin6_port), 9000);
	assert_string_equal(t.name, "[::1]:9000");
}

static void test_refused(void **state)
{
	static const char *const texts[] = { "", "name", "host:", ":9000", "unix:", "@", "unix:@", "[]:1" };
	char longest[200] = "/";
	struct target t;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_int_equal(target_parse(texts[i], &t, &err), -1);
	memset(longest + 1, 'a', 120);
	assert_int_equal(target_parse(longest, &t, &err), -1);
	assert_non_null(strstr(err.text, "107"));
}

static void test_explanations(void **state)
{
	struct target t;
	struct err err;

	(void)state;
	assert_int_equal(target_parse("/run/a.sock", &t, NULL), 0);
	target_explain(&t, ENOENT, &err);
	assert_non_null(strstr(err.text, "unix:/run/a.sock"));
	assert_non_null(strstr(err.text, "start the server"));
	target_explain(&t, EACCES, &err);
	assert_non_null(strstr(err.text, "listen.mode"));
	target_explain(&t, EAGAIN, &err);
	assert_non_null(strstr(err.text, "listen.backlog"));
	target_explain(&t, EIO, &err);
	assert_non_null(strstr(err.text, strerror(EIO)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unix),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_explanations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
