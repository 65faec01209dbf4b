/* test_title.c -- what /proc/PID/cmdline shows: the title alone, in forked processes too; the environment
 * is intact. The kernel puts one NUL behind a title, as it stands behind every argument. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "src/base/title.h"

static const char *const args[] = { "test_title", "--configuration", "/etc/x/weir.conf", "-F", "last" };
#define ARG_COUNT ((int)(sizeof(args) / sizeof(args[0])))
static char **our_argv;

static size_t args_len(void)
{
	size_t len = 0;

	for (int i = 0; i < ARG_COUNT; i++)
		len += strlen(args[i]) + 1;
	return len;
}

static void read_proc(const char *name, char *out, size_t size, size_t *len_out)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)getpid(), name);
	fd = open(path, O_RDONLY);
	n = read(fd, out, size);
	close(fd);
	*len_out = n > 0 ? (size_t)n : 0;
}

static int shows(const char *title)
{
	char got[4096];
	size_t len;

	read_proc("cmdline", got, sizeof(got), &len);
	return len == strlen(title) + 1 && memcmp(got, title, len) == 0;
}

static void titles_of_every_length(void **state)
{
	char title[400];

	(void)state;
	for (size_t len = 1; len < args_len() + 200; len++) {
		memset(title, 'a' + (int)(len % 26), len);
		title[len] = '\0';
		title_set("%s", title);
		assert_true(shows(title));
		title_set("weir: %s", "master");
		assert_true(shows("weir: master"));
	}
}

static void a_title_too_long_is_cut(void **state)
{
	size_t size = 1 << 20;
	char *title = malloc(size);

	(void)state;
	memset(title, 'x', size);
	title[size - 1] = '\0';
	title_set("%s", title);
	free(title);
	title_set("weir: back");
	assert_true(shows("weir: back"));
}

static void forked_processes_have_their_own(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	title_set("weir: zygote www");
	pid = fork();
	if (pid == 0) {
		int right = shows("weir: zygote www");

		title_set("weir: child www");
		_exit(right && shows("weir: child www") ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(shows("weir: zygote www"));
}

static void environment_and_arguments_are_intact(void **state)
{
	(void)state;
	title_set("weir: master");
	assert_string_equal(getenv("WEIR_TITLE_TEST"), "a value");
	assert_int_equal(setenv("WEIR_TITLE_MORE", "x", 1), 0);
	assert_string_equal(getenv("WEIR_TITLE_MORE"), "x");
	for (int i = 0; i < ARG_COUNT; i++)
		assert_string_equal(our_argv[i], args[i]);
}

static void short_name_is_weir(void **state)
{
	char got[64];
	size_t len;

	(void)state;
	read_proc("comm", got, sizeof(got), &len);
	assert_int_equal(len, 5);
	assert_memory_equal(got, "weir\n", 5);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(titles_of_every_length),
		cmocka_unit_test(a_title_too_long_is_cut),
		cmocka_unit_test(forked_processes_have_their_own),
		cmocka_unit_test(environment_and_arguments_are_intact),
		cmocka_unit_test(short_name_is_weir),
	};

	/* Run again with arguments and an environment of known length. */
	if (argc != ARG_COUNT) {
		char *again[ARG_COUNT + 1] = { 0 };

		for (int i = 0; i < ARG_COUNT; i++)
			again[i] = strdup(args[i]);
		setenv("WEIR_TITLE_TEST", "a value", 1);
		setenv("WEIR_TITLE_FILL", "makes the environment longer than two hundred bytes, so that "
		    "every title of this test has room in the memory behind the arguments, whoever runs it "
		    "and with however few variables of his own; nothing reads it", 1);
		execv("/proc/self/exe", again);
		return 1;
	}
	our_argv = argv;
	title_init(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
