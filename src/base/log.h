/* log.h -- log lines, in php-fpm's format: [21-Nov-2026 04:05:06] NOTICE: text
 * or each as one JSON object. One line is one write. Where lines go is set once per process: a descriptor or the
 * system's log (master, pool process), or a function (zygote and child send them to their pool process: neither
 * holds a log's descriptor). */
#ifndef WEIR_LOG_H
#define WEIR_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* php-fpm's levels, in its order. */
enum log_level { LOG_LEVEL_DEBUG = 1, LOG_LEVEL_NOTICE, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR, LOG_LEVEL_ALERT };

typedef void log_sink_fn(void *arg, enum log_level level, const char *text, size_t len);

void log_to_fd(int fd);                         /* borrowed; -1: nowhere */
void log_to_sink(log_sink_fn *fn, void *arg);   /* text without time, level or newline */
void log_also_to_fd(int fd);                    /* a second descriptor (stderr until launched); -1: none */
/* The system's log in the place of the descriptor. ident is copied, NULL: no more; facility: 0-23, see <syslog.h>. */
void log_to_syslog(const char *ident, int facility);
void log_set_level(enum log_level min);
void log_set_json(bool on);
/* Most bytes of a line, its newline included: a longer one ends in "...". In JSON: of the message. 0: any length. */
void log_set_limit(size_t bytes);
/* A word put in front of every text, as in "[pool www] "; NULL: none. Copied. */
void log_set_prefix(const char *prefix);

void log_at(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_vat(enum log_level level, const char *fmt, va_list ap);
/* A text of any length, control characters shown as \xNN, newlines too: one line whatever it holds. */
void log_text(enum log_level level, const char *text, size_t len);
/* The same about another process: JSON names it. */
void log_text_of(pid_t pid, enum log_level level, const char *text, size_t len);

/* What a process wrote to one of its streams. Longer than the limit it is wrapped: every line of it has the
 * decoration. Controls are shown as above. */
struct log_output {
	pid_t pid;
	const char *stream;             /* "stdout" or "stderr" */
	enum log_level level;
	const char *before, *behind;    /* put around each line, as in: child 5 said into stderr: "..." */
	bool bare;                      /* the text alone, without time, level and the two; to descriptors only */
	const char *text;
	size_t len;
	const char *mark;               /* behind the last line */
};
void log_output(const struct log_output *out);

const char *log_level_name(enum log_level level);
/* The text with control characters shown as \xNN, at most LOG_ESCAPED * len bytes; but_tab: a tab stays. Its end. */
#define LOG_ESCAPED 4
char *log_escape(char *out, const char *text, size_t len, bool but_tab);

#define log_debug(...)   log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_notice(...)  log_at(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_error(...)   log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_alert(...)   log_at(LOG_LEVEL_ALERT, __VA_ARGS__)

#endif
