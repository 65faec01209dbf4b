/* test_spool.c -- a queue of bytes in memory, then in a file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "src/base/buf.h"
#include "src/base/spool.h"

#define MIB ((size_t)1 << 20)

static char folder[] = "/tmp/weir-spool-XXXXXX";
static bool no_tmpfile;                 /* the file system knows no O_TMPFILE */
static unsigned tmpfiles;               /* opened in that way */

/* In place of the C library's: what a file system cannot do, and what was asked of it. */
int open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode = 0;

	if (flags & (O_CREAT | O_TMPFILE)) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if ((flags & O_TMPFILE) == O_TMPFILE) {
		if (no_tmpfile) {
			errno = EOPNOTSUPP;
			return -1;
		}
		tmpfiles++;
	}
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static unsigned names_in_folder(void)
{
	DIR *dir = opendir(folder);
	unsigned names = 0;

	assert_non_null(dir);
	while (readdir(dir))
		names++;
	closedir(dir);
	return names - 2;               /* "." and ".." */
}

static off_t file_space(const struct spool *s)
{
	struct stat st;

	assert_int_equal(fstat(s->fd, &st), 0);
	return st.st_blocks * 512;
}

static void add_text(struct spool *s, const char *text)
{
	assert_int_equal(spool_add(s, text, strlen(text)), 0);
}

/* All that is in the queue, taken by pieces of at most 7 bytes where they come from the file. */
static void expect_text(struct spool *s, const char *text)
{
	struct buf got = { 0 };
	const uint8_t *at;
	uint8_t scratch[7];
	ssize_t n;

	assert_int_equal(spool_len(s), strlen(text));
	while ((n = spool_front(s, scratch, sizeof(scratch), &at)) > 0) {
		buf_add(&got, at, (size_t)n);
		spool_drop(s, (uint64_t)n);
	}
	assert_int_equal(n, 0);
	assert_string_equal(buf_str(&got), text);
	buf_free(&got);
}

static void zeroed_may_be_cleared(void **state)
{
	struct spool s = { 0 };

	(void)state;
	spool_clear(&s);
	assert_true(fcntl(0, F_GETFD) >= 0);
	assert_int_equal(spool_len(&s), 0);
}

static void memory_grows_and_shrinks(void **state)
{
	static const uint8_t bytes[60000];
	struct spool s;

	(void)state;
	spool_init(&s, "/nowhere", 65536, 1000000);
	assert_null(s.mem);
	for (size_t n = 1; n <= 20000; n *= 3) {
		assert_int_equal(spool_add(&s, bytes, n), 0);
		assert_true(s.mem_cap <= 1024 || s.mem_cap < 2 * s.mem_len);
		assert_true(s.mem_cap <= 65536);
	}
	spool_drop(&s, spool_len(&s) - 1);
	assert_int_equal(spool_len(&s), 1);
	spool_drop(&s, 1);
	assert_null(s.mem);
	assert_int_equal(spool_add(&s, bytes, 60000), 0);
	assert_int_equal(spool_add(&s, bytes, 5536), 0);
	assert_int_equal(s.mem_cap, 65536);
	assert_false(spool_in_file(&s));
	spool_clear(&s);
	assert_null(s.mem);
	assert_int_equal(spool_len(&s), 0);
}

static void order_over_memory_and_file(void **state)
{
	struct spool s;

	(void)state;
	spool_init(&s, folder, 10, 100);
	add_text(&s, "memory, ");
	assert_false(spool_in_file(&s));
	add_text(&s, "then file, ");
	assert_true(spool_in_file(&s));
	spool_drop(&s, 4);
	add_text(&s, "a");              /* there were room for it in memory: not its turn */
	expect_text(&s, "ry, then file, a");
	assert_false(spool_in_file(&s));
	assert_null(s.mem);
	assert_int_equal(file_space(&s), 0);
	add_text(&s, "again");
	assert_false(spool_in_file(&s));
	expect_text(&s, "again");
	add_text(&s, "more than ten bytes");
	assert_true(spool_in_file(&s));
	expect_text(&s, "more than ten bytes");
	spool_clear(&s);
}

static void the_file_has_no_name(void **state)
{
	struct spool s;

	(void)state;
	tmpfiles = 0;
	for (int i = 0; i < 2; i++) {
		no_tmpfile = i == 1;
		spool_init(&s, folder, 0, 100);
		add_text(&s, "into the file");
		assert_true(spool_in_file(&s));
		assert_int_equal(names_in_folder(), 0);
		assert_true(fcntl(s.fd, F_GETFD) & FD_CLOEXEC);
		expect_text(&s, "into the file");
		spool_clear(&s);
		assert_false(spool_in_file(&s));
	}
	no_tmpfile = false;
	assert_int_equal(tmpfiles, 1);
}

static void clear_gives_the_descriptor_back(void **state)
{
	struct spool s;
	int fd;

	(void)state;
	spool_init(&s, folder, 4, 100);
	for (int i = 0; i < 3; i++) {
		add_text(&s, "file");
		add_text(&s, "file");
		fd = s.fd;
		spool_clear(&s);
		assert_int_equal(fcntl(fd, F_GETFD), -1);
		spool_clear(&s);
	}
}

static void past_max(void **state)
{
	struct spool s;

	(void)state;
	spool_init(&s, folder, 4, 10);
	add_text(&s, "1234567890");
	assert_int_equal(spool_add(&s, "", 0), 0);
	assert_int_equal(spool_add(&s, "x", 1), -1);
	assert_int_equal(errno, EFBIG);
	spool_drop(&s, 3);
	assert_int_equal(spool_add(&s, "abcd", 4), -1);
	add_text(&s, "abc");
	expect_text(&s, "4567890abc");
	assert_int_equal(spool_add(&s, folder, SIZE_MAX), -1);
	assert_int_equal(errno, EFBIG);
	spool_clear(&s);
}

static void no_folder(void **state)
{
	struct spool s;

	(void)state;
	spool_init(&s, "/nowhere/at/all", 4, 100);
	add_text(&s, "abcd");
	assert_int_equal(spool_add(&s, "e", 1), -1);
	assert_int_equal(errno, ENOENT);
	assert_false(spool_in_file(&s));
	expect_text(&s, "abcd");
	add_text(&s, "goes");
	spool_clear(&s);
}

/* Nothing of an add that failed in the middle is kept, and the queue goes on. */
static void a_limit_of_file_sizes(void **state)
{
	struct rlimit old, full = { .rlim_cur = 10000 };
	static uint8_t bytes[8000], scratch[8000];
	const uint8_t *at;
	struct spool s;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	full.rlim_max = old.rlim_max;
	spool_init(&s, folder, 0, MIB);
	memset(bytes, 'a', sizeof(bytes));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
	assert_int_equal(spool_add(&s, bytes, sizeof(bytes)), 0);
	assert_int_equal(spool_add(&s, bytes, sizeof(bytes)), -1);
	assert_int_equal(errno, EFBIG);
	assert_int_equal(lseek(s.fd, 0, SEEK_END), sizeof(bytes));
	assert_int_equal(spool_len(&s), sizeof(bytes));
	assert_int_equal(spool_add(&s, "b", 1), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(spool_front(&s, scratch, sizeof(scratch), &at), sizeof(bytes));
	assert_memory_equal(at, bytes, sizeof(bytes));
	spool_drop(&s, sizeof(bytes));
	expect_text(&s, "b");
	spool_clear(&s);
}

/* 0: a small file system filled up and emptied as it should; 77: this process cannot have one. */
static int fill_a_small_disk(void)
{
	static uint8_t bytes[40000];
	struct spool s;

	if (unshare(CLONE_NEWNS) < 0 || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", folder, "tmpfs", 0, "size=64k") < 0)
		return 77;
	spool_init(&s, folder, 0, MIB);
	if (spool_add(&s, bytes, sizeof(bytes)) != 0)
		return 1;
	for (int i = 0; i < 3; i++)
		if (spool_add(&s, bytes, sizeof(bytes)) != -1 || errno != ENOSPC || spool_len(&s) != sizeof(bytes))
			return 2;
	if (spool_add(&s, bytes, 20000) != 0)   /* the space of what failed was given back */
		return 3;
	spool_drop(&s, sizeof(bytes) + 20000);
	return spool_add(&s, bytes, sizeof(bytes)) == 0 ? 0 : 4;
}

static void a_full_file_system(void **state)
{
	int status = 0;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(fill_a_small_disk());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_file_that_cannot_be_read(void **state)
{
	struct spool s;
	const uint8_t *at;
	uint8_t scratch[10];

	(void)state;
	spool_init(&s, folder, 0, 100);
	add_text(&s, "cut off");
	assert_int_equal(ftruncate(s.fd, 0), 0);
	assert_int_equal(spool_front(&s, scratch, sizeof(scratch), &at), -1);
	assert_int_equal(errno, EIO);
	spool_clear(&s);
}

/* A bounded queue through which much passes keeps a bounded file. */
static void space_is_given_back(void **state)
{
	static uint8_t bytes[MIB / 4];
	struct spool s;

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	spool_init(&s, folder, 0, 2 * MIB);
	for (int i = 0; i < 4; i++)
		assert_int_equal(spool_add(&s, bytes, sizeof(bytes)), 0);
	if (fallocate(s.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * (off_t)MIB, 1) < 0) {
		spool_clear(&s);
		skip();
	}
	for (int i = 0; i < 64; i++) {
		assert_int_equal(spool_add(&s, bytes, sizeof(bytes)), 0);
		spool_drop(&s, sizeof(bytes));
		assert_true(file_space(&s) <= 3 * (off_t)MIB);
	}
	spool_drop(&s, spool_len(&s));
	assert_int_equal(file_space(&s), 0);
	spool_clear(&s);
}

static void rewound_it_is_all_there_again(void **state)
{
	struct spool s;

	(void)state;
	spool_init(&s, folder, 8, 40);
	spool_keep(&s, true);
	add_text(&s, "memory ");
	add_text(&s, "and file");
	for (int i = 0; i < 3; i++) {
		expect_text(&s, "memory and file");
		assert_true(spool_in_file(&s));
		spool_rewind(&s);
	}
	spool_drop(&s, 9);
	add_text(&s, " and more");
	expect_text(&s, "d file and more");
	assert_int_equal(spool_add(&s, "what was dropped counts", 20), -1);
	assert_int_equal(errno, EFBIG);
	spool_rewind(&s);
	spool_drop(&s, 3);
	spool_keep(&s, false);
	assert_int_equal(s.mem_len, 4);
	expect_text(&s, "ory and file and more");
	assert_null(s.mem);
	assert_false(spool_in_file(&s));
	spool_clear(&s);
}

static void what_is_kept_goes_with_keep(void **state)
{
	struct spool s;

	(void)state;
	spool_init(&s, folder, 4, 40);
	spool_keep(&s, true);
	add_text(&s, "abcd");
	add_text(&s, "efgh");
	expect_text(&s, "abcdefgh");
	assert_non_null(s.mem);
	spool_keep(&s, false);
	assert_null(s.mem);
	assert_int_equal(file_space(&s), 0);
	spool_clear(&s);
}

/* ---- against a plain buffer */

static uint32_t random_next(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

struct model {
	struct spool spool;
	struct buf plain;               /* all that is in the queue or kept */
	size_t done;                    /* of plain, dropped */
	uint32_t seed;
};

static void model_add(struct model *m)
{
	uint8_t bytes[3000] = { 0 };
	size_t len = random_next(&m->seed) % (random_next(&m->seed) % 4 ? 100 : sizeof(bytes));
	size_t have = m->spool.keep ? m->plain.len : m->plain.len - m->done;
	int expected = have + len > m->spool.max && len > 0 ? -1 : 0;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)random_next(&m->seed);
	assert_int_equal(spool_add(&m->spool, bytes, len), expected);
	if (expected == 0)
		buf_add(&m->plain, bytes, len);
}

static void model_drop(struct model *m)
{
	uint8_t scratch[500];
	const uint8_t *at;
	ssize_t n = spool_front(&m->spool, scratch, 1 + random_next(&m->seed) % sizeof(scratch), &at);

	assert_true(n >= 0 && (n > 0) == (m->done < m->plain.len));
	if (n == 0)
		return;
	assert_true((size_t)n <= m->plain.len - m->done);
	assert_memory_equal(at, m->plain.data + m->done, (size_t)n);
	/* Sometimes more than was looked at. */
	n = (ssize_t)(random_next(&m->seed) % 8 ? random_next(&m->seed) % ((size_t)n + 1) :
	    random_next(&m->seed) % (m->plain.len - m->done + 1));
	spool_drop(&m->spool, (uint64_t)n);
	m->done += (size_t)n;
}

static void model_change(struct model *m)
{
	switch (random_next(&m->seed) % 4) {
	case 0:
		spool_clear(&m->spool);
		buf_clear(&m->plain);
		m->done = 0;
		break;
	case 1:
		if (m->spool.keep) {
			spool_rewind(&m->spool);
			m->done = 0;
		}
		break;
	default:
		spool_keep(&m->spool, m->plain.len == 0 && !m->spool.keep);
		break;
	}
}

static void model_step(struct model *m)
{
	unsigned what = random_next(&m->seed) % 100;

	if (what < 49)
		model_add(m);
	else if (what < 98)
		model_drop(m);
	else
		model_change(m);
	if (!m->spool.keep) {
		buf_drop_front(&m->plain, m->done);
		m->done = 0;
	}
	assert_int_equal(spool_len(&m->spool), m->plain.len - m->done);
	assert_true(m->spool.mem_cap <= m->spool.memory_limit);
	assert_true(!spool_in_file(&m->spool) || m->plain.len > 0);
	if (m->plain.len == 0)
		assert_null(m->spool.mem);
}

static void any_use(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 60; seed++) {
		struct model m = { .seed = seed * 2654435761u };

		spool_init(&m.spool, folder, random_next(&m.seed) % 5000, 1 + random_next(&m.seed) % 20000);
		for (int i = 0; i < 1000; i++)
			model_step(&m);
		spool_clear(&m.spool);
		buf_free(&m.plain);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zeroed_may_be_cleared),
		cmocka_unit_test(memory_grows_and_shrinks),
		cmocka_unit_test(order_over_memory_and_file),
		cmocka_unit_test(the_file_has_no_name),
		cmocka_unit_test(clear_gives_the_descriptor_back),
		cmocka_unit_test(past_max),
		cmocka_unit_test(no_folder),
		cmocka_unit_test(a_limit_of_file_sizes),
		cmocka_unit_test(a_full_file_system),
		cmocka_unit_test(a_file_that_cannot_be_read),
		cmocka_unit_test(space_is_given_back),
		cmocka_unit_test(rewound_it_is_all_there_again),
		cmocka_unit_test(what_is_kept_goes_with_keep),
		cmocka_unit_test(any_use),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
