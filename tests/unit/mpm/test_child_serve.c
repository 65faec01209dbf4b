/* test_child_serve.c -- one connection served by a slot, over a socket pair, with a SAPI of the test's
 * own. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fastcgi.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "mpm/child_conn.h"
#include "mpm/child_link.h"
#include "mpm/child_proto.h"
#include "mpm/child_serve.h"
#include "src/base/fd.h"
#include "src/base/ipc.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/fcgi/fcgi_encode.h"

struct world {
	struct child child;
	struct slot slot;
	struct child_start start;
	struct conf_pool conf;
	struct sapi sapi;
	struct sapi_ctx ctx;
	int board_fd;
	int front;                      /* the front end's end of the connection */
	int pool;                       /* the pool process' end of the link */
	struct buf sent;                /* what the front end will have sent */
	char body[64];                  /* what the application read */
	ssize_t last_read;
	unsigned served;
};

static struct world *world;

static enum sapi_end serve_hello(struct sapi_ctx *ctx, struct request *req)
{
	size_t room = sizeof(world->body), used = 0;

	(void)ctx;
	world->served++;
	while (used < room && (world->last_read = req->ops->read(req, world->body + used, room - used)) > 0)
		used += (size_t)world->last_read;
	req->ops->write(req, "\r\nhello", 7);
	return SAPI_END_OK;
}

static enum sapi_end serve_blind(struct sapi_ctx *ctx, struct request *req)
{
	(void)ctx;
	world->served++;
	req->ops->write(req, "\r\nblind", 7);
	return SAPI_END_OK;
}

static enum sapi_end serve_finish(struct sapi_ctx *ctx, struct request *req)
{
	(void)ctx;
	world->served++;
	req->ops->write(req, "\r\nearly", 7);
	assert_int_equal(req->ops->finish(req), 0);
	assert_int_equal(world->slot.fd, -1);
	assert_int_equal(req->ops->write(req, "dropped", 7), 0);
	return SAPI_END_OK;
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct slot *s = &w->slot;
	int link[2], conn[2];

	*state = world = w;
	assert_int_equal(ipc_pair(link), 0);
	assert_int_equal(dup2(link[1], CHILD_FD_LINK), CHILD_FD_LINK);
	if (link[1] != CHILD_FD_LINK)
		close(link[1]);
	w->pool = link[0];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, conn), 0);
	w->front = conn[0];
	w->conf = (struct conf_pool){ .listen = (char *)"/x", .request_max_params = 4096, .max_children = 1,
		.threads_per_child = 1 };
	w->sapi.serve = serve_hello;
	w->start = (struct child_start){ .conf = &w->conf, .sapi = &w->sapi, .ctx = &w->ctx };
	w->start.board = board_create(1, &w->board_fd);
	w->child.start = &w->start;
	w->child.conf = &w->conf;
	w->child.limits = (struct fcgi_limits){ .max_params = 4096, .roles = SAPI_RESPONDER, 1, 1 };
	s->child = &w->child;
	s->board = board_slot(w->start.board, 0);
	s->fd = -1;
	s->in = xcalloc(1, SLOT_READ_BYTES);
	pthread_mutex_init(&s->io_lock, NULL);
	log_to_sink(child_link_log, NULL);
	child_conn_take(s, conn[1], NULL);
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	struct slot *s = &w->slot;

	child_conn_close(s);
	log_to_fd(-1);
	fcgi_turn_free(&s->turn);
	buf_free(&s->out);
	buf_free(&w->sent);
	free(s->in);
	board_unmap(&w->start.board);
	close(w->board_fd);
	close(w->front);
	close(w->pool);
	close(CHILD_FD_LINK);
	free(w);
	return 0;
}

static void add_head(struct world *w, uint16_t id, uint8_t flags, const char *name, const char *value)
{
	struct buf pairs = { 0 };

	fcgi_add_begin(&w->sent, id, FCGI_RESPONDER, flags);
	fcgi_add_pair(&pairs, "REQUEST_METHOD", 14, "POST", 4);
	if (name)
		fcgi_add_pair(&pairs, name, strlen(name), value, strlen(value));
	fcgi_add_stream(&w->sent, FCGI_PARAMS, id, pairs.data, pairs.len);
	fcgi_add_stream_end(&w->sent, FCGI_PARAMS, id);
	buf_free(&pairs);
}

static void add_body(struct world *w, uint16_t id, const char *text)
{
	fcgi_add_stream(&w->sent, FCGI_STDIN, id, text, strlen(text));
	fcgi_add_stream_end(&w->sent, FCGI_STDIN, id);
}

static void serve(struct world *w)
{
	assert_int_equal(fd_write_all(w->front, w->sent.data, w->sent.len), 0);
	buf_clear(&w->sent);
	child_serve(&w->slot);
}

/* All bytes that have come back, as records without their padding: "6:7:hello" is a STDOUT of id 7. */
static const char *reply(struct world *w)
{
	static struct buf words;
	static uint8_t bytes[65536];
	ssize_t got = recv(w->front, bytes, sizeof(bytes), MSG_DONTWAIT);
	const uint8_t *at = bytes;
	size_t left = got > 0 ? (size_t)got : 0;
	struct fcgi_record r = { 0 };
	enum fcgi_record_event event;

	buf_clear(&words);
	while ((event = fcgi_record_next(&r, &at, &left)) != FCGI_RECORD_MORE) {
		if (event == FCGI_RECORD_START)
			buf_printf(&words, "%s%u:%u:", words.len ? " " : "", r.type, r.id);
		if (event == FCGI_RECORD_DATA && r.type != FCGI_END_REQUEST)
			buf_add(&words, r.data, r.data_len);
	}
	return buf_str(&words);
}

static uint32_t pool_got(struct world *w)
{
	static uint8_t space[IPC_MAX_BODY];
	struct ipc_msg msg;
	uint32_t type = 0;

	while (ipc_recv(w->pool, &msg, space) == IPC_MESSAGE) {
		if (msg.head.type != CHILD_LOG)
			type = msg.head.type;
		ipc_drop_fds(&msg);
	}
	return type;
}

static void test_small_request_is_answered_and_closed(void **state)
{
	struct world *w = *state;

	add_head(w, 7, 0, NULL, NULL);
	add_body(w, 7, "abc");
	serve(w);
	assert_string_equal(reply(w), "6:7:\r\nhello 6:7: 3:7:");
	assert_memory_equal(w->body, "abc", 4);
	assert_int_equal(w->slot.fd, -1);
}

static void test_kept_connection_stays(void **state)
{
	struct world *w = *state;

	for (uint16_t id = 1; id < 4; id++) {
		add_head(w, id, FCGI_KEEP_CONN, NULL, NULL);
		add_body(w, id, "");
		serve(w);
		assert_int_not_equal(w->slot.fd, -1);
		reply(w);
	}
	assert_int_equal(w->served, 3);
}

static void test_two_requests_at_once_are_served_in_turn(void **state)
{
	struct world *w = *state;

	add_head(w, 1, FCGI_KEEP_CONN, NULL, NULL);
	add_body(w, 1, "one");
	add_head(w, 2, FCGI_KEEP_CONN, NULL, NULL);
	add_body(w, 2, "two");
	serve(w);
	assert_string_equal(reply(w), "6:1:\r\nhello 6:1: 3:1: 6:2:\r\nhello 6:2: 3:2:");
}

static void test_get_values_leaves_the_connection_idle(void **state)
{
	struct world *w = *state;
	uint8_t head[8];

	fcgi_put_header(head, FCGI_GET_VALUES, 0, 0, 0);
	buf_add(&w->sent, head, sizeof(head));
	serve(w);
	assert_string_equal(reply(w), "10:0:");
	assert_int_not_equal(w->slot.fd, -1);
	assert_int_equal(w->served, 0);
}

static void test_large_announced_body_never_reaches_the_application(void **state)
{
	struct world *w = *state;

	w->conf.request_max_body = 10;
	add_head(w, 1, FCGI_KEEP_CONN, "CONTENT_LENGTH", "11");
	add_body(w, 1, "hello world");
	serve(w);
	assert_non_null(strstr(reply(w), "Status: 413"));
	assert_int_equal(w->served, 0);
	assert_int_equal(w->slot.fd, -1);
}

static void test_large_unannounced_body_replaces_the_reply(void **state)
{
	struct world *w = *state;
	const char *said;

	w->conf.request_max_body = 10;
	add_head(w, 1, 0, NULL, NULL);
	add_body(w, 1, "hello world");
	serve(w);
	said = reply(w);
	assert_non_null(strstr(said, "Status: 413"));
	assert_null(strstr(said, "hello"));
	assert_int_equal(w->last_read, -1);
}

static void test_short_body_is_a_bad_request(void **state)
{
	struct world *w = *state;

	add_head(w, 1, 0, "CONTENT_LENGTH", "10");
	add_body(w, 1, "short");
	serve(w);
	assert_non_null(strstr(reply(w), "Status: 400"));
}

static void test_body_is_cut_to_what_was_announced(void **state)
{
	struct world *w = *state;

	add_head(w, 1, FCGI_KEEP_CONN, "CONTENT_LENGTH", "3");
	add_body(w, 1, "abcdef");
	serve(w);
	assert_non_null(strstr(reply(w), "hello"));
	assert_memory_equal(w->body, "abc", 4);
	assert_int_equal(w->slot.fd, -1);
}

static void test_large_params_are_answered_431(void **state)
{
	struct world *w = *state;
	char *long_value = xcalloc(1, 5001);

	memset(long_value, 'x', 5000);
	add_head(w, 1, 0, "LONG", long_value);
	add_body(w, 1, "");
	serve(w);
	assert_non_null(strstr(reply(w), "Status: 431"));
	assert_int_equal(w->served, 0);
	assert_int_equal(pool_got(w), CHILD_LINGER);
	free(long_value);
}

static void test_unread_body_goes_to_the_pool_process(void **state)
{
	struct world *w = *state;

	w->sapi.serve = serve_blind;
	add_head(w, 1, FCGI_KEEP_CONN, NULL, NULL);
	fcgi_add_stream(&w->sent, FCGI_STDIN, 1, "not all", 7);
	serve(w);
	assert_non_null(strstr(reply(w), "blind"));
	assert_int_equal(w->slot.fd, -1);
	assert_int_equal(pool_got(w), CHILD_LINGER);
}

static void test_finish_parks_a_kept_connection_at_once(void **state)
{
	struct world *w = *state;

	w->sapi.serve = serve_finish;
	add_head(w, 1, FCGI_KEEP_CONN, NULL, NULL);
	add_body(w, 1, "");
	serve(w);
	assert_string_equal(reply(w), "6:1:\r\nearly 6:1: 3:1:");
	assert_int_equal(pool_got(w), CHILD_PARK);
}

static void test_abort_is_answered_with_its_end(void **state)
{
	struct world *w = *state;

	add_head(w, 5, FCGI_KEEP_CONN, NULL, NULL);
	fcgi_add_stream(&w->sent, FCGI_STDIN, 5, "x", 1);
	fcgi_add_abort(&w->sent, 5);
	serve(w);
	assert_non_null(strstr(reply(w), "3:5:"));
	assert_int_equal(w->last_read, -1);
	assert_int_not_equal(w->slot.fd, -1);
}

static void test_abort_within_the_head_runs_nothing(void **state)
{
	struct world *w = *state;

	fcgi_add_begin(&w->sent, 9, FCGI_RESPONDER, FCGI_KEEP_CONN);
	fcgi_add_abort(&w->sent, 9);
	serve(w);
	assert_string_equal(reply(w), "3:9:");
	assert_int_equal(w->served, 0);
	assert_int_not_equal(w->slot.fd, -1);
}

static void test_second_request_before_the_body_has_ended_is_refused(void **state)
{
	struct world *w = *state;

	w->sapi.serve = serve_blind;
	add_head(w, 1, FCGI_KEEP_CONN, NULL, NULL);
	fcgi_add_stream(&w->sent, FCGI_STDIN, 1, "x", 1);
	fcgi_add_begin(&w->sent, 2, FCGI_RESPONDER, FCGI_KEEP_CONN);
	fcgi_add_stream_end(&w->sent, FCGI_STDIN, 1);
	serve(w);
	assert_string_equal(reply(w), "6:1:\r\nblind 6:1: 3:1: 3:2:");
	assert_int_not_equal(w->slot.fd, -1);
}

static void test_closing_child_keeps_nothing(void **state)
{
	struct world *w = *state;

	atomic_store(&w->child.closing, true);
	add_head(w, 1, FCGI_KEEP_CONN, NULL, NULL);
	add_body(w, 1, "");
	serve(w);
	assert_non_null(strstr(reply(w), "hello"));
	assert_int_equal(w->slot.fd, -1);
}

static void test_reason_header_on_request(void **state)
{
	struct world *w = *state;

	w->conf.reason_header = true;
	w->conf.request_max_body = 1;
	add_head(w, 1, 0, "CONTENT_LENGTH", "2");
	add_body(w, 1, "ab");
	serve(w);
	assert_non_null(strstr(reply(w), "X-Weir-Reason: body_too_large\r\n"));
}

static void test_request_id_is_taken_only_when_harmless(void **state)
{
	struct world *w = *state;

	add_head(w, 1, FCGI_KEEP_CONN, "HTTP_X_REQUEST_ID", "abc-1.2");
	add_body(w, 1, "");
	serve(w);
	assert_string_equal(w->slot.id, "abc-1.2");
	reply(w);
	add_head(w, 2, FCGI_KEEP_CONN, "HTTP_X_REQUEST_ID", "abc\n[pool x]");
	add_body(w, 2, "");
	serve(w);
	assert_null(strchr(w->slot.id, '\n'));
	assert_int_not_equal(w->slot.id[0], 0);
}

#define SERVE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVE_TEST(test_small_request_is_answered_and_closed),
		SERVE_TEST(test_kept_connection_stays),
		SERVE_TEST(test_two_requests_at_once_are_served_in_turn),
		SERVE_TEST(test_get_values_leaves_the_connection_idle),
		SERVE_TEST(test_large_announced_body_never_reaches_the_application),
		SERVE_TEST(test_large_unannounced_body_replaces_the_reply),
		SERVE_TEST(test_short_body_is_a_bad_request),
		SERVE_TEST(test_body_is_cut_to_what_was_announced),
		SERVE_TEST(test_large_params_are_answered_431),
		SERVE_TEST(test_unread_body_goes_to_the_pool_process),
		SERVE_TEST(test_finish_parks_a_kept_connection_at_once),
		SERVE_TEST(test_abort_is_answered_with_its_end),
		SERVE_TEST(test_abort_within_the_head_runs_nothing),
		SERVE_TEST(test_second_request_before_the_body_has_ended_is_refused),
		SERVE_TEST(test_closing_child_keeps_nothing),
		SERVE_TEST(test_reason_header_on_request),
		SERVE_TEST(test_request_id_is_taken_only_when_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
