/* apache_words.h -- a text of Apache httpd's configuration as lines and words. Pure: knows no directive and no file. */
#ifndef WEIR_APACHE_WORDS_H
#define WEIR_APACHE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include "src/base/buf.h"

#define APACHE_LINE_MAX (64 * 1024)     /* bytes of a line with all that continues it */

struct apache_words {
	char **at;                      /* owned */
	size_t count;
	bool open_quote;                /* the last one goes to the end of the line: its quote has no end */
};

/* Where a reader stands in a text. */
struct apache_lines {
	const char *at, *end;
	size_t next;                    /* number of the physical line that follows, from 1 */
};

enum apache_line {
	APACHE_LINE_END,                /* there is no more */
	APACHE_LINE_GOOD,
	APACHE_LINE_LONG,               /* it had more than APACHE_LINE_MAX bytes, and was skipped */
	APACHE_LINE_NUL,                /* it had a NUL, and was skipped */
};

/* The next logical line into out (cleared first): backslashes before line ends continue it; blanks at both ends are
 * gone. Comments and empty lines come as empty lines. *number_out: of its first physical line. */
enum apache_line apache_lines_next(struct apache_lines *lines, struct buf *out, size_t *number_out);

/* Words between blanks; '...' and "..." are one word, in which a backslash takes the meaning of that quote and of a
 * backslash. */
struct apache_words apache_words_split(const char *text);
void apache_words_free(struct apache_words *words);

#endif
