/* link.c -- runs in zygote and child: waiting sends over an ipc socket. Refuses to fail: the end of the peer is
 * seen by whoever reads the socket. */
#include "src/base/link.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

void link_send(int fd, const struct ipc_msg *msg)
{
	struct pollfd room = { .fd = fd, .events = POLLOUT };

	while (ipc_send(fd, msg) < 0) {
		if (errno == EINTR)
			continue;
		if (errno == ENOBUFS || errno == ENOMEM || errno == ETOOMANYREFS) {
			poll(NULL, 0, 10);
			continue;
		}
		if (errno != EAGAIN)
			return;
		if (poll(&room, 1, -1) > 0 && (room.revents & (POLLHUP | POLLERR)))
			return;
	}
}

void link_send_text(int fd, uint32_t type, const char *text)
{
	struct ipc_msg msg = { .head.type = type, .body = text, .body_len = strlen(text) };

	link_send(fd, &msg);
}

void link_send_log(int fd, uint32_t type, enum log_level level, const char *text, size_t len)
{
	uint8_t body[LINK_LOG_PIECE_MAX];
	struct link_log_piece piece = { .level = level };
	struct ipc_msg msg = { .head.type = type, .body = body };

	pthread_mutex_lock(&log_lock);
	do {
		size_t room = sizeof(body) - sizeof(piece);
		size_t take = len < room ? len : room;

		piece.more = take < len;
		memcpy(body, &piece, sizeof(piece));
		memcpy(body + sizeof(piece), text, take);
		msg.body_len = sizeof(piece) + take;
		link_send(fd, &msg);
		text += take;
		len -= take;
	} while (len > 0);
	pthread_mutex_unlock(&log_lock);
}
