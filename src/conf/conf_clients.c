/* conf_clients.c -- listen.allowed_clients: reads the list once, and asks it for each new connection. Read
 * in the master and again from a section's text; asked where connections are accepted. Addresses are
 * compared whole; an IPv4 client that came in through an IPv6 socket is an IPv4 client. Names are refused:
 * asking a name server for each connection would be slow and could be lied to. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "src/base/mem.h"
#include "src/conf/conf_priv.h"

#define V6_BITS 128
#define V4_BITS 32
#define MAPPED_BITS (V6_BITS - V4_BITS) /* of ::ffff:0:0/96 */

/* An IPv4 address that is written as IPv6 becomes IPv4; shorter masks meet IPv6 clients only. */
static void unmap(struct conf_net *net)
{
	struct in6_addr v6;

	memcpy(&v6, net->addr, sizeof(v6));
	if (!net->is_v6 || !IN6_IS_ADDR_V4MAPPED(&v6) || net->bits < MAPPED_BITS)
		return;
	memcpy(net->addr, v6.s6_addr + 12, 4);
	net->is_v6 = false;
	net->bits -= MAPPED_BITS;
}

static int read_bits(const char *text, unsigned most, uint8_t *out)
{
	size_t len = strlen(text);

	if (!len || len > 3 || strspn(text, "0123456789") != len || strtoul(text, NULL, 10) > most)
		return -1;
	*out = (uint8_t)strtoul(text, NULL, 10);
	return 0;
}

static int read_net(char *text, struct conf_net *out)
{
	char *slash = strchr(text, '/');
	unsigned most;

	if (slash)
		*slash++ = '\0';
	*out = (struct conf_net){ 0 };
	if (inet_pton(AF_INET6, text, out->addr) == 1)
		out->is_v6 = true;
	else if (inet_pton(AF_INET, text, out->addr) != 1)
		return -1;
	most = out->is_v6 ? V6_BITS : V4_BITS;
	out->bits = (uint8_t)most;
	if (slash && read_bits(slash, most, &out->bits) < 0)
		return -1;
	unmap(out);
	return 0;
}

static int add_net(struct conf_pool *pool, const char *from, size_t len, struct err *err)
{
	char *text;
	struct conf_net net;
	int failed;

	while (len && strchr(" \t", *from)) {
		from++;
		len--;
	}
	while (len && strchr(" \t", from[len - 1]))
		len--;
	text = xstrndup(from, len);
	failed = read_net(text, &net);
	free(text);
	if (failed)
		return err_set(err, "Wrong IP address '%.*s' in listen.allowed_clients: give addresses such "
			       "as 127.0.0.1, ::1 or 10.0.0.0/8, separated by commas", (int)len, from);
	pool->allowed = xrealloc(pool->allowed, (pool->allowed_count + 1) * sizeof(*pool->allowed));
	pool->allowed[pool->allowed_count++] = net;
	return 0;
}

int conf_clients_read(struct conf_pool *pool, struct err *err)
{
	const char *at = pool->listen_allowed_clients;

	free(pool->allowed);
	pool->allowed = NULL;
	pool->allowed_count = 0;
	while (at && *at) {
		size_t len = strcspn(at, ",");

		if (add_net(pool, at, len, err) < 0)
			return -1;
		at += len + (at[len] == ',');
	}
	return 0;
}

static bool net_holds(const struct conf_net *net, const uint8_t *addr, bool is_v6)
{
	unsigned whole = net->bits / 8, rest = net->bits % 8;

	if (net->is_v6 != is_v6 || memcmp(net->addr, addr, whole))
		return false;
	return !rest || (net->addr[whole] ^ addr[whole]) >> (8 - rest) == 0;
}

static bool any_holds(const struct conf_pool *pool, const uint8_t *addr, bool is_v6)
{
	for (size_t i = 0; i < pool->allowed_count; i++)
		if (net_holds(&pool->allowed[i], addr, is_v6))
			return true;
	return false;
}

bool conf_client_allowed(const struct conf_pool *pool, const struct sockaddr *addr)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (!pool->listen_allowed_clients || addr->sa_family == AF_UNIX)
		return true;
	if (addr->sa_family == AF_INET) {
		memcpy(&v4, addr, sizeof(v4));
		return any_holds(pool, (const uint8_t *)&v4.sin_addr, false);
	}
	if (addr->sa_family != AF_INET6)
		return false;
	memcpy(&v6, addr, sizeof(v6));
	if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
		return any_holds(pool, v6.sin6_addr.s6_addr + 12, false);
	return any_holds(pool, v6.sin6_addr.s6_addr, true);
}
