/* child_conn.c -- runs in a child: one slot's connection. Reads block, bounded by the watcher, which shuts a late
 * connection down for reading; a small reply is one write. Knows records, not requests. */
#include "mpm/child_conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fastcgi.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "mpm/child_pair.h"
#include "mpm/child_watch.h"
#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/mem.h"
#include "src/fcgi/fcgi_encode.h"

#define HEAD_BYTES FCGI_HEADER_LEN

void child_conn_peer(const struct sockaddr *peer, char text_out[INET6_ADDRSTRLEN])
{
	text_out[0] = '\0';
	if (peer->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)peer)->sin_addr, text_out, INET6_ADDRSTRLEN);
	else if (peer->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)peer)->sin6_addr, text_out, INET6_ADDRSTRLEN);
}

static void take_peer(struct slot *s, const struct sockaddr *peer)
{
	struct sockaddr_storage asked;
	socklen_t len = sizeof(asked);

	s->peer[0] = '\0';
	if (!s->over_tcp)
		return;
	if (!peer) {
		if (getpeername(s->fd, (struct sockaddr *)&asked, &len) < 0)
			return;
		peer = (struct sockaddr *)&asked;
	}
	child_conn_peer(peer, s->peer);
}

static void set_fd(struct slot *s, int fd)
{
	pthread_mutex_lock(&s->io_lock);
	s->fd = fd;
	pthread_mutex_unlock(&s->io_lock);
	s->polled = false;
}

void child_conn_take(struct slot *s, int fd, const struct sockaddr *peer)
{
	BUG_IF(s->fd != -1);
	set_fd(s, fd);
	take_peer(s, peer);
	fcgi_turn_reset(&s->turn);
	s->in_pos = s->in_len = 0;
	buf_clear(&s->out);
	s->out_open = 0;
	s->out_is_reply = false;
	s->must_close = false;
	atomic_store_explicit(&s->client, 0, memory_order_relaxed);
	s->in_full = false;
	s->late = REASON_NONE;
}

int child_conn_release(struct slot *s)
{
	int fd = s->fd;

	/* The pool process may hold it too: closing it here would leave it registered. */
	if (fd != -1 && s->polled)
		epoll_ctl(s->epoll, EPOLL_CTL_DEL, fd, NULL);
	if (fd != -1)
		set_fd(s, -1);
	return fd;
}

void child_conn_close(struct slot *s)
{
	int fd = child_conn_release(s);

	fd_close(&fd);
}

bool child_conn_is_silent(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static ssize_t receive(struct slot *s, int flags)
{
	ssize_t got;

	BUG_IF(s->in_pos != s->in_len);
	s->in_pos = s->in_len = 0;
	do
		got = recv(s->fd, s->in, SLOT_READ_BYTES, flags);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		s->in_len = (size_t)got;
	s->in_full = got == SLOT_READ_BYTES;
	return got;
}

/* What the dispatcher gives has come whole, or comes as fast as it can: it alone knows limits in time. */
static ssize_t fill_paired(struct slot *s, enum slot_reading what)
{
	ssize_t got;

	if (what == SLOT_READING_FIRST)
		return receive(s, 0);
	if (what == SLOT_READING_BODY)
		child_pair_unmark(s);
	do
		got = receive(s, 0);
	while (got < 0 && errno == EAGAIN);     /* the limit of an idle slot (child_pair.c) does not count here */
	if (what == SLOT_READING_BODY)
		child_pair_mark(s);
	return got;
}

ssize_t child_conn_fill(struct slot *s, enum slot_reading what)
{
	uint64_t now = clock_ms();
	uint32_t reading;
	ssize_t got;

	if (s->paired)
		return fill_paired(s, what);
	/* A body must make progress; a head must be whole in time, however many pieces it comes in. */
	if (what == SLOT_READING_HEAD && s->head_since_ms == 0)
		s->head_since_ms = now;
	atomic_store_explicit(&s->read_since_ms, what == SLOT_READING_HEAD ? s->head_since_ms : now,
	    memory_order_relaxed);
	s->reads = (s->reads + SLOT_READING_NEXT) % SLOT_READ_ENDED;
	atomic_store(&s->reading, s->reads | what);
	child_watch_wake(s->child);
	got = receive(s, 0);
	reading = atomic_exchange(&s->reading, SLOT_NOT_READING);
	s->late = reading & SLOT_READ_ENDED ? (enum reason)(reading & ~SLOT_READ_ENDED) : REASON_NONE;
	return s->late == REASON_NONE ? got : 0;
}

ssize_t child_conn_fill_now(struct slot *s)
{
	return receive(s, MSG_DONTWAIT);
}

void child_conn_seal(struct slot *s)
{
	s->out_open = 0;
}

static int write_all(struct slot *s)
{
	size_t done = 0;

	while (done < s->out.len) {
		ssize_t put = send(s->fd, s->out.data + done, s->out.len - done, MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		done += (size_t)put;
	}
	return 0;
}

int child_conn_flush(struct slot *s)
{
	int result = 0;

	if (s->out.len == 0)
		return 0;
	pthread_mutex_lock(&s->io_lock);
	if (s->fd == -1 || write_all(s) < 0)
		result = -1;
	if (s->out_is_reply)
		s->sent = true;
	pthread_mutex_unlock(&s->io_lock);
	buf_clear(&s->out);
	s->out_open = 0;
	s->out_is_reply = false;
	if (result < 0)
		atomic_store(&s->client, SLOT_CLIENT_GONE);
	return result;
}

/* Open a record for this stream at the end of out, unless the last one is of that stream. */
static void open_record(struct slot *s, uint8_t type)
{
	uint8_t head[HEAD_BYTES];

	if (s->out_open != 0 && s->out.data[s->out_open] == type)
		return;
	fcgi_put_header(head, type, s->turn.id, 0, 0);
	s->out_open = s->out.len + 1;
	buf_add(&s->out, head, sizeof(head));
	s->out_is_reply = true;
}

int child_conn_out(struct slot *s, uint8_t type, const void *data, size_t len)
{
	const uint8_t *at = data;

	while (len > 0) {
		size_t start, room;

		if (s->out.len + 2 * HEAD_BYTES > SLOT_WRITE_BYTES && child_conn_flush(s) < 0)
			return -1;
		open_record(s, type);
		room = SLOT_WRITE_BYTES - s->out.len;
		if (room > len)
			room = len;
		buf_add(&s->out, at, room);
		start = s->out_open - 1;
		fcgi_put_header(s->out.data + start, type, s->turn.id,
		    (uint16_t)(s->out.len - start - HEAD_BYTES), 0);
		at += room;
		len -= room;
	}
	return 0;
}
