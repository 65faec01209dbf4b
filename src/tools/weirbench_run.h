/* weirbench_run.h -- a run: when requests are sent, and what became of them. */
#ifndef WEIRBENCH_RUN_H
#define WEIRBENCH_RUN_H

#include "src/tools/weirbench_conn.h"

/* Run to the end (or to SIGINT or SIGTERM) and fill *stats. -1 with err when the server cannot be reached at
 * all, or a limit of this machine is in the way; env's epoll_fd and space are set here. */
int bench_run(struct conn_env *env, struct err *err);

#endif
