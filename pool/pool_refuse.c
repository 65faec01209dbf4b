/* pool_refuse.c -- runs in a pool process: while the application does not load and no child is left, nobody would
 * answer. Whoever connects meanwhile gets a whole 503 from here as soon as its request's head has come; nothing of
 * the request but its id is used. When a child lives this file does nothing. */
#include "pool/pool_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "mpm/answer.h"
#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/fcgi/fcgi_turn.h"

#define REFUSED_MAX     64              /* at once; the others wait in the backlog */
#define REFUSED_HEAD_S  5               /* so long for a whole head */

struct refused {
	struct pool *pool;
	int fd;
	struct event *event;
	struct fcgi_turn turn;
};

static void refused_free(struct refused *r)
{
	r->pool->refused_count--;
	pool_poke(r->pool);
	if (r->event)
		event_free(r->event);
	fcgi_turn_free(&r->turn);
	fd_close(&r->fd);
	free(r);
}

/* Send what there is, or drop the connection: so little fits, or nobody reads. */
static bool send_all(const struct refused *r, const struct buf *out)
{
	return out->len == 0 || send(r->fd, out->data, out->len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)out->len;
}

/* What else it sends is read by those who wait for its end. */
static void answer(struct refused *r, struct buf *out)
{
	struct pool *p = r->pool;
	struct answer refusal = {
		.id = r->turn.id, .reason = REASON_SPAWN_FAILED, .with_header = p->conf->reason_header,
	};

	p->reasons[REASON_SPAWN_FAILED]++;
	answer_compose(out, &refusal);
	if (!send_all(r, out))
		return;
	shutdown(r->fd, SHUT_WR);
	pool_park_linger(p, r->fd);
	r->fd = -1;
}

/* True while more is to come. */
static bool take_bytes(struct refused *r, const uint8_t *at, size_t len)
{
	const struct conf_pool *conf = r->pool->conf;
	const struct fcgi_limits limits = {
		.max_params = conf->request_max_params,
		.roles = UINT32_MAX,
		.max_conns = (uint32_t)conf_pool_slots(conf),
		.max_reqs = (uint32_t)conf_pool_slots(conf),
	};
	enum fcgi_turn_event event = fcgi_turn_next(&r->turn, &limits, &at, &len, &r->pool->refusal);

	if (event == FCGI_TURN_HEAD || event == FCGI_TURN_TOO_LARGE)
		answer(r, &r->pool->refusal);
	return event == FCGI_TURN_MORE && !r->turn.rejected_last && send_all(r, &r->pool->refusal);
}

static void on_refused(evutil_socket_t fd, short what, void *arg)
{
	struct refused *r = arg;
	struct pool *p = r->pool;
	ssize_t got = what & EV_TIMEOUT ? 0 : recv((int)fd, p->space, IPC_MAX_BODY, MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0 || !take_bytes(r, p->space, (size_t)got))
		refused_free(r);
	buf_clear(&p->refusal);
}

static void refused_new(struct pool *p, int fd)
{
	struct timeval patience = { .tv_sec = REFUSED_HEAD_S };
	struct refused *r = xcalloc(1, sizeof(*r));

	r->pool = p;
	r->fd = fd;
	r->event = event_new(p->base, fd, EV_READ | EV_PERSIST, on_refused, r);
	p->refused_count++;
	if (!r->event || event_add(r->event, &patience) < 0)
		refused_free(r);
}

/* False when nobody waits there. */
static bool take_one(struct pool *p, int listening)
{
	struct sockaddr_storage peer = { .ss_family = AF_UNIX };
	socklen_t len = sizeof(peer);
	int fd = accept4(listening, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);

	if (fd < 0)
		return false;
	if (peer.ss_family == AF_UNIX || conf_client_allowed(p->conf, (struct sockaddr *)&peer)) {
		refused_new(p, fd);
		return true;
	}
	p->reasons[REASON_DENIED]++;
	fd_close(&fd);
	return true;
}

/* Between two tries, and with no child of an earlier generation. */
static bool is_due(const struct pool *p)
{
	return !p->gen && p->drain == DRAIN_NONE && pool_backoff_failing(&p->zygote_backoff) &&
	       pool_child_count(p) == 0;
}

void pool_refuse(struct pool *p)
{
	struct ipc_msg msg;

	if (!is_due(p))
		return;
	if (p->dispatch) {
		pool_dispatch_serve(p);
		pool_dispatch_refuse(p, REASON_SPAWN_FAILED);
		return;
	}
	while (p->refused_count < REFUSED_MAX && ipc_recv(p->ready_r, &msg, p->space) == IPC_MESSAGE)
		for (int i = 0; i < msg.fd_count; i++)
			refused_new(p, msg.fds[i]);
	for (uint32_t i = 0; i < p->info->listen_count; i++)
		while (p->refused_count < REFUSED_MAX && take_one(p, SPAWN_FD_LISTEN + (int)i))
			continue;
}
