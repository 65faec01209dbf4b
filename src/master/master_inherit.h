/* master_inherit.h -- listening sockets that this process was started with. A php-fpm that executes Weir in its place,
 * or a supervisor, hands them over for good in FPM_SOCKETS, FPM_SOCKETS_1, ... as ADDRESS=DESCRIPTOR pairs. A service
 * manager lends them, as sd_listen_fds(3) describes it: LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES. Master only, at the
 * start. */
#ifndef WEIR_MASTER_INHERIT_H
#define WEIR_MASTER_INHERIT_H

#include <sys/types.h>
#include "src/master/master_listen.h"

struct master_inherited {               /* zeroed is none */
	struct master_listener **at;
	size_t count;
};

/* Put them into the table, held by *out; the variables are gone then. What is no listening socket is named in the log
 * and left alone. first_pid: the process that LISTEN_PID must name. */
void master_inherit(struct master_listeners *all, struct master_inherited *out, pid_t first_pid);
/* The pools have theirs. Lent ones that a pool holds stay held until the end, so that a reload may drop that pool and
 * another one bring it back; of the rest those that nobody holds are closed, and handed-over ones' paths removed. */
void master_inherit_settle(struct master_listeners *all, struct master_inherited *in);
/* Let go of all. */
void master_inherit_end(struct master_listeners *all, struct master_inherited *in);

#endif
