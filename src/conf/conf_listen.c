/* conf_listen.c -- takes the text of a pool's listen apart: Unix path, abstract name, or host and port.
 * Pure. php-fpm's rules, but that a text which begins with '/' is always a path, and one with '@' an
 * abstract name. It asks no name server: names of hosts are resolved when the socket is opened. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "src/base/mem.h"
#include "src/conf/conf_listen.h"

static int parse_port(const char *text, unsigned *out, struct err *err)
{
	size_t len = strlen(text);

	if (!len || len > 5 || strspn(text, "0123456789") != len || strtoul(text, NULL, 10) > 65535 ||
	    strtoul(text, NULL, 10) == 0)
		return err_set(err, "invalid port value '%s': a port is a number from 1 to 65535", text);
	*out = (unsigned)strtoul(text, NULL, 10);
	return 0;
}

/* The host, from text to the colon before its port; brackets around an IPv6 address are taken off. */
static int parse_host(const char *text, const char *colon, struct conf_listen *out, struct err *err)
{
	size_t len = (size_t)(colon - text);
	bool brackets = *text == '[';
	struct in6_addr v6;

	if (brackets && (len < 2 || colon[-1] != ']'))
		return err_set(err, "'%s' has '[' without ']': write [ADDRESS]:PORT", text);
	if (brackets) {
		text++;
		len -= 2;
	}
	if (len >= sizeof(out->host))
		return err_set(err, "the name of the host is longer than %zu bytes", sizeof(out->host) - 1);
	memcpy(out->host, text, len);
	if (brackets && inet_pton(AF_INET6, out->host, &v6) != 1)
		return err_set(err, "'%s' is not an IPv6 address", out->host);
	if (!brackets && strchr(out->host, ':') && inet_pton(AF_INET6, out->host, &v6) != 1)
		return err_set(err,
			       "'%s' is not an address: write HOST:PORT or [IPv6 ADDRESS]:PORT", out->host);
	return 0;
}

static int parse_unix(const char *text, struct conf_listen *out, struct err *err)
{
	bool abstract = *text == '@';

	out->kind = abstract ? CONF_LISTEN_ABSTRACT : CONF_LISTEN_UNIX;
	out->path = text + abstract;
	if (!*out->path)
		return err_set(err, "an abstract socket needs a name behind the '@'");
	/* an abstract name stands behind a NUL, which takes the place of the path's last */
	if (strlen(out->path) > CONF_UNIX_PATH_MAX)
		return err_set(err, "the %s is %zu bytes long, and a Unix socket's cannot be longer than %d",
			       abstract ? "abstract name" : "path", strlen(out->path), CONF_UNIX_PATH_MAX);
	return 0;
}

int conf_listen_parse(const char *text, struct conf_listen *out, struct err *err)
{
	const char *colon = strrchr(text, ':');

	*out = (struct conf_listen){ .kind = CONF_LISTEN_TCP };
	if (!*text)
		return err_set(err, "the address is empty");
	if (*text == '/' || *text == '@')
		return parse_unix(text, out, err);
	if (strspn(text, "0123456789") == strlen(text))
		return parse_port(text, &out->port, err);
	if (!colon)
		return parse_unix(text, out, err);
	if (parse_port(colon + 1, &out->port, err) < 0)
		return -1;
	return parse_host(text, colon, out, err);
}

bool conf_listen_is_local(const struct conf_listen *listen)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (listen->kind != CONF_LISTEN_TCP)
		return true;
	if (inet_pton(AF_INET, listen->host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, listen->host, &v6) != 1)
		return !strcasecmp(listen->host, "localhost");
	return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

/* "" and "::" are both all addresses. */
static bool same_host(const char *a, const char *b)
{
	struct in6_addr v6_a, v6_b;

	if (inet_pton(AF_INET6, *a ? a : "::", &v6_a) == 1 && inet_pton(AF_INET6, *b ? b : "::", &v6_b) == 1)
		return !memcmp(&v6_a, &v6_b, sizeof(v6_a));
	return !strcasecmp(a, b);
}

bool conf_listen_same(const struct conf_listen *a, const struct conf_listen *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind != CONF_LISTEN_TCP)
		return !strcmp(a->path, b->path);
	return a->port == b->port && same_host(a->host, b->host);
}
