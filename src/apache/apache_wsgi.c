/* apache_wsgi.c -- an application of mod_wsgi as a pool. Runs in `weir import-apache` only. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "src/apache/apache_pool.h"
#include "src/apache/apache_table.h"
#include "src/apache/apache_write.h"
#include "src/base/mem.h"

#define DAEMON_THREADS 15               /* mod_wsgi's, where threads= is not given */
#define THREADS_MAX 1000
#define CHILDREN_MAX 100000
#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

/* Options that become a key as they are. */
static const struct option {
	const char *name, *key;
	enum { AS_TEXT, AS_NUMBER, AS_FOLDER, AS_FOLDERS } as;
} options[] = {
	{ "home=", "chdir", AS_FOLDER },
	{ "chroot=", "chroot", AS_FOLDER },
	{ "python-home=", "wsgi.virtualenv", AS_TEXT },
	{ "python-path=", "wsgi.pythonpath", AS_FOLDERS },
	{ "maximum-requests=", "pm.max_requests", AS_NUMBER },
	{ "request-timeout=", "request_terminate_timeout", AS_NUMBER },
	{ "listen-backlog=", "listen.backlog", AS_NUMBER },
	{ "lang=", "env[LANG]", AS_TEXT },
	{ "locale=", "env[LC_ALL]", AS_TEXT },
};

static bool all_absolute(const char *folders)
{
	for (; *folders; folders += strcspn(folders, ":"), folders += *folders == ':')
		if (*folders != '/' && *folders != ':')
			return false;
	return true;
}

static void put_option(struct buf *to, struct apache_conf *conf, const struct apache_pool *pool, const struct option *o,
		       const char *value)
{
	const struct apache_row *row = apache_row_find(o->name);
	const char *note = row ? row->note : "";

	if (o->as == AS_FOLDER && !apache_folder_exists(value))
		apache_put_comment(to, "%s%s: no such folder here; else %s = %s", o->name, value, o->key, value);
	else if (o->as == AS_FOLDERS && !all_absolute(value))
		apache_put_comment(to, "%s%s: left out: each folder must be an absolute path", o->name, value);
	else if (o->as == AS_NUMBER)
		apache_put_int(to, NULL, o->key, apache_number(conf, pool->daemon, value, 0), "%s%s%s%s", o->name, value,
			       *note ? ": " : "", note);
	else if (*value)
		apache_put(to, NULL, o->key, value, "%s%s%s%s", o->name, value, *note ? ": " : "", note);
}

/* Options that have no equal, or that we do not know. */
static void put_rest(struct buf *to, const struct apache_directive *daemon)
{
	for (size_t i = 1; i < daemon->args.count; i++) {
		const char *word = daemon->args.at[i];
		size_t len = strcspn(word, "=");
		char *name = xasprintf("%.*s=", (int)len, word);
		const struct apache_row *row = apache_row_find(name);

		if (!row)
			apache_put_comment(to, "%s: not known", word);
		else if (!row->key)
			apache_put_comment(to, "%s: no equal: %s", word, row->note);
		free(name);
	}
}

static void put_priority(struct buf *to, struct apache_conf *conf, const struct apache_directive *daemon)
{
	const char *value = apache_option(daemon, "cpu-priority=");
	long nice = value ? strtol(value, NULL, 10) : 0;

	(void)conf;
	if (value && nice >= -19 && nice <= 20)
		apache_put_int(to, NULL, "process.priority", nice, "cpu-priority=%s", value);
	else if (value)
		apache_put_comment(to, "cpu-priority=%s: from -19 to 20", value);
}

static long clamped(long value, long most)
{
	return value < 1 ? 1 : value > most ? most : value;
}

static void put_daemon(struct buf *to, struct apache_conf *conf, const struct apache_pool *pool)
{
	const char *processes = apache_option(pool->daemon, "processes="), *threads = apache_option(pool->daemon, "threads=");
	long children = processes ? apache_number(conf, pool->daemon, processes, 1) : 1;
	long each = threads ? apache_number(conf, pool->daemon, threads, 1) : DAEMON_THREADS;

	apache_put(to, pool->daemon, "mpm", clamped(each, THREADS_MAX) > 1 ? "worker" : "prefork", "%s", "");
	if (each > 1)
		apache_put_int(to, NULL, "mpm.threads_per_child", clamped(each, THREADS_MAX), "threads=%ld%s%s", each,
			       threads ? "" : ": mod_wsgi's default", each > THREADS_MAX ? ": Weir's limit is 1000" : "");
	buf_add_str(to, "pm = static\n");
	apache_put_int(to, NULL, "pm.max_children", clamped(children, CHILDREN_MAX), "processes=%ld%s", children,
		       processes ? "" : ": mod_wsgi's default");
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		const char *value = apache_option(pool->daemon, options[i].name);

		if (value)
			put_option(to, conf, pool, &options[i], value);
	}
	put_priority(to, conf, pool->daemon);
	put_rest(to, pool->daemon);
}

/* Inside the web server, as mod_php: the model's numbers count. */
static void put_embedded(struct buf *to, struct apache_conf *conf, const struct apache_pool *pool)
{
	apache_put_comment(to, "No WSGIDaemonProcess: inside Apache's own processes, so their numbers count");
	apache_mpm_put(to, conf, APACHE_THREADS_GOOD, NULL);
	(void)pool;
}

/* What counts for all applications without an option of their own. */
static void put_global(struct buf *to, struct apache_conf *conf, const struct apache_pool *pool, const char *directive,
		       const char *option, const char *key)
{
	struct apache_directive *d = apache_find_for(conf, directive, pool->host);

	if (!d || !*apache_arg(d, 0) || (pool->daemon && apache_option(pool->daemon, option)))
		return;
	if (all_absolute(apache_arg(d, 0)))
		apache_put(to, d, key, apache_arg(d, 0), "%s", "");
	else
		apache_put(to, d, NULL, NULL, "left out: each folder must be an absolute path");
}

static void put_optimize(struct buf *to, struct apache_conf *conf, const struct apache_pool *pool)
{
	struct apache_directive *d = apache_find_for(conf, "WSGIPythonOptimize", pool->host);
	long level = d ? apache_number(conf, d, apache_arg(d, 0), 0) : 0;

	if (d)
		apache_put_int(to, d, "wsgi.python_optimize", level > 2 ? 2 : level, "%s",
			       level > 2 ? "2: Python has no more" : "");
}

/* A file of Python's needs the callable's name, which mod_wsgi takes for granted. */
static char *application_of(struct buf *to, struct apache_conf *conf, const struct apache_pool *pool)
{
	struct apache_directive *object = apache_find_for(conf, "WSGICallableObject", pool->host);
	const char *file = apache_arg(pool->from, 1), *callable = apache_option(pool->from, "callable-object=");
	bool script = strcmp(strrchr(file, '.'), ".wsgi") == 0;

	if (!callable && object)
		callable = apache_arg(object, 0);
	if (object)
		object->told = true;
	if (callable && strspn(callable, NAME_LETTERS) != strlen(callable)) {
		apache_put_comment(to, "callable-object=%s is no name in Python: left out", callable);
		callable = NULL;
	}
	if (!callable || !*callable)
		callable = script ? "" : "application";
	return xasprintf("%s%s%s", file, *callable ? ":" : "", callable);
}

void apache_wsgi_put(struct buf *to, struct apache_conf *conf, const struct apache_pool *pool)
{
	char *application = application_of(to, conf, pool);

	apache_put(to, NULL, "sapi", "wsgi", "%s", "");
	apache_put(to, pool->from, "wsgi.application", application, "%s", "");
	apache_put(to, NULL, "wsgi.mount", apache_arg(pool->from, 0), "%s", "");
	free(application);
	put_global(to, conf, pool, "WSGIPythonHome", "python-home=", "wsgi.virtualenv");
	put_global(to, conf, pool, "WSGIPythonPath", "python-path=", "wsgi.pythonpath");
	put_optimize(to, conf, pool);
	if (pool->daemon)
		put_daemon(to, conf, pool);
	else
		put_embedded(to, conf, pool);
}
