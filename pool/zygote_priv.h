/* zygote_priv.h -- a zygote from the inside. Only zygote*.c include it. */
#ifndef WEIR_ZYGOTE_PRIV_H
#define WEIR_ZYGOTE_PRIV_H

#include <sys/types.h>
#include "mpm/child.h"
#include "sapi/sapi.h"
#include "src/base/ipc.h"
#include "src/base/spawn.h"
#include "src/conf/conf.h"

struct zygote {
	const struct spawn_info *info;
	struct conf_pool *conf;
	struct conf_global global;
	const struct sapi *sapi;
	struct sapi_ctx ctx;
	struct board *board;
	int *listen;                    /* info->listen_count descriptors */
	int places;                     /* for children */
	pid_t *pids;                    /* by place; 0: none */
	int signals;                    /* signalfd of SIGCHLD */
	uint8_t *space;                 /* IPC_MAX_BODY; never zeroed: most of it is never touched */
};

/* zygote_ladder.c: from root to the pool's user with its application loaded. Never root again. -1 with err. */
int zygote_climb_down(struct zygote *z, struct err *err);
/* zygote_fork.c: take one fork order (its descriptors become the child's). */
void zygote_fork(struct zygote *z, uint32_t place, struct ipc_msg *order);

#endif
