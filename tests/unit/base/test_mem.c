/* test_mem.c -- allocation, and the end of a process that is wrong: abort, with file and line in the log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "src/base/exits.h"
#include "src/base/log.h"
#include "src/base/mem.h"

static void strings(void **state)
{
	char *a = xstrdup("abc"), *b = xstrndup("abcdef", 4), *c = xstrndup("ab", 10);
	char *d = xasprintf("%d-%s", 42, "x"), *e = xcalloc(0, 0);

	(void)state;
	assert_string_equal(a, "abc");
	assert_string_equal(b, "abcd");
	assert_string_equal(c, "ab");
	assert_string_equal(d, "42-x");
	assert_non_null(e);
	e = xrealloc(e, 100);
	memset(e, 1, 100);
	free(a);
	free(b);
	free(c);
	free(d);
	free(e);
}

static void calloc_zeroes(void **state)
{
	static const char zeroes[1000];
	char *p = xcalloc(10, 100);

	(void)state;
	assert_memory_equal(p, zeroes, 1000);
	free(p);
}

/* What a process that runs end() says, and how it ends. */
static int run(void (*end)(void), char *said, size_t size)
{
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
		signal(SIGABRT, SIG_DFL);
		log_to_fd(fds[1]);
		end();
		_exit(0);
	}
	close(fds[1]);
	n = read(fds[0], said, size - 1);
	said[n > 0 ? n : 0] = '\0';
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void be_wrong(void)
{
	int ducks = 2;

	BUG_IF(ducks == 2);
}

static void a_bug_says_where_and_aborts(void **state)
{
	char said[1024];
	int status = run(be_wrong, said, sizeof(said));

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_non_null(strstr(said, "ALERT: bug: "));
	assert_non_null(strstr(said, "test_mem.c:"));
	assert_non_null(strstr(said, "ducks == 2"));
}

/* The address sanitizer answers too large a request itself, before we can. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static void want_too_much(void)
{
	volatile size_t much = SIZE_MAX / 4;

	free(xrealloc(NULL, much));
}

static void out_of_memory_says_so_and_ends(void **state)
{
	char said[1024];
	int status;

	(void)state;
	if (SANITIZED)
		skip();
	status = run(want_too_much, said, sizeof(said));
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_SOFTWARE);
	assert_non_null(strstr(said, "ALERT: out of memory: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings),
		cmocka_unit_test(calloc_zeroes),
		cmocka_unit_test(a_bug_says_where_and_aborts),
		cmocka_unit_test(out_of_memory_says_so_and_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
