/* test_spawn.c -- what a process is told survives the way there, and nothing else is believed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/spawn.h"

static struct spawn_info sample(void)
{
	return (struct spawn_info){
		.kind = SPAWN_ZYGOTE,
		.names = SPAWN_NAMES_PHP_FPM,
		.print = SPAWN_PRINT_NONE,
		.was_root = true,
		.generation = 7,
		.listen_count = 1,
		.log_level = LOG_LEVEL_NOTICE,
		.pool_uid = 65534,
		.pool_gid = 65533,
		.section = "[www]\nlisten = /run/www.sock\n",
		.section_len = 30,
		.module = "/usr/lib/weir/weir_php8.2.so",
	};
}

static void everything_comes_back(void **state)
{
	struct spawn_info told = sample(), heard;
	struct buf options = { 0 };
	struct err err;
	char own[16];
	int fd;
	(void)state;

	spawn_option_add(&options, "-d", "memory_limit", "64M");
	spawn_option_add(&options, "-n", NULL, "1");
	told.options = (char *)options.data;
	told.options_len = options.len;
	fd = spawn_info_write(&told);
	assert_true(fd >= 0);
	assert_int_equal(spawn_info_read(fd, &heard, &err), 0);
	assert_int_equal(heard.kind, SPAWN_ZYGOTE);
	assert_int_equal(heard.names, SPAWN_NAMES_PHP_FPM);
	prctl(PR_GET_NAME, own);
	assert_string_equal(heard.short_name, own);
	assert_true(heard.was_root);
	assert_int_equal(heard.generation, 7);
	assert_int_equal(heard.listen_count, 1);
	assert_int_equal(heard.log_level, LOG_LEVEL_NOTICE);
	assert_int_equal(heard.pool_uid, 65534);
	assert_int_equal(heard.pool_gid, 65533);
	assert_int_equal(heard.section_len, told.section_len);
	assert_memory_equal(heard.section, told.section, told.section_len);
	assert_string_equal(heard.module, told.module);
	assert_int_equal(heard.options_len, 26);
	assert_memory_equal(heard.options, "-d\0memory_limit\00064M\0-n\0\0001", 26);
	spawn_info_free(&heard);
	assert_null(heard.section);
	buf_free(&options);
	fd_close(&fd);
}

static void nothing_is_not_empty(void **state)
{
	struct spawn_info told = { .kind = SPAWN_PROBE, .log_level = LOG_LEVEL_DEBUG }, heard;
	struct err err;
	int fd = spawn_info_write(&told);
	(void)state;

	assert_int_equal(spawn_info_read(fd, &heard, &err), 0);
	assert_null(heard.section);
	assert_null(heard.module);
	assert_int_equal(heard.options_len, 0);
	spawn_info_free(&heard);
	fd_close(&fd);
	told.section = "";
	fd = spawn_info_write(&told);
	assert_int_equal(spawn_info_read(fd, &heard, &err), 0);
	assert_string_equal(heard.section, "");
	spawn_info_free(&heard);
	fd_close(&fd);
}

static void refused(int fd, const char *why)
{
	struct spawn_info heard;
	struct err err;

	assert_int_equal(spawn_info_read(fd, &heard, &err), -1);
	if (!strstr(err.text, why))
		fail_msg("refused with '%s'", err.text);
	assert_null(heard.section);
}

static void only_a_sealed_memory_file_is_believed(void **state)
{
	int pipes[2], open_fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	(void)state;

	refused(-1, "holds no orders");
	assert_int_equal(pipe(pipes), 0);
	refused(pipes[0], "holds no orders");
	assert_int_equal(ftruncate(open_fd, 4096), 0);
	refused(open_fd, "holds no orders");
	fd_close(&open_fd);
	fd_close(&pipes[0]);
	fd_close(&pipes[1]);
}

/* Each 32-bit word of a good one, changed: read as something harmless, or refused; never more than was sent. */
static void a_changed_word_never_reads_out_of_bounds(void **state)
{
	struct spawn_info told = sample(), heard;
	uint8_t bytes[256];
	int fd = spawn_info_write(&told);
	ssize_t len = pread(fd, bytes, sizeof(bytes), 0);
	(void)state;

	assert_true(len > 96 && len < (ssize_t)sizeof(bytes));
	fd_close(&fd);
	for (ssize_t at = 0; at + 4 <= len; at++) {
		uint8_t changed[256];
		struct err err;

		memcpy(changed, bytes, (size_t)len);
		memset(changed + at, 0xff, 4);
		fd = fd_memfd_sealed("test", changed, (size_t)len);
		if (spawn_info_read(fd, &heard, &err) == 0) {
			assert_true(heard.section_len <= (size_t)len);
			spawn_info_free(&heard);
		}
		fd_close(&fd);
	}
	for (ssize_t cut = 0; cut < len; cut++) {
		fd = fd_memfd_sealed("test", bytes, (size_t)cut);
		refused(fd, cut < 96 ? "size" : "add up");
		fd_close(&fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_comes_back),
		cmocka_unit_test(nothing_is_not_empty),
		cmocka_unit_test(only_a_sealed_memory_file_is_believed),
		cmocka_unit_test(a_changed_word_never_reads_out_of_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
