/* privs.h -- giving up root, for good. One thread only: called before any other is started. */
#ifndef WEIR_PRIVS_H
#define WEIR_PRIVS_H

#include <stddef.h>
#include <sys/types.h>
#include "src/base/err.h"

struct privs_identity {
	uid_t uid;
	gid_t gid;
	const gid_t *groups;            /* supplementary; borrowed */
	size_t group_count;
};

enum privs_keep {
	PRIVS_NONE,                     /* no right is left */
	PRIVS_CHROOT,                   /* CAP_SYS_CHROOT alone, until privs_drop_last */
};

/* Become id (as root). uid 0 is root by intention: ids and groups are set and its rights stay. As somebody
 * else than root nothing can be changed: 0 when uid and gid are ours already, else -1. A way back is a fault
 * of our own and aborts. */
int privs_become(const struct privs_identity *id, enum privs_keep keep, struct err *err);
/* Give up what privs_become left, and check that no capability is permitted, effective or inheritable.
 * Nothing to do for root by intention. */
int privs_drop_last(struct err *err);

#endif
