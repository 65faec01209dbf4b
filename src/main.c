/* main.c -- where every process of Weir begins: the master when a person or a service manager started it, another kind
 * when the master did, or `weir import-apache`. Each kind's function never returns. Does nothing else: no option is
 * read here. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "pool/pool.h"
#include "pool/probe.h"
#include "pool/zygote.h"
#include "src/apache/apache_import.h"
#include "src/base/exits.h"
#include "src/base/mem.h"
#include "src/base/sigs.h"
#include "src/base/spawn.h"
#include "src/base/title.h"
#include "src/master/master.h"
#include "src/master/master_print.h"

enum signals_are { SIGNALS_HARMLESS, SIGNALS_END_IT };

static const struct process_kind {
	const char *name;               /* in WEIR_PROCESS */
	enum spawn_kind kind;
	enum signals_are signals;
	void (*run)(struct spawn_info *info);      /* never returns */
} kinds[] = {
	{ "pool",   SPAWN_POOL,   SIGNALS_HARMLESS, pool_run },
	{ "zygote", SPAWN_ZYGOTE, SIGNALS_HARMLESS, zygote_run },
	{ "probe",  SPAWN_PROBE,  SIGNALS_END_IT,   probe_run },
};

/* TERM sent to every process at once is the master's business alone. It blocked these over exec: none is missed. */
static void signals_init(enum signals_are how)
{
	sigset_t none;

	if (how == SIGNALS_HARMLESS)
		sigs_harmless();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void start_refused(const char *why)
{
	fprintf(stderr, "weir: %s in the environment is for processes that the master starts, and %s: unset it\n",
		SPAWN_ENV, why);
	exit(EXIT_SOFTWARE);
}

static _Noreturn void process_start(const char *name)
{
	static struct spawn_info info;
	const struct process_kind *kind = NULL;
	struct err err;
	int fd = SPAWN_FD_INFO;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			kind = &kinds[i];
	if (!kind)
		start_refused("it names no kind of process");
	if (spawn_info_read(fd, &info, &err) < 0)
		start_refused(err.text);
	if (info.kind != kind->kind)
		start_refused("the orders are for another kind");
	close(fd);
	unsetenv(SPAWN_ENV);
	title_short(info.short_name);
	signals_init(kind->signals);
	kind->run(&info);
	abort();
}

/* A descriptor that is opened later must not become somebody's stdout. */
static void stdio_init(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	const char *kind;

	title_init(argc, argv);
	stdio_init();
	kind = getenv(SPAWN_ENV);
	if (kind)
		process_start(kind);
	if (argc > 1 && strcmp(argv[1], "import-apache") == 0)
		return apache_import_main(argc, argv, master_php_has_threads);
	return master_main(argc, argv);
}
