/* weirbench_conn.c -- one connection of weirbench: connect, send, read, judge. A kept connection that the
 * server closed before the first byte of a reply is no error: the request goes out once more on a new one,
 * as front ends do, and its latency counts on. Never blocks, never prints, decides nothing about when a
 * request is sent. */
#include <errno.h>
#include <fastcgi.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include "src/base/fd.h"
#include "src/tools/weirbench_conn.h"

static void watch(struct conn *c, const struct conn_env *env, int op)
{
	struct epoll_event ev = { .events = EPOLLIN | (c->want_out ? EPOLLOUT : 0), .data.ptr = c };

	epoll_ctl(env->epoll_fd, op, c->fd, &ev);
}

static void set_want_out(struct conn *c, const struct conn_env *env, bool on)
{
	if (c->want_out == on)
		return;
	c->want_out = on;
	watch(c, env, EPOLL_CTL_MOD);
}

static enum bench_end connect_failed(struct conn *c, const struct conn_env *env, int error)
{
	fd_close(&c->fd);
	if (error == EAGAIN && env->opts->retry_full) {
		env->stats->backlog_waits++;
		return BENCH_FULL;
	}
	env->stats->connect_errno = error;
	return error == EAGAIN ? BENCH_BACKLOG : BENCH_CONNECT;
}

static bool all_sent(const struct conn *c)
{
	return c->sent == c->head_len + c->body_len;
}

static enum bench_end conn_send(struct conn *c, const struct conn_env *env)
{
	size_t head_sent = c->sent < c->head_len ? c->sent : c->head_len;
	size_t body_sent = c->sent - head_sent;
	struct iovec iov[2] = {
		{ .iov_base = (void *)(c->head + head_sent), .iov_len = c->head_len - head_sent },
		{ .iov_base = (void *)(c->body + body_sent), .iov_len = c->body_len - body_sent },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = c->body_len ? 2 : 1 };
	ssize_t n;

	while ((n = sendmsg(c->fd, &msg, MSG_NOSIGNAL)) < 0 && errno == EINTR)
		;
	if (n >= 0) {
		c->sent += (size_t)n;
		env->stats->bytes_out += (size_t)n;
		set_want_out(c, env, !all_sent(c));
	} else if (errno == EAGAIN) {
		set_want_out(c, env, true);
	} else {
		set_want_out(c, env, false);    /* the reply may be there all the same: reading tells */
	}
	return BENCH_GOING;
}

static enum bench_end conn_open(struct conn *c, const struct conn_env *env)
{
	const struct target *t = env->target;
	int rc;

	c->fd = target_socket(t);
	if (c->fd < 0)
		return connect_failed(c, env, errno);
	while ((rc = connect(c->fd, (const struct sockaddr *)&t->addr, t->addr_len)) < 0 && errno == EINTR)
		;
	if (rc < 0 && errno != EINPROGRESS)
		return connect_failed(c, env, errno);
	c->connecting = rc < 0;
	c->want_out = c->connecting;
	c->served = 0;
	env->stats->connections += !c->connecting;
	watch(c, env, EPOLL_CTL_ADD);
	return c->connecting ? BENCH_GOING : conn_send(c, env);
}

enum bench_end conn_begin(struct conn *c, const struct conn_env *env, uint64_t index)
{
	c->index = index;
	c->again = false;
	c->sent = 0;
	c->head = plan_head(env->plan, index, &c->scratch, &c->head_len);
	c->body = plan_body(env->plan, &c->body_len);
	reply_reset(&c->reply);
	return conn_retry(c, env);
}

enum bench_end conn_retry(struct conn *c, const struct conn_env *env)
{
	return c->fd >= 0 ? conn_send(c, env) : conn_open(c, env);
}

static enum bench_end conn_lost(struct conn *c, const struct conn_env *env)
{
	if (!c->served || c->reply.any || c->again)
		return BENCH_CLOSED;
	fd_close(&c->fd);
	env->stats->reconnects++;
	c->again = true;
	c->sent = 0;
	return conn_open(c, env);
}

static enum bench_end judge(const struct conn *c, const struct conn_env *env)
{
	const struct reply *r = &c->reply;
	int want = env->opts->expect_status;

	if (r->protocol_status != FCGI_REQUEST_COMPLETE)
		return BENCH_REFUSED;
	if (want == BENCH_STATUS_BELOW_400 ? r->status >= 400 : want != BENCH_STATUS_ANY && r->status != want)
		return BENCH_STATUS;
	if (env->want->text && !r->text_found)
		return BENCH_BODY;
	return BENCH_OK;
}

static enum bench_end feed(struct conn *c, const struct conn_env *env, size_t len)
{
	switch (reply_feed(&c->reply, env->want, env->space, len)) {
	case REPLY_DONE:
		return judge(c, env);
	case REPLY_BAD:
		env->stats->protocol_why = c->reply.why;
		return BENCH_PROTOCOL;
	default:
		return BENCH_GOING;
	}
}

/* Once: what is left makes epoll speak again. */
static enum bench_end conn_read(struct conn *c, const struct conn_env *env)
{
	ssize_t n = recv(c->fd, env->space, CONN_SPACE, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return BENCH_GOING;
	if (n > 0)
		env->stats->bytes_in += (size_t)n;
	if (c->busy)
		return n > 0 ? feed(c, env, (size_t)n) : conn_lost(c, env);
	fd_close(&c->fd);               /* kept and idle: the server closed it, or speaks out of turn */
	if (n <= 0)
		return BENCH_GOING;
	env->stats->protocol_why = "bytes on a connection without a request";
	return BENCH_PROTOCOL;
}

static enum bench_end connected(struct conn *c, const struct conn_env *env)
{
	int error = 0;
	socklen_t len = sizeof(error);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	c->connecting = false;
	if (error)
		return connect_failed(c, env, error);
	env->stats->connections++;
	return conn_send(c, env);
}

enum bench_end conn_on_event(struct conn *c, const struct conn_env *env, uint32_t events)
{
	if (c->fd < 0)
		return BENCH_GOING;
	if (c->connecting)
		return connected(c, env);
	if (events & EPOLLOUT)
		conn_send(c, env);
	return events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? conn_read(c, env) : BENCH_GOING;
}

void conn_end(struct conn *c, const struct conn_env *env, enum bench_end end)
{
	bool whole = end == BENCH_OK || end == BENCH_STATUS || end == BENCH_BODY;

	if (whole)
		c->served++;
	if (!whole || !env->opts->keep || !all_sent(c))
		fd_close(&c->fd);
	c->busy = false;
}

void conn_free(struct conn *c)
{
	fd_close(&c->fd);
	buf_free(&c->scratch);
	reply_free(&c->reply);
}
