/* sock_queue.c -- the length of a listening socket's queue. Any process. Of a TCP socket TCP_INFO tells it; of a Unix
 * socket only netlink does (unix(7) has no option for it): one small question and one answer for a socket that is
 * named by its inode. */
#include "src/base/sock_queue.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "src/base/fd.h"

struct question {
	struct nlmsghdr head;
	struct unix_diag_req body;
};

/* For a listening socket the kernel puts the queue into fields that mean something else otherwise. */
static int tcp_queue(int fd, struct sock_queue *out)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return -1;
	out->waiting = info.tcpi_unacked;
	out->limit = info.tcpi_sacked;
	return 0;
}

static int read_answer(const struct nlmsghdr *head, size_t len, struct sock_queue *out)
{
	const struct unix_diag_msg *msg = NLMSG_DATA(head);
	const struct rtattr *attr;
	int left;

	if (!NLMSG_OK(head, len) || head->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *why = NLMSG_DATA(head);

		errno = len >= NLMSG_LENGTH(sizeof(*why)) && why->error < 0 ? -why->error : EPROTO;
		return -1;
	}
	left = (int)(head->nlmsg_len - NLMSG_LENGTH(sizeof(*msg)));
	for (attr = (const struct rtattr *)(msg + 1); RTA_OK(attr, left); attr = RTA_NEXT(attr, left)) {
		const struct unix_diag_rqlen *queue = RTA_DATA(attr);

		if (attr->rta_type != UNIX_DIAG_RQLEN)
			continue;
		*out = (struct sock_queue){ queue->udiag_rqueue, queue->udiag_wqueue };
		return 0;
	}
	errno = ENODATA;
	return -1;
}

/* The answer is there when send() returns. */
static int ask(int netlink, const struct question *q, struct sock_queue *out)
{
	_Alignas(struct nlmsghdr) char answer[1024];
	ssize_t got;

	if (send(netlink, q, sizeof(*q), 0) < 0)
		return -1;
	got = recv(netlink, answer, sizeof(answer), MSG_DONTWAIT);
	return got < 0 ? -1 : read_answer((const struct nlmsghdr *)answer, (size_t)got, out);
}

static int unix_queue(int fd, struct sock_queue *out)
{
	struct question q = {
		.head = { .nlmsg_len = sizeof(q), .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST },
		.body = { .sdiag_family = AF_UNIX, .udiag_states = ~0U, .udiag_show = UDIAG_SHOW_RQLEN,
			  .udiag_cookie = { ~0U, ~0U } },
	};
	struct stat st;
	int netlink, result;

	if (fstat(fd, &st) < 0)
		return -1;
	q.body.udiag_ino = (uint32_t)st.st_ino;
	netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (netlink < 0)
		return -1;
	result = ask(netlink, &q, out);
	fd_close(&netlink);
	return result;
}

int sock_queue(int fd, struct sock_queue *out)
{
	int domain;
	socklen_t len = sizeof(domain);

	*out = (struct sock_queue){ 0 };
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0)
		return -1;
	return domain == AF_UNIX ? unix_queue(fd, out) : tcp_queue(fd, out);
}
