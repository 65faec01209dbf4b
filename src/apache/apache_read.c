/* apache_read.c -- reads an Apache httpd configuration line by line into a struct apache_conf. Runs in
 * `weir import-apache` only; apache_files.c opens the files. It goes on after an error, so that one run tells all. */
#include "src/apache/apache_conf.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "src/apache/apache_read_priv.h"
#include "src/base/mem.h"

#define DIRECTIVES_MAX 200000           /* of all files */

static struct apache_frame now(const struct apache_reader *r)
{
	return r->frame_count ? r->frames[r->frame_count - 1] : (struct apache_frame){ .active = true };
}

/* Debian ships mpm_prefork.conf and its kind without a condition: the name says it. */
static enum apache_mpm mpm_of_file(const char *path)
{
	const char *slash = strrchr(path, '/');

	return apache_mpm_in(slash ? slash + 1 : path);
}

static char *in_small_letters(const char *text, size_t len)
{
	char *copy = xstrndup(text, len);

	for (char *p = copy; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return copy;
}

/* text with its variables replaced; the caller frees it. */
static char *expanded(struct apache_reader *r, const char *text)
{
	struct buf out = { 0 };
	size_t len = 0;
	const char *unknown = apache_vars_expand(&r->conf->vars, text, &out, &len);
	char *whole;

	if (unknown)
		apache_read_warning(r, "${%.*s} is not defined: set it in the environment, or with -D %.*s=VALUE", (int)len,
				    unknown, (int)len, unknown);
	if (out.len > APACHE_LINE_MAX) {
		apache_read_problem(r, "with its variables replaced the line has more than %d bytes", APACHE_LINE_MAX);
		buf_clear(&out);
	}
	whole = xstrdup(buf_str(&out));
	buf_free(&out);
	return whole;
}

static void warn_of_quote(struct apache_reader *r, const struct apache_words *args)
{
	if (args->open_quote)
		apache_read_warning(r, "a quote has no end: as in Apache, it goes to the end of the line");
}

static const struct apache_section *section_new(struct apache_conf *conf, const struct apache_section *up,
						const char *kind, struct apache_words *args)
{
	struct apache_section *s = xcalloc(1, sizeof(*s));

	*s = (struct apache_section){ .up = up, .kind = xstrdup(kind), .args = *args };
	*args = (struct apache_words){ 0 };
	conf->sections = xrealloc(conf->sections, (conf->section_count + 1) * sizeof(*conf->sections));
	conf->sections[conf->section_count++] = s;
	return s;
}

/* kind becomes the frame's. Macros are templates: what stands in one is no configuration yet. */
static void open_section(struct apache_reader *r, char *kind, struct apache_words *args)
{
	struct apache_frame f = now(r);

	f.kind = kind;
	f.line = r->line;
	if (f.active && apache_cond_is(kind)) {
		f.active = apache_cond_ask(r, kind, args, &f.mpm);
	} else if (f.active && !strcmp(kind, "macro")) {
		apache_read_warning(r, "macros are not expanded: what <Macro %s> makes is missing in the result",
				    args->count ? args->at[0] : "");
		f.active = false;
	} else if (f.active) {
		f.in = section_new(r->conf, f.in, kind, args);
	}
	r->frames[r->frame_count++] = f;
}

static void read_open(struct apache_reader *r, const char *line)
{
	size_t len = strlen(line);
	size_t name = strcspn(line + 1, " \t>");
	struct apache_words args;
	char *inside, *text, *kind;

	if (line[len - 1] != '>') {
		apache_read_problem(r, "'%.80s' has no '>' at its end", line);
		return;
	}
	if (r->frame_count == APACHE_DEPTH_MAX) {
		apache_read_problem(r, "more than %d sections inside each other", APACHE_DEPTH_MAX);
		return;
	}
	kind = in_small_letters(line + 1, name);
	inside = name + 2 < len ? xstrndup(line + 1 + name, len - name - 2) : xstrdup("");
	text = now(r).active ? expanded(r, inside) : xstrdup("");
	args = apache_words_split(text);
	warn_of_quote(r, &args);
	open_section(r, kind, &args);
	apache_words_free(&args);
	free(text);
	free(inside);
}

static void read_close(struct apache_reader *r, const char *line, size_t floor)
{
	size_t len = strcspn(line + 2, " \t>");
	char *kind = in_small_letters(line + 2, len);
	struct apache_frame *f = r->frame_count > floor ? &r->frames[r->frame_count - 1] : NULL;

	if (f && !strcmp(f->kind, kind)) {
		free(f->kind);
		r->frame_count--;
	} else if (f) {
		apache_read_problem(r, "</%s> stands where </%s> is expected, for line %zu", kind, f->kind, f->line);
	} else {
		apache_read_problem(r, "</%s> without <%s>", kind, kind);
	}
	free(kind);
}

static void take_module(struct apache_conf *conf, const char *name)
{
	conf->modules = xrealloc(conf->modules, (conf->module_count + 1) * sizeof(*conf->modules));
	conf->modules[conf->module_count++] = xstrdup(name);
}

/* What counts for the lines that follow. */
static void obey(struct apache_reader *r, const struct apache_directive *d)
{
	if (apache_is(d, "Define") && *apache_arg(d, 0)) {
		apache_vars_set(&r->conf->vars, apache_arg(d, 0), apache_arg(d, 1), true);
	} else if (apache_is(d, "UnDefine")) {
		apache_vars_unset(&r->conf->vars, apache_arg(d, 0));
	} else if (apache_is(d, "LoadModule")) {
		take_module(r->conf, apache_arg(d, 0));
	} else if (apache_is(d, "ServerRoot") && *apache_arg(d, 0)) {
		free(r->conf->server_root);
		r->conf->server_root = xstrdup(apache_arg(d, 0));
	} else if (apache_is(d, "Use")) {
		apache_read_warning(r, "macros are not expanded: what 'Use %s' makes is missing in the result",
				    apache_arg(d, 0));
	}
}

static void keep(struct apache_conf *conf, struct apache_directive *d)
{
	if (conf->count % 64 == 0)
		conf->at = xrealloc(conf->at, (conf->count + 64) * sizeof(*conf->at));
	conf->at[conf->count++] = *d;
}

static void directive_free(struct apache_directive *d)
{
	free(d->name);
	free(d->text);
	apache_words_free(&d->args);
}

static void read_directive(struct apache_reader *r, const char *line)
{
	struct apache_frame f = now(r);
	size_t name = strcspn(line, " \t\r\f\v");
	struct apache_directive d = {
		.in = f.in, .mpm = f.mpm ? f.mpm : mpm_of_file(r->file), .file = r->file, .line = r->line,
		.name = xstrndup(line, name), .text = expanded(r, line + name + strspn(line + name, " \t\r\f\v")),
	};
	bool optional = apache_is(&d, "IncludeOptional");

	d.args = apache_words_split(d.text);
	warn_of_quote(r, &d.args);
	if (optional || apache_is(&d, "Include")) {
		if (*apache_arg(&d, 0))
			apache_read_include(r, apache_arg(&d, 0), optional);
		else
			apache_read_problem(r, "%s without a file", d.name);
		directive_free(&d);
		return;
	}
	obey(r, &d);
	keep(r->conf, &d);
}

/* floor: frames below belong to the file that includes this one. */
static void read_line(struct apache_reader *r, const char *line, size_t floor)
{
	if (line[0] == '<' && line[1] == '/')
		read_close(r, line, floor);
	else if (line[0] == '<')
		read_open(r, line);
	else if (*line && now(r).active)
		read_directive(r, line);
}

static bool too_many(struct apache_reader *r)
{
	if (r->conf->count < DIRECTIVES_MAX && r->conf->section_count < DIRECTIVES_MAX)
		return false;
	if (r->conf->errors == 0)
		apache_read_problem(r, "more than %d directives: does a file include others again and again?",
				    DIRECTIVES_MAX);
	return true;
}

void apache_read_lines(struct apache_reader *r, const char *text, size_t len)
{
	struct apache_lines lines = { .at = text, .end = text + len, .next = 1 };
	size_t floor = r->frame_count;
	struct buf line = { 0 };
	enum apache_line is;

	while (!too_many(r) && (is = apache_lines_next(&lines, &line, &r->line)) != APACHE_LINE_END) {
		if (is == APACHE_LINE_LONG)
			apache_read_problem(r, "a line of more than %d bytes", APACHE_LINE_MAX);
		else if (is == APACHE_LINE_NUL)
			apache_read_problem(r, "a line with a NUL: is this a text file?");
		else
			read_line(r, buf_str(&line), floor);
	}
	while (r->frame_count > floor) {
		struct apache_frame *f = &r->frames[--r->frame_count];

		apache_problem(r->conf, r->file, f->line, "<%s> is not closed", f->kind);
		free(f->kind);
	}
	buf_free(&line);
}
