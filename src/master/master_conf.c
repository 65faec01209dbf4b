/* master_conf.c -- the defaults that depend on where and under which name Weir runs, and loading the configuration.
 * Master only. Reads the configuration; what it means and whether it is right stands in src/conf. */
#include "src/master/master_conf.h"

#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/base/names.h"
#include "src/conf/conf_module.h"
#include "src/master/master_priv.h"

#ifndef WEIR_SYSCONFDIR
#define WEIR_SYSCONFDIR "/usr/local/etc"
#endif
#ifndef WEIR_PKGLIBDIR                  /* the folder of this version's plug-ins */
#define WEIR_PKGLIBDIR "/usr/local/lib/weir"
#endif
#define PHP_FPM "php-fpm"
#define FPM_CONFIG "fpm.config="
#define PHP_FPM_CONF "/etc/php/%s/fpm/php-fpm.conf"

char *master_conf_version_in(const char *name, const char *start)
{
	const char *at = strstr(name, start);
	size_t len;

	if (!at)
		return NULL;
	at += strlen(start);
	len = strspn(at, "0123456789.");
	while (len > 0 && at[len - 1] == '.')
		len--;
	return len > 0 ? xstrndup(at, len) : NULL;
}

static bool conf_any(const char *folder, const char *pattern)
{
	char *all = xasprintf("%s/%s", folder, pattern);
	glob_t found = { 0 };
	bool any = glob(all, GLOB_NOSORT, NULL, &found) == 0 && found.gl_pathc > 0;

	globfree(&found);
	free(all);
	return any;
}

/* The folder of a build tree that this program lies in, or NULL. The caller frees it. */
static char *conf_build_dir(void)
{
	char exe[PATH_MAX], *slash;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	exe[n > 0 ? n : 0] = '\0';
	slash = strrchr(exe, '/');
	if (!slash)
		return NULL;
	*slash = '\0';
	slash = strrchr(exe, '/');
	if (slash && strcmp(slash, "/.libs") == 0)      /* libtool put the program itself there */
		*slash = '\0';
	if (conf_any(exe, ".libs/weir_*.so") || conf_any(exe, "sapi/*/.libs/weir_*.so"))
		return xstrdup(exe);
	return NULL;
}

static char *conf_module_dir(const struct master_cli *cli)
{
	char *build;

	if (cli->module_dir)
		return xstrdup(cli->module_dir);
	build = conf_build_dir();
	return build ? build : xstrdup(WEIR_PKGLIBDIR);
}

/* The last in the order of versions of the folders that have an fpm configuration; NULL: none. */
static char *conf_newest_fpm(void)
{
	glob_t found = { 0 };
	char *newest = NULL;

	if (glob("/etc/php/*/fpm/php-fpm.conf", GLOB_NOSORT, NULL, &found) != 0)
		return NULL;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char *version = master_conf_version_in(found.gl_pathv[i], "/etc/php/");

		if (version && (!newest || strverscmp(version, newest) > 0)) {
			free(newest);
			newest = version;
		} else {
			free(version);
		}
	}
	globfree(&found);
	return newest;
}

/* Under a name that begins with php-fpm: of the name, else of the newest plug-in, else of the newest folder. */
static char *conf_fpm_version(const struct master *m)
{
	char *path = NULL, *version = master_conf_version_in(m->cli.program, PHP_FPM);

	if (!version && conf_find_module(m->module_dir, "php", NULL, &path, NULL) == 0)
		version = master_conf_version_in(path, "weir_php");
	free(path);
	return version ? version : conf_newest_fpm();
}

/* What -d says of fpm.config, an ini entry that names the file; the last one counts. */
static const char *conf_file_defined(const struct master_cli *cli)
{
	const char *file = NULL;

	for (size_t i = 0; i < cli->define_count; i++)
		if (strncmp(cli->defines[i], FPM_CONFIG, strlen(FPM_CONFIG)) == 0)
			file = cli->defines[i] + strlen(FPM_CONFIG);
	return file;
}

static char *conf_default_file(const struct master *m)
{
	const char *given = m->cli.conf_file ? m->cli.conf_file : conf_file_defined(&m->cli);
	bool is_php_fpm = m->cli.names == SPAWN_NAMES_PHP_FPM;
	char *version, *file;

	if (given && *given)
		return xstrdup(given);
	if (m->cli.prefix)
		return xasprintf("%s/etc/%s", m->cli.prefix, is_php_fpm ? "php-fpm.conf" : "weir/weir.conf");
	if (!is_php_fpm)
		return xstrdup(WEIR_SYSCONFDIR "/weir/weir.conf");
	version = conf_fpm_version(m);
	file = xasprintf(PHP_FPM_CONF, version ? version : "8.2");
	free(version);
	return file;
}

/* What the SAPI is told of -c, -n, -e and -d. A zygote's folder is not the caller's: paths are made absolute. */
static void conf_options(const struct master_cli *cli, struct buf *out)
{
	char *absolute = cli->ini_path ? realpath(cli->ini_path, NULL) : NULL;

	if (cli->ini_path)
		spawn_option_add(out, "-c", NULL, absolute ? absolute : cli->ini_path);
	free(absolute);
	if (cli->no_ini)
		spawn_option_add(out, "-n", NULL, "1");
	if (cli->profile_info)
		spawn_option_add(out, "-e", NULL, "1");
	for (size_t i = 0; i < cli->define_count; i++) {
		const char *equals = strchr(cli->defines[i], '=');
		size_t len = equals ? (size_t)(equals - cli->defines[i]) : strlen(cli->defines[i]);
		char *key = xstrndup(cli->defines[i], len);

		spawn_option_add(out, "-d", key, equals ? equals + 1 : "1");
		free(key);
	}
}

void master_conf_paths(struct master *m)
{
	m->module_dir = conf_module_dir(&m->cli);
	m->conf_file = conf_default_file(m);
	conf_options(&m->cli, &m->options);
}

int master_conf_prefix(const struct master *m, struct err *err)
{
	struct stat st;

	if (!m->cli.prefix || (stat(m->cli.prefix, &st) == 0 && S_ISDIR(st.st_mode)))
		return 0;
	return err_set(err, "the global prefix '%s' does not exist or is not a directory", m->cli.prefix);
}

struct conf *master_conf_load(const struct master *m, struct conf_notes *notes_out)
{
	struct conf_load_options opt = {
		.file = m->conf_file,
		.prefix = m->cli.prefix,
		.pid = m->cli.pid_file,
		.as_root = m->as_root,
		.allow_root_pools = m->cli.allow_root,
		.module_dir = m->module_dir,
	};

	return conf_load(&opt, notes_out);
}

void master_conf_say(const struct conf_notes *notes)
{
	static const enum log_level levels[] = {
		[CONF_NOTICE] = LOG_LEVEL_NOTICE,
		[CONF_WARNING] = LOG_LEVEL_WARNING,
		[CONF_ERROR] = LOG_LEVEL_ERROR,
	};

	for (size_t i = 0; i < notes->count; i++)
		log_at(levels[notes->at[i].severity], "%s", notes->at[i].text);
}

static bool find_pool_user(const struct conf *conf, struct names_user *out)
{
	if (conf && conf->global.pool_process_user)
		return names_user(conf->global.pool_process_user, 0, out);
	return names_user("weir", 0, out) || names_user("nobody", 0, out);
}

int master_conf_pool_user(struct master *m, const struct conf *conf, struct err *err)
{
	struct names_user user;
	int rc = 0;

	if (!m->as_root)
		return 0;
	if (!find_pool_user(conf, &user))
		return err_set(err, "pool_process_user: there is no user '%s'",
			       conf && conf->global.pool_process_user ? conf->global.pool_process_user : "nobody");
	if (user.uid == 0)
		rc = err_set(err, "pool_process_user = %s is root: pool processes must not be", user.name);
	m->pool_uid = user.uid;
	m->pool_gid = user.gid;
	names_user_free(&user);
	return rc;
}
