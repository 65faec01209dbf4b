/* child.h -- the process that serves requests, from its fork in the zygote to its end. */
#ifndef WEIR_CHILD_H
#define WEIR_CHILD_H

#include <stdint.h>
#include "mpm/board.h"
#include "mpm/mpm.h"
#include "sapi/sapi.h"
#include "src/conf/conf.h"

/* What the zygote gives a child. All of it is borrowed and outlives the child. */
struct child_start {
	const struct mpm *mpm;
	const struct conf_pool *conf;
	const struct sapi *sapi;
	struct sapi_ctx *ctx;
	struct board *board;            /* mapped for writing */
	uint32_t slot;                  /* the child's first slot on it, of conf->threads_per_child */
	const int *listen;              /* listening sockets, non-blocking */
	unsigned listen_count;
	bool limited;                   /* process.max holds: no birth but by the master's leave */
	int ready;                      /* the end of the ready queue that slots read */
	/* The link to the pool process is CHILD_FD_LINK already. */
};

/* Serve until told to leave. Runs in the forked process; never returns. */
_Noreturn void child_run(const struct child_start *start);

#endif
