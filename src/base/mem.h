/* mem.h -- allocation that cannot fail, and the one place where a fault of our own ends a process. */
#ifndef WEIR_MEM_H
#define WEIR_MEM_H

#include <stddef.h>

/* All return zeroed memory (xrealloc: only what realloc gives); out of memory ends the process. */
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t len);
/* So many bytes are not to be had: says so and ends the process. */
_Noreturn void mem_out(size_t size);
/* printf into fresh memory; the caller frees it. */
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* We are wrong: say where and abort, in a release build too. */
#define BUG_IF(cond) do { if (cond) bug_at(__FILE__, __LINE__, #cond); } while (0)
_Noreturn void bug_at(const char *file, int line, const char *what);

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
