/* weirbench_opts.h -- weirbench's command line: one table makes the parser, the help text and (checked by a
 * test) the option list of the manual page. */
#ifndef WEIRBENCH_OPTS_H
#define WEIRBENCH_OPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "src/base/err.h"

#define BENCH_STATUS_BELOW_400 0        /* expect_status: any answer that is no error */
#define BENCH_STATUS_ANY (-1)

struct bench_param {
	char *name;                     /* owned */
	const char *value;
};

struct bench_opts {
	const char *target;             /* as written; borrowed from argv, like all other texts */
	uint64_t count;                 /* 0: as many as the duration allows */
	uint64_t duration_ns;           /* 0: until count is reached */
	uint64_t warmup_ns;
	uint64_t timeout_ns;
	double rate;                    /* requests a second, open loop; 0: closed loop */
	unsigned connections;
	unsigned burst;                 /* requests all at once, each on its own connection; 0: no burst */
	unsigned idle;
	bool keep;                      /* FCGI_KEEP_CONN */
	bool retry_full;                /* a full backlog is waited for, not counted as an error */
	const char *script, *docroot, *uri, *replay, *method, *body_file;
	size_t body_size;
	struct bench_param *params;     /* -p, in order */
	size_t param_count;
	int expect_status;              /* a code, or one of BENCH_STATUS_* */
	const char *expect_body;        /* NULL: any */
	bool show_stderr;
	bool json;
};

struct bench_option {
	int short_name;                 /* 0: none */
	const char *name;
	const char *arg;                /* NULL: a flag */
	const char *help;
};

enum opts_end { OPTS_RUN, OPTS_HELP, OPTS_VERSION, OPTS_BAD };

/* OPTS_BAD: err says what is wrong. Free with opts_free in each case. */
enum opts_end opts_parse(int argc, char **argv, struct bench_opts *opts_out, struct err *err);
void opts_free(struct bench_opts *opts);
void opts_print_help(FILE *out);
/* The table; ends with a NULL name. */
const struct bench_option *opts_table(void);

#endif
