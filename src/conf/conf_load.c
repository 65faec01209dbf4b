/* conf_load.c -- reads configuration files into a struct conf: lines, sections, includes, values. Runs in
 * the master (at start, in -t and before a reload). It goes on after an error, so that one run tells all of
 * them, and refuses keys that it does not have, those to come included. As in php-fpm, what follows an
 * include belongs to the last section of the included file, and a section that is named again goes on. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include "src/base/conf_scan.h"
#include "src/base/fd.h"
#include "src/base/mem.h"
#include "src/conf/conf_priv.h"
#include "src/conf/conf_value.h"

#define FILE_BYTES_MAX (16 * 1024 * 1024)
#define INCLUDE_DEPTH_MAX 5             /* the main file is the first */
#define POOL_NAME_MAX 128
#define POOL_WORD "$pool"

static void load_file(struct conf_loading *l, const char *name, const struct conf_place *from);

static const char *environment(void *arg, const char *name)
{
	(void)arg;
	return getenv(name);
}

/* A text with each $pool replaced by the pool's name, in fresh memory. */
static char *expand_pool(const char *text, const char *pool)
{
	struct buf out = { 0 };
	const char *found;
	char *whole;

	while ((found = strstr(text, POOL_WORD)) != NULL) {
		buf_add(&out, text, (size_t)(found - text));
		buf_add_str(&out, pool);
		text = found + strlen(POOL_WORD);
	}
	buf_add_str(&out, text);
	whole = xstrdup(buf_str(&out));
	buf_free(&out);
	return whole;
}

static enum conf_where where_are_we(const struct conf_loading *l)
{
	return l->here->pool ? CONF_IN_POOL : CONF_IN_GLOBAL;
}

static void refuse_value(struct conf_loading *l, const char *name, const char *value, const char *why)
{
	conf_note_at(l, CONF_ERROR, &l->at,
		     "unable to parse value for entry '%s': %s (it is '%.200s')", name, why,
		     value);
}

static void set_plain(struct conf_loading *l, const struct conf_key *key, const struct conf_scan_token *t)
{
	struct conf_place *given = &l->here->given[conf_key_index(key)];
	struct conf_pool *pool = l->here->pool;
	void *base = pool ? (void *)pool : (void *)&l->conf->global;
	char *value;
	struct err why;

	*given = l->at;
	given->bad = true;
	if (!pool && strstr(t->value, POOL_WORD)) {
		refuse_value(l, t->name, t->value, "Can't use '$pool' when the pool is not defined");
		return;
	}
	value = pool ? expand_pool(t->value, pool->name) : xstrdup(t->value);
	if (conf_value_set(key, base, value, &why) < 0)
		refuse_value(l, t->name, value, why.text);
	else
		given->bad = false;
	free(value);
}

static void refuse_unknown(struct conf_loading *l, const struct conf_scan_token *t)
{
	enum conf_where here = where_are_we(l);
	enum conf_where there = here == CONF_IN_POOL ? CONF_IN_GLOBAL : CONF_IN_POOL;
	const char *what = t->sub ? "directive" : "entry";
	const struct conf_key *row = conf_key_find(here, t->name);
	const struct conf_key *near = conf_key_near(here, t->name);
	const struct conf_later *later = conf_later_find(t->name);

	if (later && later->whose == CONF_LATER_FREEBSD)
		conf_note_at(l, CONF_ERROR, &l->at, "unknown %s '%s': only FreeBSD has it: remove the line", what,
			     t->name);
	else if (later)
		conf_note_at(l, CONF_ERROR, &l->at, "'%s' is not built into this version of Weir", t->name);
	else if (row && t->sub)
		conf_note_at(l, CONF_ERROR, &l->at,
			     "unknown directive '%s': %s takes no [...]", t->name, row->name);
	else if (row)
		conf_note_at(l, CONF_ERROR, &l->at,
			     "unknown entry '%s': write %s[%s] = VALUE", t->name, row->name,
			     row->type == CONF_LIST ? "" : "NAME");
	else if (conf_key_find(there, t->name))
		conf_note_at(l, CONF_ERROR, &l->at, "unknown %s '%s': it belongs into %s", what, t->name,
			     here == CONF_IN_POOL ? "[global]" : "the section of a pool");
	else if (!strcasecmp(t->name, "include"))
		conf_note_at(l, CONF_ERROR, &l->at,
			     "unknown %s '%s': did you mean 'include'?", what, t->name);
	else if (near)
		conf_note_at(l, CONF_ERROR, &l->at,
			     "unknown %s '%s': did you mean '%s'?", what, t->name, near->name);
	else
		conf_note_at(l, CONF_ERROR, &l->at, "unknown %s '%s'", what, t->name);
}

static void set_env(struct conf_loading *l, struct conf_pairs *pairs, const struct conf_key *key,
		    const char *sub,
		    const char *value)
{
	const char *found = *value == '$' ? getenv(value + 1) : NULL;

	if (strchr(sub, '=')) {
		conf_note_at(l, CONF_ERROR, &l->at, "env[%s]: the name of a variable cannot hold '='", sub);
		return;
	}
	if (!*value) {
		conf_note_at(l, CONF_ERROR, &l->at,
			     "empty value for env[%s]: give it one, or remove the line", sub);
		return;
	}
	conf_pairs_add(pairs, key, sub, *value == '$' ? (found ? found : "") : value);
	if (*value == '$')
		pairs->at[pairs->count - 1].written = xstrdup(value);
}

static void set_flag(struct conf_loading *l, struct conf_pairs *pairs, const struct conf_key *key,
		     const char *sub,
		     const char *value)
{
	bool flag;

	if (conf_value_bool(value, &flag) < 0)
		conf_note_at(l, CONF_ERROR, &l->at, "error while parsing '%s[%s]' : invalid boolean value "
			     "(it is '%.200s')", key->name, sub, value);
	else
		conf_pairs_add(pairs, key, sub, flag ? "1" : "0");
}

/* NAME[] = value. */
static void set_item(struct conf_loading *l, struct conf_pairs *pairs, const struct conf_key *key, const char *sub,
		     const char *value)
{
	if (*sub)
		conf_note_at(l, CONF_ERROR, &l->at, "Keys provided to field '%s' are ignored: write %s[] = VALUE, once "
			     "for each", key->name, key->name);
	else if (*value != '/' && (key->flags & CONF_KEY_SLASH))
		conf_note_at(l, CONF_ERROR, &l->at, "Values provided to field '%s' must begin with '/' (it is '%.200s')",
			     key->name, value);
	else if (!*value && (key->flags & CONF_KEY_NO_EMPTY))
		conf_note_at(l, CONF_ERROR, &l->at, "empty value for %s[]: give it one, or remove the line", key->name);
	else
		conf_pairs_add(pairs, key, "", value);
}

static void set_pair(struct conf_loading *l, const struct conf_scan_token *t)
{
	struct conf_pool *pool = l->here->pool;
	const struct conf_key *key = pool ? conf_key_find(CONF_IN_POOL, t->name) : NULL;
	struct conf_pairs *pairs;
	char *value;

	if (!key || !conf_key_is_array(key)) {
		if (!pool && conf_key_find(CONF_IN_POOL, t->name))
			conf_note_at(l, CONF_ERROR, &l->at, "Array are not allowed in the global section: "
				     "%s[] belongs into the section of a pool", t->name);
		else
			refuse_unknown(l, t);
		return;
	}
	if (!*t->sub && key->type != CONF_LIST) {
		conf_note_at(l, CONF_ERROR, &l->at,
			     "You must provide a key for field '%s': %s[NAME] = VALUE", t->name,
			     t->name);
		return;
	}
	l->here->given[conf_key_index(key)] = l->at;
	pairs = (struct conf_pairs *)((char *)pool + key->offset);
	value = expand_pool(t->value, pool->name);
	if (!strcmp(key->name, "env"))
		set_env(l, pairs, key, t->sub, value);
	else if (key->type == CONF_LIST)
		set_item(l, pairs, key, t->sub, value);
	else if (key->type == CONF_PAIR_FLAGS)
		set_flag(l, pairs, key, t->sub, value);
	else
		conf_pairs_add(pairs, key, t->sub, value);
	free(value);
}

static struct conf_draft draft_new(struct conf_pool *pool, const struct conf_place *begin)
{
	return (struct conf_draft){ pool, *begin, xcalloc(conf_key_count, sizeof(struct conf_place)) };
}

static struct conf_draft *find_pool(struct conf_loading *l, const char *name)
{
	for (size_t i = 0; i < l->conf->pool_count; i++)
		if (!strcasecmp(l->pools[i].pool->name, name))
			return &l->pools[i];
	return NULL;
}

static struct conf_draft *add_pool(struct conf_loading *l, const char *name)
{
	struct conf *c = l->conf;
	struct conf_pool *pool = xcalloc(1, sizeof(*pool));

	pool->name = xstrdup(name);
	pool->file = xstrdup(l->at.file);
	pool->line = l->at.line;
	conf_value_defaults(CONF_IN_POOL, pool);
	c->pools = xrealloc(c->pools, (c->pool_count + 1) * sizeof(*c->pools));
	c->pools[c->pool_count] = pool;
	l->pools = xrealloc(l->pools, (c->pool_count + 1) * sizeof(*l->pools));
	l->pools[c->pool_count] = draft_new(pool, &l->at);
	return &l->pools[c->pool_count++];
}

static void check_pool_name(struct conf_loading *l, const char *name)
{
	bool control = false;

	for (const char *c = name; *c; c++)
		control = control || (unsigned char)*c < ' ' || *c == 0x7f;
	if (control)
		conf_note_at(l, CONF_ERROR, &l->at, "a pool's name cannot hold control characters");
	if (strlen(name) > POOL_NAME_MAX)
		conf_note_at(l, CONF_ERROR, &l->at,
			     "a pool's name cannot be longer than %d bytes", POOL_NAME_MAX);
}

static void enter_section(struct conf_loading *l, const char *name)
{
	if (!strcasecmp(name, "global")) {
		l->here = &l->global;
		return;
	}
	l->here = find_pool(l, name);
	if (l->here)
		return;
	check_pool_name(l, name);
	l->here = add_pool(l, name);
}

/* The files of an include, in the order of their names. */
static void include(struct conf_loading *l, const char *pattern)
{
	struct conf_place from = l->at;
	char *whole = xstrdup(pattern);
	glob_t found = { 0 };
	int ret;

	conf_path_absolute(&whole, conf_path_base(l, NULL, "/usr"));
	ret = glob(whole, GLOB_ERR, NULL, &found);
	if (ret == GLOB_NOMATCH)
		conf_notes_add(l->notes, CONF_WARNING,
			       "Nothing matches the include pattern '%s' from %s at line %d.",
			       whole, from.file, from.line);
	else if (ret)
		conf_note_at(l, CONF_ERROR, &from, "Unable to globalize '%s' (ret=%d) from %s at line %d. Is "
			     "its folder there, and readable?", whole, ret, from.file, from.line);
	for (size_t i = 0; !ret && i < found.gl_pathc && !l->stop; i++) {
		struct stat st;

		if (stat(found.gl_pathv[i], &st) < 0 || !S_ISDIR(st.st_mode))
			load_file(l, found.gl_pathv[i], &from);
	}
	if (!ret)
		globfree(&found);
	free(whole);
	l->at = from;
}

static void assign(struct conf_loading *l, const struct conf_scan_token *t)
{
	const struct conf_key *key;

	if (t->sub) {
		set_pair(l, t);
		return;
	}
	if (!strcmp(t->name, "include")) {
		if (!l->no_files)
			include(l, t->value);
		return;
	}
	key = conf_key_find(where_are_we(l), t->name);
	if (key && !conf_key_is_array(key))
		set_plain(l, key, t);
	else
		refuse_unknown(l, t);
}

/* A broken [section] is entered all the same, so that its lines are not taken for those of the section before. */
static void refuse_line(struct conf_loading *l, const char *line, size_t len, const struct conf_scan_token *t)
{
	bool named = t->name && *t->name;
	size_t blanks = 0;

	while (blanks < len && (line[blanks] == ' ' || line[blanks] == '\t'))
		blanks++;
	if (named)
		conf_note_at(l, CONF_ERROR, &l->at, "syntax error at '%s': %s", t->name, t->why.text);
	else
		conf_note_at(l, CONF_ERROR, &l->at, "syntax error: %s", t->why.text);
	if (named && blanks < len && line[blanks] == '[')
		enter_section(l, t->name);
}

static void load_line(struct conf_loading *l, const char *line, size_t len)
{
	struct conf_scan_token t;

	conf_scan_line(line, len, environment, NULL, &t);
	if (t.doubt.text[0] && t.kind != CONF_SCAN_ERROR)
		conf_note_at(l, CONF_WARNING, &l->at, "'%s': %s", t.name, t.doubt.text);
	if (t.kind == CONF_SCAN_ERROR)
		refuse_line(l, line, len, &t);
	else if (t.kind == CONF_SCAN_SECTION)
		enter_section(l, t.name);
	else if (t.kind == CONF_SCAN_ASSIGN)
		assign(l, &t);
	conf_scan_token_free(&t);
}

static void load_lines(struct conf_loading *l, const char *name, const char *text, size_t len)
{
	const char *end = text + len;

	l->files = xrealloc(l->files, (l->file_count + 1) * sizeof(*l->files));
	l->files[l->file_count++] = xstrdup(name);
	l->at = (struct conf_place){ .file = l->files[l->file_count - 1] };
	while (text < end && !l->stop) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *next = newline ? newline + 1 : end;

		l->at.line++;
		load_line(l, text, (size_t)(next - text));
		text = next;
	}
}

/* The whole file; -1 with err. */
static int read_file(const char *name, struct buf *out, struct err *err)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t got = 1;

	if (fd < 0)
		return err_set(err, "failed to open configuration file '%s': %s "
			       "(%d)", name, strerror(errno), errno);
	while (got > 0 && out->len <= FILE_BYTES_MAX) {
		buf_reserve(out, 65536);
		got = read(fd, out->data + out->len, 65536);
		if (got > 0)
			out->len += (size_t)got;
		else if (got < 0 && errno == EINTR)
			got = 1;
	}
	if (got < 0)
		err_set(err, "failed to read configuration file '%s': %s (%d)", name, strerror(errno), errno);
	if (got > 0)
		err_set(err, "configuration file '%s' is larger than %d bytes", name, FILE_BYTES_MAX);
	fd_close(&fd);
	return got == 0 ? 0 : -1;
}

static void load_file(struct conf_loading *l, const char *name, const struct conf_place *from)
{
	struct buf text = { 0 };
	struct err err;

	if (from && l->depth == INCLUDE_DEPTH_MAX) {
		conf_note_at(l, CONF_ERROR, from, "failed to include more than %d files recursively: does a "
			     "file include itself?", INCLUDE_DEPTH_MAX);
		l->stop = true;
		return;
	}
	if (read_file(name, &text, &err) == 0) {
		l->depth++;
		load_lines(l, name, buf_str(&text), text.len);
		l->depth--;
	} else if (from) {
		conf_note_at(l, CONF_ERROR, from, "%s", err.text);
	} else {
		conf_notes_add(l->notes, CONF_ERROR, "%s", err.text);
	}
	buf_free(&text);
}

static void loading_start(struct conf_loading *l, const struct conf_load_options *opt,
			  struct conf_notes *notes)
{
	struct conf_place begin = { .file = opt->file, .line = 1 };

	*notes = (struct conf_notes){ 0 };
	*l = (struct conf_loading){ .opt = opt, .notes = notes };
	l->conf = xcalloc(1, sizeof(*l->conf));
	l->conf->file = xstrdup(opt->file);
	conf_value_defaults(CONF_IN_GLOBAL, &l->conf->global);
	if (opt->pid && *opt->pid)
		l->conf->global.pid = xstrdup(opt->pid);
	l->global = draft_new(NULL, &begin);
	l->here = &l->global;
}

/* Checks, and the result; the drafts end here. */
static struct conf *loading_end(struct conf_loading *l)
{
	if (!l->stop && l->file_count)
		conf_check(l);
	for (size_t i = 0; i < l->conf->pool_count; i++)
		free(l->pools[i].given);
	free(l->pools);
	free(l->global.given);
	for (size_t i = 0; i < l->file_count; i++)
		free(l->files[i]);
	free(l->files);
	if (l->notes->errors)
		conf_free(&l->conf);
	return l->conf;
}

struct conf *conf_load(const struct conf_load_options *opt, struct conf_notes *notes_out)
{
	struct conf_loading l;

	loading_start(&l, opt, notes_out);
	load_file(&l, opt->file, NULL);
	return loading_end(&l);
}

struct conf *conf_load_text(const struct conf_load_options *opt, const char *text, size_t len,
			    struct conf_notes *notes_out)
{
	struct conf_loading l;

	loading_start(&l, opt, notes_out);
	l.no_files = true;
	load_lines(&l, opt->file, text, len);
	return loading_end(&l);
}
