/* json.h -- texts as JSON strings (RFC 8259), whatever bytes they hold. Pure; any process. */
#ifndef WEIR_JSON_H
#define WEIR_JSON_H

#include <stddef.h>

#define JSON_MOST 6             /* bytes that one byte of text can become */

/* The text as the inside of a JSON string, JSON_MOST * len bytes at most; returns the end. What it decodes to: valid
 * UTF-8 as it was (controls too), and \xNN (four characters) in place of each byte that is not part of valid UTF-8. So
 * that this can be told from such characters in the text itself, their backslash becomes \x5C. */
char *json_put(char *out, const char *text, size_t len);

#endif
