/* apache_help.h -- what the tests of src/apache share: read a text, look at what comes out. */
#ifndef WEIR_APACHE_HELP_H
#define WEIR_APACHE_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "src/apache/apache_import.h"
#include "src/apache/apache_pools.h"
#include "src/base/mem.h"

static inline const char *test_env(const char *name)
{
	return strcmp(name, "FROM_ENV") ? NULL : "value";
}

static inline bool test_no_threads(void)
{
	return false;
}

static inline bool test_threads(void)
{
	return true;
}

static inline struct apache_conf read_text(const char *text)
{
	struct apache_conf conf = { .vars.env = test_env };

	apache_read_text(&conf, "f", text, strlen(text));
	return conf;
}

/* What is printed for a text without errors; the caller frees it. */
static inline char *import_with(const char *text, apache_php_threads_fn *threads)
{
	struct apache_conf conf = read_text(text);
	struct buf out = { 0 };
	char *copy;

	apache_import_write(&out, &conf, threads);
	if (conf.errors)
		fail_msg("%s", buf_str(&conf.words));
	copy = xstrdup(buf_str(&out));
	buf_free(&out);
	apache_conf_free(&conf);
	return copy;
}

/* Is line one of out's? */
static inline bool has_line(const char *out, const char *line)
{
	size_t len = strlen(line);

	for (const char *at = out; (at = strstr(at, line)) != NULL; at++)
		if ((at == out || at[-1] == '\n') && at[len] == '\n')
			return true;
	return false;
}

static inline void assert_line(const char *out, const char *line)
{
	if (!has_line(out, line))
		fail_msg("no line '%s' in:\n%s", line, out);
}

static inline void assert_no_line(const char *out, const char *line)
{
	if (has_line(out, line))
		fail_msg("a line '%s' in:\n%s", line, out);
}

#endif
