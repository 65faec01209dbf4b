/* pool_dispatch_io.c -- runs in a pool process under mpm = event: the sockets of the dispatcher. It accepts, reads,
 * writes and waits; what the bytes mean is mpm/dispatch*.c's business. A connection is registered for waiting only
 * once there is something to wait for: a short request on a new connection never is. */
#include "pool/pool_dispatch_priv.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "mpm/dispatch.h"
#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/mem.h"

#define ACCEPT_AT_ONCE 32               /* then others have their turn */
#define AGAIN_MS       100              /* out of descriptors or memory: try again after that */
#define LAST_READS     16               /* of a dead child's pair, whose other end may live on: all that it can hold */
#define UNSENT_BYTES   (128 * 1024)     /* of a TCP connection in the kernel, at most: more cannot be put in order */

ssize_t dispatch_io_send(void *arg, const struct iovec *iov, int count)
{
	const struct dispatch_io *io = arg;
	struct msghdr msg = { .msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)count };

	return sendmsg(io->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

enum dispatch_peek dispatch_io_peek(void *arg)
{
	const struct dispatch_io *io = arg;
	struct pollfd at = { .fd = io->fd, .events = POLLRDHUP };
	char byte;
	ssize_t got;

	/* A Unix peer that only shut down its writing side still reads. */
	if (!io->pool->over_tcp)
		at.events = 0;
	if (poll(&at, 1, 0) > 0 && (at.revents & (POLLHUP | POLLERR | POLLRDHUP)))
		return DISPATCH_PEEK_GONE;
	got = recv(io->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	return got > 0 ? DISPATCH_PEEK_BYTES : DISPATCH_PEEK_NOTHING;
}

static void conn_ended(struct dispatch_io *io)
{
	dispatch_conn_end(io->conn, io->pool->over_tcp || dispatch_io_peek(io) == DISPATCH_PEEK_GONE);
}

/* One read. */
static void read_conn(struct dispatch_io *io)
{
	struct pool_dispatch *pd = io->pool->dispatch;
	ssize_t got = recv(io->fd, pd->space, sizeof(pd->space), MSG_DONTWAIT);

	if (got > 0)
		dispatch_conn_input(io->conn, pd->space, (size_t)got);
	else if (got < 0 && (errno == EAGAIN || errno == EINTR))
		dispatch_conn_input(io->conn, pd->space, 0);
	else if (got < 0)
		dispatch_conn_end(io->conn, true);
	else
		conn_ended(io);
}

/* One read. False: there was nothing, and at the pair's end io is gone. */
static bool read_slot(struct dispatch_io *io)
{
	struct pool_dispatch *pd = io->pool->dispatch;
	ssize_t got = recv(io->fd, pd->space, sizeof(pd->space), MSG_DONTWAIT);

	if (got > 0)
		dispatch_slot_input(io->slot, pd->space, (size_t)got);
	else if (got == 0 || (errno != EAGAIN && errno != EINTR))
		dispatch_slot_end(io->slot);
	return got > 0;
}

/* Both in each turn: who never stops sending would else get nothing that waits for it. */
static void on_conn(evutil_socket_t fd, short what, void *arg)
{
	struct dispatch_io *io = arg;
	struct pool *p = io->pool;

	(void)fd;
	pool_dispatch_begin(p);
	p->dispatch->at_hand = io;
	if (what & EV_READ)
		read_conn(io);
	if (what & EV_WRITE && p->dispatch->at_hand == io)
		dispatch_conn_writable(io->conn);
	pool_dispatch_done(p);
}

/* Reading may have let go of io. Writing can wait: a slot takes nothing while it talks. */
static void on_slot(evutil_socket_t fd, short what, void *arg)
{
	struct dispatch_io *io = arg;
	struct pool *p = io->pool;

	(void)fd;
	pool_dispatch_begin(p);
	if (what & EV_READ)
		read_slot(io);
	else
		dispatch_slot_writable(io->slot);
	pool_dispatch_done(p);
}

void dispatch_io_watch(void *arg, bool read, bool write)
{
	struct dispatch_io *io = arg;
	short want = (short)((read ? EV_READ : 0) | (write ? EV_WRITE : 0));

	if (want == io->watched)
		return;
	if (io->watched)
		event_del(&io->event);
	io->watched = want;
	event_assign(&io->event, io->pool->base, io->fd, (short)(want | EV_PERSIST),
	    io->is_slot ? on_slot : on_conn, io);
	if (want && event_add(&io->event, NULL) < 0)
		log_error("cannot wait for a connection: %s", strerror(errno));
}

static struct dispatch_io *io_new(struct pool *p, int fd)
{
	struct dispatch_io *io = xcalloc(1, sizeof(*io));

	io->pool = p;
	io->fd = fd;
	return io;
}

static int io_free(struct dispatch_io *io)
{
	int fd = io->fd;

	if (io->watched)
		event_del(&io->event);
	free(io);
	return fd;
}

void dispatch_io_close_conn(void *arg, enum dispatch_close how)
{
	struct dispatch_io *io = arg;
	struct pool *p = io->pool;
	int fd = io_free(io);

	if (p->dispatch->at_hand == arg)
		p->dispatch->at_hand = NULL;
	if (how == DISPATCH_LINGER) {
		shutdown(fd, SHUT_WR);
		pool_park_linger(p, fd);
	} else {
		fd_close(&fd);
	}
}

void dispatch_io_end_slot(void *arg)
{
	const struct dispatch_io *io = arg;

	shutdown(io->fd, SHUT_WR);
}

void dispatch_io_close_slot(void *arg)
{
	struct dispatch_io *io = arg;
	int fd;

	if (io->child)
		io->child->slots[io->number].io = NULL;
	fd = io_free(io);
	fd_close(&fd);
}

struct dispatch_io *dispatch_io_slot(struct pool_child *c, uint32_t number, int fd)
{
	struct dispatch_io *io = io_new(c->gen->pool, fd);

	io->child = c;
	io->number = number;
	io->is_slot = true;
	c->slots[number].io = io;
	io->slot = dispatch_slot_new(c->gen->pool->dispatch->core, io);
	return io;
}

/* A slow client's slot is not read: what its child said before it died may still be there, the answer's end too. */
void dispatch_io_slot_gone(const struct pool_child *c, uint32_t number)
{
	for (int i = 0; i < LAST_READS && c->slots[number].io; i++)
		if (!read_slot(c->slots[number].io))
			break;
	if (c->slots[number].io)
		dispatch_slot_end(c->slots[number].io->slot);
}

/* ---- new connections */

static void peer_text(const struct sockaddr *peer, socklen_t len, char out[NI_MAXHOST])
{
	out[0] = '\0';
	if (peer->sa_family != AF_UNIX)
		getnameinfo(peer, len, out, NI_MAXHOST, NULL, 0, NI_NUMERICHOST);
}

static void conn_new(struct pool *p, int fd, const char *peer)
{
	struct dispatch_io *io;
	int unsent = UNSENT_BYTES;

	if (p->over_tcp)
		setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
	io = io_new(p, fd);
	io->conn = dispatch_conn_new(p->dispatch->core, io, peer);
	read_conn(io);                  /* the request is there already, nearly always */
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pool_dispatch_accept(arg, true);
}

static void accept_later(struct pool *p, int why)
{
	struct timeval soon = { .tv_usec = AGAIN_MS * 1000 };

	log_warning("cannot accept: %s; raise rlimit_files", strerror(why));
	pool_dispatch_accept(p, false);
	event_base_once(p->base, -1, EV_TIMEOUT, on_again, p, &soon);
}

/* False when nobody waits there, or there is no room. */
static bool accept_one(struct pool *p, int listening)
{
	struct sockaddr_storage peer = { .ss_family = AF_UNIX };
	socklen_t len = sizeof(peer);
	char text[NI_MAXHOST];
	int fd;

	if (!dispatch_has_room(p->dispatch->core)) {
		pool_dispatch_accept(p, false);
		p->dispatch->full = true;
		return false;
	}
	fd = accept4(listening, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			accept_later(p, errno);
		return false;
	}
	if (!pool_peer_allowed(p, (struct sockaddr *)&peer, len, "")) {
		fd_close(&fd);
		return true;
	}
	peer_text((struct sockaddr *)&peer, len, text);
	if (dispatch_full(p->dispatch->core))   /* only now: somebody is there who needs the place */
		dispatch_drop_parked(p->dispatch->core);
	conn_new(p, fd, text);
	return true;
}

void dispatch_io_accept(struct pool *p, int listening)
{
	pool_dispatch_begin(p);
	for (int i = 0; i < ACCEPT_AT_ONCE && accept_one(p, listening); i++)
		continue;
	pool_dispatch_done(p);
}
