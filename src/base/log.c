/* log.c -- log lines. Any process; any thread once the sinks are set.
 * Cuts nothing and wraps nothing. What a line holds may come from a client or a script, so no control
 * character gets through: nobody forges a second line or moves an operator's cursor. Short lines need no
 * memory, so that "out of memory" can be said. */
#include "src/base/log.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/mem.h"

#define LOG_SHORT 1024                  /* bytes of text that fit on the stack */
#define LOG_HEAD  64                    /* time and level */
#define LOG_ESCAPED 4                   /* \xNN */

static struct {
	int fd, also_fd;
	log_sink_fn *sink;
	void *sink_arg;
	enum log_level min;
	char *prefix;
} logger = { .fd = -1, .also_fd = -1, .min = LOG_LEVEL_NOTICE };

void log_to_fd(int fd)
{
	logger.fd = fd;
}

void log_to_sink(log_sink_fn *fn, void *arg)
{
	logger.sink = fn;
	logger.sink_arg = arg;
}

void log_also_to_fd(int fd)
{
	logger.also_fd = fd;
}

void log_set_level(enum log_level min)
{
	logger.min = min;
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

char *log_put_text(char *out, const char *text, size_t len)
{
	static const char hex[] = "0123456789ABCDEF";
	const uint8_t *p = (const uint8_t *)text, *end = p + len;

	while (p < end) {
		size_t escape = log_control_len(p, end);

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

/* line: LOG_HEAD bytes left free, the text, room for a newline. The head is put right before the text. */
static void log_emit(enum log_level level, char *line, size_t text_len)
{
	char head[LOG_HEAD], *start, *end = line + LOG_HEAD + text_len;
	size_t head_len;

	if (logger.sink)
		logger.sink(logger.sink_arg, level, line + LOG_HEAD, text_len);
	if (logger.also_fd < 0 && (logger.sink || logger.fd < 0))
		return;
	head_len = log_put_head(head, level);
	start = line + LOG_HEAD - head_len;
	memcpy(start, head, head_len);
	*end++ = '\n';
	/* A log that cannot be written has nobody left to be told. */
	if (!logger.sink && logger.fd >= 0)
		(void)fd_write_all(logger.fd, start, (size_t)(end - start));
	if (logger.also_fd >= 0)
		(void)fd_write_all(logger.also_fd, start, (size_t)(end - start));
}

void log_text(enum log_level level, const char *text, size_t len)
{
	char space[LOG_HEAD + LOG_SHORT * LOG_ESCAPED + 1], *line = space, *end;
	const char *prefix = logger.prefix ? logger.prefix : "";
	size_t prefix_len = strlen(prefix);
	int saved = errno;

	if (level < logger.min)
		return;
	if (prefix_len + len > LOG_SHORT)
		line = xcalloc(prefix_len + len + LOG_HEAD, LOG_ESCAPED);
	end = log_put_text(line + LOG_HEAD, prefix, prefix_len);
	end = log_put_text(end, text, len);
	log_emit(level, line, (size_t)(end - line) - LOG_HEAD);
	if (line != space)
		free(line);
	errno = saved;
}

void log_raw(const char *text, size_t len)
{
	char *line, *end;

	if (logger.sink || logger.fd < 0)
		return;
	line = xcalloc(len + 1, LOG_ESCAPED);
	end = log_put_text(line, text, len);
	*end++ = '\n';
	(void)fd_write_all(logger.fd, line, (size_t)(end - line));
	free(line);
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
