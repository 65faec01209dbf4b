/* conf_help.h -- what the tests of src/conf share: load a text, find a note. */
#ifndef WEIR_CONF_HELP_H
#define WEIR_CONF_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "src/base/mem.h"
#include "src/conf/conf_priv.h"

#define GOOD_POOL "[www]\nlisten = 127.0.0.1:9000\npm = static\npm.max_children = 2\n"
#define GOOD_LINES 4                    /* the first line behind it is one more */

struct loaded {
	struct conf *conf;
	struct conf_notes notes;
};

static inline struct loaded load_with(struct conf_load_options opt, const char *text)
{
	struct loaded l;

	opt.file = "f";
	l.conf = conf_load_text(&opt, text, strlen(text), &l.notes);
	assert_int_equal(l.conf == NULL, l.notes.errors > 0);
	return l;
}

/* Without root, plug-ins or -p. */
static inline struct loaded load(const char *text)
{
	return load_with((struct conf_load_options){ 0 }, text);
}

static inline struct loaded load_as_root(const char *text)
{
	return load_with((struct conf_load_options){ .as_root = true }, text);
}

static inline void unload(struct loaded *l)
{
	conf_free(&l->conf);
	conf_notes_free(&l->notes);
}

static inline bool has_note(const struct loaded *l, enum conf_severity severity, const char *text)
{
	for (size_t i = 0; i < l->notes.count; i++)
		if (l->notes.at[i].severity == severity && !strcmp(l->notes.at[i].text, text))
			return true;
	return false;
}

static inline void print_notes(const struct loaded *l)
{
	for (size_t i = 0; i < l->notes.count; i++)
		print_message("note %d: %s\n", l->notes.at[i].severity, l->notes.at[i].text);
}

/* A note with exactly this text. */
static inline void assert_note(const struct loaded *l, enum conf_severity severity, const char *text)
{
	if (has_note(l, severity, text))
		return;
	print_notes(l);
	fail_msg("no note '%s'", text);
}

/* No complaint at all (notices are none). */
static inline void assert_good(const struct loaded *l)
{
	for (size_t i = 0; i < l->notes.count; i++) {
		if (l->notes.at[i].severity != CONF_NOTICE) {
			print_notes(l);
			fail_msg("'%s'", l->notes.at[i].text);
		}
	}
	assert_non_null(l->conf);
}

/* One error, and only this one, when these lines follow those of a good pool. */
static inline void assert_only_error(const char *lines, const char *text)
{
	char *whole = xasprintf("%s%s\n", GOOD_POOL, lines);
	struct loaded l = load(whole);

	assert_note(&l, CONF_ERROR, text);
	if (l.notes.errors != 1) {
		print_notes(&l);
		fail_msg("%zu errors for '%s'", l.notes.errors, lines);
	}
	unload(&l);
	free(whole);
}

#endif
