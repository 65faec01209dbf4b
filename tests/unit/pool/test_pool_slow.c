/* test_pool_slow.c -- what a child says of a slow request, and what stands in the slow log then: an entry in
 * php-fpm's layout, or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "pool/pool_priv.h"
#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/link.h"
#include "src/base/log.h"
#include "src/base/mem.h"

#define CALL "[0x00007f0123456789] f() /a.php:7"
#define TEXTS(text) text, sizeof(text)  /* with the last NUL */

struct world {
	struct pool pool;
	struct conf_pool conf;
	struct generation gen;
	struct pool_child child;
	int log;                        /* the error log's reading end */
	char text[65536];
};

static int set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	int file = memfd_create("slow", 0), pipe_fds[2];

	setenv("TZ", "UTC", 1);
	tzset();
	assert_int_equal(fd_move(file, SPAWN_FD_SLOW), 0);      /* before another takes that number */
	fcntl(SPAWN_FD_SLOW, F_SETFL, O_APPEND);
	assert_int_equal(pipe(pipe_fds), 0);
	fd_set_nonblock(pipe_fds[0], 1);
	w->log = pipe_fds[0];
	log_to_fd(pipe_fds[1]);
	w->conf.name = "www";
	w->conf.slowlog = "/var/log/slow";
	w->pool.conf = &w->conf;
	w->pool.base = event_base_new();
	w->gen.pool = &w->pool;
	w->child.gen = &w->gen;
	w->child.pid = 42;
	pool_slow_init(&w->pool);
	clock_freeze(1700000000000000);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	clock_run();
	log_to_fd(-1);
	close(w->log);
	close(SPAWN_FD_SLOW);
	event_free(w->pool.slow_timer);
	event_base_free(w->pool.base);
	buf_free(&w->child.slow);
	free(w);
	return 0;
}

static int tell(struct world *w, bool more, const char *texts, size_t len)
{
	struct link_log_piece piece = { .level = LOG_LEVEL_NOTICE, .more = more };
	struct buf body = { 0 };
	struct ipc_msg msg = { 0 };
	int valid;

	buf_add(&body, &piece, sizeof(piece));
	buf_add(&body, texts, len);
	msg.body = body.data;
	msg.body_len = body.len;
	valid = pool_slow_take(&w->child, &msg);
	buf_free(&body);
	return valid;
}

static const char *written(struct world *w)
{
	ssize_t len = pread(SPAWN_FD_SLOW, w->text, sizeof(w->text) - 1, 0);

	w->text[len] = '\0';
	return w->text;
}

static void an_entry(void **state)
{
	struct world *w = *state;

	assert_int_equal(tell(w, false, TEXTS("/a.php\0" CALL "\0" CALL)), 0);
	assert_string_equal(written(w), "\n[14-Nov-2023 22:13:20]  [pool www] pid 42\nscript_filename = /a.php\n"
	    CALL "\n" CALL "\n");
}

static void no_calls(void **state)
{
	struct world *w = *state;

	assert_int_equal(tell(w, false, TEXTS("")), 0);
	assert_string_equal(written(w), "\n[14-Nov-2023 22:13:20]  [pool www] pid 42\nscript_filename = \n");
}

static void in_pieces(void **state)
{
	static const char texts[] = "/a.php\0" CALL;
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(texts); i++)
		assert_int_equal(tell(w, i + 1 < sizeof(texts), texts + i, 1), 0);
	assert_non_null(strstr(written(w), "script_filename = /a.php\n" CALL "\n"));
	assert_int_equal(w->child.slow.len, 0);
}

static void controls_are_shown(void **state)
{
	struct world *w = *state;

	assert_int_equal(tell(w, false, TEXTS("/a\n[x]\0" CALL "\n\x1b[2J\x7f")), 0);
	assert_non_null(strstr(written(w), "script_filename = /a\\x0A[x]\n" CALL "\\x0A\\x1B[2J\\x7F\n"));
}

static void nonsense_is_no_entry(void **state)
{
	static const struct { const char *texts; size_t len; } cases[] = {
		{ "", 0 }, { "/a.php", 6 }, { TEXTS("/a.php\0") }, { TEXTS("/a.php\0x") },
		{ TEXTS("/a.php\0[14-Nov-2023 22:13:20]  [pool other] pid 1") },
		{ TEXTS("/a.php\0[0x00007f012345678g] f() /a.php:7") }, { TEXTS("/a.php\0" CALL "\0") },
		{ TEXTS("/a.php\0[0x00007f0123456789]") },
	};
	struct world *w = *state;
	struct ipc_msg small = { .body = "1234567", .body_len = 7 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(tell(w, false, cases[i].texts, cases[i].len), -1);
	assert_int_equal(pool_slow_take(&w->child, &small), -1);
	assert_string_equal(written(w), "");
}

static void an_endless_one_is_refused(void **state)
{
	static char page[4096];
	struct world *w = *state;
	int i;

	for (i = 0; i < 1000 && tell(w, true, page, sizeof(page)) == 0; i++)
		continue;
	assert_int_equal(i, 256);
}

static void one_a_second(void **state)
{
	struct world *w = *state;
	char line[4096] = "";
	size_t len = 0;

	for (uint64_t ms = 0; ms < 3000; ms += 250) {
		clock_freeze(1700000000000000 + ms * 1000);
		assert_int_equal(tell(w, false, TEXTS("/a.php")), 0);
	}
	for (const char *at = written(w); (at = strstr(at, "script_filename")) != NULL; at++)
		len++;
	assert_int_equal(len, 3);
	assert_int_equal(w->pool.slow_left_out, 9);
	pool_slow_end(&w->pool);
	pool_slow_end(&w->pool);
	assert_true(read(w->log, line, sizeof(line) - 1) > 0);
	assert_string_equal(line, "[14-Nov-2023 22:13:22] NOTICE: 9 backtraces of slow requests were left out of "
	    "/var/log/slow: it takes one a second, and none while it is full\n");
}

static void a_full_disk_is_told_once(void **state)
{
	struct world *w = *state;
	char line[4096] = "";
	int full = open("/dev/full", O_WRONLY);

	dup2(full, SPAWN_FD_SLOW);
	close(full);
	for (uint64_t s = 0; s < 3; s++) {
		clock_freeze((1700000000 + s) * 1000000);
		assert_int_equal(tell(w, false, TEXTS("/a.php")), 0);
	}
	assert_true(read(w->log, line, sizeof(line) - 1) > 0);
	assert_string_equal(line, "[14-Nov-2023 22:13:20] WARNING: cannot write /var/log/slow: No space left on device\n");
}

/* Were it waited for, this test would not end. */
static void a_pipe_that_nobody_reads_is_not_waited_for(void **state)
{
	static char page[4096];
	struct world *w = *state;
	char line[4096] = "";
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	fd_set_nonblock(ends[1], 1);
	assert_int_equal(fd_move(ends[1], SPAWN_FD_SLOW), 0);
	pool_slow_reopened(&w->pool);
	while (write(SPAWN_FD_SLOW, page, sizeof(page)) > 0)
		continue;
	assert_int_equal(tell(w, false, TEXTS("/a.php")), 0);
	assert_int_equal(w->pool.slow_left_out, 1);
	pool_slow_end(&w->pool);
	assert_true(read(w->log, line, sizeof(line) - 1) > 0);
	assert_non_null(strstr(line, "NOTICE: 1 backtraces of slow requests were left out"));
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_entry, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_calls, set_up, tear_down),
		cmocka_unit_test_setup_teardown(in_pieces, set_up, tear_down),
		cmocka_unit_test_setup_teardown(controls_are_shown, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nonsense_is_no_entry, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_endless_one_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_a_second, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_full_disk_is_told_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_pipe_that_nobody_reads_is_not_waited_for, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
