/* child_accept.c -- runs in a child: taking connections. Serves nothing, and keeps nothing. */
#include "mpm/child_accept.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include "mpm/child_conn.h"
#include "src/base/fd.h"
#include "src/base/ipc.h"
#include "src/base/log.h"

#define EXHAUSTED_WAIT_MS 100           /* out of descriptors or memory: try again after that */

static bool allowed(struct slot *s, const struct sockaddr *peer)
{
	char text[INET6_ADDRSTRLEN];

	if (peer->sa_family == AF_UNIX || conf_client_allowed(s->child->conf, peer))
		return true;
	board_slot_reason(s->board, REASON_DENIED);
	child_conn_peer(peer, text);
	log_warning("Connection disallowed: IP address '%s' has been dropped: it is not in listen.allowed_clients (%s)",
	    text, reason_name(REASON_DENIED));
	return false;
}

/* Somebody waits all the same when we have run out, and when this one has gone while he did. */
static int accept_failed(int error)
{
	if (error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS) {
		log_warning("cannot accept: %s; raise rlimit_files", strerror(error));
		poll(NULL, 0, EXHAUSTED_WAIT_MS);
		return -2;
	}
	return error == ECONNABORTED ? -2 : -1;
}

int child_accept(struct slot *s, int listening, struct sockaddr_storage *peer_out)
{
	socklen_t len = sizeof(*peer_out);
	int fd;

	peer_out->ss_family = AF_UNIX;
	fd = accept4(listening, (struct sockaddr *)peer_out, &len, SOCK_CLOEXEC);
	if (fd < 0)
		return accept_failed(errno);
	board_slot_accepted(s->board);
	if (allowed(s, (struct sockaddr *)peer_out))
		return fd;
	fd_close(&fd);
	return -2;
}

int child_accept_ready(struct slot *s)
{
	struct ipc_msg msg;
	int fd;

	/* Its own connection, if there is one, is idle: nothing lies in its read buffer. */
	_Static_assert(SLOT_READ_BYTES >= IPC_MAX_BODY, "a message has room in it");
	if (ipc_recv(s->child->start->ready, &msg, s->in) != IPC_MESSAGE)
		return -1;
	fd = msg.fd_count == 1 ? msg.fds[0] : -2;
	if (fd >= 0)
		msg.fds[0] = -1;
	ipc_drop_fds(&msg);
	return fd;
}
