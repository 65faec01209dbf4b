/* master_inherit.h -- listening sockets that this process was started with: a php-fpm that executes Weir in its place,
 * or a supervisor, hands them over in FPM_SOCKETS, FPM_SOCKETS_1, ... as ADDRESS=DESCRIPTOR pairs. Master only, at the
 * start. */
#ifndef WEIR_MASTER_INHERIT_H
#define WEIR_MASTER_INHERIT_H

#include "src/master/master_listen.h"

struct master_inherited {               /* zeroed is none */
	struct master_listener **at;
	size_t count;
};

/* Put them into the table, held by *out; the variables are gone then. What is no listening socket is named in the log
 * and left alone. */
void master_inherit(struct master_listeners *all, struct master_inherited *out);
/* Let go: those that nobody else holds by now are closed, and their paths removed. */
void master_inherit_end(struct master_listeners *all, struct master_inherited *in);

#endif
