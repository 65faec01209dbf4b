/* master_bind.c -- opens one listening socket. Master only, as root where it is root.
 * Refuses to take a path from a live server or from a file that is no socket. Nobody can connect before owner and mode
 * are as asked: the path is born without any right and gets them through a descriptor of its own, so that a path
 * that is swapped meanwhile gains nothing. */
#include "src/master/master_bind.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/master/master_acl.h"
#include "src/master/master_addr.h"

#define IN_USE_TRIES   10
#define IN_USE_WAIT_MS 100

static int bind_resolve_host(const struct master_addr *a, struct master_bind_addr *out, struct err *err)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *list;
	char port[8];
	int rc;

	snprintf(port, sizeof(port), "%u", a->port);
	rc = getaddrinfo(a->name, port, &hints, &list);
	if (rc != 0)
		return err_set(err, "cannot resolve host name '%s' of listen = %s: %s", a->name, out->listen,
			       rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
	memcpy(&out->sa, list->ai_addr, list->ai_addrlen);
	out->len = list->ai_addrlen;
	freeaddrinfo(list);
	return 0;
}

static void bind_any(uint16_t port, int family, struct master_bind_addr *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&out->sa;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out->sa;

	out->sa = (struct sockaddr_storage){ .ss_family = (sa_family_t)family };
	out->any = true;
	if (family == AF_INET6) {
		v6->sin6_addr = in6addr_any;
		v6->sin6_port = htons(port);
		out->len = sizeof(*v6);
	} else {
		v4->sin_addr.s_addr = htonl(INADDR_ANY);
		v4->sin_port = htons(port);
		out->len = sizeof(*v4);
	}
}

int master_bind_resolve(const char *listen, struct master_bind_addr *addr_out, struct err *err)
{
	struct master_addr a;
	struct err why;
	char key[256];

	*addr_out = (struct master_bind_addr){ .listen = listen };
	if (master_addr_parse(listen, &a, &why) < 0)
		return err_set(err, "listen = %s: %s", listen, why.text);
	if (a.kind == MASTER_ADDR_TCP && bind_resolve_host(&a, addr_out, err) < 0)
		return -1;
	if (a.kind == MASTER_ADDR_PORT)
		bind_any(a.port, AF_INET6, addr_out);
	if (a.kind == MASTER_ADDR_PATH || a.kind == MASTER_ADDR_ABSTRACT)
		master_addr_unix(&a, &addr_out->sa, &addr_out->len);
	master_addr_key(&addr_out->sa, addr_out->len, key, sizeof(key));
	addr_out->key = xstrdup(key);
	if (a.kind == MASTER_ADDR_PATH)
		addr_out->path = xstrdup(a.name);
	return 0;
}

void master_bind_addr_free(struct master_bind_addr *addr)
{
	free(addr->key);
	free(addr->path);
	*addr = (struct master_bind_addr){ 0 };
}

int master_bind_folder(const char *path, struct err *err)
{
	char *copy = xstrdup(path), *folder = dirname(copy);
	struct stat st;
	int rc = 0;

	if (stat(folder, &st) < 0)
		rc = err_set(err, "unable to bind listening socket for address '%s': %s (%d): its folder '%s' cannot be used",
			     path, strerror(errno), errno, folder);
	else if (!S_ISDIR(st.st_mode))
		rc = err_set(err, "unable to bind listening socket for address '%s': '%s' is no folder", path, folder);
	free(copy);
	return rc;
}

/* 0: nobody is there. */
static int bind_probe(const struct master_bind_addr *addr, struct err *err)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc, why;

	if (fd < 0)
		return err_sys(err, "cannot open a socket for '%s'", addr->listen);
	rc = connect(fd, (const struct sockaddr *)&addr->sa, addr->len);
	why = errno;
	fd_close(&fd);
	if (rc == 0 || why == EAGAIN) {         /* EAGAIN: it listens, and its queue is full */
		err_set(err, "Another FPM instance seems to already listen on %s", addr->listen);
		errno = EADDRINUSE;
		return -1;
	}
	if (why == ECONNREFUSED || why == ENOENT)
		return 0;
	errno = why;
	return err_sys(err, "cannot find out whether '%s' is in use", addr->listen);
}

static int bind_clear_path(const struct master_bind_addr *addr, struct err *err)
{
	struct stat st;

	if (master_bind_folder(addr->path, err) < 0)
		return -1;
	if (lstat(addr->path, &st) < 0)
		return errno == ENOENT ? 0 : err_sys(err, "cannot look at '%s'", addr->path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, "'%s' exists and is no socket: remove it or choose another path", addr->path);
	if (bind_probe(addr, err) < 0)
		return -1;
	if (unlink(addr->path) < 0 && errno != ENOENT)
		return err_sys(err, "cannot remove the stale socket '%s'", addr->path);
	return 0;
}

static int bind_rights_checked(int fd, const char *path, const struct master_listen_want *want, struct err *err)
{
	char proc[64];
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode))
		return err_set(err, "'%s' is not the socket that was made there: somebody else writes to that folder",
			       path);
	if ((want->uid != (uid_t)-1 || want->gid != (gid_t)-1) &&
	    fchownat(fd, "", want->uid, want->gid, AT_EMPTY_PATH) < 0)
		return err_sys(err, "cannot give the socket '%s' to uid %d, gid %d (listen.owner, listen.group)", path,
			       (int)want->uid, (int)want->gid);
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	if (chmod(proc, want->mode) < 0)
		return err_sys(err, "cannot set the mode of the socket '%s' to %04o (listen.mode)", path, want->mode);
	if (master_acl_apply(proc, path, want, err) < 0)
		return -1;
	/* With a list the group's bits of the mode are its mask. */
	if (want->acl_count > 0)
		return 0;
	if (fstat(fd, &st) < 0 || (st.st_mode & 07777) != want->mode ||
	    (want->uid != (uid_t)-1 && st.st_uid != want->uid) || (want->gid != (gid_t)-1 && st.st_gid != want->gid))
		return err_set(err, "the file system did not accept owner, group or mode of the socket '%s': choose "
			       "another folder for listen", path);
	return 0;
}

int master_bind_rights(const char *path, const struct master_listen_want *want, struct err *err)
{
	int rc, fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "cannot open the socket '%s' to set its owner and mode", path);
	rc = bind_rights_checked(fd, path, want, err);
	fd_close(&fd);
	return rc;
}

int master_bind_listen(int fd, const struct master_listen_want *want, struct err *err)
{
	int backlog = want->backlog < 0 ? SOMAXCONN : want->backlog;

	if (listen(fd, backlog) < 0)
		return err_sys(err, "cannot listen on '%s'", want->listen);
	return 0;
}

static int bind_failed(const struct master_bind_addr *addr, struct err *err)
{
	int why = errno;

	/* The number is php-fpm's, and what people search for. */
	return err_set(err, "unable to bind listening socket for address '%s': %s (%d)", addr->listen,
		       strerror(why), why);
}

static int bind_socket(const struct master_bind_addr *addr)
{
	int on = 1, fd = socket(addr->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || addr->sa.ss_family == AF_UNIX)
		return fd;
	/* Accepted connections inherit TCP_NODELAY: one system call less for each of them. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
		fd_close(&fd);
	return fd;
}

static int bind_here(const struct master_bind_addr *addr, struct err *err)
{
	mode_t mask = umask(0777);
	int rc, fd = bind_socket(addr);

	rc = fd < 0 ? -1 : bind(fd, (const struct sockaddr *)&addr->sa, addr->len);
	if (rc < 0) {
		rc = errno;
		bind_failed(addr, err);
		fd_close(&fd);
		errno = rc;
	}
	umask(mask);
	return fd;
}

static int bind_unix(const struct master_bind_addr *addr, const struct master_listen_want *want, struct err *err)
{
	int fd;

	if (addr->path && bind_clear_path(addr, err) < 0)
		return -1;
	/* A live abstract socket makes bind fail by itself; the probe gives the clearer sentence. */
	if (!addr->path && bind_probe(addr, err) < 0)
		return -1;
	fd = bind_here(addr, err);
	if (fd < 0 || !addr->path)
		return fd;
	if (master_bind_rights(addr->path, want, err) < 0) {
		fd_close(&fd);
		unlink(addr->path);
	}
	return fd;
}

static int bind_tcp(const struct master_bind_addr *addr, struct err *err)
{
	struct master_bind_addr v4 = { .listen = addr->listen };
	int fd;

	fd = bind_here(addr, err);
	if (fd >= 0 || !addr->any || errno == EADDRINUSE)
		return fd;
	log_notice("Failed implicitly binding to ::, retrying with 0.0.0.0");
	bind_any(ntohs(((const struct sockaddr_in6 *)&addr->sa)->sin6_port), AF_INET, &v4);
	return bind_here(&v4, err);
}

static int bind_once(const struct master_bind_addr *addr, const struct master_listen_want *want, struct err *err)
{
	errno = 0;
	return addr->sa.ss_family == AF_UNIX ? bind_unix(addr, want, err) : bind_tcp(addr, err);
}

int master_bind_open(const struct master_bind_addr *addr, const struct master_listen_want *want, struct err *err)
{
	int fd, tries = 0;

	/* A master that was killed lets go of its sockets as soon as its pool processes and children notice. */
	while ((fd = bind_once(addr, want, err)) < 0 && errno == EADDRINUSE && ++tries < IN_USE_TRIES)
		poll(NULL, 0, IN_USE_WAIT_MS);
	if (fd < 0 || master_bind_listen(fd, want, err) == 0)
		return fd;
	fd_close(&fd);
	if (addr->path)
		unlink(addr->path);
	return -1;
}
