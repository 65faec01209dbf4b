/* conf_scan.c -- reads one line of a configuration file (see conf_scan.h for the format). Runs in the
 * master, and in any process that reads its own section; pure. A line is a cursor that moves to the right;
 * values are evaluated while they are read. It refuses what php-fpm's reader drops in silence (NUL bytes,
 * numbers that do not fit), and voices a doubt where php-fpm changes a text that looks meant otherwise. */
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "src/base/buf.h"
#include "src/base/conf_const.h"
#include "src/base/conf_scan.h"
#include "src/base/mem.h"

#define SCAN_DEPTH_MAX 64               /* brackets and signs inside each other */

struct scan {
	const char *at, *end;
	conf_scan_env_fn *env;
	void *env_arg;
	struct conf_scan_token *out;
	int depth;
};

static int scan_expr(struct scan *s, struct buf *value);

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool scan_at(const struct scan *s, char c)
{
	return s->at < s->end && *s->at == c;
}

static void scan_blanks(struct scan *s)
{
	while (s->at < s->end && is_blank(*s->at))
		s->at++;
}

/* Nothing but blanks and a comment is left. */
static bool scan_done(struct scan *s)
{
	scan_blanks(s);
	return s->at == s->end || *s->at == ';';
}

/* A copy without the blanks at both ends. */
static char *trimmed(const char *from, const char *to)
{
	while (from < to && is_blank(*from))
		from++;
	while (to > from && is_blank(to[-1]))
		to--;
	return xstrndup(from, (size_t)(to - from));
}

static char *buf_take(struct buf *b)
{
	char *text = xstrndup(buf_str(b), b->len);

	buf_free(b);
	return text;
}

/* ${NAME}, the cursor on the '$'. */
static int scan_env(struct scan *s, struct buf *value)
{
	const char *name = s->at + 2;
	const char *close = memchr(name, '}', (size_t)(s->end - name));
	const char *found;
	char *copy;

	if (!close)
		return err_set(&s->out->why, "'${' without its '}'");
	if (close == name)
		return err_set(&s->out->why, "'${}' names no environment variable");
	copy = xstrndup(name, (size_t)(close - name));
	found = s->env ? s->env(s->env_arg, copy) : NULL;
	if (found)
		buf_add_str(value, found);
	free(copy);
	s->at = close + 1;
	return 0;
}

static bool scan_at_env(const struct scan *s)
{
	return s->end - s->at >= 2 && s->at[0] == '$' && s->at[1] == '{';
}

/* "...", the cursor on the first quote; blanks behind it are dropped. A \" that ends the line ends the text
 * too, so that "C:\" reads as php-fpm reads it. */
static int scan_double(struct scan *s, struct buf *value)
{
	for (s->at++; s->at < s->end && *s->at != '"';) {
		bool escape = *s->at == '\\' && s->at + 1 < s->end && strchr("\"\\$", s->at[1]);

		if (escape && s->at[1] == '"' && s->at + 2 == s->end)
			escape = false;
		if (escape) {
			buf_add(value, s->at + 1, 1);
			s->at += 2;
		} else if (scan_at_env(s)) {
			if (scan_env(s, value) < 0)
				return -1;
		} else {
			buf_add(value, s->at++, 1);
		}
	}
	if (s->at == s->end)
		return err_set(&s->out->why, "the text in double quotes has no end: a '\"' is missing");
	s->at++;
	scan_blanks(s);
	return 0;
}

/* '...', the cursor on the first quote. php-fpm drops an unclosed quote inside a value, and all behind it. */
static int scan_single(struct scan *s, struct buf *value, bool first)
{
	const char *text = s->at + 1;
	const char *close = memchr(text, '\'', (size_t)(s->end - text));

	if (!close && first)
		return err_set(&s->out->why, "the text in single quotes has no end: a \"'\" is missing");
	if (!close) {
		err_set(&s->out->doubt,
			"all from the single quote on is ignored: put the whole value in double quotes");
		s->at = s->end;
		return 0;
	}
	buf_add(value, text, (size_t)(close - text));
	s->at = close + 1;
	return 0;
}

static bool is_word(const struct scan *s, const char *at)
{
	if (*at == '$')
		return s->end - at < 2 || at[1] != '{';
	return !strchr(" \t;=|&^~()!\"'", *at);
}

/* Bare yes, off and so on: NULL when it is none of them. */
static const char *word_bool(const char *word, size_t len)
{
	static const struct { const char *word, *value; } words[] = {
		{ "yes", "1" }, { "on", "1" }, { "true", "1" }, { "no", "" },
		{ "off", "" }, { "none", "" }, { "false", "" }, { "null", "" },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strlen(words[i].word) == len && !strncasecmp(words[i].word, word, len))
			return words[i].value;
	return NULL;
}

static int scan_word(struct scan *s, struct buf *value)
{
	const char *word = s->at;
	const char *constant;
	size_t len;

	while (s->at < s->end && is_word(s, s->at))
		s->at++;
	len = (size_t)(s->at - word);
	if (word_bool(word, len))
		return err_set(&s->out->why,
			       "'%.*s' stands beside other text: put the whole value in double quotes",
			       (int)len, word);
	constant = conf_const_find(word, len);
	if (constant)
		buf_add_str(value, constant);
	else
		buf_add(value, word, len);
	if (!constant && conf_const_like(word, len))
		err_set(&s->out->doubt, "'%.*s' looks like a constant of PHP, and is taken as plain text",
			(int)len, word);
	return 0;
}

/* Strings that follow each other are one text. Blanks between them stay, but for those before a double
 * quote. */
static int scan_list(struct scan *s, struct buf *value)
{
	bool first = true;

	for (;; first = false) {
		const char *blanks = s->at;
		bool is_string;

		scan_blanks(s);
		is_string = s->at < s->end && (is_word(s, s->at) || strchr("\"'$", *s->at));
		if (!is_string)
			break;
		if (!first && *s->at != '"')
			buf_add(value, blanks, (size_t)(s->at - blanks));
		if (scan_at(s, '"') ? scan_double(s, value) :
		    scan_at(s, '\'') ? scan_single(s, value, first) :
		    scan_at_env(s) ? scan_env(s, value) : scan_word(s, value))
			return -1;
	}
	if (!first)
		return 0;
	if (scan_done(s))
		return err_set(&s->out->why, "the value ends where a number or text is expected");
	return err_set(&s->out->why, "'%c' in the wrong place: put the whole value in double quotes", *s->at);
}

/* The number that a text starts with, as PHP counts: 0 when there is none. A number that does not fit is an
 * error. */
static int operand(struct scan *s, struct buf *text, int *out)
{
	const char *digits = buf_str(text);
	char *rest;
	long long number = strtoll(digits, &rest, 10);

	if (number > INT_MAX || number < INT_MIN)
		return err_set(&s->out->why, "'%.40s' is too large to calculate with", digits);
	if (*rest)
		err_set(&s->out->doubt, "'%.200s' counts as the number %lld before or behind | & ^ ~ !: put "
			"the whole value in double quotes if it is a text", digits, number);
	*out = (int)number;
	return 0;
}

static void set_number(struct buf *value, int number)
{
	buf_clear(value);
	buf_printf(value, "%d", number);
}

/* ~X, !X, the cursor behind the sign; and (X), behind the bracket. */
static int scan_sign(struct scan *s, char sign, struct buf *value)
{
	int number;

	if (++s->depth > SCAN_DEPTH_MAX)
		return err_set(&s->out->why,
			       "more than %d signs or brackets inside each other", SCAN_DEPTH_MAX);
	if (sign == '(') {
		if (scan_expr(s, value) < 0)
			return -1;
		if (!scan_at(s, ')'))
			return err_set(&s->out->why,
				       "'(' without its ')': put the whole value in double quotes");
		s->at++;
		s->depth--;
		return 0;
	}
	scan_blanks(s);
	if (s->at < s->end && strchr("~!(", *s->at)) {
		s->at++;
		if (scan_sign(s, s->at[-1], value) < 0)
			return -1;
	} else if (scan_list(s, value) < 0) {
		return -1;
	}
	if (operand(s, value, &number) < 0)
		return -1;
	set_number(value, sign == '~' ? ~number : !number);
	s->depth--;
	return 0;
}

static int scan_term(struct scan *s, struct buf *value)
{
	scan_blanks(s);
	if (s->at < s->end && strchr("~!(", *s->at)) {
		s->at++;
		return scan_sign(s, s->at[-1], value);
	}
	return scan_list(s, value);
}

static int scan_operation(struct scan *s, char op, struct buf *left)
{
	struct buf right = { 0 };
	int a, b;
	int failed = scan_term(s, &right) < 0 || operand(s, left, &a) < 0 || operand(s, &right, &b) < 0;

	buf_free(&right);
	if (failed)
		return -1;
	set_number(left, op == '|' ? a | b : op == '&' ? a & b : a ^ b);
	return 0;
}

static int scan_expr(struct scan *s, struct buf *value)
{
	if (scan_term(s, value) < 0)
		return -1;
	for (scan_blanks(s); s->at < s->end && strchr("|&^", *s->at); scan_blanks(s)) {
		s->at++;
		if (scan_operation(s, s->at[-1], value) < 0)
			return -1;
	}
	return 0;
}

/* All behind the '='. */
static int scan_value(struct scan *s)
{
	struct buf value = { 0 };
	const char *word, *fixed;

	if (scan_done(s)) {
		s->out->value = xstrdup("");
		return 0;
	}
	for (word = s->at; s->at < s->end && is_word(s, s->at);)
		s->at++;
	fixed = word_bool(word, (size_t)(s->at - word));
	if (fixed && scan_done(s)) {
		s->out->value = xstrdup(fixed);
		return 0;
	}
	s->at = word;
	if (scan_expr(s, &value) < 0) {
		buf_free(&value);
		return -1;
	}
	s->out->value = buf_take(&value);
	if (scan_done(s))
		return 0;
	return err_set(&s->out->why,
		       "unexpected '%c' in the value: put the whole value in double quotes", *s->at);
}

/* A name up to ']', the cursor behind the '['; quotes and ${} work in it. */
static int scan_brackets(struct scan *s, char **out)
{
	struct buf text = { 0 };
	bool plain = true;
	int failed = 0;

	scan_blanks(s);
	while (!failed && s->at < s->end && *s->at != ']' && *s->at != ';') {
		plain = plain && !strchr("\"'", *s->at);
		if (scan_at(s, '"'))
			failed = scan_double(s, &text);
		else if (scan_at(s, '\'') && memchr(s->at + 1, '\'', (size_t)(s->end - s->at - 1)))
			failed = scan_single(s, &text, true);
		else if (scan_at_env(s))
			failed = scan_env(s, &text);
		else
			buf_add(&text, s->at++, 1);
	}
	if (!failed && !scan_at(s, ']'))
		failed = err_set(&s->out->why, "'[' without its ']'");
	if (!failed)
		s->at++;
	buf_str(&text);
	*out = plain ? trimmed((char *)text.data, (char *)text.data + text.len) : buf_take(&text);
	buf_free(&text);
	return failed;
}

static int scan_section(struct scan *s)
{
	s->at++;
	if (scan_brackets(s, &s->out->name) < 0)
		return -1;
	s->out->kind = CONF_SCAN_SECTION;
	if (!*s->out->name)
		return err_set(&s->out->why, "'[]' names no section");
	if (scan_done(s))
		return 0;
	return err_set(&s->out->why,
		       "text behind the ']' of [%s]: put it on a line of its own", s->out->name);
}

static int scan_assign(struct scan *s)
{
	const char *name = s->at;

	while (s->at < s->end && !strchr("=\t;&|^$~(){}!\"[]", *s->at))
		s->at++;
	s->out->name = trimmed(name, s->at);
	if (scan_at(s, '[')) {
		s->at++;
		if (scan_brackets(s, &s->out->sub) < 0)
			return -1;
	}
	if (scan_done(s))
		return err_set(&s->out->why,
			       "'%s' has no value: write %s = VALUE", s->out->name, s->out->name);
	if (*s->at != '=')
		return err_set(&s->out->why,
			       "unexpected '%c' behind '%s': write NAME = VALUE", *s->at, s->out->name);
	if (!*s->out->name)
		return err_set(&s->out->why, "'=' without a name before it: write NAME = VALUE");
	s->at++;
	s->out->kind = CONF_SCAN_ASSIGN;
	return scan_value(s);
}

static int scan_any(struct scan *s)
{
	static const char bom[] = "\xef\xbb\xbf";

	if (s->end - s->at >= 3 && !memcmp(s->at, bom, 3))
		s->at += 3;
	if (s->end > s->at && s->end[-1] == '\n')
		s->end--;
	if (s->end > s->at && s->end[-1] == '\r')
		s->end--;
	if (memchr(s->at, '\0', (size_t)(s->end - s->at)))
		return err_set(&s->out->why, "a NUL byte in the line");
	if (memchr(s->at, '\r', (size_t)(s->end - s->at)) || memchr(s->at, '\n', (size_t)(s->end - s->at)))
		return err_set(&s->out->why,
			       "a carriage return inside the line: save the file with Unix line ends");
	if (scan_done(s))
		return 0;
	return *s->at == '[' ? scan_section(s) : scan_assign(s);
}

void conf_scan_line(const char *line, size_t len, conf_scan_env_fn *env, void *arg,
		    struct conf_scan_token *out)
{
	struct scan s = { .at = line, .end = line + len, .env = env, .env_arg = arg, .out = out };

	memset(out, 0, sizeof(*out));
	if (scan_any(&s) < 0)
		out->kind = CONF_SCAN_ERROR;
}

void conf_scan_token_free(struct conf_scan_token *token)
{
	free(token->name);
	free(token->sub);
	free(token->value);
	token->name = token->sub = token->value = NULL;
}
