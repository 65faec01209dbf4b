/* event_help.h -- a whole child under mpm = event with a SAPI of the test's own, and the test in the pool process'
 * place at the other ends of its link and its slots' pairs. */
#ifndef TEST_EVENT_HELP_H
#define TEST_EVENT_HELP_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fastcgi.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "mpm/child.h"
#include "mpm/child_proto.h"
#include "mpm/event_proto.h"
#include "src/base/exits.h"
#include "src/base/fd.h"
#include "src/base/ipc.h"
#include "src/base/link.h"
#include "src/base/mem.h"
#include "src/fcgi/fcgi_encode.h"
#include "src/fcgi/fcgi_record.h"

#define SLOTS 2
#define LONG_MS 20000                   /* a test that waits so long has failed */

struct world {
	struct conf_pool conf;
	struct sapi sapi;
	struct sapi_ctx ctx;
	struct child_start start;
	int board_fd;
	int link;
	int pair[SLOTS];
	int go[2];                      /* a byte lets an application that waits go on */
	pid_t pid;
	struct buf sent;                /* what the dispatcher will have sent */
	struct buf log;                 /* lines of the access log */
	uint8_t space[IPC_MAX_BODY];
};

static struct world *world;

static inline void wait_for_go(void)
{
	char byte;

	while (read(world->go[0], &byte, 1) < 0 && errno == EINTR)
		continue;
}

/* The application: does what the letters of its parameter DO say. */
static inline enum sapi_end serve(struct sapi_ctx *ctx, struct request *req)
{
	const char *what = req->ops->param(req, "DO", NULL);
	enum sapi_end end = SAPI_END_OK;
	char body[4096];

	(void)ctx;
	req->peak_memory = 4711;
	for (; what && *what; what++) {
		if (*what == 'r')
			while (req->ops->read(req, body, sizeof(body)) > 0)
				continue;
		if (*what == 'o')
			req->ops->read(req, body, sizeof(body));
		if (*what == 'w')
			req->ops->write(req, "\r\nhello", 7);
		if (*what == 'p')
			req->ops->write(req, req->peer, strlen(req->peer));
		if (*what == 'f')
			req->ops->finish(req);
		if (*what == 'g')
			wait_for_go();
		if (*what == 's')
			req->ops->flush(req);
		while (*what == 'a' && !req->ops->gone(req))
			poll(NULL, 0, 1);
		if (*what == 'a')
			req->app_status = req->ops->write(req, "void", 4) < 0 ? 7 : 8;
		if (*what == 'l')
			end = SAPI_END_LEAVE;
	}
	return end;
}

static inline int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	int go[2];

	*state = world = w;
	w->conf = (struct conf_pool){ .listen = (char *)"127.0.0.1:9", .request_max_params = 4096, .max_children = 1,
		.threads_per_child = 1, .mpm = CONF_MPM_EVENT, .name = (char *)"p" };
	w->sapi.serve = serve;
	w->sapi.roles = SAPI_RESPONDER;
	w->start = (struct child_start){ .mpm = mpm_of(CONF_MPM_EVENT), .conf = &w->conf, .sapi = &w->sapi,
		.ctx = &w->ctx };
	w->start.board = board_create(SLOTS, &w->board_fd);
	w->link = w->pair[0] = w->pair[1] = -1;
	assert_int_equal(pipe(go), 0);
	for (int i = 0; i < 2; i++) {
		w->go[i] = fcntl(go[i], F_DUPFD, CHILD_FD_LINK + 1);    /* the child's own descriptors come below */
		close(go[i]);
	}
	return 0;
}

static inline int teardown(void **state)
{
	struct world *w = *state;

	if (w->pid > 0) {
		kill(w->pid, SIGKILL);
		waitpid(w->pid, NULL, 0);
	}
	for (int i = 0; i < SLOTS; i++)
		fd_close(&w->pair[i]);
	fd_close(&w->link);
	fd_close(&w->go[0]);
	fd_close(&w->go[1]);
	fd_close(&w->board_fd);
	board_unmap(&w->start.board);
	buf_free(&w->sent);
	buf_free(&w->log);
	free(w);
	return 0;
}

static inline void wait_readable(int fd)
{
	struct pollfd at = { .fd = fd, .events = POLLIN };
	int count;

	do
		count = poll(&at, 1, LONG_MS);
	while (count < 0 && errno == EINTR);
	assert_int_equal(count, 1);
}

/* The type of the child's next message that is no line of the error log; its pairs are kept. */
static inline uint32_t next_report(struct world *w)
{
	struct ipc_msg msg;
	struct child_slot said;

	do {
		wait_readable(w->link);
		if (ipc_recv(w->link, &msg, w->space) != IPC_MESSAGE)
			return 0;
	} while (msg.head.type == CHILD_LOG);
	if (msg.head.type == CHILD_SLOT) {
		assert_int_equal(msg.body_len, sizeof(said));
		assert_int_equal(msg.fd_count, 1);
		memcpy(&said, msg.body, sizeof(said));
		assert_in_range(said.slot, 0, w->conf.threads_per_child - 1);
		assert_int_equal(w->pair[said.slot], -1);
		w->pair[said.slot] = msg.fds[0];
		msg.fds[0] = -1;
	}
	if (msg.head.type == CHILD_ACCESS)
		buf_add(&w->log, (const char *)msg.body + sizeof(struct link_log_piece),
		    msg.body_len - sizeof(struct link_log_piece));
	ipc_drop_fds(&msg);
	return msg.head.type;
}

static inline void start(struct world *w)
{
	int link[2];

	assert_int_equal(ipc_pair(link), 0);
	w->pid = fork();
	if (w->pid == 0) {
		dup2(link[1], CHILD_FD_LINK);
		if (link[0] != CHILD_FD_LINK)
			close(link[0]);
		if (link[1] != CHILD_FD_LINK)
			close(link[1]);
		child_run(&w->start);
	}
	close(link[1]);
	w->link = link[0];
	for (int i = 0; i < w->conf.threads_per_child; i++)
		assert_int_equal(next_report(w), CHILD_SLOT);
	assert_int_equal(next_report(w), CHILD_READY);
}

static inline void order(struct world *w, uint32_t type, const void *body, size_t len)
{
	struct ipc_msg msg = { .head.type = type, .body = body, .body_len = len };

	assert_int_equal(ipc_send(w->link, &msg), 0);
}

static inline void add_turn(struct world *w)
{
	struct event_turn turn = { .queued_us = 1250, .peer = "192.0.2.7" };
	uint8_t head[8];

	fcgi_put_header(head, EVENT_RECORD, 0, sizeof(turn), 0);
	buf_add(&w->sent, head, sizeof(head));
	buf_add(&w->sent, &turn, sizeof(turn));
}

static inline void add_head(struct world *w, uint16_t id, const char *what)
{
	struct buf pairs = { 0 };

	add_turn(w);
	fcgi_add_begin(&w->sent, id, FCGI_RESPONDER, FCGI_KEEP_CONN);
	fcgi_add_pair(&pairs, "REQUEST_METHOD", 14, "GET", 3);
	fcgi_add_pair(&pairs, "DO", 2, what, strlen(what));
	fcgi_add_stream(&w->sent, FCGI_PARAMS, id, pairs.data, pairs.len);
	fcgi_add_stream_end(&w->sent, FCGI_PARAMS, id);
	buf_free(&pairs);
}

static inline void give_to(struct world *w, int slot)
{
	assert_int_equal(fd_write_all(w->pair[slot], w->sent.data, w->sent.len), 0);
	buf_clear(&w->sent);
}

static inline void give(struct world *w)
{
	give_to(w, 0);
}

/* A request without a body. */
static inline void give_get(struct world *w, uint16_t id, const char *what)
{
	add_head(w, id, what);
	fcgi_add_stream_end(&w->sent, FCGI_STDIN, id);
	give(w);
}

static inline void say(struct buf *words, const struct fcgi_record *r)
{
	struct event_done done;

	if (r->type == EVENT_RECORD && r->data_len == sizeof(done)) {
		memcpy(&done, r->data, sizeof(done));
		buf_printf(words, "%s,%u,%u", done.flags & EVENT_DONE_LEAVING ? "leaving" : "free",
		    (unsigned)done.served, (unsigned)done.peak_memory);
	} else if (r->type == FCGI_END_REQUEST) {
		buf_printf(words, "%u,%u", r->data[3], r->data[4]);
	} else {
		buf_add(words, r->data, r->data_len);
	}
}

/* Records up to the first of that type, or to the end: "6:7:hello" is a STDOUT of id 7; "3:7:0,0" its END_REQUEST with
 * both numbers; "255:0:free,1,4711" the end of a turn, with served and peak memory; "end" the end of the pair.
 * *reads_out: in how many pieces they came. */
static inline const char *take_until(struct world *w, int slot, uint8_t type, int *reads_out)
{
	static struct buf words;
	struct fcgi_record r = { 0 };
	uint8_t bytes[65536];

	buf_clear(&words);
	for (*reads_out = 1;; ++*reads_out) {
		ssize_t got;
		size_t left;
		const uint8_t *at = bytes;
		enum fcgi_record_event event;

		wait_readable(w->pair[slot]);
		got = recv(w->pair[slot], bytes, sizeof(bytes), 0);
		left = got > 0 ? (size_t)got : 0;
		while ((event = fcgi_record_next(&r, &at, &left)) != FCGI_RECORD_MORE) {
			assert_int_not_equal(event, FCGI_RECORD_BAD);
			if (event == FCGI_RECORD_START)
				buf_printf(&words, "%s%u:%u:", words.len ? " " : "", r.type, r.id);
			if (event == FCGI_RECORD_DATA)
				say(&words, &r);
			if (event == FCGI_RECORD_END && r.type == type) {
				assert_int_equal(left, 0);
				return buf_str(&words);
			}
		}
		if (got <= 0) {
			buf_printf(&words, "%send", words.len ? " " : "");
			return buf_str(&words);
		}
	}
}

static inline const char *take_turn(struct world *w)
{
	int reads;

	return take_until(w, 0, EVENT_RECORD, &reads);
}

static inline void wait_state(struct world *w, uint32_t slot, enum board_state state)
{
	struct board_brief now;

	for (int i = 0; i < LONG_MS; i++) {
		board_peek(w->start.board, slot, &now);
		if (now.state == state)
			return;
		poll(NULL, 0, 1);
	}
	fail_msg("slot %u is never %s", slot, board_state_name(state));
}

static inline void go_on(struct world *w)
{
	assert_int_equal(write(w->go[1], "", 1), 1);
}

static inline void assert_exit(struct world *w, int status)
{
	int got;

	assert_int_equal(waitpid(w->pid, &got, 0), w->pid);
	w->pid = 0;
	assert_int_equal(got, status);
}

static inline void assert_silent(struct world *w, int slot)
{
	struct pollfd at = { .fd = w->pair[slot], .events = POLLIN };

	assert_int_equal(poll(&at, 1, 0), 0);
}

/* The dispatcher gives this slot no more. */
static inline void assert_ends(struct world *w, int status)
{
	shutdown(w->pair[0], SHUT_WR);
	assert_string_equal(take_turn(w), "end");
	assert_exit(w, status);
}

#endif
