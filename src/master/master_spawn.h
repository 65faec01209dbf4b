/* master_spawn.h -- starting pool processes, zygotes and probes: fork, and execveat on the running binary's own
 * descriptor, so that what starts is this build with fresh memory, even while a new one is being installed. */
#ifndef WEIR_MASTER_SPAWN_H
#define WEIR_MASTER_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "src/base/err.h"
#include "src/base/spawn.h"

struct master_spawn {
	const char *title;              /* argv[0], and so what ps shows */
	const struct spawn_info *info;
	bool whole_environ;             /* give the master's environment; else only what a runtime needs */
	const char *passed;             /* patterns of more names to give, each with its NUL, an empty one at the
					 * end; NULL: none */
	int out, err;                   /* 1 and 2; all descriptors here are borrowed, -1: /dev/null */
	int link, log, board, ready;    /* SPAWN_FD_LINK ... SPAWN_FD_READY */
	int access, slow, status;       /* SPAWN_FD_ACCESS ... SPAWN_FD_STATUS */
	const int *listen;              /* info->listen_count of them */
};

/* A descriptor of the running binary; -1 with err. Opened once, at the start. */
int master_spawn_open_exe(struct err *err);
/* The new process' id; it has been executed. -1 with err and errno: nothing was started. */
pid_t master_spawn(int exe_fd, const struct master_spawn *plan, struct err *err);
/* "weir: pool www", or in php-fpm's way. The caller frees it. pool: NULL for a kind without one. */
char *master_spawn_title(enum spawn_names names, enum spawn_kind kind, const char *pool);

#endif
