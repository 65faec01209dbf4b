/* test_ipc.c -- messages with descriptors; what a confused peer sends ends the link and leaks nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "src/base/ipc.h"

static int link_fds[2];
static uint8_t space[IPC_MAX_BODY];
static int open_before;

static int count_open(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static int set_up(void **state)
{
	(void)state;
	open_before = count_open();
	return ipc_pair(link_fds);
}

static int tear_down(void **state)
{
	(void)state;
	close(link_fds[0]);
	close(link_fds[1]);
	return count_open() == open_before ? 0 : -1;
}

static void a_pair_is_non_blocking_and_close_on_exec(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_true(fcntl(link_fds[i], F_GETFL) & O_NONBLOCK);
		assert_true(fcntl(link_fds[i], F_GETFD) & FD_CLOEXEC);
	}
}

static void messages_keep_their_borders(void **state)
{
	struct ipc_msg out = { .head = { 3, 7 }, .body = "hello", .body_len = 5 }, in;

	(void)state;
	assert_int_equal(ipc_recv(link_fds[1], &in, space), IPC_NOTHING);
	assert_int_equal(ipc_send(link_fds[0], &out), 0);
	out = (struct ipc_msg){ .head = { 4, 8 } };
	assert_int_equal(ipc_send(link_fds[0], &out), 0);
	assert_int_equal(ipc_recv(link_fds[1], &in, space), IPC_MESSAGE);
	assert_int_equal(in.head.type, 3);
	assert_int_equal(in.head.generation, 7);
	assert_int_equal(in.body_len, 5);
	assert_ptr_equal(in.body, space);
	assert_memory_equal(in.body, "hello", 5);
	assert_int_equal(in.fd_count, 0);
	assert_int_equal(ipc_recv(link_fds[1], &in, space), IPC_MESSAGE);
	assert_int_equal(in.head.type, 4);
	assert_int_equal(in.body_len, 0);
	assert_int_equal(ipc_recv(link_fds[1], &in, space), IPC_NOTHING);
}

static void the_longest_body_passes(void **state)
{
	static uint8_t body[IPC_MAX_BODY];
	struct ipc_msg out = { .head = { 1, 1 }, .body = body, .body_len = sizeof(body) }, in;

	(void)state;
	memset(body, 0xa5, sizeof(body));
	assert_int_equal(ipc_send(link_fds[0], &out), 0);
	assert_int_equal(ipc_recv(link_fds[1], &in, space), IPC_MESSAGE);
	assert_int_equal(in.body_len, sizeof(body));
	assert_memory_equal(in.body, body, sizeof(body));
}

static void descriptors_travel(void **state)
{
	struct ipc_msg out = { .head = { 1, 1 }, .body = "x", .body_len = 1, .fd_count = IPC_MAX_FDS }, in;
	struct stat a, b;

	(void)state;
	for (int i = 0; i < IPC_MAX_FDS; i++)
		out.fds[i] = i % 2 ? link_fds[0] : link_fds[1];
	assert_int_equal(ipc_send(link_fds[0], &out), 0);
	assert_int_equal(ipc_recv(link_fds[1], &in, space), IPC_MESSAGE);
	assert_int_equal(in.fd_count, IPC_MAX_FDS);
	for (int i = 0; i < IPC_MAX_FDS; i++) {
		assert_int_equal(fstat(in.fds[i], &a), 0);
		assert_int_equal(fstat(out.fds[i], &b), 0);
		assert_int_equal(a.st_ino, b.st_ino);
		assert_true(fcntl(in.fds[i], F_GETFD) & FD_CLOEXEC);
	}
	close(in.fds[0]);
	in.fds[0] = -1;
	ipc_drop_fds(&in);
	assert_int_equal(in.fd_count, 0);
	ipc_drop_fds(&in);
}

static void the_end_is_told(void **state)
{
	struct ipc_msg out = { .head = { 1, 1 } }, in;

	(void)state;
	assert_int_equal(ipc_send(link_fds[0], &out), 0);
	shutdown(link_fds[0], SHUT_RDWR);
	assert_int_equal(ipc_recv(link_fds[1], &in, space), IPC_MESSAGE);
	assert_int_equal(ipc_recv(link_fds[1], &in, space), IPC_END);
	assert_int_equal(ipc_send(link_fds[1], &out), -1);
	assert_int_equal(errno, EPIPE);
}

static void a_full_link_is_eagain(void **state)
{
	struct ipc_msg out = { .head = { 1, 1 }, .body = space, .body_len = 30000 };
	int sent = 0;

	(void)state;
	while (ipc_send(link_fds[0], &out) == 0)
		sent++;
	assert_int_equal(errno, EAGAIN);
	assert_true(sent > 0);
}

static void send_raw(const void *data, size_t len, int fd_count)
{
	union {
		char space[CMSG_SPACE(sizeof(int) * 2 * IPC_MAX_FDS)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
	struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (fd_count > 0) {
		memset(&control, 0, sizeof(control));
		hdr.msg_control = control.space;
		hdr.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)fd_count);
		c = CMSG_FIRSTHDR(&hdr);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)fd_count);
		for (int i = 0; i < fd_count; i++)
			memcpy(CMSG_DATA(c) + sizeof(int) * (size_t)i, &link_fds[1], sizeof(int));
	}
	assert_int_equal(sendmsg(link_fds[0], &hdr, 0), (ssize_t)len);
}

static void nonsense_is_the_end(void **state)
{
	static uint8_t long_body[sizeof(struct ipc_head) + IPC_MAX_BODY + 1];
	struct ipc_msg in;

	(void)state;
	send_raw("1234567", 7, 0);
	assert_int_equal(ipc_recv(link_fds[1], &in, space), IPC_END);
	send_raw("", 0, 0);
	assert_int_equal(ipc_recv(link_fds[1], &in, space), IPC_END);
	send_raw("123", 3, 2);
	assert_int_equal(ipc_recv(link_fds[1], &in, space), IPC_END);
	assert_int_equal(in.fd_count, 0);
	send_raw(long_body, sizeof(long_body), 1);
	assert_int_equal(ipc_recv(link_fds[1], &in, space), IPC_END);
	send_raw("12345678", 8, IPC_MAX_FDS + 1);
	assert_int_equal(ipc_recv(link_fds[1], &in, space), IPC_END);
	send_raw("12345678", 8, 2 * IPC_MAX_FDS);
	assert_int_equal(ipc_recv(link_fds[1], &in, space), IPC_END);
}

#define IPC_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IPC_TEST(a_pair_is_non_blocking_and_close_on_exec),
		IPC_TEST(messages_keep_their_borders),
		IPC_TEST(the_longest_body_passes),
		IPC_TEST(descriptors_travel),
		IPC_TEST(the_end_is_told),
		IPC_TEST(a_full_link_is_eagain),
		IPC_TEST(nonsense_is_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
