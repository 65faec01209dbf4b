/* pool.h -- the pool process: plans, orders generations and children, writes their log lines, parks connections.
 * It runs no application code and has an identity of its own. */
#ifndef WEIR_POOL_H
#define WEIR_POOL_H

#include "src/base/spawn.h"

/* The pool process' whole life; takes info. */
_Noreturn void pool_run(struct spawn_info *info);

#endif
