/* test_master_listen.c -- the table of listening sockets, and their life in a folder of the test's own. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "src/base/fd.h"
#include "src/master/master_listen.h"

static char folder[64];
static char path[96];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/weir-listen-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/www.sock", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static struct master_listen_want want_of(const char *listen)
{
	return (struct master_listen_want){
		.listen = listen, .backlog = -1, .uid = (uid_t)-1, .gid = (gid_t)-1, .mode = 0660,
	};
}

static struct master_listener *hold(struct master_listeners *all, const char *listen, enum master_listen_how want)
{
	struct master_listen_want w = want_of(listen);
	enum master_listen_how how;
	struct err err = { "" };
	struct master_listener *l = master_listen_hold(all, &w, &how, &err);

	if (!l)
		fail_msg("%s: %s", listen, err.text);
	assert_int_equal(how, want);
	return l;
}

static void refused(struct master_listeners *all, const char *listen, const char *why)
{
	struct master_listen_want w = want_of(listen);
	enum master_listen_how how;
	size_t before = all->count;
	struct err err;

	assert_null(master_listen_hold(all, &w, &how, &err));
	if (!strstr(err.text, why))
		fail_msg("%s was refused with '%s'", listen, err.text);
	assert_int_equal(all->count, before);
}

static int connect_to(const char *where)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int rc, fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", where);
	rc = connect(fd, (struct sockaddr *)&sun, sizeof(sun));
	if (rc < 0)
		fd_close(&fd);
	return fd;
}

static void one_address_is_one_socket(void **state)
{
	struct master_listeners all = { 0 };
	struct master_listener *a = hold(&all, path, MASTER_LISTEN_OPENED);
	struct master_listener *b = hold(&all, path, MASTER_LISTEN_KEPT);
	int fd;
	(void)state;

	assert_ptr_equal(a, b);
	assert_int_equal(a->refs, 2);
	assert_ptr_equal(master_listen_find(&all, path), a);
	master_listen_drop(&all, &b);
	assert_null(b);
	fd = connect_to(path);
	assert_true(fd >= 0);
	assert_true(master_listen_waiting(a));
	fd_close(&fd);
	master_listen_drop(&all, &a);
	assert_int_equal(all.count, 0);
	assert_int_equal(access(path, F_OK), -1);
}

static void rights_are_as_asked_at_once_and_on_a_reload(void **state)
{
	struct master_listeners all = { 0 };
	struct master_listener *l = hold(&all, path, MASTER_LISTEN_OPENED);
	struct master_listen_want w = want_of(path);
	struct stat st;
	struct err err;
	(void)state;

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_true(fcntl(l->fd, F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(l->fd, F_GETFL) & O_NONBLOCK);
	w.mode = 0600;
	w.uid = geteuid();
	assert_int_equal(master_listen_apply(l, &w, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	master_listen_drop(&all, &l);
}

static void a_live_server_keeps_its_path_and_a_stale_one_is_replaced(void **state)
{
	struct master_listeners one = { 0 }, two = { 0 };
	struct master_listener *a = hold(&one, path, MASTER_LISTEN_OPENED), *b;
	(void)state;

	refused(&two, path, "Another FPM instance seems to already listen on");
	assert_int_equal(shutdown(a->fd, SHUT_RDWR), 0);        /* as after kill -9: nobody listens, the path stays */
	b = hold(&two, path, MASTER_LISTEN_OPENED);
	master_listen_drop(&one, &a);   /* the path is another socket's by now */
	assert_int_equal(access(path, F_OK), 0);
	master_listen_drop(&two, &b);
	assert_int_equal(access(path, F_OK), -1);
}

static void a_lost_path_is_bound_again(void **state)
{
	struct master_listeners all = { 0 };
	struct master_listener *a = hold(&all, path, MASTER_LISTEN_OPENED), *b;
	(void)state;

	assert_int_equal(unlink(path), 0);
	b = hold(&all, path, MASTER_LISTEN_OPENED);
	assert_ptr_not_equal(a, b);
	assert_ptr_equal(master_listen_find(&all, path), b);
	master_listen_drop(&all, &a);
	assert_int_equal(access(path, F_OK), 0);
	master_listen_drop(&all, &b);
}

static void a_file_and_a_missing_folder_are_refused(void **state)
{
	struct master_listeners all = { 0 };
	char missing[128];
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	(void)state;

	assert_true(fd >= 0);
	fd_close(&fd);
	refused(&all, path, "is no socket");
	assert_int_equal(unlink(path), 0);
	snprintf(missing, sizeof(missing), "%s/none/x.sock", folder);
	refused(&all, missing, "/none' cannot be used");
}

/* The kernel names a free port. */
static unsigned free_port(int family)
{
	struct sockaddr_in6 any = { .sin6_family = (sa_family_t)family };
	socklen_t len = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(any);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&any, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &len), 0);
	fd_close(&fd);
	return ntohs(any.sin6_port);            /* in the same place for IPv4 */
}

static void two_spellings_of_one_tcp_address_are_one(void **state)
{
	struct master_listeners all = { 0 };
	struct master_listener *a, *b;
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	char listen_at[64];
	unsigned port = free_port(AF_INET);
	(void)state;

	snprintf(listen_at, sizeof(listen_at), "127.0.0.1:%u", port);
	a = hold(&all, listen_at, MASTER_LISTEN_OPENED);
	assert_int_equal(getsockname(a->fd, (struct sockaddr *)&sa, &len), 0);
	assert_string_equal(a->key, listen_at);
	snprintf(listen_at, sizeof(listen_at), "[127.0.0.1]:%u", port);
	b = hold(&all, listen_at, MASTER_LISTEN_KEPT);
	assert_ptr_equal(a, b);
	master_listen_drop(&all, &a);
	master_listen_drop(&all, &b);
	assert_null(all.at);
}

static int tcp_client(const struct sockaddr_storage *sa, socklen_t len)
{
	int fd = socket(sa->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	connect(fd, (const struct sockaddr *)sa, len);
	return fd;
}

static void a_tcp_socket_can_be_closed_to_newcomers(int family, const char *address)
{
	char listen_at[64];
	struct master_listeners all = { 0 };
	struct master_listener *l;
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	int waits, late, taken;

	snprintf(listen_at, sizeof(listen_at), "%s:%u", address, free_port(family));
	l = hold(&all, listen_at, MASTER_LISTEN_OPENED);
	assert_int_equal(getsockname(l->fd, (struct sockaddr *)&sa, &len), 0);
	waits = tcp_client(&sa, len);
	assert_true(master_listen_waiting(l));
	master_listen_unlink(l);
	late = tcp_client(&sa, len);
	taken = accept(l->fd, NULL, NULL);
	assert_true(taken >= 0);
	assert_int_equal(write(taken, "x", 1), 1);
	assert_int_equal(read(waits, &(char){ 0 }, 1), 1);
	assert_int_equal(accept(l->fd, NULL, NULL), -1);
	fd_close(&taken);
	fd_close(&late);
	fd_close(&waits);
	master_listen_drop(&all, &l);
}

static void tcp_sockets_can_be_closed_to_newcomers(void **state)
{
	(void)state;
	a_tcp_socket_can_be_closed_to_newcomers(AF_INET, "127.0.0.1");
	a_tcp_socket_can_be_closed_to_newcomers(AF_INET6, "[::1]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_address_is_one_socket),
		cmocka_unit_test(rights_are_as_asked_at_once_and_on_a_reload),
		cmocka_unit_test(a_live_server_keeps_its_path_and_a_stale_one_is_replaced),
		cmocka_unit_test(a_lost_path_is_bound_again),
		cmocka_unit_test(a_file_and_a_missing_folder_are_refused),
		cmocka_unit_test(two_spellings_of_one_tcp_address_are_one),
		cmocka_unit_test(tcp_sockets_can_be_closed_to_newcomers),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
