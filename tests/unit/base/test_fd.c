/* test_fd.c -- descriptors: closed once, moved, written to the end, sealed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "src/base/fd.h"

static void close_forgets_and_keeps_errno(void **state)
{
	int fd = open("/dev/null", O_RDONLY), was = fd;

	(void)state;
	assert_true(fd >= 0);
	errno = EXDEV;
	fd_close(&fd);
	assert_int_equal(fd, -1);
	assert_int_equal(fcntl(was, F_GETFD), -1);
	errno = EXDEV;
	fd_close(&fd);
	assert_int_equal(errno, EXDEV);
}

static void flags_on_and_off(void **state)
{
	int fd = open("/dev/null", O_RDONLY);

	(void)state;
	assert_int_equal(fd_set_nonblock(fd, 1), 0);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(fd_set_nonblock(fd, 0), 0);
	assert_false(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(fd_set_cloexec(fd, 1), 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fd_set_cloexec(fd, 0), 0);
	assert_false(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	fd_close(&fd);
	assert_int_equal(fd_set_nonblock(fd, 1), -1);
	assert_int_equal(fd_set_cloexec(fd, 1), -1);
}

static void moves_to_an_exact_number(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(fd_move(fd, 40), 0);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(fcntl(40, F_GETFD), 0);
	fd_set_cloexec(40, 1);
	assert_int_equal(fd_move(40, 40), 0);
	assert_int_equal(fcntl(40, F_GETFD), 0);
	close(40);
	assert_int_equal(fd_move(40, 41), -1);
	assert_int_equal(errno, EBADF);
}

static void reader(int fd, size_t want)
{
	char space[4096];
	size_t got = 0;
	ssize_t n;

	while ((n = read(fd, space, sizeof(space))) > 0)
		got += (size_t)n;
	_exit(got == want ? 0 : 1);
}

static void writes_all_to_a_full_non_blocking_pipe(void **state)
{
	size_t len = 3 << 20;
	char *data = calloc(1, len);
	int fds[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		close(fds[1]);
		reader(fds[0], len);
	}
	close(fds[0]);
	fd_set_nonblock(fds[1], 1);
	assert_int_equal(fd_write_all(fds[1], data, len), 0);
	close(fds[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	free(data);
}

static void write_says_why_not(void **state)
{
	int full = open("/dev/full", O_WRONLY), fd = -1;

	(void)state;
	assert_int_equal(fd_write_all(full, "x", 1), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(fd_write_all(full, "", 0), 0);
	close(full);
	assert_int_equal(fd_write_all(fd, "x", 1), -1);
	assert_int_equal(errno, EBADF);
}

static void a_sealed_memfd_cannot_be_changed(void **state)
{
	char space[32];
	int fd = fd_memfd_sealed("conf", "pool www", 8);

	(void)state;
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GET_SEALS), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	assert_int_equal(read(fd, space, sizeof(space)), 8);
	assert_memory_equal(space, "pool www", 8);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(ftruncate(fd, 100), -1);
	assert_ptr_equal(mmap(NULL, 8, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	close(fd);
	fd = fd_memfd_sealed("empty", NULL, 0);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, space, sizeof(space)), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(close_forgets_and_keeps_errno),
		cmocka_unit_test(flags_on_and_off),
		cmocka_unit_test(moves_to_an_exact_number),
		cmocka_unit_test(writes_all_to_a_full_non_blocking_pipe),
		cmocka_unit_test(write_says_why_not),
		cmocka_unit_test(a_sealed_memfd_cannot_be_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
