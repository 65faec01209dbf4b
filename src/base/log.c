/* log.c -- log lines. Any process; any thread once the sinks are set.
 * Cuts and wraps only at the limit that it was given. What a line holds may come from a client or a script, so no
 * control character gets through: nobody forges a second line or moves an operator's cursor. Short lines need no
 * memory, so that "out of memory" can be said. */
#include "src/base/log.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#include "src/base/clock.h"
#include "src/base/fd_line.h"
#include "src/base/log_json.h"
#include "src/base/mem.h"

#define LOG_SHORT 1024                  /* bytes of text that fit on the stack */
#define LOG_HEAD  64                    /* time and level */
#define LOG_WAIT_MS 1000                /* for a reader of the log who does not read; the lines after that: 0 */

static struct {
	struct fd_line fd, also_fd;
	char *syslog;                   /* ident; NULL: not there */
	int facility;
	log_sink_fn *sink;
	void *sink_arg;
	enum log_level min;
	bool json;
	size_t limit;
	char *prefix;
} logger = { .fd.fd = -1, .also_fd.fd = -1, .min = LOG_LEVEL_NOTICE };

void log_to_fd(int fd)
{
	fd_line_set(&logger.fd, fd);
}

void log_to_sink(log_sink_fn *fn, void *arg)
{
	logger.sink = fn;
	logger.sink_arg = arg;
}

void log_also_to_fd(int fd)
{
	fd_line_set(&logger.also_fd, fd);
}

void log_to_syslog(const char *ident, int facility)
{
	char *old = logger.syslog;

	if (old)
		closelog();
	logger.syslog = ident ? xstrdup(ident) : NULL;
	if (ident)
		openlog(logger.syslog, LOG_PID, facility << 3);
	free(old);
}

void log_set_level(enum log_level min)
{
	logger.min = min;
}

void log_set_json(bool on)
{
	logger.json = on;
}

void log_set_limit(size_t bytes)
{
	logger.limit = bytes;
}

void log_set_prefix(const char *prefix)
{
	char *copy = prefix ? xstrdup(prefix) : NULL;

	free(logger.prefix);
	logger.prefix = copy;
}

const char *log_level_name(enum log_level level)
{
	static const char *const names[] = {
		[LOG_LEVEL_DEBUG] = "DEBUG",
		[LOG_LEVEL_NOTICE] = "NOTICE",
		[LOG_LEVEL_WARNING] = "WARNING",
		[LOG_LEVEL_ERROR] = "ERROR",
		[LOG_LEVEL_ALERT] = "ALERT",
	};

	return (size_t)level < ARRAY_LEN(names) && names[level] ? names[level] : "UNKNOWN";
}

/* "[21-Nov-2026 04:05:06] NOTICE: " */
static size_t log_put_head(char out[LOG_HEAD], enum log_level level)
{
	time_t now = (time_t)(clock_wall_us() / 1000000);
	struct tm tm;
	size_t len;

	if (!localtime_r(&now, &tm))
		tm = (struct tm){ .tm_mday = 1, .tm_year = 70 };
	len = strftime(out, LOG_HEAD, "[%d-%b-%Y %H:%M:%S] ", &tm);
	return len + (size_t)snprintf(out + len, LOG_HEAD - len, "%s: ", log_level_name(level));
}

/* How many bytes at p are a control character, or 0. Controls are 0-31, 127, and in UTF-8 U+0080-U+009F,
 * where terminals find ESC [ once more. */
static size_t log_control_len(const uint8_t *p, const uint8_t *end)
{
	if (*p < 0x20 || *p == 0x7f)
		return 1;
	return *p == 0xc2 && end - p > 1 && p[1] >= 0x80 && p[1] <= 0x9f ? 2 : 0;
}

char *log_escape(char *out, const char *text, size_t len, bool but_tab)
{
	static const char hex[] = "0123456789ABCDEF";
	const uint8_t *p = (const uint8_t *)text, *end = p + len;

	while (p < end) {
		size_t escape = but_tab && *p == '\t' ? 0 : log_control_len(p, end);

		if (escape == 0)
			*out++ = (char)*p++;
		for (; escape > 0; escape--, p++) {
			*out++ = '\\';
			*out++ = 'x';
			*out++ = hex[*p >> 4];
			*out++ = hex[*p & 15];
		}
	}
	return out;
}

/* How many bytes of text, shown, take at most room. */
static size_t log_fitting(const char *text, size_t len, size_t room)
{
	const uint8_t *p = (const uint8_t *)text, *end = p + len;

	while (p < end) {
		size_t escape = log_control_len(p, end), take = escape ? escape : 1;
		size_t shown = escape ? escape * LOG_ESCAPED : 1;

		if (shown > room)
			break;
		room -= shown;
		p += take;
	}
	return (size_t)((const char *)p - text);
}

/* At most room bytes of text, and no character of UTF-8 cut in two. */
static size_t log_whole(const char *text, size_t len, size_t room)
{
	size_t take = room;

	if (len <= room)
		return len;
	while (take > room - 3 && ((unsigned char)text[take] & 0xc0) == 0x80)
		take--;
	return take;
}

static int log_priority(enum log_level level)
{
	static const int priorities[] = {
		[LOG_LEVEL_DEBUG] = LOG_DEBUG,
		[LOG_LEVEL_NOTICE] = LOG_NOTICE,
		[LOG_LEVEL_WARNING] = LOG_WARNING,
		[LOG_LEVEL_ERROR] = LOG_ERR,
		[LOG_LEVEL_ALERT] = LOG_ALERT,
	};

	return (size_t)level < ARRAY_LEN(priorities) ? priorities[level] : LOG_NOTICE;
}

/* head and text with room for a newline behind it; the head stands right before the text. */
static void log_put_line(struct fd_line *to, const char *head, size_t head_len, char *text, size_t len)
{
	size_t whole = head_len + len + 1;

	memcpy(text - head_len, head, head_len);
	if (logger.limit > 0 && whole > logger.limit) {
		len = logger.limit - head_len - 1;
		memcpy(text + len - 3, "...", 3);
	}
	text[len] = '\n';
	/* A log that cannot be written has nobody left to be told. */
	(void)fd_line_write(to, text - head_len, head_len + len + 1, LOG_WAIT_MS);
}

static void log_put_syslog(enum log_level level, const char *head, size_t head_len, const char *text, size_t len)
{
	size_t room = logger.limit > 0 ? logger.limit - 1 - head_len : len;
	bool cut = len > room;

	if (cut)
		len = room - 3;
	syslog(log_priority(level), "%.*s%.*s%s", (int)head_len, head, (int)len, text, cut ? "..." : "");
}

/* text: LOG_HEAD bytes left free before it, room for a newline behind it. */
static void log_emit(enum log_level level, char *text, size_t len, bool bare)
{
	char head[LOG_HEAD];
	size_t head_len;

	if (logger.sink && !bare)
		logger.sink(logger.sink_arg, level, text, len);
	if (!logger.sink && logger.syslog) {
		head_len = bare ? 0 : (size_t)snprintf(head, sizeof(head), "[%s] ", log_level_name(level));
		log_put_syslog(level, head, head_len, text, len);
	}
	head_len = bare ? 0 : log_put_head(head, level);
	if (!logger.sink && !logger.syslog && logger.fd.fd >= 0)
		log_put_line(&logger.fd, head, head_len, text, len);
	if (logger.also_fd.fd >= 0 && !bare)
		log_put_line(&logger.also_fd, head, head_len, text, len);
}

static void log_emit_json(struct log_json *j)
{
	char space[LOG_JSON_HEAD + LOG_SHORT * LOG_JSON_MOST], *line = space;
	size_t room = LOG_JSON_HEAD + (j->prefix_len + j->text_len) * LOG_JSON_MOST, len;

	if (room > sizeof(space))
		line = xcalloc(room, 1);
	len = log_json_put(line, j);
	if (!logger.sink && logger.syslog)
		syslog(log_priority(j->level), "%.*s", (int)len - 1, line);
	else if (!logger.sink)
		(void)fd_line_write(&logger.fd, line, len, LOG_WAIT_MS);
	(void)fd_line_write(&logger.also_fd, line, len, LOG_WAIT_MS);
	if (line != space)
		free(line);
}

static void log_json_text(enum log_level level, pid_t pid, const char *text, size_t len)
{
	bool cut = logger.limit > 0 && len > logger.limit;
	struct log_json j = {
		.level = level, .pid = pid ? pid : getpid(), .text = text, .text_len = cut ? logger.limit - 3 : len,
		.mark = cut ? "..." : "", .prefix = logger.prefix ? logger.prefix : "",
	};

	j.prefix_len = strlen(j.prefix);
	log_emit_json(&j);
}

void log_text_of(pid_t pid, enum log_level level, const char *text, size_t len)
{
	char space[LOG_HEAD + LOG_SHORT * LOG_ESCAPED + 1], *line = space, *end;
	const char *prefix = logger.prefix ? logger.prefix : "";
	size_t prefix_len = strlen(prefix);
	int saved = errno;

	if (level < logger.min)
		return;
	if (logger.json && !logger.sink) {
		log_json_text(level, pid, text, len);
		errno = saved;
		return;
	}
	if (prefix_len + len > LOG_SHORT)
		line = xcalloc(prefix_len + len + LOG_HEAD, LOG_ESCAPED);
	end = log_escape(line + LOG_HEAD, prefix, prefix_len, false);
	end = log_escape(end, text, len, false);
	log_emit(level, line + LOG_HEAD, (size_t)(end - line) - LOG_HEAD, false);
	if (line != space)
		free(line);
	errno = saved;
}

void log_text(enum log_level level, const char *text, size_t len)
{
	log_text_of(0, level, text, len);
}

/* One line of output. */
static void log_output_line(const struct log_output *out, const char *text, size_t len, const char *mark)
{
	const char *prefix = out->bare || !logger.prefix ? "" : logger.prefix;
	const char *before = out->bare ? "" : out->before, *behind = out->bare ? "" : out->behind;
	size_t most = strlen(prefix) + strlen(before) + len + strlen(behind) + strlen(mark);
	char *line = xcalloc(most + LOG_HEAD, LOG_ESCAPED), *end = line + LOG_HEAD;

	end = log_escape(end, prefix, strlen(prefix), false);
	end = stpcpy(end, before);
	end = log_escape(end, text, len, false);
	end = stpcpy(end, behind);
	end = stpcpy(end, mark);
	log_emit(out->level, line + LOG_HEAD, (size_t)(end - line) - LOG_HEAD, out->bare);
	free(line);
}

/* What is left for the text of one line of output, shown. */
static size_t log_output_room(const struct log_output *out)
{
	char head[LOG_HEAD];
	size_t used = 1;

	if (logger.limit == 0)
		return SIZE_MAX;
	if (!out->bare) {
		used += logger.syslog ? strlen(log_level_name(out->level)) + 3 : log_put_head(head, out->level);
		used += strlen(out->before) + strlen(out->behind) + (logger.prefix ? strlen(logger.prefix) : 0);
	}
	return used + LOG_ESCAPED * 2 < logger.limit ? logger.limit - used : LOG_ESCAPED * 2;
}

static void log_output_json(const struct log_output *out, const char *text, size_t len, const char *mark)
{
	struct log_json j = {
		.level = out->level, .pid = out->pid, .stream = out->stream, .mark = mark,
		.text = text, .text_len = len, .prefix = logger.prefix ? logger.prefix : "",
	};

	j.prefix_len = strlen(j.prefix);
	log_emit_json(&j);
}

void log_output(const struct log_output *out)
{
	const char *text = out->text;
	size_t left = out->len, room = log_output_room(out);
	int saved = errno;

	if ((out->level < logger.min && !out->bare) || (out->bare && logger.sink))
		return;
	if (logger.json && logger.limit > 0)
		room = logger.limit;
	do {
		size_t take = logger.json ? log_whole(text, left, room) : log_fitting(text, left, room);
		const char *mark = take == left ? out->mark : "";

		if (logger.json)
			log_output_json(out, text, take, mark);
		else
			log_output_line(out, text, take, mark);
		text += take;
		left -= take;
	} while (left > 0);
	errno = saved;
}

void log_vat(enum log_level level, const char *fmt, va_list ap)
{
	char space[LOG_SHORT], *text = space;
	int len, saved = errno;
	va_list again;

	if (level < logger.min)
		return;
	va_copy(again, ap);
	len = vsnprintf(space, sizeof(space), fmt, ap);
	if (len >= (int)sizeof(space)) {
		text = xcalloc((size_t)len + 1, 1);
		vsnprintf(text, (size_t)len + 1, fmt, again);
	}
	va_end(again);
	if (len > 0)
		log_text(level, text, (size_t)len);
	if (text != space)
		free(text);
	errno = saved;
}

void log_at(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vat(level, fmt, ap);
	va_end(ap);
}
