/* apache_vars.c -- the variables of an Apache configuration (see apache_vars.h). Runs in `weir import-apache` only.
 * Pure but for the environment that it is given. */
#include "src/apache/apache_vars.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "src/apache/apache_words.h"
#include "src/base/mem.h"

static struct apache_var *find(const struct apache_vars *vars, const char *name)
{
	for (size_t i = 0; i < vars->count; i++)
		if (!strcmp(vars->at[i].name, name))
			return &vars->at[i];
	return NULL;
}

void apache_vars_set(struct apache_vars *vars, const char *name, const char *value, bool defined)
{
	struct apache_var *v = find(vars, name);

	if (v && v->defined && !defined)
		return;
	if (!v) {
		vars->at = xrealloc(vars->at, (vars->count + 1) * sizeof(*vars->at));
		v = &vars->at[vars->count++];
		*v = (struct apache_var){ .name = xstrdup(name) };
	}
	free(v->value);
	v->value = xstrdup(value);
	v->defined = defined;
}

void apache_vars_unset(struct apache_vars *vars, const char *name)
{
	struct apache_var *v = find(vars, name);

	if (!v)
		return;
	free(v->name);
	free(v->value);
	*v = vars->at[--vars->count];
}

bool apache_vars_is_defined(const struct apache_vars *vars, const char *name)
{
	const struct apache_var *v = find(vars, name);

	return v && v->defined;
}

void apache_vars_free(struct apache_vars *vars)
{
	for (size_t i = 0; i < vars->count; i++) {
		free(vars->at[i].name);
		free(vars->at[i].value);
	}
	free(vars->at);
	*vars = (struct apache_vars){ 0 };
}

/* NULL: nobody knows it. Borrowed. */
static const char *value_of(const struct apache_vars *vars, const char *from, size_t len)
{
	char *name = xstrndup(from, len);
	const struct apache_var *v = find(vars, name);
	const char *value = v ? v->value : vars->env ? vars->env(name) : NULL;

	free(name);
	return value;
}

const char *apache_vars_expand(const struct apache_vars *vars, const char *text, struct buf *out, size_t *len_out)
{
	const char *unknown = NULL;

	while (*text && out->len <= APACHE_LINE_MAX) {
		const char *close = text[0] == '$' && text[1] == '{' ? strchr(text, '}') : NULL;
		const char *name = text + 2, *value;
		size_t len = close ? (size_t)(close - name) : 0;

		if (!close || !len || memchr(name, ':', len)) {
			buf_add(out, text++, 1);
			continue;
		}
		value = value_of(vars, name, len);
		if (value)
			buf_add_str(out, value);
		else
			buf_add(out, text, len + 3);
		if (!value && !unknown) {
			unknown = name;
			*len_out = len;
		}
		text = close + 1;
	}
	return unknown;
}

/* $NAME and ${NAME}, of a shell: unknown ones are empty. Other signs of a shell stay. */
static void shell_value(const struct apache_vars *vars, const char *at, struct buf *out)
{
	while (*at && !strchr("\"'; \t#", *at) && out->len <= APACHE_LINE_MAX) {
		const char *name = at + (at[1] == '{' ? 2 : 1), *value;
		size_t len = 0;

		if (*at != '$') {
			buf_add(out, at++, 1);
			continue;
		}
		while (isalnum((unsigned char)name[len]) || name[len] == '_')
			len++;
		value = value_of(vars, name, len);
		if (value)
			buf_add_str(out, value);
		at = name + len + (at[1] == '{' && name[len] == '}' ? 1 : 0);
	}
}

static void envvars_line(struct apache_vars *vars, const char *line)
{
	const char *name, *equals;
	struct buf value = { 0 };
	char *copy;

	if (strncmp(line, "export ", 7) != 0)
		return;
	name = line + 7 + strspn(line + 7, " \t");
	equals = strchr(name, '=');
	if (!equals || equals == name)
		return;
	copy = xstrndup(name, (size_t)(equals - name));
	shell_value(vars, equals + 1 + strspn(equals + 1, "\"'"), &value);
	apache_vars_set(vars, copy, buf_str(&value), false);
	buf_free(&value);
	free(copy);
}

void apache_vars_envvars(struct apache_vars *vars, const char *text, size_t len)
{
	struct apache_lines lines = { .at = text, .end = text + len, .next = 1 };
	struct buf line = { 0 };
	enum apache_line is;
	size_t number;

	while ((is = apache_lines_next(&lines, &line, &number)) != APACHE_LINE_END)
		if (is == APACHE_LINE_GOOD)
			envvars_line(vars, buf_str(&line));
	buf_free(&line);
}
