/* test_log.c -- log lines: their format, one write each, any length, nothing forged.
 * The log is a SEQPACKET pair here: one packet is one write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "src/base/clock.h"
#include "src/base/log.h"

#define WHEN "[21-Nov-2026 04:05:06] "

static int logged[2], also[2];
static char line[200000];

static int set_up(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	clock_freeze(1795233906000000);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, logged) < 0)
		return -1;
	log_to_fd(logged[1]);
	log_also_to_fd(-1);
	log_to_sink(NULL, NULL);
	log_set_level(LOG_LEVEL_NOTICE);
	log_set_prefix(NULL);
	log_set_json(false);
	log_set_limit(0);
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, also);
}

static int tear_down(void **state)
{
	(void)state;
	log_to_fd(-1);
	log_also_to_fd(-1);
	log_set_prefix(NULL);
	log_set_json(false);
	log_set_limit(0);
	clock_run();
	for (int i = 0; i < 2; i++) {
		close(logged[i]);
		close(also[i]);
	}
	return 0;
}

/* The next write, or "" when there was none. */
static const char *next(int fd)
{
	ssize_t n = recv(fd, line, sizeof(line) - 1, 0);

	line[n > 0 ? n : 0] = '\0';
	return line;
}

static void has_php_fpms_format(void **state)
{
	(void)state;
	log_notice("fpm is running, pid %d", 7);
	assert_string_equal(next(logged[0]), WHEN "NOTICE: fpm is running, pid 7\n");
	log_warning("w");
	assert_string_equal(next(logged[0]), WHEN "WARNING: w\n");
	log_error("e");
	assert_string_equal(next(logged[0]), WHEN "ERROR: e\n");
	log_alert("a");
	assert_string_equal(next(logged[0]), WHEN "ALERT: a\n");
	log_debug("d");
	assert_string_equal(next(logged[0]), "");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("d");
	assert_string_equal(next(logged[0]), WHEN "DEBUG: d\n");
}

static void shows_local_time(void **state)
{
	(void)state;
	setenv("TZ", "XYZ-05:30", 1);
	tzset();
	log_notice("x");
	assert_string_equal(next(logged[0]), "[21-Nov-2026 09:35:06] NOTICE: x\n");
}

static void below_the_level_nothing_is_written(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	log_warning("x");
	log_text(LOG_LEVEL_NOTICE, "x", 1);
	assert_string_equal(next(logged[0]), "");
}

static void no_control_character_gets_through(void **state)
{
	static const char mixed[] = "nul\0 and \xc2\x9b" "31m, \xc3\xa4 and \xc2\xa0 stay \xc2";

	(void)state;
	log_notice("a%sb", "\n[01-Jan-2030 00:00:00] ALERT: forged\r\x1b[2J\x7f\t");
	assert_string_equal(next(logged[0]), WHEN
	    "NOTICE: a\\x0A[01-Jan-2030 00:00:00] ALERT: forged\\x0D\\x1B[2J\\x7F\\x09b\n");
	log_text(LOG_LEVEL_ERROR, mixed, sizeof(mixed) - 1);
	assert_string_equal(next(logged[0]), WHEN
	    "ERROR: nul\\x00 and \\xC2\\x9B31m, \xc3\xa4 and \xc2\xa0 stay \xc2\n");
	log_set_prefix("[pool \n] ");
	log_notice("x");
	assert_string_equal(next(logged[0]), WHEN "NOTICE: [pool \\x0A] x\n");
}

static void prefix_stands_in_front(void **state)
{
	char prefix[] = "[pool www] ";

	(void)state;
	log_set_prefix(prefix);
	prefix[6] = '?';
	log_notice("child started");
	assert_string_equal(next(logged[0]), WHEN "NOTICE: [pool www] child started\n");
	log_set_prefix(NULL);
	log_notice("x");
	assert_string_equal(next(logged[0]), WHEN "NOTICE: x\n");
}

/* Around every size at which another buffer is taken; one write, whole. */
static void any_length_is_one_write(void **state)
{
	static const size_t sizes[] = { 1, 1010, 1023, 1024, 1025, 4095, 4096, 4097, 100000 };
	char *text = malloc(100001);

	(void)state;
	log_set_prefix("<p>");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		memset(text, 'x', sizes[i]);
		text[sizes[i]] = '\0';
		for (int how = 0; how < 2; how++) {
			if (how)
				log_text(LOG_LEVEL_NOTICE, text, sizes[i]);
			else
				log_notice("%s", text);
			assert_int_equal(strlen(next(logged[0])), strlen(WHEN "NOTICE: <p>") + sizes[i] + 1);
			assert_int_equal(line[strlen(line) - 1], '\n');
			assert_int_equal(strspn(line + strlen(WHEN "NOTICE: <p>"), "x"), sizes[i]);
		}
	}
	free(text);
}

static void worst_case_of_escaping_fits(void **state)
{
	char text[5000];

	(void)state;
	memset(text, '\n', sizeof(text));
	for (size_t len = 1000; len < 1050; len++) {
		log_text(LOG_LEVEL_NOTICE, text, len);
		assert_int_equal(strlen(next(logged[0])), strlen(WHEN "NOTICE: ") + 4 * len + 1);
	}
	log_text(LOG_LEVEL_NOTICE, text, sizeof(text));
	assert_int_equal(strlen(next(logged[0])), strlen(WHEN "NOTICE: ") + 4 * sizeof(text) + 1);
}

static void sink(void *arg, enum log_level level, const char *text, size_t len)
{
	snprintf(arg, 200, "%d:%.*s", (int)level, (int)len, text);
}

static void a_sink_gets_the_bare_text(void **state)
{
	char got[200] = "";

	(void)state;
	log_to_sink(sink, got);
	log_set_prefix("[child 5] ");
	log_warning("two\nlines");
	assert_string_equal(got, "3:[child 5] two\\x0Alines");
	assert_string_equal(next(logged[0]), "");
	log_also_to_fd(also[1]);
	log_warning("x");
	assert_string_equal(got, "3:[child 5] x");
	assert_string_equal(next(also[0]), WHEN "WARNING: [child 5] x\n");
}

static void a_second_descriptor_gets_the_same(void **state)
{
	(void)state;
	log_also_to_fd(also[1]);
	log_notice("x");
	assert_string_equal(next(logged[0]), WHEN "NOTICE: x\n");
	assert_string_equal(next(also[0]), WHEN "NOTICE: x\n");
	log_to_fd(-1);
	log_notice("y");
	assert_string_equal(next(logged[0]), "");
	assert_string_equal(next(also[0]), WHEN "NOTICE: y\n");
}

static void errno_is_kept(void **state)
{
	(void)state;
	log_to_fd(9999);
	errno = EXDEV;
	log_notice("nobody hears");
	assert_int_equal(errno, EXDEV);
}

static void an_empty_line_is_a_line(void **state)
{
	(void)state;
	log_text(LOG_LEVEL_NOTICE, "", 0);
	assert_string_equal(next(logged[0]), WHEN "NOTICE: \n");
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(log_level_name(LOG_LEVEL_DEBUG), "DEBUG");
	assert_string_equal(log_level_name(LOG_LEVEL_ALERT), "ALERT");
	assert_string_equal(log_level_name((enum log_level)0), "UNKNOWN");
	assert_string_equal(log_level_name((enum log_level)99), "UNKNOWN");
}

static void a_line_over_the_limit_is_cut(void **state)
{
	char text[600];

	(void)state;
	memset(text, 'x', sizeof(text));
	log_set_limit(512);
	log_text(LOG_LEVEL_NOTICE, text, 512 - 1 - strlen(WHEN "NOTICE: "));
	assert_int_equal(strlen(next(logged[0])), 512);
	assert_null(strstr(line, "..."));
	log_text(LOG_LEVEL_NOTICE, text, 512 - strlen(WHEN "NOTICE: "));
	assert_int_equal(strlen(next(logged[0])), 512);
	assert_string_equal(line + 512 - 5, "x...\n");
	log_text(LOG_LEVEL_NOTICE, text, sizeof(text));
	assert_int_equal(strlen(next(logged[0])), 512);
	log_text(LOG_LEVEL_NOTICE, "short", 5);
	assert_string_equal(next(logged[0]), WHEN "NOTICE: short\n");
}

static void say(size_t len, bool bare)
{
	static char text[3000];

	memset(text, 'y', sizeof(text));
	log_output(&(struct log_output){
	    .pid = 5, .stream = "stderr", .level = LOG_LEVEL_WARNING, .before = "5: \"", .behind = "\"", .bare = bare,
	    .text = text, .len = len, .mark = "!" });
}

static void output_over_the_limit_is_wrapped(void **state)
{
	static const char head[] = WHEN "WARNING: [p] 5: \"";
	size_t room = 512 - (sizeof(head) - 1) - 2;

	(void)state;
	log_set_limit(512);
	log_set_prefix("[p] ");
	say(room - 1, false);
	assert_int_equal(strlen(next(logged[0])), 512);
	assert_string_equal(next(logged[0]), "");
	say(2 * room + 10, false);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(strlen(next(logged[0])), 512);
		assert_memory_equal(line, head, sizeof(head) - 1);
		assert_string_equal(line + 509, "y\"\n");
	}
	assert_string_equal(next(logged[0]), WHEN "WARNING: [p] 5: \"yyyyyyyyyy\"!\n");
	say(520, true);
	assert_int_equal(strspn(next(logged[0]), "y"), 511);
	assert_string_equal(next(logged[0]), "yyyyyyyyy!\n");
	say(0, false);
	assert_string_equal(next(logged[0]), WHEN "WARNING: [p] 5: \"\"!\n");
}

static void no_escape_is_wrapped_in_two(void **state)
{
	char text[400];
	size_t seen = 0;

	(void)state;
	memset(text, '\x01', sizeof(text));
	log_set_limit(513);
	log_output(&(struct log_output){ .level = LOG_LEVEL_WARNING, .before = "", .behind = "", .bare = true, .mark = "",
	    .text = text, .len = sizeof(text) });
	while (*next(logged[0])) {
		assert_true(strlen(line) <= 513 && (strlen(line) - 1) % 4 == 0);
		seen += (strlen(line) - 1) / 4;
	}
	assert_int_equal(seen, sizeof(text));
}

#define JSON_WHEN "{\"time\":\"2026-11-21T04:05:06.000000+00:00\","

static void json_names_level_pool_process_and_request(void **state)
{
	(void)state;
	log_set_json(true);
	log_set_prefix("[pool www] ");
	log_text_of(7, LOG_LEVEL_ERROR, "a \"b\"\n", 5);
	assert_string_equal(next(logged[0]),
	    JSON_WHEN "\"level\":\"error\",\"pool\":\"www\",\"pid\":7,\"message\":\"a \\\"b\\\"\"}\n");
	log_text_of(7, LOG_LEVEL_NOTICE, "child 7, request ab:c-1: x: y", 29);
	assert_string_equal(next(logged[0]), JSON_WHEN "\"level\":\"notice\",\"pool\":\"www\",\"pid\":7,\"id\":\"ab:c-1\","
	    "\"message\":\"child 7, request ab:c-1: x: y\"}\n");
	log_set_prefix("[pool a] b] ");
	log_text_of(7, LOG_LEVEL_NOTICE, "x", 1);
	assert_string_equal(next(logged[0]), JSON_WHEN "\"level\":\"notice\",\"pool\":\"a] b\",\"pid\":7,\"message\":\"x\"}\n");
	log_set_prefix(NULL);
	log_text_of(7, LOG_LEVEL_NOTICE, "[pool a b] x", 12);
	assert_string_equal(next(logged[0]), JSON_WHEN "\"level\":\"notice\",\"pool\":\"a b\",\"pid\":7,\"message\":\"x\"}\n");
	log_text_of(7, LOG_LEVEL_DEBUG, "x", 1);
	assert_string_equal(next(logged[0]), "");
}

static void json_carries_output_as_it_is(void **state)
{
	(void)state;
	log_set_json(true);
	log_set_prefix("[pool www] ");
	for (int bare = 0; bare < 2; bare++) {
		say(3, bare);
		assert_string_equal(next(logged[0]), JSON_WHEN "\"level\":\"warning\",\"pool\":\"www\",\"pid\":5,"
		    "\"stream\":\"stderr\",\"message\":\"yyy!\"}\n");
	}
	log_set_limit(512);
	say(600, false);
	assert_int_equal(strspn(strstr(next(logged[0]), "message\":\"") + 10, "y"), 512);
	assert_int_equal(strspn(strstr(next(logged[0]), "message\":\"") + 10, "y"), 88);
}

static void json_wraps_between_characters(void **state)
{
	char text[602];

	(void)state;
	text[0] = 'a';
	for (size_t i = 1; i < 601; i += 2)
		memcpy(text + i, "\xc3\xa4", 2);
	log_set_json(true);
	log_set_limit(512);
	log_output(&(struct log_output){ .level = LOG_LEVEL_WARNING, .stream = "stderr", .before = "", .behind = "",
	    .mark = "", .text = text, .len = 601 });
	assert_null(strstr(next(logged[0]), "\\x"));
	assert_null(strstr(next(logged[0]), "\\x"));
	assert_non_null(strstr(line, "\xc3\xa4"));
}

#define LOG_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(has_php_fpms_format),
		LOG_TEST(shows_local_time),
		LOG_TEST(below_the_level_nothing_is_written),
		LOG_TEST(no_control_character_gets_through),
		LOG_TEST(prefix_stands_in_front),
		LOG_TEST(any_length_is_one_write),
		LOG_TEST(worst_case_of_escaping_fits),
		LOG_TEST(a_sink_gets_the_bare_text),
		LOG_TEST(a_second_descriptor_gets_the_same),
		LOG_TEST(errno_is_kept),
		LOG_TEST(an_empty_line_is_a_line),
		LOG_TEST(names),
		LOG_TEST(a_line_over_the_limit_is_cut),
		LOG_TEST(output_over_the_limit_is_wrapped),
		LOG_TEST(no_escape_is_wrapped_in_two),
		LOG_TEST(json_names_level_pool_process_and_request),
		LOG_TEST(json_carries_output_as_it_is),
		LOG_TEST(json_wraps_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
