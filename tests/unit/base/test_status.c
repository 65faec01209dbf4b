/* test_status.c -- a status on its way between processes: what is no status is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "src/base/fd.h"
#include "src/base/mem.h"
#include "src/base/status.h"

static void there_and_back(void **state)
{
	struct status *s = xcalloc(1, status_size(3));
	const struct status *got;
	size_t size;
	int fd;

	(void)state;
	*s = (struct status){ .magic = STATUS_MAGIC, .child_count = 3, .pool = "www", .accepted = 7 };
	s->children[2].pid = 42;
	fd = status_write(s);
	got = status_map(fd, &size);
	assert_non_null(got);
	assert_int_equal(size, status_size(3));
	assert_memory_equal(got, s, size);
	fd_close(&fd);
	assert_int_equal(got->children[2].pid, 42);
	status_unmap(&got, size);
	assert_null(got);
	status_unmap(&got, size);
	free(s);
}

static void refused(struct status *s, size_t size)
{
	size_t got;
	int fd = fd_memfd_sealed("test", s, size);

	assert_null(status_map(fd, &got));
	assert_int_equal(errno, EINVAL);
	fd_close(&fd);
}

static void nonsense(void **state)
{
	struct status *s = xcalloc(1, status_size(2));
	size_t size;
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	(void)state;
	s->magic = STATUS_MAGIC;
	s->child_count = 2;
	refused(s, status_size(1));             /* claims more than there is */
	refused(s, sizeof(*s) - 1);
	s->magic = 1;
	refused(s, status_size(2));
	s->magic = STATUS_MAGIC;
	assert_int_equal(fd_write_all(fd, s, status_size(2)), 0);
	assert_null(status_map(fd, &size));     /* not sealed: it could be cut under our feet */
	assert_null(status_map(-1, &size));
	fd_close(&fd);
	free(s);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(status_state_name(STATUS_READING), "Reading headers");
	assert_string_equal(status_state_name(12345), "Idle");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(nonsense),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
