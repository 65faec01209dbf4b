/* master_std.h -- stdout and stderr as they were at the start, for logs that are named /dev/stdout, /dev/stderr or
 * /proc/self/fd/2: the master turns its own to /dev/null and to the error log. */
#ifndef WEIR_MASTER_STD_H
#define WEIR_MASTER_STD_H

#include <stdbool.h>

struct conf;

/* Keep them. In the background only those that this configuration names: nobody waits for the end of the others. */
void master_std_keep(const struct conf *conf, bool background);
/* The descriptor that this path means, opened anew for appending if that can be done, else a copy; -1: the path means
 * none that was kept. */
int master_std_open(const char *path);

#endif
