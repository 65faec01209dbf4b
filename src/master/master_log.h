/* master_log.h -- where the log goes: error_log, or stderr. */
#ifndef WEIR_MASTER_LOG_H
#define WEIR_MASTER_LOG_H

#include "src/base/err.h"

struct master;

/* The file that this key names, opened for appending, made with mode 0600. The descriptor, or -1 with err. */
int master_log_open(const char *key, const char *path, struct err *err);
/* Could it be opened? Makes nothing. */
int master_log_check(const char *key, const char *path, struct err *err);
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
/* Take this descriptor as the log; the old one is closed. */
void master_log_use(struct master *m, int fd);

#endif
