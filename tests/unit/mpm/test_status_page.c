/* test_status_page.c -- status pages. The golden texts are php-fpm 8.2's for the same figures, with Weir's own lines
 * where they belong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "mpm/status_escape.h"
#include "mpm/status_page.h"
#include "src/base/mem.h"

static struct status *sample(void)
{
	struct status *s = xcalloc(1, status_size(2));

	*s = (struct status){
		.magic = STATUS_MAGIC, .child_count = 2, .pool = "www", .pm = "static",
		.now = 1795612185, .start_time = 1795612126, .accepted = 11, .queue = 3, .queue_max = 7,
		.queue_limit = 511, .idle = 1, .active = 1, .active_max = 2, .max_reached = 4, .slow = 5,
		.max_children = 2, .parked = 6, .ready = 1, .served = 10,
	};
	s->reasons[REASON_CHILD_DIED] = 8;
	s->children[0] = (struct status_child){
		.pid = 20095, .state = STATUS_RUNNING, .start_time = 1795612126, .requests = 6, .duration_us = 34,
		.method = "GET", .uri = "/status?a&b", .user = "a<b", .content_length = 3, .script = "/w/x.php",
	};
	s->children[1] = (struct status_child){
		.pid = 20096, .state = STATUS_IDLE, .start_time = 1795612127, .requests = 5, .duration_us = 32,
		.last_cpu = 12.345, .last_memory = 2097152,
	};
	return s;
}

static char *page(const struct status *s, const char *query)
{
	struct status_query q = status_query_read(query);
	struct buf out = { 0 };
	char *text;

	status_page(&out, &q, s);
	text = xstrdup(buf_str(&out));
	assert_int_equal(strlen(text), out.len);
	buf_free(&out);
	return text;
}

static void assert_page(const char *query, const char *begin, const char *end)
{
	struct status *s = sample();
	char *text = page(s, query);

	if (strncmp(text, begin, strlen(begin)) != 0)
		print_message("%s:\n%s", query, text);
	assert_memory_equal(text, begin, strlen(begin));
	assert_true(strlen(text) >= strlen(end));
	assert_string_equal(text + strlen(text) - strlen(end), end);
	free(text);
	free(s);
}

static void as_text(void **state)
{
	(void)state;
	assert_page("full",
	    "pool:                 www\n"
	    "process manager:      static\n"
	    "start time:           25/Nov/2026:13:08:46 +0000\n"
	    "start since:          59\n"
	    "accepted conn:        11\n"
	    "listen queue:         3\n"
	    "max listen queue:     7\n"
	    "listen queue len:     511\n"
	    "idle processes:       1\n"
	    "active processes:     1\n"
	    "total processes:      2\n"
	    "max active processes: 2\n"
	    "max children reached: 4\n"
	    "slow requests:        5\n"
	    "max children:         2\n"
	    "starting processes:   0\n"
	    "parked connections:   6\n"
	    "ready connections:    1\n"
	    "served requests:      10\n"
	    "reason queue full:    0\n",
	    "\n"
	    "************************\n"
	    "pid:                  20095\n"
	    "state:                Running\n"
	    "start time:           25/Nov/2026:13:08:46 +0000\n"
	    "start since:          59\n"
	    "requests:             6\n"
	    "request duration:     34\n"
	    "request method:       GET\n"
	    "request URI:          /status?a&b\n"
	    "content length:       3\n"
	    "user:                 a<b\n"
	    "script:               /w/x.php\n"
	    "last request cpu:     0.00\n"
	    "last request memory:  0\n"
	    "\n"
	    "************************\n"
	    "pid:                  20096\n"
	    "state:                Idle\n"
	    "start time:           25/Nov/2026:13:08:47 +0000\n"
	    "start since:          58\n"
	    "requests:             5\n"
	    "request duration:     32\n"
	    "request method:       -\n"
	    "request URI:          -\n"
	    "content length:       0\n"
	    "user:                 -\n"
	    "script:               -\n"
	    "last request cpu:     12.35\n"
	    "last request memory:  2097152\n");
}

#define HTML_HEAD \
	"<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\" " \
	"\"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd\">\n" \
	"<html xmlns=\"http://www.w3.org/1999/xhtml\" xml:lang=\"en\" lang=\"en\">\n" \
	"<head><title>PHP-FPM Status Page</title></head>\n<body>\n<table>\n" \
	"<tr><th>pool</th><td>www</td></tr>\n" \
	"<tr><th>process manager</th><td>static</td></tr>\n" \
	"<tr><th>start time</th><td>25/Nov/2026:13:08:46 +0000</td></tr>\n"

static void as_html(void **state)
{
	(void)state;
	assert_page("html", HTML_HEAD, "<tr><th>reason no storage</th><td>0</td></tr>\n</table>\n</body></html>");
	assert_page("html&full", HTML_HEAD,
	    "</table>\n<table border=\"1\">\n"
	    "<tr><th>pid</th><th>state</th><th>start time</th><th>start since</th><th>requests</th>"
	    "<th>request duration</th><th>request method</th><th>request uri</th><th>content length</th><th>user</th>"
	    "<th>script</th><th>last request cpu</th><th>last request memory</th></tr>\n"
	    "<tr><td>20095</td><td>Running</td><td>25/Nov/2026:13:08:46 +0000</td><td>59</td><td>6</td><td>34</td>"
	    "<td>GET</td><td>/status?a&amp;b</td><td>3</td><td>a&lt;b</td><td>/w/x.php</td><td>0.00</td><td>0</td></tr>\n"
	    "<tr><td>20096</td><td>Idle</td><td>25/Nov/2026:13:08:47 +0000</td><td>58</td><td>5</td><td>32</td>"
	    "<td>-</td><td>-</td><td>0</td><td>-</td><td>-</td><td>12.35</td><td>2097152</td></tr>\n"
	    "</table></body></html>");
}

#define XML_HEAD \
	"<?xml version=\"1.0\" ?>\n<status>\n<pool>www</pool>\n<process-manager>static</process-manager>\n" \
	"<start-time>1795612126</start-time>\n<start-since>59</start-since>\n<accepted-conn>11</accepted-conn>\n" \
	"<listen-queue>3</listen-queue>\n<max-listen-queue>7</max-listen-queue>\n" \
	"<listen-queue-len>511</listen-queue-len>\n<idle-processes>1</idle-processes>\n" \
	"<active-processes>1</active-processes>\n<total-processes>2</total-processes>\n" \
	"<max-active-processes>2</max-active-processes>\n<max-children-reached>4</max-children-reached>\n" \
	"<slow-requests>5</slow-requests>\n"

static void as_xml(void **state)
{
	(void)state;
	assert_page("xml", XML_HEAD, "<reason-no-storage>0</reason-no-storage>\n</status>");
	assert_page("full&xml", XML_HEAD,
	    "<processes>\n"
	    "<process><pid>20095</pid><state>Running</state><start-time>1795612126</start-time>"
	    "<start-since>59</start-since><requests>6</requests><request-duration>34</request-duration>"
	    "<request-method>GET</request-method><request-uri>/status?a&amp;b</request-uri>"
	    "<content-length>3</content-length><user>a&lt;b</user><script>/w/x.php</script>"
	    "<last-request-cpu>0.00</last-request-cpu><last-request-memory>0</last-request-memory></process>\n"
	    "<process><pid>20096</pid><state>Idle</state><start-time>1795612127</start-time>"
	    "<start-since>58</start-since><requests>5</requests><request-duration>32</request-duration>"
	    "<request-method>-</request-method><request-uri>-</request-uri><content-length>0</content-length>"
	    "<user>-</user><script>-</script><last-request-cpu>12.35</last-request-cpu>"
	    "<last-request-memory>2097152</last-request-memory></process>\n"
	    "</processes>\n</status>");
}

#define JSON_HEAD \
	"{\"pool\":\"www\",\"process manager\":\"static\",\"start time\":1795612126,\"start since\":59," \
	"\"accepted conn\":11,\"listen queue\":3,\"max listen queue\":7,\"listen queue len\":511," \
	"\"idle processes\":1,\"active processes\":1,\"total processes\":2,\"max active processes\":2," \
	"\"max children reached\":4,\"slow requests\":5"

static void as_json(void **state)
{
	(void)state;
	assert_page("json", JSON_HEAD, ",\"reason no storage\":0}");
	assert_page("json&full", JSON_HEAD ",\"max children\":2,",
	    ", \"processes\":[{\"pid\":20095,\"state\":\"Running\",\"start time\":1795612126,\"start since\":59,"
	    "\"requests\":6,\"request duration\":34,\"request method\":\"GET\",\"request uri\":\"\\/status?a&b\","
	    "\"content length\":3,\"user\":\"a<b\",\"script\":\"\\/w\\/x.php\",\"last request cpu\":0.00,"
	    "\"last request memory\":0},{\"pid\":20096,\"state\":\"Idle\",\"start time\":1795612127,"
	    "\"start since\":58,\"requests\":5,\"request duration\":32,\"request method\":\"-\",\"request uri\":\"-\","
	    "\"content length\":0,\"user\":\"-\",\"script\":\"-\",\"last request cpu\":12.35,"
	    "\"last request memory\":2097152}]}");
}

static void as_openmetrics(void **state)
{
	(void)state;
	assert_page("openmetrics&full",
	    "# HELP phpfpm_up Could pool www using a static PM on PHP-FPM be reached?\n"
	    "# TYPE phpfpm_up gauge\n"
	    "phpfpm_up 1\n"
	    "# HELP phpfpm_start_since The number of seconds since FPM has started.\n"
	    "# TYPE phpfpm_start_since counter\n"
	    "phpfpm_start_since 59\n"
	    "# HELP phpfpm_accepted_connections The number of requests accepted by the pool.\n"
	    "# TYPE phpfpm_accepted_connections counter\n"
	    "phpfpm_accepted_connections 11\n"
	    "# HELP phpfpm_listen_queue The number of requests in the queue of pending connections.\n"
	    "# TYPE phpfpm_listen_queue gauge\n"
	    "phpfpm_listen_queue 3\n"
	    "# HELP phpfpm_max_listen_queue The maximum number of requests in the queue of pending connections since "
	    "FPM has started.\n"
	    "# TYPE phpfpm_max_listen_queue counter\n"
	    "phpfpm_max_listen_queue 7\n"
	    "# TYPE phpfpm_listen_queue_length gauge\n"
	    "# HELP phpfpm_listen_queue_length The size of the socket queue of pending connections.\n"
	    "phpfpm_listen_queue_length 511\n",
	    "weir_ended_requests_total{reason=\"status_late\"} 0\n"
	    "weir_ended_requests_total{reason=\"no_storage\"} 0\n"
	    "# EOF\n");
}

static void queries(void **state)
{
	static const struct { const char *query; enum status_format format; bool full; } cases[] = {
		{ "", STATUS_TEXT, false },          { "full", STATUS_TEXT, true },
		{ "json", STATUS_JSON, false },      { "j", STATUS_JSON, false },
		{ "f&o", STATUS_OPENMETRICS, true }, { "x&h", STATUS_HTML, false },
		{ "html=0", STATUS_HTML, false },    { "JSON", STATUS_TEXT, false },
		{ "jsonx", STATUS_TEXT, false },     { "%6Ason", STATUS_JSON, false },
		{ "json[]=1", STATUS_JSON, false },  { "a=json", STATUS_TEXT, false },
		{ "=json&&", STATUS_TEXT, false },   { "xml&full=1&", STATUS_XML, true },
		{ "%", STATUS_TEXT, false },         { "%6", STATUS_TEXT, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct status_query q = status_query_read(cases[i].query);

		assert_int_equal(q.format, cases[i].format);
		assert_int_equal(q.full, cases[i].full);
	}
}

static void heads(void **state)
{
	struct status_query html = { .format = STATUS_HTML }, json = { .format = STATUS_JSON };
	struct buf out = { 0 };

	(void)state;
	status_page_head(&out, &html);
	assert_string_equal(buf_str(&out),
	    "Expires: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
	    "Cache-Control: no-cache, no-store, must-revalidate, max-age=0\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
	    "Content-type: text/html;charset=UTF-8\r\n\r\n");
	buf_clear(&out);
	status_page_head(&out, &json);
	assert_non_null(strstr(buf_str(&out), "\r\nContent-Type: application/json\r\n\r\n"));
	buf_free(&out);
}

static void assert_escaped(status_escape_fn *escape, const char *text, const char *want)
{
	struct buf out = { 0 };

	escape(&out, text);
	assert_string_equal(buf_str(&out), want);
	buf_free(&out);
}

/* What php-fpm 8.2 makes of it in JSON; elsewhere it is better than an empty text. */
static void escapes(void **state)
{
	const char *hostile = "\xFF\xE9x\x01\t\n\x7F\x80'\"&<>\\/\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";

	(void)state;
	assert_escaped(status_escape_json, hostile,
	    "x\\u0001\\t\\n\x7F'\\\"&<>\\\\\\/\\u00e9\\u20ac\\ud83d\\ude00");
	assert_escaped(status_escape_markup, hostile,
	    "\xEF\xBF\xBD\xEF\xBF\xBDx\xEF\xBF\xBD\t\n\x7F\xEF\xBF\xBD'&quot;&amp;&lt;&gt;\\/\xC3\xA9\xE2\x82\xAC"
	    "\xF0\x9F\x98\x80");
	assert_escaped(status_escape_text, hostile,
	    "\\xff\\xe9x\\x01\\x09\\x0a\\x7f\\x80'\"&<>\\/\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
	assert_escaped(status_escape_openmetrics, "a\nb\\\"\x01", "a\\nb\\\\\\\"\xEF\xBF\xBD");
	/* Too long a form, a surrogate, past the last character, cut off. */
	assert_escaped(status_escape_json, "\xC0\x80|\xED\xA0\x80|\xF4\x90\x80\x80|\xE2\x82", "|||");
}

/* Nothing of what a client sends may come out as markup, as a quote or as a line. */
static void any_byte(void **state)
{
	struct status *s = sample();
	char *before[STATUS_FORMATS];
	static const char *const queries_full[] = { "full", "html&full", "xml&full", "json&full", "o&full" };
	static const char *const marks[] = { "\n", "<", "<", "\"", "\n" };

	(void)state;
	srand(1);
	for (int round = 0; round < 2000; round++) {
		struct status_child *c = &s->children[0];
		char *fields[] = { c->method, c->uri, c->user, c->script };
		size_t sizes[] = { sizeof(c->method), sizeof(c->uri), sizeof(c->user), sizeof(c->script) };

		for (size_t f = 0; f < ARRAY_LEN(fields); f++) {
			size_t len = 1 + (size_t)rand() % (sizes[f] - 1);

			for (size_t i = 0; i < len; i++)
				fields[f][i] = (char)(round < 256 ? (round == 0 ? 'x' : round) : rand() % 255 + 1);
			fields[f][len] = '\0';
		}
		for (int q = 0; q < STATUS_FORMATS; q++) {
			size_t count = 0, want = 0;
			char *text = page(s, queries_full[q]);

			for (const char *p = text; (p = strpbrk(p, marks[q])) != NULL; p++) {
				/* A quote behind a backslash is no end of a string. */
				size_t slashes = 0;

				while (q == STATUS_JSON && p > text + slashes && p[-1 - (ptrdiff_t)slashes] == '\\')
					slashes++;
				count += slashes % 2 == 0;
			}
			if (round == 0)
				before[q] = text;
			for (const char *p = before[q]; (p = strpbrk(p, marks[q])) != NULL; p++)
				want++;
			/* Raw line ends in markup are harmless; in lines they are not. */
			assert_int_equal(count, want);
			if (round != 0)
				free(text);
		}
	}
	for (int q = 0; q < STATUS_FORMATS; q++)
		free(before[q]);
	free(s);
}

static int utc(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	return 0;
}

/* What only a pool with a dispatcher has stands behind the others, and before the reasons. */
static struct status *with_dispatch(void)
{
	struct status *s = sample();

	s->has_dispatch = 1;
	s->dispatch = (struct status_dispatch){
		.conns = 9, .reading = 1, .queued = 2, .running = 3, .writing = 4, .finishing = 5, .queued_max = 6,
		.oldest_us = 1500000, .accepted = 7, .retried = 8, .abandoned = 10,
		.queue = { .counts = { [1] = 2, [STATUS_BUCKETS - 1] = 1 }, .sum_us = 300000050, .count = 3 },
	};
	for (int i = 0; i < STATUS_BUCKETS; i++)
		s->dispatch.bucket_us[i] = (uint64_t)16 << i;
	return s;
}

static void assert_holds(const char *query, const char *part)
{
	struct status *s = with_dispatch();
	char *text = page(s, query);

	if (!strstr(text, part))
		print_message("%s:\n%s", query, text);
	assert_non_null(strstr(text, part));
	free(text);
	free(s);
}

static void of_a_dispatcher(void **state)
{
	(void)state;
	assert_holds("",
	    "served requests:      10\n"
	    "open connections:     9\n"
	    "reading requests:     1\n"
	    "queued requests:      2\n"
	    "running requests:     3\n"
	    "writing requests:     4\n"
	    "finishing requests:   5\n"
	    "max queued requests:  6\n"
	    "oldest wait:          1500000\n"
	    "accepted connections: 7\n"
	    "retried requests:     8\n"
	    "abandoned requests:   10\n"
	    "queue time count:     3\n"
	    "queue time sum:       300000050\n"
	    "service time count:   0\n"
	    "service time sum:     0\n"
	    "total time count:     0\n"
	    "total time sum:       0\n"
	    "reason queue full:    0\n");
	assert_holds("json", "\"served requests\":10,\"open connections\":9,");
	assert_holds("xml", "<total-time-sum>0</total-time-sum>\n<reason-queue-full>");
	assert_holds("openmetrics", "# TYPE weir_oldest_wait_seconds gauge\nweir_oldest_wait_seconds 1.500000\n");
	assert_holds("openmetrics",
	    "# HELP weir_queue_seconds How long requests waited for a process.\n"
	    "# TYPE weir_queue_seconds histogram\n"
	    "# UNIT weir_queue_seconds seconds\n"
	    "weir_queue_seconds_bucket{le=\"1.6e-05\"} 0\n"
	    "weir_queue_seconds_bucket{le=\"3.2e-05\"} 2\n");
	assert_holds("openmetrics",
	    "weir_queue_seconds_bucket{le=\"268.435456\"} 2\n"
	    "weir_queue_seconds_bucket{le=\"+Inf\"} 3\n"
	    "weir_queue_seconds_count 3\n"
	    "weir_queue_seconds_sum 300.000050\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_text),
		cmocka_unit_test(as_html),
		cmocka_unit_test(as_xml),
		cmocka_unit_test(as_json),
		cmocka_unit_test(as_openmetrics),
		cmocka_unit_test(queries),
		cmocka_unit_test(heads),
		cmocka_unit_test(escapes),
		cmocka_unit_test(any_byte),
		cmocka_unit_test(of_a_dispatcher),
	};

	return cmocka_run_group_tests(tests, utc, NULL);
}
