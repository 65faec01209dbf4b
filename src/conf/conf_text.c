/* conf_text.c -- one section as text, and back: how the master tells a pool process, zygote or child what it
 * is. Each value stands in quotes with %XX for every byte that means something to the line reader, so that
 * it comes back as it was. What the master found out (numbers of users, groups) goes along under internal.*
 * names, which no file may use: the reader of files does not know them. */
#include <stdlib.h>
#include <string.h>
#include "src/base/conf_scan.h"
#include "src/base/mem.h"
#include "src/conf/conf_priv.h"
#include "src/conf/conf_value.h"

static void write_quoted(const char *text, struct buf *out)
{
	buf_add_str(out, "\"");
	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c < ' ' || strchr("\"\\$%[]", *c))
			buf_printf(out, "%%%02X", (unsigned char)*c);
		else
			buf_add(out, c, 1);
	}
	buf_add_str(out, "\"");
}

static void write_line(const char *name, const char *value, struct buf *out)
{
	buf_printf(out, "%s = ", name);
	write_quoted(value, out);
	buf_add_str(out, "\n");
}

static void write_number(const char *name, long long number, struct buf *out)
{
	buf_printf(out, "%s = \"%lld\"\n", name, number);
}

/* Undo %XX in place. -1: it is not what write_quoted makes. */
static int unquote(char *text)
{
	char *to = text;

	for (; *text; text++) {
		char hex[3] = { 0 };

		if (*text != '%') {
			*to++ = *text;
			continue;
		}
		memcpy(hex, text + 1, text[1] ? 2 : 1);
		if (strlen(hex) != 2 || strspn(hex, "0123456789ABCDEF") != 2 || !strtoul(hex, NULL, 16))
			return -1;
		*to++ = (char)strtoul(hex, NULL, 16);
		text += 2;
	}
	*to = '\0';
	return 0;
}

static void write_keys(enum conf_where where, const void *base, struct buf *out)
{
	for (size_t i = 0; i < conf_key_count; i++) {
		const struct conf_key *key = &conf_keys[i];
		struct buf value = { 0 };

		if (key->where == where && !conf_key_is_array(key) && conf_value_show(key, base, &value))
			write_line(key->name, buf_str(&value), out);
		buf_free(&value);
	}
}

static void write_pairs(const struct conf_pairs *pairs, struct buf *out)
{
	for (size_t i = 0; i < pairs->count; i++) {
		buf_printf(out, "%s[", pairs->at[i].key->name);
		if (*pairs->at[i].sub)
			write_quoted(pairs->at[i].sub, out);
		buf_add_str(out, "] = ");
		write_quoted(pairs->at[i].value, out);
		buf_add_str(out, "\n");
	}
}

static void write_internal(const struct conf_pool *p, struct buf *out)
{
	if (p->file)
		write_line("internal.file", p->file, out);
	write_number("internal.line", p->line, out);
	write_number("internal.uid", p->owner.uid, out);
	write_number("internal.gid", p->owner.gid, out);
	for (size_t i = 0; i < p->owner.group_count; i++)
		write_number("internal.groups", p->owner.groups[i], out);
	if (p->user_name)
		write_line("internal.user_name", p->user_name, out);
	if (p->home)
		write_line("internal.home", p->home, out);
	write_number("internal.listen_uid", p->listen_uid, out);
	write_number("internal.listen_gid", p->listen_gid, out);
}

void conf_pool_write(const struct conf_global *global, const struct conf_pool *pool, struct buf *out)
{
	buf_add_str(out, "[global]\n");
	write_keys(CONF_IN_GLOBAL, global, out);
	buf_add_str(out, "[");
	write_quoted(pool->name, out);
	buf_add_str(out, "]\n");
	write_keys(CONF_IN_POOL, pool, out);
	write_pairs(&pool->access_suppress_path, out);
	write_pairs(&pool->env, out);
	write_pairs(&pool->env_pass, out);
	write_pairs(&pool->sapi_values, out);
	write_internal(pool, out);
}

/* What is being read. */
struct section {
	struct conf_global *global;
	struct conf_pool *pool;         /* NULL: lines are global */
};

/* Numbers of users and groups: 32 bits, all of which may be in use. */
static int read_id(const char *text, uint32_t *out, struct err *err)
{
	size_t len = strlen(text);

	if (!len || len > 10 || strspn(text, "0123456789") != len || strtoull(text, NULL, 10) > UINT32_MAX)
		return err_set(err, "'%s' is not a number of 32 bits", text);
	*out = (uint32_t)strtoull(text, NULL, 10);
	return 0;
}

static int read_group(struct conf_owner *owner, const char *text, struct err *err)
{
	uint32_t gid;

	if (read_id(text, &gid, err) < 0)
		return -1;
	owner->groups = xrealloc(owner->groups, (owner->group_count + 1) * sizeof(*owner->groups));
	owner->groups[owner->group_count++] = gid;
	return 0;
}

static int read_line(struct conf_pool *p, const char *value, struct err *err)
{
	uint32_t line;

	if (read_id(value, &line, err) < 0)
		return -1;
	p->line = (int)line;
	return 0;
}

static int read_string(char **place, const char *value)
{
	free(*place);
	*place = xstrdup(value);
	return 0;
}

static int read_internal(struct conf_pool *p, const char *name, const char *value, struct err *err)
{
	_Static_assert(sizeof(uid_t) == sizeof(uint32_t) && sizeof(gid_t) == sizeof(uint32_t),
		       "ids have 32 bits");

	if (!strcmp(name, "internal.file"))
		return read_string(&p->file, value);
	if (!strcmp(name, "internal.line"))
		return read_line(p, value, err);
	if (!strcmp(name, "internal.uid"))
		return read_id(value, &p->owner.uid, err);
	if (!strcmp(name, "internal.gid"))
		return read_id(value, &p->owner.gid, err);
	if (!strcmp(name, "internal.groups"))
		return read_group(&p->owner, value, err);
	if (!strcmp(name, "internal.user_name"))
		return read_string(&p->user_name, value);
	if (!strcmp(name, "internal.home"))
		return read_string(&p->home, value);
	if (!strcmp(name, "internal.listen_uid"))
		return read_id(value, &p->listen_uid, err);
	if (!strcmp(name, "internal.listen_gid"))
		return read_id(value, &p->listen_gid, err);
	return err_set(err, "'%s' is unknown", name);
}

static int read_pair(struct conf_pool *pool, const struct conf_key *key, struct conf_scan_token *t,
		     struct err *err)
{
	if (!t->sub || unquote(t->sub) < 0)
		return err_set(err, "'%s' needs a name in []", t->name);
	conf_pairs_add((struct conf_pairs *)((char *)pool + key->offset), key, t->sub, t->value);
	return 0;
}

static int read_assign(struct section *s, struct conf_scan_token *t, struct err *err)
{
	enum conf_where where = s->pool ? CONF_IN_POOL : CONF_IN_GLOBAL;
	const struct conf_key *key = conf_key_find(where, t->name);
	void *base = s->pool ? (void *)s->pool : (void *)s->global;

	if (unquote(t->value) < 0)
		return err_set(err, "the value of '%s' is garbled", t->name);
	if (s->pool && !strncmp(t->name, "internal.", strlen("internal.")))
		return read_internal(s->pool, t->name, t->value, err);
	if (!key)
		return err_set(err, "'%s' is unknown", t->name);
	if (conf_key_is_array(key))
		return read_pair(s->pool, key, t, err);
	return conf_value_set(key, base, t->value, err);
}

static int read_section(struct section *s, char *name, struct err *err)
{
	if (!strcmp(name, "global") && !s->pool)
		return 0;
	if (s->pool || unquote(name) < 0)
		return err_set(err, "more than one pool");
	s->pool = xcalloc(1, sizeof(*s->pool));
	s->pool->name = xstrdup(name);
	s->pool->listen_uid = (uid_t)-1;
	s->pool->listen_gid = (gid_t)-1;
	conf_value_defaults(CONF_IN_POOL, s->pool);
	return 0;
}

static int read_token(struct section *s, struct conf_scan_token *t, struct err *err)
{
	switch (t->kind) {
	case CONF_SCAN_BLANK:
		return 0;
	case CONF_SCAN_SECTION:
		return read_section(s, t->name, err);
	case CONF_SCAN_ASSIGN:
		return read_assign(s, t, err);
	case CONF_SCAN_ERROR:
		break;
	}
	return err_set(err, "%s", t->why.text);
}

static int read_text(struct section *s, const char *text, size_t len, struct err *err)
{
	const char *end = text + len;
	int line = 0, failed = 0;

	while (text < end && !failed) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *next = newline ? newline + 1 : end;
		struct conf_scan_token t;
		struct err why;

		line++;
		conf_scan_line(text, (size_t)(next - text), NULL, NULL, &t);
		failed = read_token(s, &t, &why);
		if (failed)
			err_set(err, "section text, line %d: %.900s", line, why.text);
		conf_scan_token_free(&t);
		text = next;
	}
	if (!failed && !s->pool)
		failed = err_set(err, "section text without a pool");
	return failed;
}

struct conf_pool *conf_pool_read(const char *text, size_t len, struct conf_global *global_out,
				 struct err *err)
{
	struct section s = { .global = global_out };

	*global_out = (struct conf_global){ 0 };
	conf_value_defaults(CONF_IN_GLOBAL, global_out);
	if (read_text(&s, text, len, err) == 0 && conf_clients_read(s.pool, err) == 0)
		return s.pool;
	conf_pool_free(&s.pool);
	conf_global_free(global_out);
	return NULL;
}
