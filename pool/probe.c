/* probe.c -- a throw-away process of the master's, for -t, -v, -V, -i and -m. It serves nothing and forks nothing. */
#include "pool/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "pool/sapi_settings.h"
#include "sapi/sapi_load.h"
#include "src/base/exits.h"
#include "src/base/log.h"
#include "src/base/privs.h"

static void say(int level, const char *text, size_t len)
{
	log_text((enum log_level)level, text, len);
}

static const struct sapi_host host = { .log = say };

enum { RUN_FAILED = -1, RUN_REFUSED = -2 };

/* What is not made for it would not fail at once, but some day. */
static int check_threads(const struct conf_pool *conf, const struct sapi_info *says, struct err *err)
{
	if (!conf || conf->threads_per_child == 1 || says->thread_safe)
		return 0;
	err_set(err, "mpm = %s with %d threads needs an application that is safe for threads, and %s is not: set %s, or "
		"use a thread-safe build of it", conf->mpm == CONF_MPM_EVENT ? "event" : "worker",
		conf->threads_per_child, says->version,
		conf->mpm == CONF_MPM_EVENT ? "mpm.threads_per_child = 1" : "mpm = prefork");
	return RUN_REFUSED;
}

static int run(struct spawn_info *info, struct err *err)
{
	static const enum sapi_print prints[] = {
		[SPAWN_PRINT_VERSION] = SAPI_PRINT_VERSION,
		[SPAWN_PRINT_INFO] = SAPI_PRINT_INFO,
		[SPAWN_PRINT_MODULES] = SAPI_PRINT_MODULES,
	};
	struct conf_global global = { 0 };
	struct conf_pool *conf = NULL;
	struct sapi_ctx ctx = { .host = &host };
	struct sapi_info says;
	const struct sapi *sapi;

	if (info->section && !(conf = conf_pool_read(info->section, info->section_len, &global, err)))
		return -1;
	if (conf && info->was_root) {
		const struct conf_owner *o = &conf->owner;
		struct privs_identity id = { o->uid, o->gid, o->groups, o->group_count };

		if (privs_become(&id, PRIVS_NONE, err) < 0)
			return -1;
	}
	/* Relative paths count from there; what lies inside a chroot is not seen from here. */
	if (conf && conf->chdir && !(conf->chroot && info->was_root) && chdir(conf->chdir) < 0)
		return err_sys(err, "chdir: cannot go to '%s'", conf->chdir);
	sapi_settings_fill(&ctx, info, conf);
	sapi = sapi_load(info->module, err);
	if (!sapi)
		return -1;
	if (info->print == SPAWN_PRINT_NONE || info->print == SPAWN_PRINT_THREADS) {
		if (sapi->probe(&ctx, &says, err) < 0)
			return -1;
		if (info->print == SPAWN_PRINT_NONE)
			return check_threads(conf, &says, err);
		fprintf(stderr, "%d %s\n", says.thread_safe, says.version);
		return 0;
	}
	if (!sapi->print)
		return err_set(err, "sapi %s has nothing to print", sapi->name);
	return sapi->print(&ctx, prints[info->print], err);
}

_Noreturn void probe_run(struct spawn_info *info)
{
	struct err err;
	int rc;

	log_to_fd(STDERR_FILENO);
	log_set_level(LOG_LEVEL_WARNING);
	rc = run(info, &err);
	if (rc == 0) {
		fflush(stdout);
		_exit(EXIT_OK);
	}
	fprintf(stderr, "%s\n", err.text);
	_exit(rc == RUN_REFUSED ? EXIT_CONFIG : EXIT_SOFTWARE);
}
