/* conf_value.h -- one value between its text and its place in a struct, as the key's row tells. Pure. */
#ifndef WEIR_CONF_VALUE_H
#define WEIR_CONF_VALUE_H

#include <stdbool.h>
#include "src/base/buf.h"
#include "src/base/err.h"
#include "src/conf/conf_keys.h"

/* Read text into the key's place in base (a struct conf_global or conf_pool). Strings are copied, the old
 * one freed. -1: why is php-fpm's reason ("invalid boolean value"), base is unchanged. Not for arrays. */
int conf_value_set(const struct conf_key *key, void *base, const char *text, struct err *why);
/* The value as a file would have it, appended to out; false (and nothing appended) when it is unset. */
bool conf_value_show(const struct conf_key *key, const void *base, struct buf *out);
/* All defaults of that section; base is zeroed. */
void conf_value_defaults(enum conf_where where, void *base);
/* Free all strings and arrays of that section. */
void conf_value_free(enum conf_where where, void *base);
/* yes, on, true, 1 and their opposites. -1: none of them. */
int conf_value_bool(const char *text, bool *out);

#endif
