/* master_listen.h -- listening sockets: opened once, kept by address over reloads, never taken over from a live
 * server. A socket lives while somebody holds it; a path is unlinked only while it still is that socket. */
#ifndef WEIR_MASTER_LISTEN_H
#define WEIR_MASTER_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "src/base/err.h"
#include "src/conf/conf.h"

struct master_listener {
	char *key;                      /* the address, resolved: two spellings of one address have one key */
	char *path;                     /* of a Unix socket with a path; else NULL */
	int fd;
	unsigned refs;
	bool linked;                    /* path stood in the file system: dev, ino */
	bool foreign;                   /* the service manager's: never unlinked, closed to others or set up by us */
	char *name;                     /* that a foreign one was given; NULL: none */
	bool lost;                      /* path is not this socket any more: not to be kept */
	dev_t dev;                      /* of path, as it was bound */
	ino_t ino;
};

struct master_listeners {               /* zeroed is empty */
	struct master_listener **at;
	size_t count;
};

/* What a section asks for. Texts are borrowed. */
struct master_listen_want {
	const char *listen;             /* as written */
	const char *name;               /* a foreign socket of that name will do at any address; NULL: none */
	int backlog;                    /* -1: the kernel's most */
	uid_t uid;                      /* (uid_t)-1, (gid_t)-1: leave; Unix sockets with a path only */
	gid_t gid;
	unsigned mode;
	const struct conf_acl *acl;     /* borrowed; likewise */
	size_t acl_count;
};

enum master_listen_how { MASTER_LISTEN_OPENED, MASTER_LISTEN_KEPT };

/* Hold the socket of that address: the one that is open already, else a new one. NULL with err; then nothing was
 * opened. A kept one gets its owner, mode and backlog by master_listen_apply only. */
struct master_listener *master_listen_hold(struct master_listeners *all, const struct master_listen_want *want,
					   enum master_listen_how *how_out, struct err *err);
/* Hold a socket that was opened by somebody else; takes fd. path: NULL for one without. Whether it is foreign the
 * caller says in what it gets. */
struct master_listener *master_listen_adopt(struct master_listeners *all, const char *key, const char *path, int fd);
/* Owner, mode and backlog of a kept socket. -1 with err. */
int master_listen_apply(struct master_listener *l, const struct master_listen_want *want, struct err *err);
/* Would it do? For -t: addresses and folders are looked at, nothing is bound. -1 with err. */
int master_listen_check(const struct master_listen_want *want, struct err *err);
/* Let go; the last one closes the socket and unlinks its path. *l becomes NULL; NULL is accepted. */
void master_listen_drop(struct master_listeners *all, struct master_listener **l);
/* Take the path away, so that no new connection comes; a foreign one stays as it is. Idempotent. */
void master_listen_unlink(struct master_listener *l);
/* Does a connection wait to be accepted? */
bool master_listen_waiting(const struct master_listener *l);

/* The table alone. find passes over lost ones. */
struct master_listener *master_listen_find(const struct master_listeners *all, const char *key);
void master_listen_insert(struct master_listeners *all, struct master_listener *l);

#endif
