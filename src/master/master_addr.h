/* master_addr.h -- the value of listen, taken apart. Pure: resolves no name, opens nothing. */
#ifndef WEIR_MASTER_ADDR_H
#define WEIR_MASTER_ADDR_H

#include <stdint.h>
#include <sys/socket.h>
#include "src/base/err.h"

enum master_addr_kind {
	MASTER_ADDR_PATH,               /* "/run/www.sock" */
	MASTER_ADDR_ABSTRACT,           /* "@name": Linux' abstract namespace */
	MASTER_ADDR_TCP,                /* "HOST:PORT", "[v6]:PORT" */
	MASTER_ADDR_PORT,               /* "9000": every address of the machine */
};

struct master_addr {
	enum master_addr_kind kind;
	char name[256];                 /* path, abstract name without @, or host */
	uint16_t port;
};

int master_addr_parse(const char *listen, struct master_addr *addr_out, struct err *err);
/* The name under which a socket is kept over reloads: "127.0.0.1:9000", "[::1]:9000", "/run/www.sock", "@name". */
void master_addr_key(const struct sockaddr_storage *sa, socklen_t len, char *out, size_t size);
/* The socket address of a path or an abstract name. */
void master_addr_unix(const struct master_addr *addr, struct sockaddr_storage *sa_out, socklen_t *len_out);

#endif
