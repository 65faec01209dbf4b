/* test_fd_line.c -- lines to a pipe stay whole whatever their length, and nobody waits for a reader who is not
 * there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "src/base/fd_line.h"

#define MIB (1024 * 1024)

static int ends[2];
static struct fd_line to;
static char line[4 * MIB], got[8 * MIB];

static int set_up(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	memset(line, 'x', sizeof(line));
	if (pipe2(ends, O_NONBLOCK) < 0)
		return -1;
	fd_line_set(&to, ends[1]);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(ends[0]);
	close(ends[1]);
	return 0;
}

static enum fd_line_end put(size_t len, int wait_ms)
{
	enum fd_line_end end;
	char last = line[len - 1];

	line[len - 1] = '\n';
	end = fd_line_write(&to, line, len, wait_ms);
	line[len - 1] = last;
	return end;
}

static size_t take(void)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(ends[0], got + len, sizeof(got) - len)) > 0)
		len += (size_t)n;
	return len;
}

static void a_full_pipe_takes_no_part_of_a_line(void **state)
{
	static const size_t sizes[] = { 100, 4096, 4097, 70000, 500000 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t count = 0;

		while (put(sizes[i], 0) == FD_LINE_WRITTEN)
			count++;
		assert_true(count > 0);
		assert_true(to.stuck);
		assert_int_equal(take(), count * sizes[i]);
		assert_int_equal(put(sizes[i], 0), FD_LINE_WRITTEN);
		assert_false(to.stuck);
		take();
	}
}

static void half_filled_pages_count_as_full(void **state)
{
	size_t count = 0;

	(void)state;
	while (put(2100, 0) == FD_LINE_WRITTEN)
		count++;
	take();
	for (size_t i = 0; i < count / 2; i++)
		assert_int_equal(put(2100, 0), FD_LINE_WRITTEN);
	assert_int_equal(put(600000, 0), FD_LINE_FULL);
	assert_int_equal(take(), count / 2 * 2100);
}

static void only_the_first_line_waits_for_a_reader(void **state)
{
	(void)state;
	while (put(4096, 0) == FD_LINE_WRITTEN)
		continue;
	to.stuck = false;
	assert_int_equal(put(100, 30), FD_LINE_FULL);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(put(100, 60000), FD_LINE_FULL);
}

static void a_reader_that_is_gone_is_a_failure(void **state)
{
	(void)state;
	close(ends[0]);
	assert_int_equal(put(100, 0), FD_LINE_FAILED);
	assert_int_equal(put(100000, 0), FD_LINE_FAILED);
	ends[0] = -1;
}

static void a_line_that_broke_off_has_an_end(void **state)
{
	size_t len;

	(void)state;
	assert_int_equal(put(3 * MIB, 10), FD_LINE_FAILED);
	len = take();
	assert_true(len > 0 && len < 3 * MIB);
	assert_int_equal(put(5, 0), FD_LINE_WRITTEN);
	assert_int_equal(take(), 6);
	assert_memory_equal(got, "\nxxxx\n", 6);
}

/* Three writers, each with a letter of its own, lines of all sizes; the last is longer than the pipe. */
static void write_many(char letter)
{
	static const size_t sizes[] = { 10, 3000, 4096, 5000, 66000, 300000, MIB + MIB / 2 };
	int fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK);

	fd_line_set(&to, fd);
	memset(line, letter, sizeof(line));
	for (int i = 0; i < 140; i++)
		if (put(sizes[i % 7], 20000) != FD_LINE_WRITTEN)
			_exit(1);
	_exit(0);
}

static void writers_are_never_mixed(void **state)
{
	size_t len = 0, lines = 0;
	ssize_t n;
	pid_t pids[3];

	(void)state;
	fcntl(ends[0], F_SETFL, 0);
	for (int i = 0; i < 3; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			dup2(ends[1], STDOUT_FILENO);
			write_many((char)('a' + i));
		}
	}
	close(ends[1]);
	ends[1] = -1;
	while ((n = read(ends[0], got + len, 65536)) > 0) {
		char *start = got, *end;

		len += (size_t)n;
		while ((end = memchr(start, '\n', (size_t)(got + len - start)))) {
			char of[2] = { *start, '\0' };

			assert_int_equal(strspn(start, of), end - start);
			lines++;
			start = end + 1;
		}
		len = (size_t)(got + len - start);
		memmove(got, start, len);
	}
	for (int i = 0; i < 3; i++) {
		int status = -1;

		waitpid(pids[i], &status, 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(lines, 3 * 140);
}

static void a_socket_gets_one_packet_a_line(void **state)
{
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	fd_line_set(&to, pair[1]);
	assert_int_equal(put(50000, 0), FD_LINE_WRITTEN);
	assert_int_equal(recv(pair[0], got, sizeof(got), 0), 50000);
	while (put(50000, 0) == FD_LINE_WRITTEN)
		continue;
	assert_true(to.stuck);
	close(pair[0]);
	close(pair[1]);
}

static void nowhere_is_no_failure(void **state)
{
	(void)state;
	fd_line_set(&to, -1);
	assert_int_equal(put(10, 0), FD_LINE_WRITTEN);
}

#define LINE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(a_full_pipe_takes_no_part_of_a_line),
		LINE_TEST(half_filled_pages_count_as_full),
		LINE_TEST(only_the_first_line_waits_for_a_reader),
		LINE_TEST(a_reader_that_is_gone_is_a_failure),
		LINE_TEST(a_line_that_broke_off_has_an_end),
		LINE_TEST(writers_are_never_mixed),
		LINE_TEST(a_socket_gets_one_packet_a_line),
		LINE_TEST(nowhere_is_no_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
