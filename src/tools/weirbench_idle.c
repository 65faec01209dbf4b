/* weirbench_idle.c -- connections that carry nothing while the load runs, as slow or idle clients and front
 * ends' keep-alive pools do. They are opened one after the other before the load, and looked at again when
 * it is over: the load's own loop has nothing to do with them. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include "src/base/fd.h"
#include "src/base/mem.h"
#include "src/tools/weirbench_idle.h"

struct idle {
	unsigned count;
	int *fds;
};

static int wait_for(int fd, short events, uint64_t until_ns)
{
	struct pollfd p = { .fd = fd, .events = events };
	uint64_t now = bench_now_ns();
	int rc;

	do
		rc = poll(&p, 1, now < until_ns ? (int)((until_ns - now) / 1000000 + 1) : 0);
	while (rc < 0 && errno == EINTR);
	return rc;
}

static int connect_one(const struct conn_env *env, uint64_t until_ns)
{
	const struct target *t = env->target;
	const struct timespec pause = { .tv_nsec = 1000000 };
	int fd = target_socket(t), error = 0;
	socklen_t len = sizeof(error);

	if (fd < 0)
		return -1;
	while (connect(fd, (const struct sockaddr *)&t->addr, t->addr_len) < 0) {
		if (errno == EINPROGRESS && wait_for(fd, POLLOUT, until_ns) == 1) {
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
			if (!error)
				break;
			errno = error;
		}
		if (errno != EAGAIN || bench_now_ns() >= until_ns) {
			fd_close(&fd);
			return -1;
		}
		nanosleep(&pause, NULL);        /* a full backlog has no event to wait for */
	}
	return fd;
}

/* One request, so that the connection is a kept one. */
static int serve_one(const struct conn_env *env, int fd, uint64_t until_ns)
{
	struct reply reply = { 0 };
	struct buf scratch = { 0 };
	enum reply_end end = REPLY_MORE;
	const uint8_t *bytes;
	ssize_t n = 1;
	size_t len;

	bytes = plan_head(env->plan, 0, &scratch, &len);
	if (fd_write_all(fd, bytes, len) < 0)
		n = -1;
	bytes = plan_body(env->plan, &len);
	if (n > 0 && len && fd_write_all(fd, bytes, len) < 0)
		n = -1;
	while (n > 0 && end == REPLY_MORE && wait_for(fd, POLLIN, until_ns) == 1) {
		n = recv(fd, env->space, CONN_SPACE, 0);
		if (n > 0)
			end = reply_feed(&reply, env->want, env->space, (size_t)n);
	}
	reply_free(&reply);
	buf_free(&scratch);
	return end == REPLY_DONE ? 0 : -1;
}

struct idle *idle_open(const struct conn_env *env, struct err *err)
{
	struct idle *idle = xcalloc(1, sizeof(*idle));
	uint64_t until;

	idle->fds = xcalloc(env->opts->idle + 1, sizeof(*idle->fds));
	for (; idle->count < env->opts->idle; idle->count++) {
		until = bench_now_ns() + env->opts->timeout_ns;
		idle->fds[idle->count] = connect_one(env, until);
		if (idle->fds[idle->count] < 0) {
			target_explain(env->target, errno, err);
			idle_close(&idle, env);
			return NULL;
		}
		if (env->opts->keep && serve_one(env, idle->fds[idle->count], until) < 0) {
			idle->count++;
			err_set(err, "--idle: connection %u got no whole reply to its request", idle->count);
			idle_close(&idle, env);
			return NULL;
		}
	}
	env->stats->idle_open = idle->count;
	return idle;
}

void idle_close(struct idle **idle, const struct conn_env *env)
{
	struct idle *i = *idle;
	char byte;

	if (!i)
		return;
	for (unsigned k = 0; k < i->count; k++) {
		if (recv(i->fds[k], &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN)
			env->stats->idle_closed++;
		fd_close(&i->fds[k]);
	}
	free(i->fds);
	free(i);
	*idle = NULL;
}
