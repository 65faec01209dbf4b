/* ipc.c -- messages over SEQPACKET pairs. Any process.
 * Checks the frame only: whole packet, whole head, all descriptors. Types and bodies are checked by whoever
 * knows the proto. A message that came without some of its descriptors (too many sent, or none free here) is
 * worth nothing and counts as nonsense. */
#include "src/base/ipc.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include "src/base/fd.h"
#include "src/base/mem.h"

union ipc_control {
	char space[CMSG_SPACE(sizeof(int) * IPC_MAX_FDS)];
	struct cmsghdr align;
};

int ipc_pair(int pair_out[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair_out);
}

static void ipc_put_fds(struct msghdr *hdr, union ipc_control *control, const struct ipc_msg *msg)
{
	size_t bytes = sizeof(int) * (size_t)msg->fd_count;
	struct cmsghdr *c;

	memset(control, 0, sizeof(*control));
	hdr->msg_control = control->space;
	hdr->msg_controllen = CMSG_SPACE(bytes);
	c = CMSG_FIRSTHDR(hdr);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(bytes);
	memcpy(CMSG_DATA(c), msg->fds, bytes);
}

int ipc_send(int fd, const struct ipc_msg *msg)
{
	struct ipc_head head = msg->head;
	struct iovec iov[2] = {
		{ .iov_base = &head, .iov_len = sizeof(head) },
		{ .iov_base = (void *)msg->body, .iov_len = msg->body_len },
	};
	struct msghdr hdr = { .msg_iov = iov, .msg_iovlen = msg->body_len ? 2 : 1 };
	union ipc_control control;
	ssize_t n;

	BUG_IF(msg->body_len > IPC_MAX_BODY);
	BUG_IF(msg->fd_count < 0 || msg->fd_count > IPC_MAX_FDS);
	if (msg->fd_count > 0)
		ipc_put_fds(&hdr, &control, msg);
	do
		n = sendmsg(fd, &hdr, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -1 : 0;
}

static void ipc_take_fds(struct msghdr *hdr, struct ipc_msg *msg)
{
	struct cmsghdr *c;
	size_t bytes;

	for (c = CMSG_FIRSTHDR(hdr); c; c = CMSG_NXTHDR(hdr, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		bytes = c->cmsg_len - CMSG_LEN(0);
		BUG_IF(bytes > sizeof(msg->fds));
		memcpy(msg->fds, CMSG_DATA(c), bytes);
		msg->fd_count = (int)(bytes / sizeof(int));
	}
}

enum ipc_got ipc_recv(int fd, struct ipc_msg *msg_out, void *space)
{
	union ipc_control control;
	struct iovec iov[2] = {
		{ .iov_base = &msg_out->head, .iov_len = sizeof(msg_out->head) },
		{ .iov_base = space, .iov_len = IPC_MAX_BODY },
	};
	struct msghdr hdr = {
		.msg_iov = iov, .msg_iovlen = 2,
		.msg_control = control.space, .msg_controllen = sizeof(control.space),
	};
	ssize_t n;

	*msg_out = (struct ipc_msg){ .body = space };
	do
		n = recvmsg(fd, &hdr, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? IPC_NOTHING : IPC_END;
	ipc_take_fds(&hdr, msg_out);
	if ((size_t)n < sizeof(msg_out->head) || (hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
		ipc_drop_fds(msg_out);
		return IPC_END;
	}
	msg_out->body_len = (size_t)n - sizeof(msg_out->head);
	return IPC_MESSAGE;
}

void ipc_drop_fds(struct ipc_msg *msg)
{
	for (int i = 0; i < msg->fd_count; i++)
		fd_close(&msg->fds[i]);
	msg->fd_count = 0;
}
