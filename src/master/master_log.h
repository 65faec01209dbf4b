/* master_log.h -- where the log goes: error_log, or stderr. */
#ifndef WEIR_MASTER_LOG_H
#define WEIR_MASTER_LOG_H

#include "src/base/err.h"

struct master;
struct conf_global;

struct master_log_name {
	const char *key;                /* the key that names it */
	const char *path;
};

/* A log opened for appending, made with mode 0600: a file, a FIFO, or the start's stdout or stderr (master_std.h).
 * The descriptor, or -1 with err. */
int master_log_open(const struct master_log_name *name, struct err *err);
/* Could it be opened? Makes nothing. */
int master_log_check(const struct master_log_name *name, struct err *err);
/* The error log: *fd_out is -1 when it is the system's. -1 with err. */
int master_log_open_error(const struct conf_global *global, int *fd_out, struct err *err);
/* Level, form and limit of this process' lines. */
void master_log_form(const struct conf_global *global);
/* From now on lines go to m's error_log; until master_log_launched to stderr as well. Under log_to_stderr the file is
 * only looked at. -1 with err. */
int master_log_start(struct master *m, struct err *err);
void master_log_launched(struct master *m);
/* The start is over: what a library writes to stderr goes to the log as well. */
void master_log_settled(struct master *m);
/* The start has failed after all: stderr hears it too. */
void master_log_failed(struct master *m);
/* SIGUSR1: open it anew and tell the pool processes; when that fails the old one stays. */
void master_log_reopen(struct master *m);
/* Take this descriptor as the log, -1: the system's; the old one is closed. */
void master_log_use(struct master *m, const struct conf_global *global, int fd);

#endif
