/* weirbench_report.h -- the result of a run, for people or as JSON. */
#ifndef WEIRBENCH_REPORT_H
#define WEIRBENCH_REPORT_H

#include <stdio.h>
#include "src/tools/weirbench_opts.h"
#include "src/tools/weirbench_stats.h"
#include "src/tools/weirbench_target.h"

void report_human(FILE *out, const struct bench_opts *opts, const struct target *target,
	const struct bench_stats *s);
/* One object, keys in snake_case, times in microseconds with the unit in the key. */
void report_json(FILE *out, const struct bench_opts *opts, const struct target *target,
	const struct bench_stats *s);

#endif
