/* conf_path.c -- makes the paths of a configuration absolute, and looks whether its folders are there.
 * Runs in the master while it loads. Creates nothing and opens nothing. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include "src/base/mem.h"
#include "src/conf/conf_priv.h"

#define BASE_VAR "/var"                 /* for pid and error_log */
#define BASE_USR "/usr"                 /* for all else */
#define PREFIX_WORD "$prefix"

const char *conf_path_base(const struct conf_loading *l, const struct conf_pool *pool, const char *fallback)
{
	if (pool && pool->prefix)
		return pool->prefix;
	return l->opt->prefix ? l->opt->prefix : fallback;
}

static char *joined(const char *base, const char *rest)
{
	size_t len = strlen(base);

	while (len && base[len - 1] == '/')
		len--;
	while (*rest == '/')
		rest++;
	return xasprintf("%.*s/%s", (int)len, base, rest);
}

void conf_path_absolute(char **path, const char *base)
{
	char *whole;

	if (!*path || **path == '/')
		return;
	whole = joined(base, *path);
	free(*path);
	*path = whole;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* $prefix at the start of chroot. */
static void expand_prefix(struct conf_loading *l, struct conf_draft *d, const char *base)
{
	char **path = &d->pool->chroot;
	const char *rest;
	char *whole;

	if (!*path || !strstr(*path, PREFIX_WORD))
		return;
	if (strncmp(*path, PREFIX_WORD, strlen(PREFIX_WORD)) || strstr(*path + 1, PREFIX_WORD)) {
		conf_note_key(l, d, CONF_ERROR, "chroot",
			      "chroot = %s: '$prefix' must be use at the beginning of the value",
			      *path);
		conf_place_of(d, "chroot")->bad = true;
		return;
	}
	rest = *path + strlen(PREFIX_WORD);
	whole = *rest ? joined(base, rest) : xstrdup(base);
	free(*path);
	*path = whole;
}

static void check_chdir(struct conf_loading *l, struct conf_draft *d)
{
	const struct conf_pool *p = d->pool;
	char *inside;

	if (!p->chdir || conf_is_bad(d, "chroot"))
		return;
	if (!p->chroot) {
		if (!is_folder(p->chdir))
			conf_note_key(l, d, CONF_ERROR, "chdir",
				      "the chdir path '%s' does not exist or is not a directory", p->chdir);
		return;
	}
	inside = joined(p->chroot, p->chdir);
	if (!is_folder(inside))
		conf_note_key(l, d, CONF_ERROR, "chdir", "the chdir path '%s' within the chroot path '%s' "
			      "('%s') does not exist or is not a directory", p->chdir, p->chroot, inside);
	free(inside);
}

/* Options of PHP that hold a path and count from the prefix when they are relative; not in a chroot. */
static bool is_path_option(const char *name)
{
	static const char *const options[] = {
		"error_log", "extension_dir", "mime_magic.magicfile", "sendmail_path", "session.cookie_path",
		"session_pgsql.sem_file_name", "soap.wsdl_cache_dir", "uploadprogress.file.filename_template",
	};

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (!strcasecmp(options[i], name))
			return true;
	return false;
}

static void resolve_values(struct conf_pool *pool, const char *base)
{
	for (size_t i = 0; i < pool->sapi_values.count; i++) {
		struct conf_pair *pair = &pool->sapi_values.at[i];
		bool word = !*pair->value || !strcmp(pair->value, "syslog");

		if (!word && is_path_option(pair->sub))
			conf_path_absolute(&pair->value, base);
	}
}

static void check_global_paths(struct conf_loading *l)
{
	const char *base = conf_path_base(l, NULL, BASE_VAR);

	conf_path_absolute(&l->conf->global.pid, base);
	if (!conf_logs_to_syslog(&l->conf->global))
		conf_path_absolute(&l->conf->global.error_log, base);
}

void conf_check_paths(struct conf_loading *l, struct conf_draft *d)
{
	struct conf_pool *p = d->pool;
	const char *base;

	if (!p) {
		check_global_paths(l);
		return;
	}
	conf_path_absolute(&p->prefix, conf_path_base(l, NULL, BASE_USR));
	base = conf_path_base(l, p, BASE_USR);
	if (p->prefix && !is_folder(p->prefix)) {
		conf_note_key(l, d, CONF_ERROR, "prefix",
			      "the prefix '%s' does not exist or is not a directory",
			      p->prefix);
		return;
	}
	expand_prefix(l, d, base);
	conf_path_absolute(&p->chroot, base);
	conf_path_absolute(&p->chdir, base);
	conf_path_absolute(&p->access_log, base);
	conf_path_absolute(&p->slowlog, base);
	conf_path_absolute(&p->event_body_dir, base);
	conf_path_absolute(&p->native_module, p->chroot ? "/" : base);
	conf_path_absolute(&p->wsgi_virtualenv, p->chroot ? "/" : base);
	if (p->chroot && !is_folder(p->chroot)) {
		conf_note_key(l, d, CONF_ERROR, "chroot",
			      "the chroot path '%s' does not exist or is not a directory",
			      p->chroot);
		conf_place_of(d, "chroot")->bad = true;
	}
	check_chdir(l, d);
	if (!p->chroot)
		resolve_values(p, base);
}
