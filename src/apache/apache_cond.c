/* apache_cond.c -- conditions that Apache asks while it reads: IfModule, IfDefine, IfVersion, IfFile and their kind.
 * Runs in `weir import-apache` only. Where the files load no module at all (a part of a configuration, as
 * mpm_prefork.conf), every module counts as loaded. */
#include "src/apache/apache_read_priv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "src/base/mem.h"

#define VERSION_MAJOR 2                 /* whom we read for: Apache 2.4 as it is */
#define VERSION_MINOR 4
#define VERSION_PATCH 62

static bool ask_module(struct apache_reader *r, const char *name, bool negated, enum apache_mpm *mpm_out)
{
	enum apache_mpm loaded = apache_loaded_mpm(r->conf), asked = apache_mpm_in(name);

	if (asked && loaded && !strcasestr(name, "itk"))
		return (loaded == asked) != negated;
	if (r->conf->module_count && !(asked && !loaded))
		return apache_has_module(r->conf, name) != negated;
	if (asked && !negated)
		*mpm_out = asked;
	return !negated;
}

/* "2.4", "2.4.10": below 0, 0, above 0 as our version is older, equal, newer; parts that are not named are equal. */
static long version_against(const char *text)
{
	static const long ours[] = { VERSION_MAJOR, VERSION_MINOR, VERSION_PATCH };

	for (size_t i = 0; i < ARRAY_LEN(ours) && *text; i++) {
		char *rest;
		long theirs = strtol(text, &rest, 10);

		if (ours[i] != theirs)
			return ours[i] < theirs ? -1 : 1;
		text = *rest == '.' ? rest + 1 : rest + strlen(rest);
	}
	return 0;
}

static bool ask_version(const char *op, const char *version)
{
	bool negated = *op == '!';
	long is = version_against(version);

	op += negated ? 1 : 0;
	if (!strcmp(op, ">="))
		return (is >= 0) != negated;
	if (!strcmp(op, "<="))
		return (is <= 0) != negated;
	if (!strcmp(op, ">") || !strcmp(op, "<"))
		return (*op == '>' ? is > 0 : is < 0) != negated;
	return (version_against(*version ? version : op) == 0) != negated;
}

bool apache_cond_is(const char *kind)
{
	static const char *const kinds[] = { "ifmodule", "ifdefine", "ifversion", "iffile", "ifdirective", "ifsection" };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (!strcmp(kinds[i], kind))
			return true;
	return false;
}

bool apache_cond_ask(struct apache_reader *r, const char *kind, const struct apache_words *args,
		     enum apache_mpm *mpm_out)
{
	const char *first = args->count ? args->at[0] : "";
	bool negated = *first == '!';

	if (!*first)
		apache_read_problem(r, "<%s> without an argument", kind);
	if (!strcmp(kind, "ifversion"))
		return ask_version(first, args->count > 1 ? args->at[1] : "");
	first += negated ? 1 : 0;
	if (!strcmp(kind, "ifmodule"))
		return ask_module(r, first, negated, mpm_out);
	if (!strcmp(kind, "ifdefine"))
		return apache_vars_is_defined(&r->conf->vars, first) != negated;
	if (!strcmp(kind, "iffile"))
		return (access(first, F_OK) == 0) != negated;
	return !negated;
}
