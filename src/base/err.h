/* err.h -- why something failed, in words for the person who runs the server.
 * A function that can fail returns -1 (or NULL) and fills a struct err; the caller who knows that
 * person logs it, once. Knows no process, no pool. */
#ifndef WEIR_ERR_H
#define WEIR_ERR_H

#include <stdarg.h>

struct err {
	char text[1024];                /* one sentence or more, no newline at the end */
};

/* Fill *err (NULL is accepted); always returns -1, so that "return err_set(...)" reads well. */
int err_set(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same, with ": strerror(errno)" behind it. errno is kept. */
int err_sys(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
