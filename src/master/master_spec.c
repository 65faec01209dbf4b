/* master_spec.c -- what a pool was told, kept apart from the configuration it came from, and its listening socket.
 * Master only. Starts nothing. All sockets of a configuration are opened, or none. */
#include <stdlib.h>
#include <string.h>
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/conf/conf_module.h"
#include "src/master/master_priv.h"

struct master_listen_want master_spec_want(const struct conf_pool *pool)
{
	return (struct master_listen_want){
		.listen = pool->listen,
		.name = pool->name,
		.backlog = pool->listen_backlog,
		.uid = pool->listen_uid,
		.gid = pool->listen_gid,
		.mode = pool->listen_mode,
		.acl = pool->listen_acl,
		.acl_count = pool->listen_acl_count,
	};
}

struct master_listen_want master_spec_want_status(const struct conf_pool *pool)
{
	struct master_listen_want want = master_spec_want(pool);

	want.listen = pool->status_listen;
	want.name = NULL;
	return want;
}

/* "A\0B\0\0"; NULL: none. */
static char *spec_patterns(const struct conf_pairs *list)
{
	struct buf out = { 0 };
	char *patterns;

	if (list->count == 0)
		return NULL;
	for (size_t i = 0; i < list->count; i++)
		buf_add(&out, list->at[i].value, strlen(list->at[i].value) + 1);
	buf_add(&out, "", 1);
	patterns = xcalloc(out.len, 1);
	memcpy(patterns, out.data, out.len);
	buf_free(&out);
	return patterns;
}

struct master_spec *master_spec_new(struct master *m, const struct conf *conf, const struct conf_pool *pool,
				    struct err *err)
{
	struct master_spec *spec = xcalloc(1, sizeof(*spec));
	struct buf section = { 0 };

	spec->refs = 1;
	for (int i = 0; i < MASTER_FILE_COUNT; i++)
		spec->files[i].fd = -1;
	if (conf_find_module(m->module_dir, pool->sapi, pool->php_version, &spec->module, err) < 0) {
		master_spec_drop(m, &spec);
		return NULL;
	}
	spec->name = xstrdup(pool->name);
	spec->ondemand = pool->pm == CONF_PM_ONDEMAND;
	spec->dispatched = pool->mpm == CONF_MPM_EVENT;
	spec->clear_env = pool->clear_env;
	spec->env_pass = spec_patterns(&pool->env_pass);
	spec->uid = pool->owner.uid;
	conf_pool_write(&conf->global, pool, &section);
	/* Of its exact size: a pool at rest should cost little. */
	spec->section = xstrndup(buf_str(&section), section.len);
	spec->section_len = section.len;
	buf_free(&section);
	if (master_files_open(spec, pool, err) < 0)
		master_spec_drop(m, &spec);
	return spec;
}

struct master_spec *master_spec_hold(struct master_spec *spec)
{
	spec->refs++;
	return spec;
}

void master_spec_drop(struct master *m, struct master_spec **spec)
{
	struct master_spec *gone = *spec;

	*spec = NULL;
	if (!gone)
		return;
	BUG_IF(gone->refs == 0);
	if (--gone->refs > 0)
		return;
	master_listen_drop(&m->listeners, &gone->listener);
	master_listen_drop(&m->listeners, &gone->status);
	master_files_close(gone);
	free(gone->name);
	free(gone->env_pass);
	free(gone->section);
	free(gone->module);
	free(gone);
}

static const struct master_spec *spec_with(struct master_spec *const *specs, const struct master_listener *l)
{
	for (; *specs; specs++)
		if ((*specs)->listener == l || (*specs)->status == l)
			return *specs;
	return NULL;
}

/* The socket that spec wants; specs: those before it, and itself. NULL with err. */
static struct master_listener *spec_listen(struct master *m, const struct master_listen_want *want,
					   struct master_spec *const *specs, struct err *err)
{
	enum master_listen_how how;
	struct master_listener *l = master_listen_hold(&m->listeners, want, &how, err);
	const struct master_spec *other = l ? spec_with(specs, l) : NULL;

	if (other) {
		err_set(err, "unable to set listen address as it's already used in another pool '%s'", other->name);
		master_listen_drop(&m->listeners, &l);
	}
	if (!l || how != MASTER_LISTEN_KEPT)
		return l;
	/* The line is php-fpm's; its watchers count these. One that came from outside has been named already. */
	if (m->phase != MASTER_STARTING)
		log_notice("using inherited socket fd=%d, \"%s\"", l->fd, l->key);
	else if (master_listen_apply(l, want, err) < 0)
		master_listen_drop(&m->listeners, &l);
	return l;
}

/* One pool's spec, at the end of the list. */
static int specs_add(struct master *m, const struct conf *conf, size_t i, struct master_spec **specs, struct err *err)
{
	const struct conf_pool *pool = conf->pools[i];
	struct master_listen_want want = master_spec_want(pool), want_status = master_spec_want_status(pool);
	struct master_spec *spec = master_spec_new(m, conf, pool, err);

	if (!spec)
		return -1;
	specs[i] = spec;
	spec->listener = spec_listen(m, &want, specs, err);
	if (!spec->listener)
		return -1;
	if (!pool->status_listen)
		return 0;
	spec->status = spec_listen(m, &want_status, specs, err);
	return spec->status ? 0 : -1;
}

static bool is_wanted(const struct master *m, const struct master_listener *l)
{
	for (size_t i = 0; i < m->pool_count && !master_is_ending(m); i++)
		if (m->pools[i]->spec->listener == l || m->pools[i]->spec->status == l)
			return true;
	return false;
}

void master_spec_unlink(struct master *m, struct master_spec *spec)
{
	if (!is_wanted(m, spec->listener))
		master_listen_unlink(spec->listener);
	if (spec->status && !is_wanted(m, spec->status))
		master_listen_unlink(spec->status);
}

struct master_spec **master_specs_open(struct master *m, const struct conf *conf, struct err *err)
{
	struct master_spec **specs = xcalloc(conf->pool_count + 1, sizeof(struct master_spec *));
	struct err why;
	size_t i = 0;

	while (i < conf->pool_count && specs_add(m, conf, i, specs, &why) == 0)
		i++;
	if (i == conf->pool_count)
		return specs;
	err_set(err, "[pool %s] %s", conf->pools[i]->name, why.text);
	for (i = 0; i < conf->pool_count; i++)
		master_spec_drop(m, &specs[i]);
	free(specs);
	return NULL;
}
