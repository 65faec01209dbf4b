/* master_bind.h -- opening one listening socket. Called by master_listen.c alone. */
#ifndef WEIR_MASTER_BIND_H
#define WEIR_MASTER_BIND_H

#include <sys/socket.h>
#include "src/base/err.h"
#include "src/master/master_listen.h"

struct master_bind_addr {
	struct sockaddr_storage sa;
	socklen_t len;
	char *key;                      /* see struct master_listener */
	char *path;                     /* a Unix socket's, or NULL */
	const char *listen;             /* as written, borrowed, for messages */
	bool any;                       /* a port alone: IPv6 and IPv4, else IPv4 */
};

/* Resolves host names. -1 with err; else master_bind_addr_free. */
int master_bind_resolve(const char *listen, struct master_bind_addr *addr_out, struct err *err);
void master_bind_addr_free(struct master_bind_addr *addr);
/* A bound, listening, non-blocking, close-on-exec socket with its rights set and checked; -1 with err, and nothing
 * is left in the file system. */
int master_bind_open(const struct master_bind_addr *addr, const struct master_listen_want *want, struct err *err);
/* The parts that are done again for a kept socket. */
int master_bind_listen(int fd, const struct master_listen_want *want, struct err *err);
int master_bind_rights(const char *path, const struct master_listen_want *want, struct err *err);
/* Is there a folder to put this path into? */
int master_bind_folder(const char *path, struct err *err);

#endif
