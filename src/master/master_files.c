/* master_files.c -- the files that a pool writes besides the error log: access and slow log. Master only. It opens
 * them, since only it may; a pool process gets descriptors and writes. */
#include <stdlib.h>
#include <string.h>
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/master/master_log.h"
#include "src/master/master_priv.h"

static const struct file_kind {
	const char *key;
	const char *words;              /* as php-fpm's log calls it */
	enum master_log_file file;
} kinds[] = {
	[MASTER_FILE_ACCESS] = { "access.log", "access log", MASTER_LOG_ACCESS },
	[MASTER_FILE_SLOW] = { "slowlog", "slow log", MASTER_LOG_SLOW },
};

static struct master_log_name file_name(int kind, const char *path)
{
	return (struct master_log_name){ kinds[kind].key, path };
}

/* NULL: the pool has no such file. As in php-fpm, a slow log to which nothing will be written is not made. */
static const char *path_of(const struct conf_pool *pool, int kind)
{
	if (kind == MASTER_FILE_SLOW)
		return pool->request_slowlog_timeout_s > 0 ? pool->slowlog : NULL;
	return pool->access_log;
}

int master_files_check(const struct conf_pool *pool, struct err *err)
{
	for (int i = 0; i < MASTER_FILE_COUNT; i++) {
		struct master_log_name name = file_name(i, path_of(pool, i));

		if (name.path && master_log_check(&name, err) < 0)
			return -1;
	}
	return 0;
}

int master_files_open(struct master_spec *spec, const struct conf_pool *pool, struct err *err)
{
	for (int i = 0; i < MASTER_FILE_COUNT; i++) {
		struct master_file *f = &spec->files[i];
		const char *path = path_of(pool, i);
		struct master_log_name name = file_name(i, path);

		if (!path)
			continue;
		f->path = xstrdup(path);
		f->fd = master_log_open(&name, err);
		if (f->fd < 0)
			return -1;
	}
	return 0;
}

void master_files_close(struct master_spec *spec)
{
	for (int i = 0; i < MASTER_FILE_COUNT; i++) {
		fd_close(&spec->files[i].fd);
		free(spec->files[i].path);
		spec->files[i].path = NULL;
	}
}

static bool file_reopen(struct master_spec *spec, int kind)
{
	struct master_file *f = &spec->files[kind];
	struct master_log_name name = file_name(kind, f->path);
	struct err err;
	int fd;

	if (!f->path)
		return false;
	fd = master_log_open(&name, &err);
	if (fd < 0) {
		log_error("[pool %s] %s; the old one stays in use", spec->name, err.text);
		return false;
	}
	fd_close(&f->fd);
	f->fd = fd;
	return true;
}

/* Each process of the spec, old ones too, goes on in the new file. */
static void file_tell(struct master *m, const struct master_spec *spec, int kind)
{
	for (struct master_proc *p = m->procs; p; p = p->next)
		if (p->spec == spec)
			master_proc_log(p, kinds[kind].file, spec->files[kind].fd);
}

void master_files_reopen(struct master *m)
{
	bool any[MASTER_FILE_COUNT] = { false };

	for (size_t i = 0; i < m->pool_count; i++)
		for (int kind = 0; kind < MASTER_FILE_COUNT; kind++) {
			if (!file_reopen(m->pools[i]->spec, kind))
				continue;
			file_tell(m, m->pools[i]->spec, kind);
			any[kind] = true;
		}
	for (int kind = 0; kind < MASTER_FILE_COUNT; kind++)
		if (any[kind])
			log_notice("%s file re-opened", kinds[kind].words);
}
