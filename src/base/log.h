/* log.h -- log lines in php-fpm's format: [21-Nov-2026 04:05:06] NOTICE: text
 * One line is one write. Where lines go is set once per process: a descriptor (master, pool process) or
 * a function (zygote and child send them to their pool process: neither holds a log's descriptor). */
#ifndef WEIR_LOG_H
#define WEIR_LOG_H

#include <stdarg.h>
#include <stddef.h>

/* php-fpm's levels, in its order. */
enum log_level { LOG_LEVEL_DEBUG = 1, LOG_LEVEL_NOTICE, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR, LOG_LEVEL_ALERT };

typedef void log_sink_fn(void *arg, enum log_level level, const char *text, size_t len);

void log_to_fd(int fd);                         /* borrowed; -1: nowhere */
void log_to_sink(log_sink_fn *fn, void *arg);   /* text without time, level or newline */
void log_also_to_fd(int fd);                    /* a second descriptor (stderr until launched); -1: none */
void log_set_level(enum log_level min);
/* A word put in front of every text, as in "[pool www] "; NULL: none. Copied. */
void log_set_prefix(const char *prefix);

void log_at(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_vat(enum log_level level, const char *fmt, va_list ap);
/* A text of any length, control characters shown as \xNN, newlines too: one line whatever it holds. */
void log_text(enum log_level level, const char *text, size_t len);
/* The text alone and a newline, without time, level or prefix; to descriptors only. Controls are shown as above. */
void log_raw(const char *text, size_t len);
/* How lines show a text: with its control characters as \xNN. Returns the end in out, which has room for 4 * len. */
char *log_put_text(char *out, const char *text, size_t len);
const char *log_level_name(enum log_level level);

#define log_debug(...)   log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_notice(...)  log_at(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_error(...)   log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_alert(...)   log_at(LOG_LEVEL_ALERT, __VA_ARGS__)

#endif
