/* test_weirbench_run.c -- whole runs against a server in a thread of this program that answers, or fails to,
 * in each way that weirbench tells apart. Counts are held, never times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <pthread.h>
#include <string.h>
#include <cmocka.h>
#include "src/fcgi/fcgi_encode.h"
#include "src/tools/weirbench_conn.c"   /* the tool is no library: its tests take its files in */
#include "src/tools/weirbench_hist.c"
#include "src/tools/weirbench_idle.c"
#include "src/tools/weirbench_plan.c"
#include "src/tools/weirbench_reply.c"
#include "src/tools/weirbench_run.c"
#include "src/tools/weirbench_stats.c"
#include "src/tools/weirbench_target.c"

enum manner {
	ANSWER,                         /* and keep the connection if asked to */
	ANSWER_CLOSE,                   /* also where it should be kept */
	CLOSE, HALF, NONSENSE, REFUSE, NOT_FOUND, SILENT,
};

struct server {
	struct target target;
	pthread_t thread;
	enum manner manner;
	int fd;
};

/* Read one request to the end of STDIN; false at the end of the connection. */
static bool take_request(int fd, struct fcgi_record *r)
{
	static uint8_t space[4096];
	const uint8_t *in = space;
	ssize_t n;
	size_t len;
	bool whole = false;

	while (!whole && (n = recv(fd, space, sizeof(space), 0)) > 0) {
		in = space;
		len = (size_t)n;
		while (fcgi_record_next(r, &in, &len) != FCGI_RECORD_MORE)
			whole |= r->type == FCGI_STDIN && r->length == 0;
	}
	return whole;
}

static void put_answer(struct buf *b, enum manner manner)
{
	const char *text = manner == NOT_FOUND ? "Status: 404 Not Found\r\n\r\nno" : "X: y\r\n\r\nhello";

	if (manner == NONSENSE) {
		buf_add_str(b, "HTTP/1.1 400 Bad Request\r\n\r\n");
		return;
	}
	if (manner != REFUSE)
		fcgi_add_stream(b, FCGI_STDOUT, PLAN_REQUEST_ID, text, strlen(text));
	if (manner != HALF)
		fcgi_add_end(b, PLAN_REQUEST_ID, 0,
		    manner == REFUSE ? FCGI_OVERLOADED : FCGI_REQUEST_COMPLETE);
}

static void serve(int fd, enum manner manner)
{
	struct fcgi_record record = { 0 };
	struct buf out = { 0 };
	bool kept = manner == ANSWER || manner == NOT_FOUND || manner == SILENT;

	while (take_request(fd, &record)) {
		buf_clear(&out);
		if (manner != CLOSE && manner != SILENT)
			put_answer(&out, manner);
		if (out.len && send(fd, out.data, out.len, MSG_NOSIGNAL) < 0)
			break;
		if (!kept)
			break;
	}
	buf_free(&out);
}

/* One connection after the other, until the listening socket is shut down. */
static void *server_main(void *arg)
{
	struct server *s = arg;
	int fd;

	while ((fd = accept(s->fd, NULL, NULL)) >= 0) {
		serve(fd, s->manner);
		close(fd);
	}
	return NULL;
}

static void server_start(struct server *s, enum manner manner)
{
	char name[64];
	static int count;

	snprintf(name, sizeof(name), "@weirbench-test-%d-%d", (int)getpid(), count++);
	assert_int_equal(target_parse(name, &s->target, NULL), 0);
	s->manner = manner;
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&s->target.addr, s->target.addr_len), 0);
	assert_int_equal(listen(s->fd, 64), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, server_main, s), 0);
}

static void server_stop(struct server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
}

/* Run against a server of that manner; what is missing in opts is filled in. */
static struct bench_stats *run_against(enum manner manner, struct bench_opts o)
{
	struct bench_stats *stats = xcalloc(1, sizeof(*stats));
	struct server server = { 0 };
	struct reply_want want;
	struct conn_env env = { .opts = &o, .target = &server.target, .want = &want, .stats = stats };
	struct plan *plan;

	o.script = "/x.php";
	o.method = "GET";
	o.connections = o.connections ? o.connections : 1;
	o.timeout_ns = o.timeout_ns ? o.timeout_ns : UINT64_C(10000000000);
	plan = plan_new(&o, NULL);
	env.plan = plan;
	reply_want_init(&want, o.expect_body, false);
	server_start(&server, manner);
	assert_int_equal(bench_run(&env, NULL), 0);
	server_stop(&server);
	reply_want_free(&want);
	plan_free(&plan);
	return stats;
}

static void assert_all_end(enum manner manner, struct bench_opts o, enum bench_end end)
{
	struct bench_stats *s = run_against(manner, o);

	for (int i = 0; i < BENCH_ENDS; i++)
		assert_int_equal(s->ended[i], i == (int)end ? o.count : 0);
	assert_int_equal(s->latency.count, s->ended[BENCH_OK]);
	free(s);
}

static void test_each_end(void **state)
{
	static const struct { enum manner manner; enum bench_end end; } cases[] = {
		{ ANSWER, BENCH_OK }, { CLOSE, BENCH_CLOSED }, { HALF, BENCH_CLOSED },
		{ NONSENSE, BENCH_PROTOCOL }, { REFUSE, BENCH_REFUSED }, { NOT_FOUND, BENCH_STATUS },
	};

	const struct bench_opts fresh = { .count = 20 }, kept = { .count = 20, .keep = true };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_all_end(cases[i].manner, fresh, cases[i].end);
		assert_all_end(cases[i].manner, kept, cases[i].end);
	}
	assert_all_end(SILENT, (struct bench_opts){ .count = 2, .timeout_ns = 1000000 }, BENCH_TIMEOUT);
}

static void test_expectations(void **state)
{
	const struct bench_opts any = { .count = 3, .expect_status = BENCH_STATUS_ANY };

	(void)state;
	assert_all_end(ANSWER, (struct bench_opts){ .count = 3, .expect_body = "hell" }, BENCH_OK);
	assert_all_end(ANSWER, (struct bench_opts){ .count = 3, .expect_body = "shell" }, BENCH_BODY);
	assert_all_end(NOT_FOUND, (struct bench_opts){ .count = 3, .expect_status = 404 }, BENCH_OK);
	assert_all_end(NOT_FOUND, any, BENCH_OK);
	assert_all_end(ANSWER, (struct bench_opts){ .count = 3, .expect_status = 404 }, BENCH_STATUS);
}

static void test_kept_connections(void **state)
{
	struct bench_stats *s = run_against(ANSWER, (struct bench_opts){ .count = 50, .keep = true });

	(void)state;
	assert_int_equal(s->connections, 1);
	assert_int_equal(s->status[200], 50);
	assert_int_equal(s->body_bytes, 250);
	free(s);
	/* What the server closes is opened again, and the request is no error. */
	s = run_against(ANSWER_CLOSE, (struct bench_opts){ .count = 50, .keep = true });
	assert_int_equal(s->ended[BENCH_OK], 50);
	assert_int_equal(s->connections, 50);
	free(s);
}

static void test_burst_and_rate(void **state)
{
	struct bench_stats *s;

	(void)state;
	s = run_against(ANSWER, (struct bench_opts){ .burst = 30, .count = 30, .connections = 30 });
	assert_int_equal(s->ended[BENCH_OK], 30);
	assert_int_equal(s->connections, 30);
	free(s);
	s = run_against(ANSWER, (struct bench_opts){ .rate = 2000, .count = 40, .connections = 2 });
	assert_int_equal(s->ended[BENCH_OK], 40);
	free(s);
	/* A server that never answers holds the only connection; all that is due meanwhile fails, and is
	 * counted. */
	s = run_against(SILENT, (struct bench_opts){ .rate = 1000, .count = 40, .timeout_ns = 20000000 });
	assert_int_equal(s->ended[BENCH_TIMEOUT], 40);
	free(s);
}

static void test_warmup_is_not_counted(void **state)
{
	struct bench_opts o = { .count = 10, .warmup_ns = 20000000 };
	struct bench_stats *s = run_against(ANSWER, o);

	(void)state;
	assert_int_equal(s->ended[BENCH_OK], 10);
	assert_true(s->warmup > 0);
	assert_int_equal(s->connections, 10 + s->warmup);
	free(s);
}

static void test_backlog(void **state)
{
	struct bench_opts o = { .script = "/x.php", .method = "GET", .burst = 200, .count = 200,
	    .connections = 200, .timeout_ns = 500000000 };
	struct bench_stats *s = xcalloc(1, sizeof(*s));
	struct reply_want want = { 0 };
	struct server server = { 0 };
	char name[64];
	struct plan *plan = plan_new(&o, NULL);
	struct conn_env env = { .opts = &o, .target = &server.target, .plan = plan, .want = &want,
	    .stats = s };

	(void)state;
	snprintf(name, sizeof(name), "@weirbench-backlog-%d", (int)getpid());
	assert_int_equal(target_parse(name, &server.target, NULL), 0);
	server.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server.fd, (struct sockaddr *)&server.target.addr, server.target.addr_len), 0);
	assert_int_equal(listen(server.fd, 4), 0);      /* and nobody accepts */
	assert_int_equal(bench_run(&env, NULL), 0);
	assert_int_equal(s->ended[BENCH_BACKLOG] + s->ended[BENCH_TIMEOUT], 200);
	assert_true(s->ended[BENCH_BACKLOG] >= 190);
	memset(s, 0, sizeof(*s));
	o.retry_full = true;
	assert_int_equal(bench_run(&env, NULL), 0);
	assert_int_equal(s->ended[BENCH_TIMEOUT], 200);
	assert_true(s->backlog_waits > 0);
	close(server.fd);
	plan_free(&plan);
	free(s);
}

static void test_unreachable(void **state)
{
	struct bench_opts o = { .script = "/x.php", .method = "GET", .connections = 3, .timeout_ns = SECOND };
	struct bench_stats *s = xcalloc(1, sizeof(*s));
	struct reply_want want = { 0 };
	struct plan *plan = plan_new(&o, NULL);
	struct target target;
	struct conn_env env = { .opts = &o, .target = &target, .plan = plan, .want = &want, .stats = s };
	struct err err;

	(void)state;
	assert_int_equal(target_parse("/nonexistent/weirbench.sock", &target, NULL), 0);
	assert_int_equal(bench_run(&env, &err), -1);
	assert_non_null(strstr(err.text, "no such socket"));
	o.idle = 1;
	assert_int_equal(bench_run(&env, &err), -1);
	assert_non_null(strstr(err.text, "no such socket"));
	plan_free(&plan);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_end),
		cmocka_unit_test(test_expectations),
		cmocka_unit_test(test_kept_connections),
		cmocka_unit_test(test_burst_and_rate),
		cmocka_unit_test(test_warmup_is_not_counted),
		cmocka_unit_test(test_backlog),
		cmocka_unit_test(test_unreachable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
