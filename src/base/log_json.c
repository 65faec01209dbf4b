/* log_json.c -- the error log's lines as JSON: time, level, pool, pid, id, stream, message. Any process.
 * Pool and request id are read out of the line's own words, "[pool NAME] " and "request ID", which only Weir writes
 * there: what a script or client says stands behind them. */
#include "src/base/log_json.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "src/base/clock.h"

#define ID_MOST 64

struct text { const char *p; size_t len; };

static char *put_time(char *out)
{
	uint64_t now_us = clock_wall_us();
	time_t now = (time_t)(now_us / 1000000);
	struct tm tm;
	char zone[8];

	if (!localtime_r(&now, &tm))
		tm = (struct tm){ .tm_mday = 1, .tm_year = 70 };
	out += strftime(out, 64, "{\"time\":\"%Y-%m-%dT%H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	return out + snprintf(out, 64, ".%06u%.3s:%.2s\"", (unsigned)(now_us % 1000000), zone, zone + 3);
}

static char *put_level(char *out, enum log_level level)
{
	out = stpcpy(out, ",\"level\":\"");
	for (const char *c = log_level_name(level); *c; c++)
		*out++ = (char)tolower((unsigned char)*c);
	return stpcpy(out, "\"");
}

static char *put_text(char *out, const char *name, struct text text)
{
	if (text.len == 0)
		return out;
	out = stpcpy(stpcpy(stpcpy(out, ",\""), name), "\":\"");
	return stpcpy(json_put(out, text.p, text.len), "\"");
}

static bool begins(const struct text *t, const char *word)
{
	return t->len >= strlen(word) && memcmp(t->p, word, strlen(word)) == 0;
}

static void skip(struct text *t, size_t len)
{
	t->p += len;
	t->len -= len;
}

/* Takes "[pool NAME] " off the front: NAME, or nothing. Where nothing stands behind it, a NAME may hold a "] ". */
static struct text take_pool(struct text *t, bool alone)
{
	struct text name = { "", 0 };
	const char *end;

	if (!begins(t, "[pool "))
		return name;
	end = alone ? t->p + t->len - 2 : memmem(t->p, t->len, "] ", 2);
	if (!end)
		return name;
	name = (struct text){ t->p + strlen("[pool "), (size_t)(end - t->p) - strlen("[pool ") };
	skip(t, (size_t)(end - t->p) + 2);
	return name;
}

/* "child 12, request ID: ..." or without the child: ID. The text stays. */
static struct text find_id(struct text t)
{
	size_t len = 0;

	if (begins(&t, "child ")) {
		const char *comma = memmem(t.p, t.len < ID_MOST ? t.len : ID_MOST, ", ", 2);

		if (!comma)
			return (struct text){ "", 0 };
		skip(&t, (size_t)(comma - t.p) + 2);
	}
	if (!begins(&t, "request "))
		return (struct text){ "", 0 };
	skip(&t, strlen("request "));
	while (len < t.len && len < ID_MOST && t.p[len] != ' ')
		len++;
	if (len > 0 && t.p[len - 1] == ':')
		len--;
	return (struct text){ t.p, len };
}

size_t log_json_put(char *out, const struct log_json *line)
{
	struct text prefix = { line->prefix, line->prefix_len }, text = { line->text, line->text_len };
	struct text pool = take_pool(&prefix, true);
	char *start = out;

	if (pool.len == 0 && !line->stream)
		pool = take_pool(&text, false);
	out = put_level(put_time(out), line->level);
	out = put_text(out, "pool", pool);
	out += snprintf(out, 32, ",\"pid\":%d", (int)line->pid);
	if (line->stream)
		out = stpcpy(stpcpy(stpcpy(out, ",\"stream\":\""), line->stream), "\"");
	else
		out = put_text(out, "id", find_id(text));
	out = stpcpy(out, ",\"message\":\"");
	out = json_put(out, prefix.p, prefix.len);
	out = json_put(out, text.p, text.len);
	out = stpcpy(stpcpy(out, line->mark), "\"}\n");
	return (size_t)(out - start);
}
