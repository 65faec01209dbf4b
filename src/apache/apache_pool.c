/* apache_pool.c -- writes the section of a pool (see apache_pool.h). Runs in `weir import-apache` only. */
#include "src/apache/apache_pool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "src/apache/apache_write.h"
#include "src/base/mem.h"

bool apache_folder_exists(const char *path)
{
	struct stat st;

	return *path == '/' && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool has_folder(const char *socket)
{
	char *folder = xstrndup(socket, (size_t)(strrchr(socket, '/') - socket) + 1);
	bool there = apache_folder_exists(folder);

	free(folder);
	return there;
}

/* In Apache's words, for the administrator to put there. */
static void put_front_end(struct buf *to, const struct apache_pool *pool, const char *listen)
{
	if (pool->runs == APACHE_RUNS_WSGI)
		apache_put_comment(to, "In Apache, in place of WSGIScriptAlias: ProxyPass %s unix:%s|fcgi://localhost/",
				   apache_arg(pool->from, 0), listen);
	else if (pool->runs != APACHE_RUNS_FASTCGI)
		apache_put_comment(to, "In Apache, for the files that are scripts: SetHandler \"proxy:unix:%s|fcgi://localhost\"",
				   listen);
}

static void put_listen(struct buf *to, const struct apache_pool *pool)
{
	char *own = xasprintf("/run/weir-%s.sock", pool->name);
	bool unix_path = pool->listen && *pool->listen == '/';

	if (pool->listen && (!unix_path || has_folder(pool->listen))) {
		apache_put(to, pool->from, "listen", pool->listen, "Apache connects there already");
	} else if (pool->listen) {
		apache_put(to, pool->from, "listen", own, "that folder does not exist here; write the new path into Apache's line");
	} else {
		apache_put(to, pool->from, "listen", own, "%s", "");
		put_front_end(to, pool, own);
	}
	free(own);
}

static void put_backlog(struct buf *to, struct apache_conf *conf, const struct apache_pool *pool)
{
	struct apache_directive *d = apache_find_for(conf, "ListenBackLog", NULL);

	if (d && !(pool->daemon && apache_option(pool->daemon, "listen-backlog=")))
		apache_put_int(to, d, "listen.backlog", apache_number(conf, d, apache_arg(d, 0), 1), "%s", "");
}

#define TITLE_FASTCGI "what Apache reaches over FastCGI. If a php-fpm serves it today, take the file of its pool instead: " \
		      "Weir reads it as it is, and it has the numbers"

static void put_title(struct buf *to, const struct apache_pool *pool)
{
	static const char *const titles[] = {
		[APACHE_RUNS_UNKNOWN] = "the numbers of Apache's model; no application is named in these files",
		[APACHE_RUNS_MOD_PHP] = "PHP, which ran inside Apache (mod_php)",
		[APACHE_RUNS_FASTCGI] = TITLE_FASTCGI,
		[APACHE_RUNS_WSGI] = "a Python application, which mod_wsgi ran",
	};

	buf_add_str(to, "\n");
	apache_put_comment(to, "%s", titles[pool->runs]);
	buf_printf(to, "[%s]\n", pool->name);
}

void apache_pool_put(struct buf *to, struct apache_conf *conf, const struct apache_pool *pool,
		     enum apache_threads threads)
{
	put_title(to, pool);
	apache_owner_put(to, conf, pool);
	put_listen(to, pool);
	put_backlog(to, conf, pool);
	if (pool->runs == APACHE_RUNS_WSGI) {
		apache_wsgi_put(to, conf, pool);
		return;
	}
	apache_mpm_put(to, conf, threads, pool->host);
	apache_php_put(to, conf, pool);
}
