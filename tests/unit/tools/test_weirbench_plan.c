/* test_weirbench_plan.c -- what is sent, read back by the engine's own reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>
#include "src/fcgi/fcgi_params.h"
#include "src/fcgi/fcgi_record.h"
#include "src/tools/weirbench_plan.c"   /* the tool is no library: its tests take its files in */

struct seen {
	struct fcgi_params params;
	uint64_t body_bytes;
	uint8_t flags;
	bool params_ended, body_ended;
};

static void see_data(struct seen *s, const struct fcgi_record *r)
{
	if (r->type == FCGI_BEGIN_REQUEST)
		s->flags = r->data[2];
	if (r->type == FCGI_PARAMS)
		assert_int_equal(fcgi_params_feed(&s->params, r->data, r->data_len, 1 << 20), FCGI_PARAMS_OK);
	if (r->type == FCGI_STDIN)
		s->body_bytes += r->data_len;
}

static void see(struct seen *s, const uint8_t *in, size_t len)
{
	struct fcgi_record r = { 0 };
	enum fcgi_record_event ev;

	while ((ev = fcgi_record_next(&r, &in, &len)) != FCGI_RECORD_MORE) {
		assert_int_not_equal(ev, FCGI_RECORD_BAD);
		assert_int_equal(r.id, PLAN_REQUEST_ID);
		if (ev == FCGI_RECORD_START && r.length == 0) {
			s->params_ended |= r.type == FCGI_PARAMS;
			s->body_ended |= r.type == FCGI_STDIN;
		}
		if (ev == FCGI_RECORD_DATA)
			see_data(s, &r);
	}
	assert_int_equal(len, 0);
}

static struct seen see_request(const struct plan *p, uint64_t index)
{
	struct seen s = { 0 };
	struct buf scratch = { 0 };
	const uint8_t *bytes;
	size_t len;

	bytes = plan_head(p, index, &scratch, &len);
	see(&s, bytes, len);
	bytes = plan_body(p, &len);
	see(&s, bytes, len);
	assert_true(s.params_ended && s.body_ended);
	assert_int_equal(fcgi_params_finish(&s.params), FCGI_PARAMS_OK);
	buf_free(&scratch);
	return s;
}

static const char *param(const struct seen *s, const char *name)
{
	const char *value = fcgi_params_get(&s->params, name, NULL);

	return value ? value : "(none)";
}

static void test_plain(void **state)
{
	struct bench_param extra[] = { { "HTTP_HOST", "a.example" }, { "HTTP_X", "y" } };
	struct bench_opts o = { .method = "GET", .script = "/srv/app/index.php", .uri = "/a/b?c=d&e",
	    .keep = true, .params = extra, .param_count = 2 };
	struct plan *p = plan_new(&o, NULL);
	struct seen s = see_request(p, 7);

	(void)state;
	assert_int_equal(plan_count(p), 1);
	assert_int_equal(s.flags, FCGI_KEEP_CONN);
	assert_int_equal(s.body_bytes, 0);
	assert_string_equal(param(&s, "REQUEST_METHOD"), "GET");
	assert_string_equal(param(&s, "SCRIPT_FILENAME"), "/srv/app/index.php");
	assert_string_equal(param(&s, "SCRIPT_NAME"), "/index.php");
	assert_string_equal(param(&s, "DOCUMENT_ROOT"), "/srv/app");
	assert_string_equal(param(&s, "REQUEST_URI"), "/a/b?c=d&e");
	assert_string_equal(param(&s, "QUERY_STRING"), "c=d&e");
	assert_string_equal(param(&s, "CONTENT_LENGTH"), "");
	assert_string_equal(param(&s, "PATH_INFO"), "(none)");
	assert_string_equal(param(&s, "HTTP_HOST"), "a.example");
	assert_string_equal(param(&s, "HTTP_X"), "y");
	assert_string_equal(param(&s, "GATEWAY_INTERFACE"), "CGI/1.1");
	fcgi_params_free(&s.params);
	plan_free(&p);
}

static void test_script_below_docroot(void **state)
{
	struct bench_opts o = { .method = "GET", .script = "/srv/app/sub/x.php", .docroot = "/srv/app" };
	struct plan *p = plan_new(&o, NULL);
	struct seen s = see_request(p, 0);

	(void)state;
	assert_string_equal(param(&s, "SCRIPT_NAME"), "/sub/x.php");
	assert_string_equal(param(&s, "REQUEST_URI"), "/sub/x.php");
	assert_string_equal(param(&s, "DOCUMENT_ROOT"), "/srv/app");
	fcgi_params_free(&s.params);
	plan_free(&p);
}

static void test_body_of_a_size(void **state)
{
	struct bench_opts o = { .method = "POST", .script = "/x.php", .body_size = 1000001 };
	struct plan *p = plan_new(&o, NULL);
	struct seen s = see_request(p, 0);

	(void)state;
	assert_int_equal(s.flags, 0);
	assert_int_equal(s.body_bytes, 1000001);
	assert_string_equal(param(&s, "CONTENT_LENGTH"), "1000001");
	assert_string_equal(param(&s, "CONTENT_TYPE"), "application/octet-stream");
	assert_string_equal(param(&s, "DOCUMENT_ROOT"), "");
	fcgi_params_free(&s.params);
	plan_free(&p);
}

static void make_file(char *path, const char *text)
{
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	fd_close(&fd);
}

static void test_replay(void **state)
{
	static const struct { const char *script, *info, *query, *doc; } want[] = {
		{ "/d/a b.php", "(none)", "x=1", "/a b.php" },
		{ "/d/a.php", "/in/fo", "", "/a.php/in/fo" },
		{ "/d/sub/index.php", "(none)", "q", "/sub/index.php" },
	};
	char path[] = "/tmp/weirbench-test-XXXXXX";
	struct bench_opts o = { .method = "GET", .docroot = "/d", .replay = path };
	struct plan *p;

	(void)state;
	make_file(path, "# comment\n\n/a%20b.php?x=1 HTTP/1.1\r\nhttp://h.example/a.php/in/fo\n/sub/?q#f");
	p = plan_new(&o, NULL);
	assert_non_null(p);
	assert_int_equal(plan_count(p), 3);
	for (uint64_t i = 0; i < 6; i++) {
		struct seen s = see_request(p, i);

		assert_string_equal(param(&s, "SCRIPT_FILENAME"), want[i % 3].script);
		assert_string_equal(param(&s, "PATH_INFO"), want[i % 3].info);
		assert_string_equal(param(&s, "QUERY_STRING"), want[i % 3].query);
		assert_string_equal(param(&s, "DOCUMENT_URI"), want[i % 3].doc);
		fcgi_params_free(&s.params);
	}
	plan_free(&p);
	unlink(path);
}

static void test_bad_files(void **state)
{
	char path[] = "/tmp/weirbench-test-XXXXXX", empty[] = "/tmp/weirbench-test-XXXXXX";
	struct bench_opts o = { .method = "GET", .docroot = "/d", .replay = path };
	struct err err;

	(void)state;
	make_file(path, "/a\n\nftp://x/\n");
	assert_null(plan_new(&o, &err));
	assert_non_null(strstr(err.text, "line 3"));
	make_file(empty, "# nothing\n");
	o.replay = empty;
	assert_null(plan_new(&o, &err));
	assert_non_null(strstr(err.text, "no URI"));
	unlink(path);
	o.replay = path;
	assert_null(plan_new(&o, &err));
	assert_non_null(strstr(err.text, "--replay"));
	o.replay = NULL;
	o.body_file = path;
	assert_null(plan_new(&o, &err));
	assert_non_null(strstr(err.text, "--body"));
	unlink(empty);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_script_below_docroot),
		cmocka_unit_test(test_body_of_a_size),
		cmocka_unit_test(test_replay),
		cmocka_unit_test(test_bad_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
