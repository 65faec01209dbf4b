/* conf_check_sapi.c -- the checks of a pool's SAPI: is it installed, has it what it needs, and does every key of the
 * section apply to it? Runs in the master after all files are read. A SAPI that the table does not know (one of
 * somebody else's) may be given any key. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "src/base/mem.h"
#include "src/conf/conf_module.h"
#include "src/conf/conf_priv.h"

/* Each key that belongs to one SAPI. "NAME.*" and "NAME_*": all that begin so. */
static const struct rule {
	const char *keys;
	const char *sapi;
} rules[] = {
	{ "php_*", "php" },
	{ "php.*", "php" },
	{ "security.limit_extensions", "php" },
	{ "native.*", "native" },
	{ "wsgi.*", "wsgi" },
};

/* Of those, what a SAPI cannot do without. */
static const struct need {
	const char *sapi;
	const char *key;
	const char *what;
} needs[] = {
	{ "native", "native.module", "the path of a module of C handlers, see weir_native(3)" },
	{ "wsgi", "wsgi.application", "MODULE:CALLABLE, FILE.py:CALLABLE or FILE.wsgi" },
};

static void check_installed(struct conf_loading *l, struct conf_draft *d)
{
	const struct conf_pool *p = d->pool;
	bool by_version = conf_is_given(d, "php.version") && !strcmp(p->sapi, "php");
	char *path;
	struct err err;

	if (!l->opt->module_dir)
		return;
	if (conf_find_module(l->opt->module_dir, p->sapi, p->php_version, &path, &err) < 0 && by_version)
		conf_note_key(l, d, CONF_ERROR, "php.version", "'php.version = %s' is not built into this "
			      "installation of Weir: %s", p->php_version ? p->php_version : "", err.text);
	else if (!path)
		conf_note_key(l, d, CONF_ERROR, "sapi",
			      "'sapi = %s' is not built into this version of Weir: %s",
			      p->sapi, err.text);
	free(path);
}

static bool is_meant(const struct rule *rule, const char *name)
{
	const char *star = strchr(rule->keys, '*');

	if (star)
		return !strncasecmp(rule->keys, name, (size_t)(star - rule->keys));
	return !strcasecmp(rule->keys, name);
}

static bool is_known(const char *sapi)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (!strcmp(rules[i].sapi, sapi))
			return true;
	return false;
}

/* The SAPI that alone has this key; NULL: all have it. */
static const char *owner_of(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if (is_meant(&rules[i], name))
			return rules[i].sapi;
	return NULL;
}

bool conf_key_applies(const struct conf_key *key, const char *sapi)
{
	const char *owner = key->where == CONF_IN_POOL ? owner_of(key->name) : NULL;

	return !owner || !strcmp(owner, sapi) || !is_known(sapi);
}

static void check_keys(struct conf_loading *l, struct conf_draft *d)
{
	const char *sapi = d->pool->sapi;

	for (size_t i = 0; i < conf_key_count; i++) {
		const struct conf_key *key = &conf_keys[i];

		if (d->given[i].file && !conf_key_applies(key, sapi))
			conf_note_key(l, d, CONF_ERROR, key->name, "%s does not apply to 'sapi = %s': it belongs to "
				      "'sapi = %s'; remove the line", key->name, sapi, owner_of(key->name));
	}
}

static void check_needs(struct conf_loading *l, struct conf_draft *d)
{
	for (size_t i = 0; i < ARRAY_LEN(needs); i++) {
		const struct need *n = &needs[i];

		if (!strcmp(n->sapi, d->pool->sapi) && !conf_is_given(d, n->key))
			conf_note_key(l, d, CONF_ERROR, n->key, "%s is missing: 'sapi = %s' needs %s", n->key, n->sapi,
				      n->what);
	}
}

static bool ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && !strcmp(text + len - end_len, end);
}

/* "PLACE:NAME", both of them not empty; or a file that needs no name. */
static bool names_application(const char *said)
{
	const char *colon = strrchr(said, ':');

	if (!colon || strchr(colon, '/'))
		return ends_in(said, ".wsgi");
	return colon > said && colon[1] != '\0';
}

static bool all_absolute(const char *folders)
{
	while (*folders != '\0') {
		size_t len = strcspn(folders, ":");

		if (len > 0 && *folders != '/')
			return false;
		folders += len + (folders[len] == ':');
	}
	return true;
}

static void check_wsgi(struct conf_loading *l, struct conf_draft *d)
{
	const struct conf_pool *p = d->pool;

	if (p->wsgi_application && !names_application(p->wsgi_application))
		conf_note_key(l, d, CONF_ERROR, "wsgi.application", "'wsgi.application = %s' names no application: it is "
			      "MODULE:CALLABLE, FILE.py:CALLABLE or FILE.wsgi", p->wsgi_application);
	if (p->wsgi_mount && *p->wsgi_mount != '/')
		conf_note_key(l, d, CONF_ERROR, "wsgi.mount", "'wsgi.mount = %s' must begin with /", p->wsgi_mount);
	if (p->wsgi_pythonpath && !all_absolute(p->wsgi_pythonpath))
		conf_note_key(l, d, CONF_ERROR, "wsgi.pythonpath", "'wsgi.pythonpath = %s': each folder must be an absolute "
			      "path", p->wsgi_pythonpath);
}

void conf_check_sapi(struct conf_loading *l, struct conf_draft *d)
{
	check_installed(l, d);
	check_keys(l, d);
	check_needs(l, d);
	if (!strcmp(d->pool->sapi, "wsgi"))
		check_wsgi(l, d);
}
