/* zygote_ladder.c -- runs in a zygote, once: the privilege ladder. Each step gives something up; the order is the
 * security of the pool. Foreign code runs only below the identity's rung. */
#include "pool/zygote_priv.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include "pool/zygote_confine.h"
#include "sapi/sapi_load.h"
#include "src/base/log.h"
#include "src/base/privs.h"

static void limit(int what, int64_t value, const char *key)
{
	struct rlimit r;

	if (value == 0)
		return;
	r.rlim_cur = r.rlim_max = value < 0 ? RLIM_INFINITY : (rlim_t)value;
	if (setrlimit(what, &r) < 0)
		log_warning("%s: cannot set the limit: %s", key, strerror(errno));
}

static void take_limits(const struct conf_pool *conf)
{
	limit(RLIMIT_NOFILE, conf->rlimit_files, "rlimit_files");
	limit(RLIMIT_CORE, conf->rlimit_core, "rlimit_core");
	if (conf->process_priority != CONF_PRIORITY_UNSET && setpriority(PRIO_PROCESS, 0, conf->process_priority) < 0)
		log_warning("process.priority: cannot set it: %s", strerror(errno));
}

/* The master gives a pool with clear_env = yes nothing but what its runtime needs to start; that goes again here. */
static void take_environment(const struct zygote *z)
{
	const struct conf_pool *conf = z->conf;

	if (conf->user_name) {
		setenv("USER", conf->user_name, 1);
		if (conf->home)
			setenv("HOME", conf->home, 1);
	}
	for (size_t i = 0; i < conf->env.count; i++)
		setenv(conf->env.at[i].sub, conf->env.at[i].value, 1);
}

static void drop_start_environment(const struct conf_pool *conf)
{
	static const char *const only_for_start[] = {
		"PHPRC", "PHP_INI_SCAN_DIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS",
		"TZ",
	};

	if (!conf->clear_env)
		return;
	for (size_t i = 0; i < sizeof(only_for_start) / sizeof(only_for_start[0]); i++) {
		bool wanted = false;

		for (size_t j = 0; j < conf->env.count; j++)
			wanted |= strcmp(conf->env.at[j].sub, only_for_start[i]) == 0;
		for (size_t j = 0; j < conf->env_pass.count; j++)
			wanted |= fnmatch(conf->env_pass.at[j].value, only_for_start[i], 0) == 0;
		if (!wanted)
			unsetenv(only_for_start[i]);
	}
}

static int become_owner(const struct zygote *z, struct err *err)
{
	const struct conf_owner *o = &z->conf->owner;
	struct privs_identity id = { o->uid, o->gid, o->groups, o->group_count };

	if (!z->info->was_root)
		return 0;
	if (privs_become(&id, z->conf->chroot ? PRIVS_CHROOT : PRIVS_NONE, err) < 0)
		return -1;
	/* A process that changed its identity is not dumpable; process.dumpable asks for it back. */
	prctl(PR_SET_DUMPABLE, z->conf->process_dumpable ? 1 : 0, 0, 0, 0);
	return 0;
}

static int enter_jail(const struct zygote *z, struct err *err)
{
	const struct conf_pool *conf = z->conf;
	const char *to = conf->chdir ? conf->chdir : "/";

	if (conf->chroot && z->info->was_root && chroot(conf->chroot) < 0)
		return err_sys(err, "chroot: cannot enter '%s'", conf->chroot);
	if ((conf->chdir || (conf->chroot && z->info->was_root)) && chdir(to) < 0)
		return err_sys(err, "chdir: cannot go to '%s'%s", to, conf->chroot ? " inside the chroot" : "");
	return z->info->was_root ? privs_drop_last(err) : 0;
}

int zygote_climb_down(struct zygote *z, struct err *err)
{
	take_limits(z->conf);
	take_environment(z);
	if (become_owner(z, err) < 0)
		return -1;
	z->sapi = sapi_load(z->info->module, err);
	if (!z->sapi || z->sapi->preload(&z->ctx, err) < 0)
		return -1;
	if (enter_jail(z, err) < 0)
		return -1;
	/* Where php-fpm's child does it: PHP is loaded, and the hat need not allow what that takes. */
	if (z->conf->apparmor_hat && zygote_confine(z->conf->apparmor_hat, err) < 0)
		return -1;
	drop_start_environment(z->conf);
	return z->sapi->load ? z->sapi->load(&z->ctx, err) : 0;
}
