/* master_inherit.c -- takes over sockets by descriptor. Master only. The address in the variable is for people: what
 * counts is what the kernel says of the descriptor. */
#include "src/master/master_inherit.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/master/master_addr.h"

#define INHERIT_NAME "FPM_SOCKETS"
#define INHERIT_MOST 256                /* variables, as php-fpm */
#define LENT_FIRST   3                  /* SD_LISTEN_FDS_START */
#define LENT_MOST    4096

static bool inherit_listens(int fd)
{
	int domain = 0, type = 0, listens = 0;
	socklen_t len = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0 ||
	    (domain != AF_UNIX && domain != AF_INET && domain != AF_INET6))
		return false;
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_STREAM)
		return false;
	len = sizeof(int);
	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens;
}

/* As bind_socket() makes them. */
static void inherit_flags(int fd, int family)
{
	int on = 1;

	fcntl(fd, F_SETFD, FD_CLOEXEC);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	if (family != AF_UNIX)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static struct master_listener *inherit_add(struct master_listeners *all, struct master_inherited *out, int fd)
{
	struct sockaddr_storage sa = { 0 };
	const struct sockaddr_un *un = (const struct sockaddr_un *)&sa;
	socklen_t len = sizeof(sa);
	char key[256];

	BUG_IF(getsockname(fd, (struct sockaddr *)&sa, &len) < 0);
	inherit_flags(fd, sa.ss_family);
	master_addr_key(&sa, len, key, sizeof(key));
	out->at = xrealloc(out->at, (out->count + 1) * sizeof(struct master_listener *));
	out->at[out->count++] = master_listen_adopt(all, key, sa.ss_family == AF_UNIX && un->sun_path[0] == '/'
						    ? un->sun_path : NULL, fd);
	return out->at[out->count - 1];
}

static void inherit_pair(struct master_listeners *all, struct master_inherited *out, char *pair)
{
	char *equals = strrchr(pair, '='), *end = NULL;
	long fd = equals ? strtol(equals + 1, &end, 10) : -1;

	if (!equals || end == equals + 1 || *end || fd < 3 || fd > 1 << 20 || !inherit_listens((int)fd)) {
		log_warning("FPM_SOCKETS: '%s' names no listening socket: it is left alone", pair);
		return;
	}
	*equals = '\0';
	log_notice("using inherited socket fd=%d, \"%s\"", (int)fd, pair);
	inherit_add(all, out, (int)fd);
}

static void inherit_handed_over(struct master_listeners *all, struct master_inherited *out)
{
	char name[32] = INHERIT_NAME;

	for (int i = 1; i <= INHERIT_MOST; i++) {
		const char *value = getenv(name);
		char *save = NULL, *copy = value ? xstrdup(value) : NULL;

		for (char *pair = copy ? strtok_r(copy, ",", &save) : NULL; pair; pair = strtok_r(NULL, ",", &save))
			inherit_pair(all, out, pair);
		free(copy);
		unsetenv(name);
		if (!value)
			break;
		snprintf(name, sizeof(name), INHERIT_NAME "_%d", i);
	}
}

/* name: NULL for none. */
static void inherit_lent_one(struct master_listeners *all, struct master_inherited *out, int fd, const char *name)
{
	struct master_listener *l;

	if (!inherit_listens(fd)) {
		log_warning("LISTEN_FDS: fd=%d (%s) is no listening stream socket: it is left alone", fd,
			    name ? name : "without a name");
		return;
	}
	l = inherit_add(all, out, fd);
	l->foreign = true;
	l->name = name && *name ? xstrdup(name) : NULL;
	log_notice("using inherited socket fd=%d, \"%s\"", fd, l->key);
}

/* Said to this process? Whoever forks in between, as a shell does without exec, should find out why nothing works. */
static long inherit_lent_count(const char *fds, const char *pid, pid_t first_pid)
{
	char *end;
	long count = strtol(fds, &end, 10);

	if (!pid || strtol(pid, NULL, 10) != (long)first_pid) {
		log_warning("LISTEN_FDS is for process %s (LISTEN_PID), not for %d: its sockets are left alone",
			    pid ? pid : "?", (int)first_pid);
		return 0;
	}
	if (end != fds && !*end && count >= 0 && count <= LENT_MOST)
		return count;
	log_warning("LISTEN_FDS = '%s' is no number of sockets between 0 and %d: they are left alone", fds, LENT_MOST);
	return 0;
}

static void inherit_lent(struct master_listeners *all, struct master_inherited *out, pid_t first_pid)
{
	const char *fds = getenv("LISTEN_FDS"), *names = getenv("LISTEN_FDNAMES");
	long count = fds ? inherit_lent_count(fds, getenv("LISTEN_PID"), first_pid) : 0;
	char *copy = xstrdup(names ? names : ""), *at = copy;

	for (long i = 0; i < count; i++)
		inherit_lent_one(all, out, LENT_FIRST + (int)i, strsep(&at, ":"));
	free(copy);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

void master_inherit(struct master_listeners *all, struct master_inherited *out, pid_t first_pid)
{
	inherit_handed_over(all, out);
	inherit_lent(all, out, first_pid);
}

void master_inherit_settle(struct master_listeners *all, struct master_inherited *in)
{
	size_t kept = 0;

	for (size_t i = 0; i < in->count; i++) {
		struct master_listener *l = in->at[i];

		if (l->foreign && l->refs > 1) {
			in->at[kept++] = l;
			continue;
		}
		if (l->foreign)
			log_notice("inherited socket fd=%d, \"%s\" is wanted by no pool: closed", l->fd, l->key);
		master_listen_drop(all, &l);
	}
	in->count = kept;
}

void master_inherit_end(struct master_listeners *all, struct master_inherited *in)
{
	for (size_t i = 0; i < in->count; i++)
		master_listen_drop(all, &in->at[i]);
	free(in->at);
	*in = (struct master_inherited){ 0 };
}
