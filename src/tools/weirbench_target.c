/* weirbench_target.c -- the address that weirbench sends its load to.
 * Turns what the user wrote into a socket address, and a failed connect into a sentence that says what to do.
 * It never connects by itself. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include "src/base/mem.h"
#include "src/tools/weirbench_target.h"

static int set_unix(const char *path, struct target *t, struct err *err)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&t->addr;
	size_t len = strlen(path);

	if (len == 0 || (len == 1 && path[0] == '@'))
		return err_set(err, "the target names no socket: write unix:/path or @name");
	if (len >= sizeof(un->sun_path))
		return err_set(err, "the socket's path has %zu bytes; Unix sockets allow %zu: %s",
		    len, sizeof(un->sun_path) - 1, path);
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, len);
	t->addr_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
	if (path[0] == '@') {                   /* abstract: a leading NUL, and no NUL behind */
		un->sun_path[0] = '\0';
		t->addr_len--;
	}
	snprintf(t->name, sizeof(t->name), "unix:%s", path);
	return 0;
}

static int set_tcp(const char *host, const char *port, struct target *t, struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
	int rc = getaddrinfo(host, port, &hints, &list);

	if (rc != 0)
		return err_set(err, "no address for host \"%s\", port \"%s\": %s", host, port,
		    gai_strerror(rc));
	memcpy(&t->addr, list->ai_addr, list->ai_addrlen);
	t->addr_len = list->ai_addrlen;
	freeaddrinfo(list);
	snprintf(t->name, sizeof(t->name), strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
	return 0;
}

int target_parse(const char *text, struct target *t, struct err *err)
{
	char host[200];
	const char *colon = strrchr(text, ':');
	size_t len;

	memset(t, 0, sizeof(*t));
	if (strncmp(text, "unix:", 5) == 0)
		return set_unix(text + 5, t, err);
	if (text[0] == '@' || strchr(text, '/'))
		return set_unix(text, t, err);
	if (text[0] != '\0' && text[strspn(text, "0123456789")] == '\0')
		return set_tcp("127.0.0.1", text, t, err);
	if (!colon || colon == text || colon[1] == '\0')
		return err_set(err, "\"%s\" is not a target: unix:/path, /path, @name, host:port or a port",
		    text);
	len = (size_t)(colon - text);
	if (text[0] == '[' && colon[-1] == ']') {
		text++;
		len -= 2;
	}
	if (len == 0 || len >= sizeof(host))
		return err_set(err, "the host in target \"%s\" is empty or too long", text);
	memcpy(host, text, len);
	host[len] = '\0';
	return set_tcp(host, colon + 1, t, err);
}

int target_socket(const struct target *t)
{
	int family = t->addr.ss_family, one = 1;
	int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0 && family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static const char *advice(const struct target *t, int error)
{
	int is_unix = t->addr.ss_family == AF_UNIX;

	switch (error) {
	case ENOENT:
		return "there is no such socket; start the server, or give the path of its pool's listen key";
	case ENOTSOCK:
	case ECONNREFUSED:
		return is_unix ? "nobody listens on it; start the server (the file may be an earlier one's)"
		    : "nobody listens there; start the server, or give the port of its pool's listen key";
	case EACCES:
	case EPERM:
		return "no permission; run as a user whom listen.owner, listen.group and listen.mode admit";
	case EAGAIN:
		return "the backlog is full; see listen.backlog and net.core.somaxconn, or use --retry-full";
	case EADDRNOTAVAIL:
		return "no local port is free; keep connections (-k), or use a Unix socket";
	case EMFILE:
		return "too many open files; raise the limit (ulimit -n)";
	case EPROTOTYPE:
		return "it is not a stream socket";
	default:
		return NULL;
	}
}

void target_explain(const struct target *t, int error, struct err *err)
{
	const char *what = advice(t, error);

	if (what)
		err_set(err, "cannot connect to %s: %s", t->name, what);
	else
		err_set(err, "cannot connect to %s: %s", t->name, strerror(error));
}
