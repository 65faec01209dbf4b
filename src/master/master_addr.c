/* master_addr.c -- the value of listen as php-fpm reads it, and addresses as text. Master only; pure.
 * Nothing is cut: what does not fit a socket address is refused. */
#include "src/master/master_addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include "src/base/mem.h"

#define UNIX_MOST (sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1)

static int addr_port(const char *text, uint16_t *port_out, struct err *err)
{
	size_t digits = strspn(text, "0123456789");
	unsigned long port = strtoul(text, NULL, 10);

	if (digits == 0 || text[digits] || digits > 5 || port < 1 || port > UINT16_MAX)
		return err_set(err, "invalid port value '%s': it must lie between 1 and 65535", text);
	*port_out = (uint16_t)port;
	return 0;
}

static int addr_unix(const char *name, enum master_addr_kind kind, struct master_addr *a, struct err *err)
{
	size_t len = strlen(name);

	if (len == 0)
		return err_set(err, "a name must follow the @");
	if (len > UNIX_MOST)
		return err_set(err, "the socket's path has %zu bytes; the system allows %zu", len, UNIX_MOST);
	a->kind = kind;
	memcpy(a->name, name, len + 1);
	return 0;
}

static int addr_tcp(const char *listen, struct master_addr *a, struct err *err)
{
	const char *colon = strrchr(listen, ':');
	size_t len = (size_t)(colon - listen);

	if (len >= 2 && listen[0] == '[' && listen[len - 1] == ']') {
		listen++;
		len -= 2;
	}
	if (len == 0)
		return err_set(err, "no host stands before the ':' (the port alone means every address)");
	if (len >= sizeof(a->name))
		return err_set(err, "the host's name has %zu bytes; at most %zu are possible", len,
			       sizeof(a->name) - 1);
	a->kind = MASTER_ADDR_TCP;
	memcpy(a->name, listen, len);
	return addr_port(colon + 1, &a->port, err);
}

int master_addr_parse(const char *listen, struct master_addr *addr_out, struct err *err)
{
	*addr_out = (struct master_addr){ 0 };
	if (!*listen)
		return err_set(err, "it is empty");
	if (listen[0] == '@')
		return addr_unix(listen + 1, MASTER_ADDR_ABSTRACT, addr_out, err);
	if (listen[strspn(listen, "0123456789")] == '\0') {
		addr_out->kind = MASTER_ADDR_PORT;
		return addr_port(listen, &addr_out->port, err);
	}
	if (listen[0] != '/' && strchr(listen, ':'))
		return addr_tcp(listen, addr_out, err);
	return addr_unix(listen, MASTER_ADDR_PATH, addr_out, err);
}

void master_addr_key(const struct sockaddr_storage *sa, socklen_t len, char *out, size_t size)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;
	const struct sockaddr_un *un = (const struct sockaddr_un *)sa;
	char text[INET6_ADDRSTRLEN];

	switch (sa->ss_family) {
	case AF_INET:
		inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
		snprintf(out, size, "%s:%u", text, ntohs(v4->sin_port));
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
		snprintf(out, size, "[%s]:%u", text, ntohs(v6->sin6_port));
		break;
	default:
		BUG_IF(sa->ss_family != AF_UNIX);
		len -= (socklen_t)offsetof(struct sockaddr_un, sun_path);
		if (un->sun_path[0])
			snprintf(out, size, "%s", un->sun_path);
		else
			snprintf(out, size, "@%.*s", (int)len - 1, un->sun_path + 1);
	}
}

void master_addr_unix(const struct master_addr *addr, struct sockaddr_storage *sa_out, socklen_t *len_out)
{
	struct sockaddr_un *un = (struct sockaddr_un *)sa_out;
	size_t len = strlen(addr->name);

	BUG_IF(addr->kind != MASTER_ADDR_PATH && addr->kind != MASTER_ADDR_ABSTRACT);
	BUG_IF(len > UNIX_MOST);
	*sa_out = (struct sockaddr_storage){ .ss_family = AF_UNIX };
	/* A path ends with a NUL; an abstract name begins with one and ends where the length says. */
	memcpy(un->sun_path + (addr->kind == MASTER_ADDR_ABSTRACT), addr->name, len);
	*len_out = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
}
