/* master_cli.h -- the command line: php-fpm's, read as php-fpm reads it. Pure: nothing is opened or printed.
 * Flags may be joined (-nFOt), a value may follow at once or as the next word (-yFILE, -y FILE, -y=FILE, --long FILE,
 * --long=FILE). -h, -v and -m act where they stand: what follows them is not looked at. */
#ifndef WEIR_MASTER_CLI_H
#define WEIR_MASTER_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include "src/base/buf.h"
#include "src/base/err.h"
#include "src/base/spawn.h"

enum master_job { MASTER_JOB_SERVE, MASTER_JOB_HELP, MASTER_JOB_VERSION, MASTER_JOB_INFO, MASTER_JOB_MODULES,
		  MASTER_JOB_FACTS };
enum master_background { MASTER_BACKGROUND_CONFIGURED, MASTER_BACKGROUND_YES, MASTER_BACKGROUND_NO };

struct master_cli {
	const char *program;            /* argv[0] without its folder */
	enum spawn_names names;         /* php-fpm's when program begins so */
	enum master_job job;            /* the first of -h -v -m, else the last of -i -V */
	bool complete;                  /* -h, -v or -m was met: the rest of the line does not count */
	unsigned tests;                 /* how often -t was given: 1 checks, 2 dumps as well */
	const char *conf_file;          /* NULL or empty: the default */
	const char *prefix;             /* -p, or NULL */
	const char *pid_file;           /* -g, or NULL */
	const char *module_dir;         /* NULL: the default */
	const char *ready_fd;           /* as written, or NULL */
	enum master_background background;      /* the last of -D and -F */
	bool force_stderr;
	bool allow_root;
	const char *ini_path;           /* -c, or NULL */
	bool no_ini;
	bool profile_info;              /* -e */
	const char **defines;           /* each -d as written */
	size_t define_count;
};

/* All texts in *cli_out are borrowed from argv. -1 with err: the usage follows and the exit code is 64. */
int master_cli_parse(int argc, char **argv, struct master_cli *cli_out, struct err *err);
void master_cli_free(struct master_cli *cli);
/* The usage text, made from the same table. */
void master_cli_usage(const char *program, struct buf *out);

#endif
