/* master_print.c -- what -v, -i, -m and -V print. Master only, before anything else is started; what the runtimes
 * know is asked of them in probes. */
#include "src/master/master_print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "src/base/exits.h"
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/conf/conf_module.h"
#include "src/master/master_conf.h"
#include "src/master/master_priv.h"
#include "src/master/master_probe.h"
#include "src/master/master_spawn.h"

#ifndef WEIR_VERSION
#define WEIR_VERSION "0.1.0"
#endif

static int print_without_php(enum master_job job, const struct err *err)
{
	if (job == MASTER_JOB_VERSION) {
		printf("Weir %s\n%s\n", WEIR_VERSION, err->text);
		printf("Pools of PHP need libphp: install Debian's libphp8.2-embed, and build Weir with its "
		       "php-config.\n");
		return EXIT_OK;
	}
	fprintf(stderr, "weir: %s\nInstall libphp (Debian: libphp8.2-embed), or name the folder of the plug-ins "
		"with --module-dir.\n", err->text);
	return EXIT_SOFTWARE;
}

int master_print(struct master *m)
{
	static const enum spawn_print prints[] = {
		[MASTER_JOB_VERSION] = SPAWN_PRINT_VERSION,
		[MASTER_JOB_INFO] = SPAWN_PRINT_INFO,
		[MASTER_JOB_MODULES] = SPAWN_PRINT_MODULES,
	};
	struct spawn_info info = { .print = prints[m->cli.job] };
	struct buf words = { 0 };
	struct err err;
	int rc;

	if (conf_find_module(m->module_dir, "php", NULL, &info.module, &err) < 0)
		return print_without_php(m->cli.job, &err);
	rc = master_conf_pool_user(m, NULL, &err);
	if (rc < 0)
		buf_printf(&words, "%s\n", err.text);
	else
		rc = master_probe_run(m, &info, &words);
	(void)fd_write_all(STDERR_FILENO, words.data, words.len);
	if (m->cli.job == MASTER_JOB_VERSION)
		printf("Weir %s\n", WEIR_VERSION);
	free(info.module);
	buf_free(&words);
	return rc == 0 || m->cli.job == MASTER_JOB_VERSION ? EXIT_OK : EXIT_SOFTWARE;
}

/* What a plug-in, or a pool, says of itself. */
struct facts {
	char version[160];              /* "PHP 8.2.35 (NTS)", or why it cannot say */
	bool known;
	bool thread_safe;
};

/* The last line of a probe is its answer; what stands before is what the runtime had to say at its start. */
static struct facts facts_ask(struct master *m, const char *module, const struct conf *conf,
			      const struct conf_pool *pool)
{
	struct spawn_info info = { .module = (char *)module, .print = SPAWN_PRINT_THREADS };
	struct buf section = { 0 }, words = { 0 };
	struct facts f = { .known = false };
	const char *last;
	int rc;

	if (pool) {
		conf_pool_write(&conf->global, pool, &section);
		info.section = (char *)buf_str(&section);
		info.section_len = section.len;
	}
	rc = master_probe_run(m, &info, &words);
	while (words.len && words.data[words.len - 1] == '\n')
		words.len--;
	last = strrchr(buf_str(&words), '\n');
	last = last ? last + 1 : buf_str(&words);
	f.known = rc == 0 && last[0] && last[1] == ' ';
	f.thread_safe = f.known && *last == '1';
	snprintf(f.version, sizeof(f.version), "%s", f.known ? last + 2 : last);
	buf_free(&section);
	buf_free(&words);
	return f;
}

static const char *yes(bool is)
{
	return is ? "yes" : "no";
}

static void print_build(struct master *m)
{
	struct utsname os;

	printf("Server version: Weir %s\n", WEIR_VERSION);
	printf("Architecture:   %zu-bit\n", sizeof(void *) * 8);
#ifdef __VERSION__
	printf("Compiler:       %s\n", __VERSION__);
#endif
	if (uname(&os) == 0)
		printf("Running on:     %s %s\n", os.sysname, os.release);
	printf("Compiled with:\n -D WEIR_SYSCONFDIR=\"%s\"\n -D WEIR_PKGLIBDIR=\"%s\"\n", WEIR_SYSCONFDIR, WEIR_PKGLIBDIR);
	printf("Plug-ins in:    %s\n", m->module_dir);
}

static void print_models(void)
{
	printf("Models:\n");
	printf("  prefork  threaded: no   forked: yes (one request at a time in each child)\n");
	printf("  worker   threaded: yes  forked: yes (mpm.threads_per_child requests in each child)\n");
	printf("  event    threaded: any  forked: yes (the pool process holds the connections, children get complete "
	       "requests: for slow clients, uploads, bursts)\n");
}

/* Some have an application without which they do not start: each pool has to say then. */
static void print_sapis(struct master *m)
{
	struct conf_modules all = conf_list_modules(m->module_dir);

	printf("SAPIs:%s\n", all.count ? "" : " none");
	for (size_t i = 0; i < all.count; i++) {
		struct facts f = facts_ask(m, all.at[i].path, NULL, NULL);
		const char *version = all.at[i].version ? all.at[i].version : "";

		printf("  %s%s%s  ", all.at[i].sapi, *version ? " " : "", version);
		if (f.known)
			printf("%s, thread-safe: %s\n", f.version, yes(f.thread_safe));
		else
			printf("thread-safe: as each pool's application says (%s)\n", f.version);
	}
	conf_modules_free(&all);
}

static const char *mpm_name(enum conf_mpm mpm)
{
	return mpm == CONF_MPM_EVENT ? "event" : mpm == CONF_MPM_WORKER ? "worker" : "prefork";
}

static const char *pm_name(enum conf_pm pm)
{
	return pm == CONF_PM_STATIC ? "static" : pm == CONF_PM_DYNAMIC ? "dynamic" : "ondemand";
}

static void print_pool(struct master *m, const struct conf *conf, const struct conf_pool *pool)
{
	char *module = NULL;
	struct facts f = { .version = "" };
	struct err err;

	if (conf_find_module(m->module_dir, pool->sapi, pool->php_version, &module, &err) == 0)
		f = facts_ask(m, module, conf, pool);
	else
		snprintf(f.version, sizeof(f.version), "%.150s", err.text);
	printf("Server MPM: %s (pool %s)\n", mpm_name(pool->mpm), pool->name);
	printf("  threaded:     %s (%d in each child)\n", yes(pool->threads_per_child > 1), pool->threads_per_child);
	printf("    forked:     yes (pm = %s, at most %d children)\n", pm_name(pool->pm), pool->max_children);
	printf("      sapi:     %s: %s\n", pool->sapi, f.version);
	printf("  thread-safe:  %s\n", f.known ? yes(f.thread_safe) : "not known: it does not start");
	free(module);
}

/* Facts do not depend on a configuration, so a missing one is no error, unless it was named. */
static int print_pools(struct master *m)
{
	struct conf_notes notes = { 0 };
	struct conf *conf;
	bool named = m->cli.conf_file && *m->cli.conf_file;

	printf("Configuration:  %s\n", m->conf_file);
	fflush(stdout);
	if (!named && access(m->conf_file, F_OK) < 0) {
		printf("  there is no such file, so no pool\n");
		return EXIT_OK;
	}
	conf = master_conf_load(m, &notes);
	for (size_t i = 0; !conf && i < notes.count; i++)
		if (notes.at[i].severity == CONF_ERROR)
			log_error("%s", notes.at[i].text);
	conf_notes_free(&notes);
	if (!conf)
		return EXIT_CONFIG;
	for (size_t i = 0; i < conf->pool_count; i++)
		print_pool(m, conf, conf->pools[i]);
	conf_free(&conf);
	return EXIT_OK;
}

int master_facts(struct master *m)
{
	struct err err;

	if (master_conf_pool_user(m, NULL, &err) < 0)
		log_error("%s", err.text);
	print_build(m);
	print_models();
	print_sapis(m);
	return print_pools(m);
}

bool master_php_has_threads(void)
{
	struct master m = {
		.as_root = geteuid() == 0, .exe_fd = -1, .daemon_pipe = -1, .log_fd = -1, .signal_fd = -1,
	};
	char *module = NULL;
	struct facts f = { .known = false };
	struct err err;

	m.exe_fd = master_spawn_open_exe(&err);
	master_conf_paths(&m);
	if (m.exe_fd >= 0 && conf_find_module(m.module_dir, "php", NULL, &module, &err) == 0 &&
	    master_conf_pool_user(&m, NULL, &err) == 0)
		f = facts_ask(&m, module, NULL, NULL);
	free(module);
	fd_close(&m.exe_fd);
	free(m.conf_file);
	free(m.module_dir);
	buf_free(&m.options);
	return !f.known || f.thread_safe;
}
