/* master_acl.h -- the access control list of a Unix socket's path. Master only. */
#ifndef WEIR_MASTER_ACL_H
#define WEIR_MASTER_ACL_H

#include "src/base/err.h"
#include "src/master/master_listen.h"

/* Give path the rights of want->mode and want->acl, no more and no less, and look whether it has them; a list that is
 * there and not wanted goes. name is for messages. -1 with err. */
int master_acl_apply(const char *path, const char *name, const struct master_listen_want *want, struct err *err);

#endif
