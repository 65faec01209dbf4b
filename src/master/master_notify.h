/* master_notify.h -- what the service manager is told (NOTIFY_SOCKET, as sd_notify(3) describes it): ready, reloading,
 * stopping, the server's figures, and that the master is alive. Master only. Without NOTIFY_SOCKET it does nothing at
 * all, but for the line that --ready-fd asks for. */
#ifndef WEIR_MASTER_NOTIFY_H
#define WEIR_MASTER_NOTIFY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

struct master;
struct master_notify;

/* The address that text names: a path, or "@name" for an abstract one. -1: neither. */
int master_notify_addr(const char *text, struct sockaddr_un *addr_out, size_t *len_out);

/* Look who asked for it; needs the event loop and the configuration. */
void master_notify_open(struct master *m);
void master_notify_close(struct master *m);
void master_notify_ready(struct master *m);
void master_notify_reloading(struct master *m);
/* most_ms: how long the end may take, so that the manager waits as long, whatever the unit's TimeoutStopSec says. */
void master_notify_stopping(struct master *m, uint64_t most_ms);
/* A pool process has told its figures, or has gone: they may be complete now. */
void master_notify_heard(struct master *m);

#endif
