/* apache_write.c -- writes what apache_write.h says. Runs in `weir import-apache` only. Whatever a file of Apache's
 * held, a comment stays one line and a value stays one value. */
#include "src/apache/apache_write.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "src/base/mem.h"

#define COMMENT_MAX 4096                /* bytes; what is longer is cut */
#define PLAIN "abcdefghijklmnopqrstuvwxyz0123456789./_:@-"

static bool is_control(char c)
{
	return (c >= 0 && c < 0x20) || c == 0x7F;
}

static bool has_control(const char *text)
{
	while (*text && (*text == '\t' || !is_control(*text)))
		text++;
	return *text != '\0';
}

static void add_line(struct buf *to, const char *text)
{
	size_t len = strnlen(text, COMMENT_MAX);

	for (size_t i = 0; i < len; i++)
		buf_add(to, is_control(text[i]) ? " " : text + i, 1);
	buf_add_str(to, text[len] ? "...\n" : "\n");
}

static void comment(struct buf *to, const char *fmt, va_list ap)
{
	char *text;

	if (vasprintf(&text, fmt, ap) < 0)
		bug_at(__FILE__, __LINE__, "vasprintf");
	buf_add_str(to, "; ");
	add_line(to, text);
	free(text);
}

void apache_put_comment(struct buf *to, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	comment(to, fmt, ap);
	va_end(ap);
}

/* In small letters nothing but these words means more than itself. */
static bool is_bare(const char *value)
{
	static const char *const words[] = { "yes", "on", "true", "no", "off", "none", "false", "null" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (!strcmp(value, words[i]))
			return false;
	return *value && strspn(value, PLAIN) == strlen(value);
}

void apache_write_value(struct buf *to, const char *value)
{
	bool bare = is_bare(value);

	if (!bare)
		buf_add_str(to, "\"");
	for (; *value; value++) {
		if (strchr("\"\\$", *value))
			buf_add_str(to, "\\");
		buf_add(to, value, 1);
	}
	if (!bare)
		buf_add_str(to, "\"");
}

static void put_origin(struct buf *to, struct apache_directive *from, const char *note)
{
	if (from) {
		from->told = true;
		apache_put_comment(to, "%s %s (%s:%zu)%s%s", from->name, from->text, from->file, from->line,
				   *note ? ": " : "", note);
	} else if (*note) {
		apache_put_comment(to, "%s", note);
	}
}

static void put(struct buf *to, struct apache_directive *from, const char *key, const char *value, const char *note)
{
	put_origin(to, from, note);
	if (!key)
		return;
	if (has_control(value)) {
		apache_put_comment(to, "%s is left out: its value has a control character in it", key);
		return;
	}
	buf_printf(to, "%s = ", key);
	apache_write_value(to, value);
	buf_add_str(to, "\n");
}

void apache_put(struct buf *to, struct apache_directive *from, const char *key, const char *value, const char *fmt, ...)
{
	char *note;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&note, fmt, ap) < 0)
		bug_at(__FILE__, __LINE__, "vasprintf");
	va_end(ap);
	put(to, from, key, value, note);
	free(note);
}

void apache_put_int(struct buf *to, struct apache_directive *from, const char *key, long value, const char *fmt, ...)
{
	char *note, text[32];
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&note, fmt, ap) < 0)
		bug_at(__FILE__, __LINE__, "vasprintf");
	va_end(ap);
	snprintf(text, sizeof(text), "%ld", value);
	put(to, from, key, text, note);
	free(note);
}
