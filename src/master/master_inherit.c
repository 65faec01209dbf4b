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

static bool inherit_listens(int fd)
{
	int type = 0, listens = 0;
	socklen_t len = sizeof(int);

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

static void inherit_add(struct master_listeners *all, struct master_inherited *out, int fd)
{
	struct sockaddr_storage sa = { 0 };
	const struct sockaddr_un *un = (const struct sockaddr_un *)&sa;
	socklen_t len = sizeof(sa);
	char key[256];

	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return;
	inherit_flags(fd, sa.ss_family);
	master_addr_key(&sa, len, key, sizeof(key));
	out->at = xrealloc(out->at, (out->count + 1) * sizeof(struct master_listener *));
	out->at[out->count++] = master_listen_adopt(all, key, sa.ss_family == AF_UNIX && un->sun_path[0] == '/'
						    ? un->sun_path : NULL, fd);
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

void master_inherit(struct master_listeners *all, struct master_inherited *out)
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

void master_inherit_end(struct master_listeners *all, struct master_inherited *in)
{
	for (size_t i = 0; i < in->count; i++)
		master_listen_drop(all, &in->at[i]);
	free(in->at);
	*in = (struct master_inherited){ 0 };
}
