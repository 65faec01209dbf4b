/* test_access_line.c -- lines of the access log from facts, and what a header block says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "mpm/access_line.h"
#include "mpm/board.h"
#include "src/conf/conf.h"
#include "src/base/mem.h"

static const char head[] = "Status: 404 Not Found\r\nX-A: one\r\nX-AB: two\r\nx-a: low\r\nX-Tight:3\r\nX-None:\r\n"
			   "X-Last: \x1b\r\n\r\n";

static const char *param(const void *arg, const char *name)
{
	return strcmp(name, "REQUEST_URI") ? NULL : arg;
}

static const struct access_facts known = {
	.pool = "www", .pid = 7, .parent = 5, .id = "id-1", .remote = "192.0.2.1", .user = "bob", .method = "GET",
	.uri = "/a\nb", .query = "q=\"1\"", .script = "/srv/a.php", .length = 12, .status = 404,
	.reason = REASON_BODY_TIMEOUT, .begun_us = 1795233906123456, .ended_us = 1795233908000000,
	.duration_us = 1500000, .queued_us = 2500, .cpu_user_us = 300000, .cpu_system_us = 150000,
	.memory = 3 * 1024 * 1024 + 1, .head = head, .head_len = sizeof(head) - 1, .param = param, .arg = "/A?b",
};
static const struct access_facts unknown = {
	.pool = "www", .id = "", .remote = "", .user = "", .method = "", .uri = "", .query = "", .script = "", .head = "",
};

static const char *line(const char *format, const struct access_facts *facts)
{
	static struct buf out;
	struct conf_access access;
	struct err err;

	buf_clear(&out);
	assert_int_equal(conf_access_parse(format, &access, &err), 0);
	access_line_put(&access, facts, &out);
	conf_access_free(&access);
	return buf_str(&out);
}

static void codes(void **state)
{
	static const struct { const char *format, *known, *unknown; } cases[] = {
		{ "%R %u %m %f %n %p %P %i", "192.0.2.1 bob GET /srv/a.php www 7 5 id-1", "-  - - www 0 0 -" },
		{ "%r%Q%q|%l|%s|%w", "/a\\x0Ab?q=\"1\"|12|404|body_timeout", "|0|0|-" },
		{ "%C %{user}C %{system}C", "30.00 20.00 10.00", "0.00 0.00 0.00" },
		{ "%d %{milli}d %{micro}d", "1.500 1500.000 1500000", "0.000 0.000 0" },
		{ "%W %{milli}W %{microseconds}W", "0.003 2.500 2500", "0.000 0.000 0" },
		{ "%M %{kilo}M %{mega}M", "3145729 3072 3", "0 0 0" },
		{ "%t|%T", "21/Nov/2026:04:05:06 +0000|21/Nov/2026:04:05:08 +0000",
		  "01/Jan/1970:00:00:00 +0000|01/Jan/1970:00:00:00 +0000" },
		{ "%{%Y}t", "2026", "1970" },
		{ "%{REQUEST_URI}e %{NONE}e", "/A?b -", "- -" },
		{ "%{X-A}o %{x-a}o %{X-B}o %{X-None}o %{X-Tight}o %{X-Last}o %{Status}o",
		  "one low - - 3 \\x1B 404 Not Found", "- - - - - - -" },
		{ "a\t%%", "a\t%", "a\t%" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_string_equal(line(cases[i].format, &known), cases[i].known);
		assert_string_equal(line(cases[i].format, &unknown), cases[i].unknown);
	}
}

static void json(void **state)
{
	(void)state;
	assert_string_equal(line("json", &known), "{\"time\":\"2026-11-21T04:05:06.123456+00:00\",\"pool\":\"www\",\"pid\":7,"
	    "\"id\":\"id-1\",\"remote\":\"192.0.2.1\",\"user\":\"bob\",\"method\":\"GET\",\"uri\":\"/a\\u000Ab\",\"query\":"
	    "\"q=\\\"1\\\"\",\"status\":404,\"request_uri\":\"/A?b\",\"script\":\"/srv/a.php\",\"length\":12,\"duration_us\":"
	    "1500000,\"queue_ms\":2.500,\"cpu_user_us\":300000,\"cpu_system_us\":150000,\"peak_memory\":3145729,"
	    "\"reason\":\"body_timeout\"}");
	assert_non_null(strstr(line("json", &unknown), "\"id\":null,\"remote\":null,\"user\":null,\"method\":null,\"uri\":null"));
}

static void status_of_a_header_block(void **state)
{
	static const struct { const char *head; int status; } cases[] = {
		{ "", 200 }, { "X: 1\r\n\r\n", 200 }, { "Status: 201 Created\r\n\r\n", 201 }, { "X: 1\nstatus:503\n\n", 503 },
		{ "HTTP/1.1 418 Teapot\r\nX: 1\r\n\r\n", 418 }, { "HTTP/1.1\r\n\r\n", 200 }, { "X-Status: 1\r\n\r\n", 200 },
		{ "Status: 404", 404 }, { "Status:", 200 }, { "HTTP/1.0 204", 204 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(access_status(cases[i].head, strlen(cases[i].head)), cases[i].status);
	assert_int_equal(access_own_status(REASON_BODY_TIMEOUT), 408);
	assert_int_equal(access_own_status(REASON_CLIENT_GONE), 0);
}

static void what_logs_show(void **state)
{
	struct conf_pool conf = { .access_suppress_path.count = 0 };
	char longest[BOARD_ID_SIZE + 1];

	(void)state;
	memset(longest, 'x', BOARD_ID_SIZE);
	longest[BOARD_ID_SIZE] = '\0';
	assert_false(access_id_fits(longest));
	longest[BOARD_ID_SIZE - 1] = '\0';
	assert_true(access_id_fits(longest));
	assert_true(access_id_fits("a-1_.:/+=@"));
	assert_false(access_id_fits(""));
	assert_false(access_id_fits("a b"));
	assert_false(access_id_fits("a\n"));
	assert_string_equal(access_remote("::ffff:192.0.2.1"), "192.0.2.1");
	assert_string_equal(access_remote("::ffff:1"), "::ffff:1");
	assert_string_equal(access_remote(""), "");
	assert_false(access_suppressed(&conf, &known));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes), cmocka_unit_test(json), cmocka_unit_test(status_of_a_header_block),
		cmocka_unit_test(what_logs_show),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
