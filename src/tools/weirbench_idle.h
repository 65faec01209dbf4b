/* weirbench_idle.h -- the idle connections held beside the load. */
#ifndef WEIRBENCH_IDLE_H
#define WEIRBENCH_IDLE_H

#include "src/base/err.h"
#include "src/tools/weirbench_conn.h"

struct idle;

/* Open opts->idle connections, with -k each after one request; NULL with err when one cannot be had. Blocks
 * for at most the timeout for each. */
struct idle *idle_open(const struct conn_env *env, struct err *err);
/* Close them; counts into stats those that the server had closed meanwhile. */
void idle_close(struct idle **idle, const struct conn_env *env);

#endif
