/* master.c -- what the command does: the jobs that its options name. Master only; each job ends with an exit code. */
#include "src/master/master.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "src/base/exits.h"
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/names.h"
#include "src/base/title.h"
#include "src/master/master_conf.h"
#include "src/master/master_print.h"
#include "src/master/master_priv.h"
#include "src/master/master_probe.h"
#include "src/master/master_spawn.h"

static void print_usage(const char *program)
{
	struct buf usage = { 0 };

	master_cli_usage(program, &usage);
	fputs(buf_str(&usage), stdout);
	buf_free(&usage);
}

/* Before anything is opened here, so that it can be none of ours. */
static int take_ready_fd(struct master *m, struct err *err)
{
	const char *text = m->cli.ready_fd;
	char *end = NULL;
	long fd = text ? strtol(text, &end, 10) : -1;

	if (!text)
		return 0;
	if (!*text || *end || fd <= STDERR_FILENO || fd > INT_MAX || fcntl((int)fd, F_SETFD, FD_CLOEXEC) < 0)
		return err_set(err, "option --ready-fd: '%s' is no open descriptor above 2", text);
	m->ready_fd = (int)fd;
	return 0;
}

static int run_job(struct master *m)
{
	struct err err;

	if (m->cli.job == MASTER_JOB_HELP) {
		print_usage(m->cli.program);
		return EXIT_OK;
	}
	m->exe_fd = master_spawn_open_exe(&err);
	if (m->exe_fd < 0) {
		log_error("%s", err.text);
		return EXIT_SOFTWARE;
	}
	master_conf_paths(m);
	if (m->cli.job != MASTER_JOB_SERVE && m->cli.job != MASTER_JOB_FACTS)
		return master_print(m);
	if (master_conf_prefix(m, &err) < 0) {
		log_error("%s", err.text);
		log_error("FPM initialization failed");
		return EXIT_CONFIG;
	}
	if (m->cli.job == MASTER_JOB_FACTS)
		return master_facts(m);
	if (m->cli.tests > 0)
		return master_test(m);
	master_signals_block_early();
	return master_serve(m);
}

int master_main(int argc, char **argv)
{
	struct master m = {
		.as_root = geteuid() == 0,
		.first_pid = getpid(),
		.exe_fd = -1, .daemon_pipe = -1, .log_fd = -1, .signal_fd = -1, .ready_fd = -1,
	};
	struct err err;
	int code;

	log_to_fd(STDERR_FILENO);
	if (m.as_root)
		names_ask_apart();
	if (master_cli_parse(argc, argv, &m.cli, &err) < 0 || take_ready_fd(&m, &err) < 0) {
		fprintf(stderr, "%s: %s\n", m.cli.program, err.text);
		print_usage(m.cli.program);
		code = EXIT_USAGE;
	} else {
		/* php-fpm's name is in its init script: start-stop-daemon --name. */
		if (m.cli.names == SPAWN_NAMES_PHP_FPM)
			title_short(m.cli.program);
		code = run_job(&m);
	}
	fd_close(&m.exe_fd);
	fd_close(&m.ready_fd);
	free(m.conf_file);
	free(m.module_dir);
	buf_free(&m.options);
	master_cli_free(&m.cli);
	return code;
}
