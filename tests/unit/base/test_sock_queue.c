/* test_sock_queue.c -- the length of a listening socket's queue, exact, on each kind of socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "src/base/fd.h"
#include "src/base/sock_queue.h"

#define BACKLOG 9

static void check(const struct sockaddr *sa, socklen_t len)
{
	struct sockaddr_storage where;
	socklen_t where_len = sizeof(where);
	struct sock_queue queue;
	int at = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), peers[5], taken;

	assert_int_equal(bind(at, sa, len), 0);
	assert_int_equal(listen(at, BACKLOG), 0);
	assert_int_equal(getsockname(at, (struct sockaddr *)&where, &where_len), 0);
	assert_int_equal(sock_queue(at, &queue), 0);
	assert_int_equal(queue.waiting, 0);
	assert_int_equal(queue.limit, BACKLOG);
	for (size_t i = 0; i < 5; i++) {
		peers[i] = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(peers[i], (struct sockaddr *)&where, where_len), 0);
		assert_int_equal(sock_queue(at, &queue), 0);
		assert_int_equal(queue.waiting, i + 1);
	}
	taken = accept(at, NULL, NULL);
	assert_int_equal(sock_queue(at, &queue), 0);
	assert_int_equal(queue.waiting, 4);
	fd_close(&taken);
	for (size_t i = 0; i < 5; i++)
		fd_close(&peers[i]);
	fd_close(&at);
}

static void tcp(void **state)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };

	(void)state;
	check((struct sockaddr *)&v4, sizeof(v4));
	check((struct sockaddr *)&v6, sizeof(v6));
}

static void unix_sockets(void **state)
{
	struct sockaddr_un path = { .sun_family = AF_UNIX }, name = { .sun_family = AF_UNIX };
	char folder[] = "/tmp/weir-queue-XXXXXX";

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path.sun_path, sizeof(path.sun_path), "%s/s", folder);
	check((struct sockaddr *)&path, sizeof(path));
	assert_int_equal(unlink(path.sun_path), 0);
	assert_int_equal(rmdir(folder), 0);
	snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "weir-queue-%d", (int)getpid());
	check((struct sockaddr *)&name, (socklen_t)(sizeof(sa_family_t) + 1 + strlen(name.sun_path + 1)));
}

static void no_socket(void **state)
{
	struct sock_queue queue;

	(void)state;
	assert_int_equal(sock_queue(0, &queue), -1);
	assert_int_equal(sock_queue(-1, &queue), -1);
	assert_int_equal(errno, EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp),
		cmocka_unit_test(unix_sockets),
		cmocka_unit_test(no_socket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
