/* child_link.c -- runs in a child: its messages to the pool process over CHILD_FD_LINK. */
#include "mpm/child_link.h"

#include "mpm/child_proto.h"
#include "src/base/fd.h"
#include "src/base/link.h"

static void send_connection(enum child_report type, int *fd)
{
	struct ipc_msg msg = { .head.type = type, .fd_count = 1 };

	msg.fds[0] = *fd;
	link_send(CHILD_FD_LINK, &msg);
	fd_close(fd);
}

void child_link_ready(void)
{
	struct ipc_msg msg = { .head.type = CHILD_READY };

	link_send(CHILD_FD_LINK, &msg);
}

void child_link_leaves(void)
{
	struct ipc_msg msg = { .head.type = CHILD_LEAVES };

	link_send(CHILD_FD_LINK, &msg);
}

void child_link_failed(const char *why)
{
	link_send_text(CHILD_FD_LINK, CHILD_FAILED, why);
}

void child_link_ask_status(const struct child_ask *ask)
{
	struct ipc_msg msg = { .head.type = CHILD_ASK_STATUS, .body = ask, .body_len = sizeof(*ask) };

	link_send(CHILD_FD_LINK, &msg);
}

void child_link_slot(uint32_t slot, int *fd)
{
	struct child_slot body = { .slot = slot };
	struct ipc_msg msg = { .head.type = CHILD_SLOT, .body = &body, .body_len = sizeof(body), .fd_count = 1 };

	msg.fds[0] = *fd;
	link_send(CHILD_FD_LINK, &msg);
	fd_close(fd);
}

void child_link_park(int *fd)
{
	send_connection(CHILD_PARK, fd);
}

void child_link_linger(int *fd)
{
	send_connection(CHILD_LINGER, fd);
}

void child_link_access(const char *text, size_t len)
{
	link_send_log(CHILD_FD_LINK, CHILD_ACCESS, LOG_LEVEL_NOTICE, text, len);
}

void child_link_log(void *arg, enum log_level level, const char *text, size_t len)
{
	(void)arg;
	link_send_log(CHILD_FD_LINK, CHILD_LOG, level, text, len);
}

void child_link_slow(const char *texts, size_t len)
{
	link_send_log(CHILD_FD_LINK, CHILD_SLOW, LOG_LEVEL_NOTICE, texts, len);
}
