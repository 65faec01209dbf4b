/* master_listen.c -- the table of listening sockets and their life in the file system. Master only.
 * Unlinks a path only when it is the very socket that was bound there: a path that somebody replaced is theirs. So are
 * the sockets of a service manager, which go on without us.
 * How a socket is bound stands in master_bind.c. */
#include "src/master/master_listen.h"

#include <errno.h>
#include <limits.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/master/master_bind.h"

struct master_listener *master_listen_find(const struct master_listeners *all, const char *key)
{
	for (size_t i = 0; i < all->count; i++)
		if (!all->at[i]->lost && strcmp(all->at[i]->key, key) == 0)
			return all->at[i];
	return NULL;
}

void master_listen_insert(struct master_listeners *all, struct master_listener *l)
{
	all->at = xrealloc(all->at, (all->count + 1) * sizeof(struct master_listener *));
	all->at[all->count++] = l;
}

static void listen_remove(struct master_listeners *all, const struct master_listener *l)
{
	for (size_t i = 0; i < all->count; i++) {
		if (all->at[i] != l)
			continue;
		all->at[i] = all->at[--all->count];
		break;
	}
	if (all->count == 0) {
		free(all->at);
		all->at = NULL;
	}
}

static bool listen_path_is_ours(const struct master_listener *l)
{
	struct stat st;

	return l->linked && lstat(l->path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino;
}

static void listen_free(struct master_listener *l)
{
	fd_close(&l->fd);
	free(l->key);
	free(l->path);
	free(l->name);
	free(l);
}

static void listen_know_path(struct master_listener *l)
{
	struct stat st;

	if (!l->path || lstat(l->path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return;
	l->linked = true;
	l->dev = st.st_dev;
	l->ino = st.st_ino;
}

static struct master_listener *listen_open(const struct master_bind_addr *addr, const struct master_listen_want *want,
					   struct err *err)
{
	struct master_listener *l = xcalloc(1, sizeof(*l));

	l->key = xstrdup(addr->key);
	if (addr->path)
		l->path = xstrdup(addr->path);
	l->fd = master_bind_open(addr, want, err);
	if (l->fd >= 0)
		listen_know_path(l);
	if (l->fd < 0) {
		listen_free(l);
		return NULL;
	}
	return l;
}

/* The same socket under another spelling of its path, as /var/run for /run. */
static struct master_listener *listen_find_path(const struct master_listeners *all, const char *path)
{
	struct stat st;

	if (!path || lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return NULL;
	for (size_t i = 0; i < all->count; i++) {
		struct master_listener *l = all->at[i];

		if (!l->lost && l->linked && l->dev == st.st_dev && l->ino == st.st_ino)
			return l;
	}
	return NULL;
}

static struct master_listener *listen_find_name(const struct master_listeners *all,
						const struct master_listen_want *want)
{
	for (size_t i = 0; want->name && i < all->count; i++) {
		struct master_listener *l = all->at[i];

		if (!l->foreign || !l->name || strcmp(l->name, want->name) != 0)
			continue;
		log_notice("[pool %s] listen = %s: the socket that was passed in with the pool's name is served instead: %s",
			   want->name, want->listen, l->key);
		return l;
	}
	return NULL;
}

/* Of a port on every address, without IPv6. */
static struct master_listener *listen_find_any(const struct master_listeners *all, const struct master_bind_addr *addr)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&addr->sa;
	char key[32];

	if (!addr->any)
		return NULL;
	snprintf(key, sizeof(key), "0.0.0.0:%u", ntohs(v6->sin6_port));
	return master_listen_find(all, key);
}

static struct master_listener *listen_find(const struct master_listeners *all, const struct master_bind_addr *addr,
					   const struct master_listen_want *want)
{
	struct master_listener *l = master_listen_find(all, addr->key);

	if (!l)
		l = listen_find_path(all, addr->path);
	if (!l)
		l = listen_find_any(all, addr);
	return l ? l : listen_find_name(all, want);
}

/* Somebody removed or replaced the path: the old socket can be reached by nobody. A foreign one's may lie where we
 * cannot see it. */
static bool listen_is_lost(const struct master_listener *l)
{
	return l->path && !l->foreign && !listen_path_is_ours(l);
}

struct master_listener *master_listen_hold(struct master_listeners *all, const struct master_listen_want *want,
					   enum master_listen_how *how_out, struct err *err)
{
	struct master_bind_addr addr;
	struct master_listener *l;

	if (master_bind_resolve(want->listen, &addr, err) < 0)
		return NULL;
	l = listen_find(all, &addr, want);
	if (l && listen_is_lost(l)) {
		l->lost = true;
		l = NULL;
	}
	*how_out = l ? MASTER_LISTEN_KEPT : MASTER_LISTEN_OPENED;
	if (!l) {
		l = listen_open(&addr, want, err);
		if (l)
			master_listen_insert(all, l);
	}
	master_bind_addr_free(&addr);
	if (l)
		l->refs++;
	return l;
}

struct master_listener *master_listen_adopt(struct master_listeners *all, const char *key, const char *path, int fd)
{
	struct master_listener *l = xcalloc(1, sizeof(*l));

	l->key = xstrdup(key);
	if (path)
		l->path = xstrdup(path);
	l->fd = fd;
	l->refs = 1;
	listen_know_path(l);
	master_listen_insert(all, l);
	return l;
}

int master_listen_apply(struct master_listener *l, const struct master_listen_want *want, struct err *err)
{
	if (l->foreign)
		return 0;
	if (master_bind_listen(l->fd, want, err) < 0)
		return -1;
	return l->path && l->linked ? master_bind_rights(l->path, want, err) : 0;
}

int master_listen_check(const struct master_listen_want *want, struct err *err)
{
	struct master_bind_addr addr;
	int rc;

	if (master_bind_resolve(want->listen, &addr, err) < 0)
		return -1;
	rc = addr.path ? master_bind_folder(addr.path, err) : 0;
	master_bind_addr_free(&addr);
	return rc;
}

void master_listen_drop(struct master_listeners *all, struct master_listener **l)
{
	struct master_listener *gone = *l;

	*l = NULL;
	if (!gone)
		return;
	BUG_IF(gone->refs == 0);
	if (--gone->refs > 0)
		return;
	master_listen_unlink(gone);
	listen_remove(all, gone);
	listen_free(gone);
}

/* What asks for a new connection is dropped, and its peer asks again until the socket has gone. Linux asks
 * CAP_NET_ADMIN for it on some versions. */
static int listen_filter_all(int fd)
{
	struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog all = { .len = 1, .filter = &drop };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &all, sizeof(all));
}

/* Bound to an interface that does not exist the socket is found by nobody any more: its peers are refused. Any user
 * may do that to a socket that is bound to none (Linux 5.7). */
static int listen_bind_nowhere(int fd)
{
	const int nowhere = INT_MAX;

	return setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &nowhere, sizeof(nowhere));
}

/* There is no path to take away. Those that wait already are not touched. An abstract socket only gets a backlog of
 * one. */
static void listen_drop_new(int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return;
	if (sa.ss_family == AF_UNIX)
		listen(fd, 0);
	else if (listen_filter_all(fd) < 0 && listen_bind_nowhere(fd) < 0)
		log_warning("a socket cannot be closed to new connections (%s): under load the end takes its whole time",
			    strerror(errno));
}

void master_listen_unlink(struct master_listener *l)
{
	if (l->foreign)
		return;
	if (listen_path_is_ours(l))
		unlink(l->path);
	else if (!l->path)
		listen_drop_new(l->fd);
	l->linked = false;
}

bool master_listen_waiting(const struct master_listener *l)
{
	struct pollfd p = { .fd = l->fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0 && (p.revents & POLLIN);
}
