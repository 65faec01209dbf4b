/* conf_access.c -- reads access.format. Any process; pure. php-fpm's codes with its checks and words, and three of
 * Weir's: %i, the request id, %w, why Weir ended or answered the request, and %W, how long it waited for a slot. */
#include "src/conf/conf_access.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "src/base/mem.h"
#include "src/conf/conf.h"

#define TIME_FORMAT "%d/%b/%Y:%H:%M:%S %z"

static const struct unit { char letter; const char *word; enum conf_access_unit unit; } units[] = {
	{ 'C', "", CONF_ACCESS_TOTAL },         { 'C', "total", CONF_ACCESS_TOTAL },
	{ 'C', "user", CONF_ACCESS_USERLAND },  { 'C', "system", CONF_ACCESS_SYSTEM },
	{ 'd', "", CONF_ACCESS_SECONDS },       { 'd', "seconds", CONF_ACCESS_SECONDS },
	{ 'd', "milli", CONF_ACCESS_MILLI },    { 'd', "milliseconds", CONF_ACCESS_MILLI },
	{ 'd', "mili", CONF_ACCESS_MILLI },     { 'd', "miliseconds", CONF_ACCESS_MILLI },
	{ 'd', "micro", CONF_ACCESS_MICRO },    { 'd', "microseconds", CONF_ACCESS_MICRO },
	{ 'M', "", CONF_ACCESS_BYTES },         { 'M', "bytes", CONF_ACCESS_BYTES },
	{ 'M', "kilo", CONF_ACCESS_KILO },      { 'M', "kilobytes", CONF_ACCESS_KILO },
	{ 'M', "mega", CONF_ACCESS_MEGA },      { 'M', "megabytes", CONF_ACCESS_MEGA },
};

#define TIME_WORDS "only 'seconds', 'milli', 'milliseconds', 'micro' or 'microseconds' are"

/* What may stand in { } before a letter. */
enum brace { BRACE_NONE, BRACE_UNIT, BRACE_NAME, BRACE_TIME };

static const struct letter {
	char letter;
	enum conf_access_code code;
	enum brace brace;
	const char *words;              /* BRACE_UNIT: those that there are. BRACE_NAME: of what */
} letters[] = {
	{ 'C', CONF_ACCESS_CPU, BRACE_UNIT, "only 'total', 'user' or 'system' are" },
	{ 'd', CONF_ACCESS_DURATION, BRACE_UNIT, TIME_WORDS },
	{ 'e', CONF_ACCESS_PARAM, BRACE_NAME, "environment variable" },
	{ 'f', CONF_ACCESS_SCRIPT, BRACE_NONE, NULL },
	{ 'i', CONF_ACCESS_ID, BRACE_NONE, NULL },
	{ 'l', CONF_ACCESS_LENGTH, BRACE_NONE, NULL },
	{ 'm', CONF_ACCESS_METHOD, BRACE_NONE, NULL },
	{ 'M', CONF_ACCESS_MEMORY, BRACE_UNIT, "only 'bytes', 'kilo', 'kilobytes', 'mega' or 'megabytes' are" },
	{ 'n', CONF_ACCESS_POOL, BRACE_NONE, NULL },
	{ 'o', CONF_ACCESS_HEADER, BRACE_NAME, "header" },
	{ 'p', CONF_ACCESS_PID, BRACE_NONE, NULL },
	{ 'P', CONF_ACCESS_PARENT, BRACE_NONE, NULL },
	{ 'q', CONF_ACCESS_QUERY, BRACE_NONE, NULL },
	{ 'Q', CONF_ACCESS_QUERY_MARK, BRACE_NONE, NULL },
	{ 'r', CONF_ACCESS_URI, BRACE_NONE, NULL },
	{ 'R', CONF_ACCESS_REMOTE, BRACE_NONE, NULL },
	{ 's', CONF_ACCESS_STATUS, BRACE_NONE, NULL },
	{ 't', CONF_ACCESS_BEGUN, BRACE_TIME, NULL },
	{ 'T', CONF_ACCESS_ENDED, BRACE_TIME, NULL },
	{ 'u', CONF_ACCESS_USER, BRACE_NONE, NULL },
	{ 'w', CONF_ACCESS_REASON, BRACE_NONE, NULL },
	{ 'W', CONF_ACCESS_QUEUED, BRACE_UNIT, TIME_WORDS },
};

static struct conf_access_item *add(struct conf_access *a, enum conf_access_code code)
{
	a->items = xrealloc(a->items, (a->count + 1) * sizeof(*a->items));
	a->items[a->count] = (struct conf_access_item){ .code = code };
	return &a->items[a->count++];
}

/* Texts side by side are one. */
static void add_text(struct conf_access *a, const char *text, size_t len)
{
	struct conf_access_item *last = a->count > 0 ? &a->items[a->count - 1] : NULL;
	char *joined;

	if (len == 0)
		return;
	if (!last || last->code != CONF_ACCESS_TEXT) {
		add(a, CONF_ACCESS_TEXT)->text = xstrndup(text, len);
		return;
	}
	joined = xasprintf("%s%.*s", last->text, (int)len, text);
	free(last->text);
	last->text = joined;
}

static const struct letter *find_letter(char c)
{
	for (size_t i = 0; i < ARRAY_LEN(letters); i++)
		if (letters[i].letter == c)
			return &letters[i];
	return NULL;
}

static int take_unit(const struct letter *l, const char *word, struct conf_access_item *item, struct err *err)
{
	char letter = l->code == CONF_ACCESS_QUEUED ? 'd' : l->letter;

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (units[i].letter != letter || strcasecmp(units[i].word, word) != 0)
			continue;
		item->unit = units[i].unit;
		return 0;
	}
	return err_set(err, "%s allowed as a modifier for %%%c ('%s')", l->words, l->letter, word);
}

static int take_code(struct conf_access *a, char c, const char *brace, struct err *err)
{
	const struct letter *l = find_letter(c);
	struct conf_access_item *item;

	if (!l)
		return err_set(err, "Invalid token in the access.format (%%%c)", c);
	if (l->brace == BRACE_NONE && *brace)
		return err_set(err, "embrace is not allowed for modifier %%%c", c);
	if (l->brace == BRACE_NAME && !*brace)
		return err_set(err, "the name of the %s must be set between embraces for %%%c", l->words, c);
	item = add(a, l->code);
	a->needs_cpu |= l->code == CONF_ACCESS_CPU;
	a->needs_head |= l->code == CONF_ACCESS_HEADER || l->code == CONF_ACCESS_STATUS;
	if (l->brace == BRACE_UNIT)
		return take_unit(l, brace, item, err);
	if (l->brace == BRACE_NAME)
		item->text = xstrdup(brace);
	else if (l->brace == BRACE_TIME)
		item->text = xstrdup(*brace ? brace : TIME_FORMAT);
	return 0;
}

/* p stands behind a %. Where to go on, or NULL with err. Of several { } the last holds; a % at the very end is
 * nothing. */
static const char *take_token(struct conf_access *a, const char *p, struct err *err)
{
	char *brace = xstrdup("");
	int rc;

	while (*p == '{') {
		const char *end = strchr(p, '}');

		free(brace);
		brace = end ? xstrndup(p + 1, (size_t)(end - p) - 1) : NULL;
		if (end && end[1]) {
			p = end + 1;
			continue;
		}
		free(brace);
		err_set(err, "missing closing embrace in the access.format");
		return NULL;
	}
	if (*p == '%' && !*brace) {
		add_text(a, "%", 1);
		rc = 0;
	} else if (*p == '%') {
		rc = err_set(err, "embrace is not allowed for modifier %%%%");
	} else {
		rc = *p ? take_code(a, *p, brace, err) : 0;
	}
	free(brace);
	if (rc < 0)
		return NULL;
	return *p ? p + 1 : p;
}

int conf_access_parse(const char *format, struct conf_access *out, struct err *err)
{
	const char *p = format ? format : CONF_ACCESS_DEFAULT;

	*out = (struct conf_access){ .json = !strcmp(p, "json") };
	out->needs_head = out->needs_cpu = out->json;
	while (!out->json && *p) {
		size_t plain = strcspn(p, "%");

		add_text(out, p, plain);
		p += plain;
		if (*p)
			p = take_token(out, p + 1, err);
		if (!p) {
			conf_access_free(out);
			return -1;
		}
	}
	return 0;
}

void conf_access_free(struct conf_access *access)
{
	for (size_t i = 0; i < access->count; i++)
		free(access->items[i].text);
	free(access->items);
	*access = (struct conf_access){ 0 };
}

bool conf_access_suppressed(const struct conf_pool *pool, const char *uri)
{
	const struct conf_pairs *paths = &pool->access_suppress_path;

	for (size_t i = 0; i < paths->count; i++)
		if (!strcmp(paths->at[i].value, uri))
			return true;
	return false;
}
