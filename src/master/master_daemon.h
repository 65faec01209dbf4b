/* master_daemon.h -- what makes a process a daemon: background, session, limits, pid file. */
#ifndef WEIR_MASTER_DAEMON_H
#define WEIR_MASTER_DAEMON_H

#include "src/base/err.h"
#include "src/conf/conf.h"

/* Fork; the caller waits at most 10 s for master_daemon_tell and exits 0, or 70 when nothing good was heard. Returns in
 * the new process only, with the pipe to tell; -1 with err. */
int master_daemon_fork(struct err *err);
enum master_daemon_news { MASTER_DAEMON_FAILED, MASTER_DAEMON_UP };
/* Closes the pipe; -1 is accepted: nobody waits. */
void master_daemon_tell(int *pipe, enum master_daemon_news news);

/* A session of its own where that is possible; stdin and stdout become /dev/null. */
int master_daemon_detach(struct err *err);
/* rlimit_files, rlimit_core, and (as root) process.priority of the master. */
int master_daemon_limits(const struct conf_global *global, bool as_root, struct err *err);

/* Write our pid there, whatever stood there before. */
int master_pid_write(const char *path, struct err *err);
/* Unlink it if it still holds our pid. */
void master_pid_remove(const char *path);

#endif
