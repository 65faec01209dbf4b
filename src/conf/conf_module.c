/* conf_module.c -- finds the plug-in of a SAPI by its name. Runs in the master and in zygotes.
 * It looks at file names only and loads nothing; a name that could lead out of the folder is refused. */
#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "src/base/buf.h"
#include "src/base/mem.h"
#include "src/conf/conf_module.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyz0123456789_"
#define PHP_START "weir_php"
#define PHP_END ".so"
#define DIGITS "0123456789."
#define ZTS "-zts"                      /* ends the version of a PHP for threads */

/* The folders to look in. */
struct folders {
	char *at[3];
};

static struct folders folders_new(const char *module_dir, const char *sapi)
{
	return (struct folders){ { xstrdup(module_dir), xasprintf("%s/.libs", module_dir),
				   xasprintf("%s/sapi/%s/.libs", module_dir, sapi) } };
}

static void folders_free(struct folders *f)
{
	for (size_t i = 0; i < ARRAY_LEN(f->at); i++)
		free(f->at[i]);
}

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool is_zts(const char *version)
{
	return !strcmp(version + strspn(version, DIGITS), ZTS);
}

static bool is_version(const char *text)
{
	size_t digits = strspn(text, DIGITS);

	return digits > 0 && (text[digits] == '\0' || is_zts(text));
}

/* "8.2" out of "weir_php8.2.so" in fresh memory, or NULL. */
static char *version_of(const char *name)
{
	size_t len = strlen(name);
	size_t start = strlen(PHP_START), end = strlen(PHP_END);
	char *version;

	if (len <= start + end || strncmp(name, PHP_START, start) || strcmp(name + len - end, PHP_END))
		return NULL;
	version = xstrndup(name + start, len - start - end);
	if (is_version(version))
		return version;
	free(version);
	return NULL;
}

/* Is version a newer than b? By numbers: 8.10 is newer than 8.9. One for threads is slower and rarely what is meant:
 * it is taken where no other is, or by its name. */
static bool is_newer(const char *a, const char *b)
{
	if (is_zts(a) != is_zts(b))
		return is_zts(b);
	while (*a || *b) {
		char *a_rest, *b_rest;
		unsigned long a_number = strtoul(a, &a_rest, 10), b_number = strtoul(b, &b_rest, 10);

		if (a_number != b_number)
			return a_number > b_number;
		if (a_rest == a && b_rest == b && *a != '.' && *b != '.')
			return false;
		a = *a_rest == '.' ? a_rest + 1 : a_rest;
		b = *b_rest == '.' ? b_rest + 1 : b_rest;
	}
	return false;
}

/* Keep the newest PHP of one folder in *version and *path, and note all in seen. */
static void look_for_php(const char *folder, char **version, char **path, struct buf *seen)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL) {
		char *found = version_of(entry->d_name);

		if (!found)
			continue;
		buf_printf(seen, " %s", found);
		if (*version && !is_newer(found, *version)) {
			free(found);
			continue;
		}
		free(*version);
		free(*path);
		*version = found;
		*path = xasprintf("%s/%s", folder, entry->d_name);
	}
	if (dir)
		closedir(dir);
}

static int find_newest_php(const struct folders *f, char **path_out, struct buf *seen)
{
	char *version = NULL;

	for (size_t i = 0; i < ARRAY_LEN(f->at); i++)
		look_for_php(f->at[i], &version, path_out, seen);
	free(version);
	return *path_out ? 0 : -1;
}

static int find_named(const struct folders *f, const char *name, char **path_out)
{
	for (size_t i = 0; i < ARRAY_LEN(f->at); i++) {
		char *path = xasprintf("%s/%s", f->at[i], name);

		if (is_file(path)) {
			*path_out = path;
			return 0;
		}
		free(path);
	}
	return -1;
}

static int find_php(const struct folders *f, const char *version, char **path_out, struct err *err)
{
	char *name = xasprintf(PHP_START "%s" PHP_END, version ? version : "*");
	struct buf seen = { 0 };
	int failed = version ? find_named(f, name, path_out) : find_newest_php(f, path_out, &seen);
	char *newest = NULL;

	if (failed && version)
		find_newest_php(f, &newest, &seen);
	if (failed)
		err_set(err, "no %s in %s; PHP versions there "
			"are:%s", name, f->at[0], seen.len ? buf_str(&seen) : " none");
	free(newest);
	free(name);
	buf_free(&seen);
	return failed;
}

static int find_other(const struct folders *f, const char *sapi, char **path_out, struct err *err)
{
	char *name = xasprintf("weir_%s.so", sapi);
	int failed = find_named(f, name, path_out);

	if (failed)
		err_set(err, "no %s in %s", name, f->at[0]);
	free(name);
	return failed;
}

int conf_find_module(const char *module_dir, const char *sapi, const char *version, char **path_out,
		     struct err *err)
{
	struct folders f;
	int failed;

	*path_out = NULL;
	if (!*sapi || strspn(sapi, LETTERS) != strlen(sapi))
		return err_set(err, "'%s' is not the name of a SAPI", sapi);
	if (version && !is_version(version))
		return err_set(err, "'%s' is not a version such as 8.2 or 8.2-zts", version);
	f = folders_new(module_dir, sapi);
	if (!strcmp(sapi, "php"))
		failed = find_php(&f, version, path_out, err);
	else
		failed = find_other(&f, sapi, path_out, err);
	folders_free(&f);
	return failed;
}
