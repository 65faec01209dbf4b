/* spawn.h -- what the master hands to a process that it starts by fork and execveat on its own running binary:
 * descriptors at fixed numbers, and one sealed memfd with everything else. Same build on both sides.
 * The new process learns its kind from the environment variable WEIR_PROCESS ("pool", "zygote", "probe"), and
 * believes it only with a valid memfd at SPAWN_FD_INFO. */
#ifndef WEIR_SPAWN_H
#define WEIR_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "src/base/buf.h"
#include "src/base/err.h"

#define SPAWN_ENV       "WEIR_PROCESS"

#define SPAWN_FD_INFO   3       /* sealed memfd: struct spawn_head and the texts behind it */
#define SPAWN_FD_LINK   4       /* SEQPACKET: pool process <-> master; zygote <-> pool process */
#define SPAWN_FD_LOG    5       /* pool process: the error log, opened for appending (else: /dev/null) */
#define SPAWN_FD_BOARD  6       /* zygote: its generation's scoreboard (else: /dev/null) */
#define SPAWN_FD_READY  7       /* zygote: the end of the ready queue that children read (else: /dev/null) */
#define SPAWN_FD_ACCESS 8       /* pool process: the pool's access log (else, or without one: /dev/null) */
#define SPAWN_FD_SLOW   9       /* pool process: the pool's slow log (likewise) */
#define SPAWN_FD_STATUS 10      /* pool process: the socket of pm.status_listen (likewise) */
#define SPAWN_FD_LISTEN 11      /* first of listen_count listening sockets, non-blocking */

/* Descriptors 0, 1, 2 of a pool process are /dev/null; of a zygote 1 and 2 are its output pipe to the pool process. */

enum spawn_kind { SPAWN_POOL = 1, SPAWN_ZYGOTE, SPAWN_PROBE };
enum spawn_names { SPAWN_NAMES_WEIR, SPAWN_NAMES_PHP_FPM };     /* whose process titles are shown */
enum spawn_print { SPAWN_PRINT_NONE, SPAWN_PRINT_VERSION, SPAWN_PRINT_INFO, SPAWN_PRINT_MODULES,
		   SPAWN_PRINT_THREADS };

struct spawn_info {
	enum spawn_kind kind;
	enum spawn_names names;
	char short_name[16];            /* the new process' (title.h); written: always the writer's own */
	enum spawn_print print;         /* probe: what to print on stdout; NONE: check only; THREADS: "1 VERSION" where it is safe
					 * for threads, else "0 VERSION", on stderr */
	bool was_root;                  /* the master is root: take the owner's identity */
	uint32_t generation;
	uint32_t listen_count;
	int32_t log_level;              /* enum log_level */
	bool log_to_syslog;             /* pool process: the system's log in the place of SPAWN_FD_LOG */
	uint32_t pool_uid, pool_gid;    /* pool process: the identity to take when was_root */
	char *section;                  /* text for conf_pool_read; NULL: none (a probe without a pool) */
	size_t section_len;
	char *module;                   /* path of the SAPI's plug-in */
	char *options;                  /* command-line options for the SAPI: NAME NUL KEY NUL VALUE NUL ... */
	size_t options_len;
};

/* A sealed memfd that says all this. -1 with errno. */
int spawn_info_write(const struct spawn_info *info);
/* Read and check it; everything in *info_out is owned by the caller (spawn_info_free). -1 with err. */
int spawn_info_read(int fd, struct spawn_info *info_out, struct err *err);
void spawn_info_free(struct spawn_info *info);
/* Append one option to a buffer that becomes spawn_info.options. */
void spawn_option_add(struct buf *options, const char *name, const char *key, const char *value);

#endif
