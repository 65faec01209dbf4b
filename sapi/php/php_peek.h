/* php_peek.h -- reads this process' own memory where it may change, or be gone, while it is read: the kernel copies
 * it, and says no where there is nothing. For a thread that looks at what another one works on. Knows no PHP. */
#ifndef WEIR_SAPI_PHP_PEEK_H
#define WEIR_SAPI_PHP_PEEK_H

#include <stdbool.h>
#include <stddef.h>

/* Copy len bytes at this address; false when not all of them can be read. What was copied may be half of one value and
 * half of another. One thread only. Needs no right, no /proc and, for len up to a page, no memory. */
bool php_peek(const void *at, void *out, size_t len);
/* Copy a text with its NUL, at most size - 1 bytes of it. Its length, or -1. */
long php_peek_text(const char *at, char *out, size_t size);
/* Could something aligned lie at this address? */
bool php_peek_plausible(const void *at);

/* For the test: do without process_vm_readv(), as under a seccomp filter that refuses it. */
void php_peek_refuse(bool refuse);

#endif
