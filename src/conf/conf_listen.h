/* conf_listen.h -- what a pool's listen says, taken apart. Pure: nothing is resolved or opened. */
#ifndef WEIR_CONF_LISTEN_H
#define WEIR_CONF_LISTEN_H

#include <stdbool.h>
#include "src/base/err.h"

#define CONF_UNIX_PATH_MAX 107          /* bytes that fit into sun_path before its NUL */

enum conf_listen_kind { CONF_LISTEN_UNIX, CONF_LISTEN_ABSTRACT, CONF_LISTEN_TCP };

struct conf_listen {
	enum conf_listen_kind kind;
	char host[256];                 /* TCP: name or address without brackets; "": all addresses */
	unsigned port;                  /* TCP: 1 to 65535 */
	const char *path;               /* Unix: the path; abstract: the name. Points into the text */
};

/* "127.0.0.1:9000", "[::1]:9000", "9000", ":9000", "/run/x.sock", "x.sock", "@name". -1: err says why not. */
int conf_listen_parse(const char *text, struct conf_listen *out, struct err *err);
/* Does only this machine reach it? Unix sockets, 127.0.0.0/8, ::1, localhost. Names count as not local. */
bool conf_listen_is_local(const struct conf_listen *listen);
/* Are both surely the same address? */
bool conf_listen_same(const struct conf_listen *a, const struct conf_listen *b);

#endif
