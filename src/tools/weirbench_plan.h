/* weirbench_plan.h -- what is sent: the requests of a run, encoded. Reads the files of --replay and --body
 * once, when it is made; afterwards it is only read, and shared by all connections. */
#ifndef WEIRBENCH_PLAN_H
#define WEIRBENCH_PLAN_H

#include <stddef.h>
#include <stdint.h>
#include "src/base/buf.h"
#include "src/base/err.h"
#include "src/tools/weirbench_opts.h"

#define PLAN_REQUEST_ID 1               /* of every request: no connection carries two at once */

struct plan;

/* NULL with err when a file cannot be read or a line of it is no URI. opts is borrowed and must outlive the
 * plan. */
struct plan *plan_new(const struct bench_opts *opts, struct err *err);
void plan_free(struct plan **plan);
/* How many different requests there are (1 without --replay). */
size_t plan_count(const struct plan *plan);
/* BEGIN and PARAMS of request index (taken modulo the count), and all of STDIN when there is no body. Points
 * into the plan, or into scratch (which the caller owns and keeps unchanged while it sends). */
const uint8_t *plan_head(const struct plan *plan, uint64_t index, struct buf *scratch, size_t *len_out);
/* STDIN's records for what has a body, its end included; length 0 when there is none. */
const uint8_t *plan_body(const struct plan *plan, size_t *len_out);

#endif
