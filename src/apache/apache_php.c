/* apache_php.c -- mod_php's directives as keys of a pool. Runs in `weir import-apache` only. Pure. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "src/apache/apache_pool.h"
#include "src/apache/apache_write.h"
#include "src/base/mem.h"

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

static const struct kind {
	const char *directive;
	bool flag;
	bool admin;
} kinds[] = {
	{ "php_value", false, false },
	{ "php_flag", true, false },
	{ "php_admin_value", false, true },
	{ "php_admin_flag", true, true },
};

static const struct kind *kind_of(const struct apache_directive *d)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (apache_is(d, kinds[i].directive))
			return &kinds[i];
	return NULL;
}

static bool is_of(const struct apache_directive *d, const struct apache_pool *pool)
{
	const struct apache_section *host = apache_host(d->in);

	return !host || host == pool->host || pool->runs != APACHE_RUNS_MOD_PHP;
}

/* As mod_php reads it. */
static const char *value_of(const struct apache_directive *d, const struct kind *k)
{
	const char *value = apache_arg(d, 1);

	if (k->flag)
		return !strcasecmp(value, "on") || !strcmp(value, "1") ? "on" : "off";
	return strcasecmp(value, "none") ? value : "";
}

/* One that Apache reads later, or that stands nearer, counts; in Weir the first of equal names does. */
static bool is_replaced(const struct apache_conf *conf, const struct apache_pool *pool, size_t at)
{
	const struct apache_directive *d = &conf->at[at];

	for (size_t i = 0; i < conf->count; i++) {
		const struct apache_directive *other = &conf->at[i];
		const struct kind *k = kind_of(other);
		int nearer = (apache_host(other->in) != NULL) - (apache_host(d->in) != NULL);

		if (i != at && k && k->admin == kind_of(d)->admin && is_of(other, pool) &&
		    apache_counts_for_all(conf, other->in) && !strcmp(apache_arg(other, 0), apache_arg(d, 0)) &&
		    (nearer > 0 || (nearer == 0 && i > at)))
			return true;
	}
	return false;
}

static void put_value(struct buf *to, struct apache_conf *conf, const struct apache_pool *pool, size_t at)
{
	struct apache_directive *d = &conf->at[at];
	const struct kind *k = kind_of(d);
	const char *name = apache_arg(d, 0);
	char *key;

	if (!*name || strspn(name, NAME_LETTERS) != strlen(name)) {
		apache_put(to, d, NULL, NULL, "left out: '%s' is no name of an ini entry", name);
		return;
	}
	key = xasprintf("%s[%s]", k->directive, name);
	if (!strcasecmp(name, "engine"))
		apache_put(to, d, NULL, NULL, "no equal: what is sent to the pool is run; send it nothing");
	else if (!apache_counts_for_all(conf, d->in)) {
		apache_put(to, d, NULL, NULL, "for <%s %s> only, which a pool does not know: give that part a pool of its own, or a "
			   ".user.ini", d->in->kind, d->in->args.count ? d->in->args.at[0] : "");
		apache_put_comment(to, "%s = %s", key, value_of(d, k));
	} else if (is_replaced(conf, pool, at))
		apache_put(to, d, NULL, NULL, "another line for the same entry counts");
	else if (d->args.count < 2)
		apache_put(to, d, NULL, NULL, "left out: it has no value");
	else
		apache_put(to, d, key, value_of(d, k), "%s", "");
	free(key);
}

/* Of all handlers that lead to this pool. */
static void put_extensions(struct buf *to, struct apache_conf *conf, const struct apache_pool *pool)
{
	struct buf all = { 0 };
	bool known = pool->from && apache_extensions(pool->from, &all);

	(void)conf;
	if (pool->from)
		pool->from->told = true;
	if (known && strcmp(buf_str(&all), ".php .phar") != 0)
		apache_put(to, pool->from, "security.limit_extensions", buf_str(&all), "these files are scripts");
	buf_free(&all);
}

void apache_php_put(struct buf *to, struct apache_conf *conf, const struct apache_pool *pool)
{
	put_extensions(to, conf, pool);
	if (pool->runs == APACHE_RUNS_FASTCGI)
		return;
	for (size_t i = 0; i < conf->count; i++)
		if (kind_of(&conf->at[i]) && is_of(&conf->at[i], pool))
			put_value(to, conf, pool, i);
}
