/* conf_dump.c -- a configuration as php-fpm's -tt shows it: every key with the value that holds, Weir's own
 * keys behind php-fpm's. Made from the table of keys; runs in the master. Values of env[X] = $VAR are shown
 * as written, so that the dump tells no secret of the environment. */
#include <string.h>
#include "src/base/mem.h"
#include "src/conf/conf.h"
#include "src/conf/conf_keys.h"
#include "src/conf/conf_value.h"

static void dump_plain(const struct conf_key *key, const void *base, struct buf *out)
{
	buf_printf(out, "\t%s = ", key->name);
	if (key->flags & CONF_KEY_NUMBERED)
		buf_printf(out, "%d", *(const int *)((const char *)base + key->offset) * 8);
	else if (key->type == CONF_CORE && *(const int64_t *)((const char *)base + key->offset) < 0)
		buf_add_str(out, "-1");
	else if (!conf_value_show(key, base, out))
		buf_add_str(out, "undefined");
	buf_add_str(out, "\n");
}

/* php-fpm shows flags as values. */
static const char *shown_name(const struct conf_key *key)
{
	if (!strcmp(key->name, "php_flag"))
		return "php_value";
	return strcmp(key->name, "php_admin_flag") ? key->name : "php_admin_value";
}

static void dump_pairs(const struct conf_pairs *pairs, struct buf *out)
{
	for (size_t i = 0; i < pairs->count; i++) {
		const struct conf_pair *pair = &pairs->at[i];

		buf_printf(out, "\t%s[%s] = %s\n", shown_name(pair->key), pair->sub,
			   pair->written ? pair->written : pair->value);
	}
}

/* sapi: of a pool, whose SAPI's keys only are shown. */
static void dump_keys(enum conf_where where, const void *base, const char *sapi, unsigned ours, struct buf *out)
{
	for (size_t i = 0; i < conf_key_count; i++) {
		const struct conf_key *key = &conf_keys[i];

		if (key->where != where || (key->flags & CONF_KEY_UNDUMPED) || (key->flags & CONF_KEY_OURS) != ours)
			continue;
		if (sapi && !conf_key_applies(key, sapi))
			continue;
		if (key->type == CONF_LIST)
			dump_pairs((const struct conf_pairs *)((const char *)base + key->offset), out);
		else if (!conf_key_is_array(key))
			dump_plain(key, base, out);
	}
}

void conf_dump(const struct conf *conf, struct buf *out)
{
	buf_add_str(out, "[global]\n");
	dump_keys(CONF_IN_GLOBAL, &conf->global, NULL, 0, out);
	dump_keys(CONF_IN_GLOBAL, &conf->global, NULL, CONF_KEY_OURS, out);
	buf_add_str(out, " \n");
	for (size_t i = 0; i < conf->pool_count; i++) {
		const struct conf_pool *p = conf->pools[i];

		buf_printf(out, "[%s]\n", p->name);
		dump_keys(CONF_IN_POOL, p, p->sapi, 0, out);
		dump_pairs(&p->env, out);
		dump_pairs(&p->sapi_values, out);
		dump_keys(CONF_IN_POOL, p, p->sapi, CONF_KEY_OURS, out);
		buf_add_str(out, " \n");
	}
}
