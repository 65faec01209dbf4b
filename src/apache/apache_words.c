/* apache_words.c -- lines and words as Apache httpd's own reader takes them (see apache_words.h). Runs in
 * `weir import-apache` only. Pure. */
#include "src/apache/apache_words.h"

#include <stdlib.h>
#include <string.h>
#include "src/base/mem.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

/* One physical line, its end excluded; was it continued? */
static bool take_physical(struct apache_lines *l, struct buf *out)
{
	const char *stop = memchr(l->at, '\n', (size_t)(l->end - l->at));
	const char *to = stop ? stop : l->end;
	const char *from = l->at;
	bool more;

	l->at = stop ? stop + 1 : l->end;
	l->next++;
	if (to > from && to[-1] == '\r')
		to--;
	more = stop && to > from && to[-1] == '\\';
	if (out->len <= APACHE_LINE_MAX)
		buf_add(out, from, (size_t)(to - from) - (more ? 1 : 0));
	return more;
}

static void trim(struct buf *line)
{
	size_t lead = 0;

	while (line->len && is_blank((char)line->data[line->len - 1]))
		line->len--;
	while (lead < line->len && is_blank((char)line->data[lead]))
		lead++;
	buf_drop_front(line, lead);
}

enum apache_line apache_lines_next(struct apache_lines *lines, struct buf *out, size_t *number_out)
{
	buf_clear(out);
	*number_out = lines->next;
	if (lines->at >= lines->end)
		return APACHE_LINE_END;
	while (take_physical(lines, out) && lines->at < lines->end)
		;
	if (out->len > APACHE_LINE_MAX)
		return APACHE_LINE_LONG;
	trim(out);
	if (out->len && out->data[0] == '#')
		buf_clear(out);
	if (out->len && memchr(out->data, '\0', out->len))
		return APACHE_LINE_NUL;
	return APACHE_LINE_GOOD;
}

static void add_word(struct apache_words *w, struct buf *word)
{
	w->at = xrealloc(w->at, (w->count + 1) * sizeof(*w->at));
	w->at[w->count++] = xstrndup(buf_str(word), word->len);
	buf_clear(word);
}

/* The cursor behind the word. */
static const char *take_word(const char *at, struct buf *word, bool *open_quote)
{
	char quote = *at == '"' || *at == '\'' ? *at++ : '\0';

	for (; *at && (quote ? *at != quote : !is_blank(*at)); at++) {
		bool escape = *at == '\\' && (at[1] == '\\' || (quote && at[1] == quote));

		at += escape ? 1 : 0;
		buf_add(word, at, 1);
	}
	*open_quote = quote && !*at;
	return quote && *at ? at + 1 : at;
}

struct apache_words apache_words_split(const char *text)
{
	struct apache_words w = { 0 };
	struct buf word = { 0 };

	for (;;) {
		while (is_blank(*text))
			text++;
		if (!*text)
			break;
		text = take_word(text, &word, &w.open_quote);
		add_word(&w, &word);
	}
	buf_free(&word);
	return w;
}

void apache_words_free(struct apache_words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->at[i]);
	free(words->at);
	*words = (struct apache_words){ 0 };
}
