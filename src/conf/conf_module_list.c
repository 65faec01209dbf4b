/* conf_module_list.c -- which plug-ins there are, by file names alone. Runs in the master; loads nothing. */
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include "src/base/mem.h"
#include "src/conf/conf_module.h"

#define START "weir_"
#define END ".so"

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int by_name(const void *a, const void *b)
{
	const struct conf_module *left = a, *right = b;

	return strcmp(base_of(left->path), base_of(right->path));
}

/* Of two with one name the first counts, as for conf_find_module. */
static void add(struct conf_modules *all, const char *path)
{
	const char *name = base_of(path) + strlen(START);
	size_t len = strlen(name) - strlen(END);
	size_t sapi = strcspn(name, "0123456789");

	for (size_t i = 0; i < all->count; i++)
		if (!strcmp(base_of(all->at[i].path), base_of(path)))
			return;
	if (sapi > len)
		sapi = len;
	all->at = xrealloc(all->at, (all->count + 1) * sizeof(*all->at));
	all->at[all->count++] = (struct conf_module){
		.sapi = xstrndup(name, sapi), .version = sapi < len ? xstrndup(name + sapi, len - sapi) : NULL,
		.path = xstrdup(path),
	};
}

struct conf_modules conf_list_modules(const char *module_dir)
{
	static const char *const places[] = { "", "/.libs", "/sapi/*/.libs" };
	struct conf_modules all = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		char *pattern = xasprintf("%s%s/" START "?*" END, module_dir, places[i]);
		glob_t found = { 0 };

		if (glob(pattern, 0, NULL, &found) == 0)
			for (size_t j = 0; j < found.gl_pathc; j++)
				add(&all, found.gl_pathv[j]);
		globfree(&found);
		free(pattern);
	}
	if (all.count)
		qsort(all.at, all.count, sizeof(*all.at), by_name);
	return all;
}

void conf_modules_free(struct conf_modules *modules)
{
	for (size_t i = 0; i < modules->count; i++) {
		free(modules->at[i].sapi);
		free(modules->at[i].version);
		free(modules->at[i].path);
	}
	free(modules->at);
	*modules = (struct conf_modules){ 0 };
}
