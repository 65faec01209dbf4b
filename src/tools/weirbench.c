/* weirbench.c -- load generator for FastCGI servers: what `ab` is for HTTP. A tool for users, in a process
 * of its own: one thread, no rights, nothing shared with a server but the wire. This file is its main:
 * options, the run, the report, the exit code (0: all succeeded, 1: not all did, 64: usage). */
#include <stdlib.h>
#include "src/base/exits.h"
#include "src/base/mem.h"
#include "src/tools/weirbench_report.h"
#include "src/tools/weirbench_run.h"

#define EXIT_FAILED 1

static int fail(int code, const struct err *err)
{
	fprintf(stderr, "weirbench: %s\n", err->text);
	if (code == EXIT_USAGE)
		fprintf(stderr, "See weirbench --help.\n");
	return code;
}

static int report(const struct bench_opts *opts, const struct target *target, const struct bench_stats *stats)
{
	if (opts->json)
		report_json(stdout, opts, target, stats);
	else
		report_human(stdout, opts, target, stats);
	return bench_stats_errors(stats) ? EXIT_FAILED : EXIT_OK;
}

static int bench(const struct bench_opts *opts, const struct target *target, const struct plan *plan)
{
	struct bench_stats *stats = xcalloc(1, sizeof(*stats));
	struct reply_want want;
	struct conn_env env = { .opts = opts, .target = target, .plan = plan, .want = &want, .stats = stats };
	struct err err;
	int code;

	reply_want_init(&want, opts->expect_body, opts->show_stderr);
	code = bench_run(&env, &err) < 0 ? fail(EXIT_FAILED, &err) : report(opts, target, stats);
	reply_want_free(&want);
	free(stats);
	return code;
}

static int prepare(const struct bench_opts *opts)
{
	struct target target;
	struct plan *plan;
	struct err err;
	int code;

	if (target_parse(opts->target, &target, &err) < 0)
		return fail(EXIT_USAGE, &err);
	plan = plan_new(opts, &err);
	if (!plan)
		return fail(EXIT_USAGE, &err);
	code = bench(opts, &target, plan);
	plan_free(&plan);
	return code;
}

int main(int argc, char **argv)
{
	struct bench_opts opts;
	struct err err;
	int code = EXIT_OK;

	switch (opts_parse(argc, argv, &opts, &err)) {
	case OPTS_HELP:
		opts_print_help(stdout);
		break;
	case OPTS_VERSION:
		printf("weirbench %s\n", WEIR_VERSION);
		break;
	case OPTS_BAD:
		code = fail(EXIT_USAGE, &err);
		break;
	case OPTS_RUN:
		code = prepare(&opts);
		break;
	}
	opts_free(&opts);
	return code;
}
