/* conf_notes.c -- collects all that a load has to say, with file and line. Pure; the caller logs it.
 * A key whose value was refused once is not complained about again by the checks that follow. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "src/base/mem.h"
#include "src/conf/conf_priv.h"

static void notes_take(struct conf_notes *notes, enum conf_severity severity, char *text)
{
	notes->at = xrealloc(notes->at, (notes->count + 1) * sizeof(*notes->at));
	notes->at[notes->count++] = (struct conf_note){ severity, text };
	if (severity == CONF_ERROR)
		notes->errors++;
}

static char *format(const char *fmt, va_list ap)
{
	va_list again;
	char *text;
	int len;

	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	BUG_IF(len < 0);
	text = xcalloc((size_t)len + 1, 1);
	vsnprintf(text, (size_t)len + 1, fmt, ap);
	return text;
}

void conf_notes_add(struct conf_notes *notes, enum conf_severity severity, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	notes_take(notes, severity, format(fmt, ap));
	va_end(ap);
}

void conf_note_at(struct conf_loading *l, enum conf_severity severity, const struct conf_place *at,
		  const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = format(fmt, ap);
	va_end(ap);
	conf_notes_add(l->notes, severity, "[%s:%d] %s", at->file, at->line, text);
	free(text);
}

void conf_note_key(struct conf_loading *l, struct conf_draft *d, enum conf_severity severity, const char *key,
		   const char *fmt, ...)
{
	const struct conf_place *at = conf_place_of(d, key);
	va_list ap;
	char *text;

	if (at->bad)
		return;
	va_start(ap, fmt);
	text = format(fmt, ap);
	va_end(ap);
	if (!at->file)
		at = &d->begin;
	if (d->pool)
		conf_note_at(l, severity, at, "[pool %s] %s", d->pool->name, text);
	else
		conf_note_at(l, severity, at, "%s", text);
	free(text);
}

void conf_note_pool(struct conf_loading *l, const struct conf_draft *d, enum conf_severity severity,
		    const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = format(fmt, ap);
	va_end(ap);
	conf_notes_add(l->notes, severity, "[pool %s] %s", d->pool->name, text);
	free(text);
}

struct conf_place *conf_place_of(struct conf_draft *d, const char *key)
{
	const struct conf_key *row = conf_key_find(d->pool ? CONF_IN_POOL : CONF_IN_GLOBAL, key);

	BUG_IF(!row);
	return &d->given[conf_key_index(row)];
}

bool conf_is_given(struct conf_draft *d, const char *key)
{
	return conf_place_of(d, key)->file != NULL;
}

bool conf_is_bad(struct conf_draft *d, const char *key)
{
	return conf_place_of(d, key)->bad;
}
