/* apache_write.h -- lines of Weir's configuration, each under a comment that says where it comes from. Pure. */
#ifndef WEIR_APACHE_WRITE_H
#define WEIR_APACHE_WRITE_H

#include "src/apache/apache_conf.h"

/* "; NAME TEXT (FILE:LINE): NOTE" of a directive, or "; NOTE" where from is NULL; then "KEY = VALUE", the value in quotes
 * where it needs them; no second line where key is NULL, and a
 * comment in its place where the value has a control character. fmt: the note, "" for none. The directive counts as told. */
void apache_put(struct buf *to, struct apache_directive *from, const char *key, const char *value, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
void apache_put_int(struct buf *to, struct apache_directive *from, const char *key, long value, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* "; TEXT", whatever bytes it holds. */
void apache_put_comment(struct buf *to, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* As it must stand behind a "=". value has no line end. */
void apache_write_value(struct buf *to, const char *value);

#endif
