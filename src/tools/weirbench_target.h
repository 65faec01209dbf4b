/* weirbench_target.h -- where the load goes: a Unix socket by path or abstract name, or TCP. */
#ifndef WEIRBENCH_TARGET_H
#define WEIRBENCH_TARGET_H

#include <sys/socket.h>
#include "src/base/err.h"

struct target {
	struct sockaddr_storage addr;
	socklen_t addr_len;
	char name[256];                 /* for people: "unix:/run/app.sock", "127.0.0.1:9000" */
};

/* unix:/path, unix:@name, /path, ./path, @name, host:port, [v6]:port, or a port alone (on 127.0.0.1).
 * -1 with err when it is none of these or the host has no address. */
int target_parse(const char *text, struct target *target_out, struct err *err);
/* A fresh non-blocking, close-on-exec socket of the target's kind; -1 with errno. */
int target_socket(const struct target *t);
/* Why connecting failed with this errno, and what to do about it. */
void target_explain(const struct target *t, int error, struct err *err);

#endif
