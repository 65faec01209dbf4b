/* pool_status_serve.c -- runs in a pool process: status and ping on the socket of pm.status_listen. No child takes
 * part, so it answers while all of them are stuck, or while there is none. Nothing is run here: whatever else is asked
 * for is not found. Connections never block the pool process, and their number, size and time have bounds. */
#include "pool/pool_priv.h"

#include <errno.h>
#include <fastcgi.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "mpm/answer.h"
#include "mpm/status_page.h"
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/base/reason.h"
#include "src/fcgi/fcgi_encode.h"
#include "src/fcgi/fcgi_turn.h"

#define CONNS_MAX    64                 /* the oldest is closed for one more */
#define PARAMS_MAX   (64 * 1024)
#define REQUEST_S    10                 /* from its first byte, or the connection's begin, to the last of the answer */
#define KEPT_S       60                 /* between two requests */
#define AGAIN_MS     100
#define READ_BYTES   16384
#define READS_AT_ONCE 16                /* then others have their turn */

struct status_conn {
	TAILQ_ENTRY(status_conn) next;
	struct pool *pool;
	int fd;
	struct event *read, *write, *late;
	struct fcgi_turn turn;
	struct buf out;
	bool answered;                  /* the request at hand; its body is still read */
	bool last;                      /* close when out is written */
};

struct status_server {
	struct event *accept;           /* NULL: no more */
	TAILQ_HEAD(status_conns, status_conn) conns;
	unsigned count;
};

static void conn_free(struct status_conn *c)
{
	struct status_server *server = c->pool->status;

	TAILQ_REMOVE(&server->conns, c, next);
	server->count--;
	event_free(c->read);
	event_free(c->write);
	event_free(c->late);
	fcgi_turn_free(&c->turn);
	buf_free(&c->out);
	fd_close(&c->fd);
	pool_poke(c->pool);             /* it may have been all that kept the pool from its rest */
	free(c);
}

static void set_late(struct status_conn *c, int seconds)
{
	struct timeval tv = { .tv_sec = seconds };

	event_add(c->late, &tv);
}

static const char *param(const struct status_conn *c, const char *name)
{
	const char *value = fcgi_params_get(&c->turn.params, name, NULL);

	return value ? value : "";
}

static bool is_path(const char *path, const char *name)
{
	return path && *path && strcmp(path, name) == 0;
}

static void compose(struct status_conn *c, struct buf *page)
{
	struct pool *p = c->pool;
	const char *name = param(c, "SCRIPT_NAME");
	bool status = is_path(p->conf->status_path, name);

	if (status || is_path(p->conf->ping_path, name))
		pool_page(p, status, param(c, "QUERY_STRING"), page);
	else
		status_not_found(page);
}

static void answer(struct status_conn *c)
{
	struct buf page = { 0 };

	compose(c, &page);
	if (strcmp(param(c, "REQUEST_METHOD"), "HEAD") == 0)
		answer_without_body(&page);
	fcgi_add_stream(&c->out, FCGI_STDOUT, c->turn.id, page.data, page.len);
	fcgi_add_stream_end(&c->out, FCGI_STDOUT, c->turn.id);
	fcgi_add_end(&c->out, c->turn.id, 0, FCGI_REQUEST_COMPLETE);
	buf_free(&page);
	c->answered = true;
}

/* The request at hand is over. */
static void done(struct status_conn *c)
{
	if (!c->answered)
		fcgi_add_end(&c->out, c->turn.id, 0, FCGI_REQUEST_COMPLETE);
	c->answered = false;
	c->last |= !c->turn.keep_conn;
	fcgi_turn_done(&c->turn);
}

/* -1: the connection is at its end, and what is in out is all that it gets. */
static int step(struct status_conn *c, enum fcgi_turn_event event)
{
	switch (event) {
	case FCGI_TURN_HEAD:
		answer(c);
		return 0;
	case FCGI_TURN_BODY:
		return 0;
	case FCGI_TURN_BODY_END:
	case FCGI_TURN_ABORT:
		done(c);
		return c->last ? -1 : 0;
	default:
		c->last = true;
		return -1;
	}
}

static void feed(struct status_conn *c, const uint8_t *in, size_t len)
{
	const struct fcgi_limits limits = {
		.max_params = PARAMS_MAX, .roles = 1u << FCGI_RESPONDER, .max_conns = CONNS_MAX, .max_reqs = CONNS_MAX,
	};
	bool was_idle = fcgi_turn_idle(&c->turn);
	enum fcgi_turn_event event;

	while ((event = fcgi_turn_next(&c->turn, &limits, &in, &len, &c->out)) != FCGI_TURN_MORE)
		if (step(c, event) < 0)
			return;
	c->last |= c->turn.rejected_last;
	if (fcgi_turn_idle(&c->turn))
		set_late(c, KEPT_S);
	else if (was_idle)
		set_late(c, REQUEST_S);
}

/* False when the connection has gone. */
static bool flush(struct status_conn *c)
{
	while (c->out.len > 0) {
		ssize_t put = send(c->fd, c->out.data, c->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && errno == EAGAIN) {
			event_del(c->read);             /* who does not read is not served */
			event_add(c->write, NULL);
			return true;
		}
		if (put < 0) {
			conn_free(c);
			return false;
		}
		buf_drop_front(&c->out, (size_t)put);
	}
	if (!c->last)
		return true;
	conn_free(c);
	return false;
}

static void on_write(evutil_socket_t fd, short what, void *arg)
{
	struct status_conn *c = arg;

	(void)fd;
	(void)what;
	if (flush(c) && c->out.len == 0)
		event_add(c->read, NULL);
}

static void on_read(evutil_socket_t fd, short what, void *arg)
{
	struct status_conn *c = arg;
	uint8_t in[READ_BYTES];

	(void)what;
	for (int i = 0; i < READS_AT_ONCE && c->out.len == 0 && !c->last; i++) {
		ssize_t got = recv((int)fd, in, sizeof(in), MSG_DONTWAIT);

		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (got <= 0) {
			conn_free(c);
			return;
		}
		feed(c, in, (size_t)got);
	}
	flush(c);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	conn_free(arg);
}

static void conn_new(struct pool *p, int fd)
{
	struct status_server *server = p->status;
	struct status_conn *c = xcalloc(1, sizeof(*c));

	if (server->count >= CONNS_MAX)
		conn_free(TAILQ_FIRST(&server->conns));
	c->pool = p;
	c->fd = fd;
	TAILQ_INSERT_TAIL(&server->conns, c, next);
	server->count++;
	c->read = event_new(p->base, fd, EV_READ | EV_PERSIST, on_read, c);
	c->write = event_new(p->base, fd, EV_WRITE, on_write, c);
	c->late = evtimer_new(p->base, on_late, c);
	BUG_IF(!c->read || !c->write || !c->late);
	event_add(c->read, NULL);
	set_late(c, REQUEST_S);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	struct status_server *server = ((struct pool *)arg)->status;

	(void)fd;
	(void)what;
	if (server->accept)
		event_add(server->accept, NULL);
}

/* Out of descriptors or memory: the socket stays readable, and is left alone for a moment. */
static void accept_later(struct pool *p)
{
	struct timeval soon = { .tv_usec = AGAIN_MS * 1000 };

	event_del(p->status->accept);
	event_base_once(p->base, -1, EV_TIMEOUT, on_again, p, &soon);
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
	struct pool *p = arg;
	struct sockaddr_storage peer = { .ss_family = AF_UNIX };
	socklen_t len = sizeof(peer);
	int conn = accept4((int)fd, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (conn >= 0 && pool_peer_allowed(p, (struct sockaddr *)&peer, len, " at pm.status_listen"))
		conn_new(p, conn);
	else if (conn >= 0)
		fd_close(&conn);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
		accept_later(p);
}

bool pool_status_busy(const struct pool *p)
{
	return p->status && (p->status->count > 0 || fd_readable(SPAWN_FD_STATUS));
}

void pool_status_stop(struct pool *p)
{
	if (!p->status || !p->status->accept)
		return;
	event_free(p->status->accept);
	p->status->accept = NULL;
}

void pool_status_serve(struct pool *p)
{
	if (!p->conf->status_listen)
		return;
	p->status = xcalloc(1, sizeof(*p->status));
	TAILQ_INIT(&p->status->conns);
	p->status->accept = event_new(p->base, SPAWN_FD_STATUS, EV_READ | EV_PERSIST, on_accept, p);
	BUG_IF(!p->status->accept || event_add(p->status->accept, NULL) < 0);
}
