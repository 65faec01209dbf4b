/* log_json.h -- a line of the error log as one JSON object. Pure. For log.c and its tests. */
#ifndef WEIR_LOG_JSON_H
#define WEIR_LOG_JSON_H

#include <stddef.h>
#include <sys/types.h>
#include "src/base/json.h"
#include "src/base/log.h"

#define LOG_JSON_MOST JSON_MOST         /* bytes of the line for each byte of prefix and text */
#define LOG_JSON_HEAD 512               /* and for all that stands around them */

struct log_json {
	enum log_level level;
	pid_t pid;                      /* whom it is about */
	const char *stream;             /* of output: "stdout" or "stderr"; else NULL */
	const char *prefix;             /* a "[pool NAME] " in front of it or of the text becomes the field pool */
	size_t prefix_len;
	const char *text;
	size_t text_len;
	const char *mark;               /* a few characters behind the message */
};

/* The line with its newline, LOG_JSON_HEAD + LOG_JSON_MOST * (prefix_len + text_len) bytes at most; its length. */
size_t log_json_put(char *out, const struct log_json *line);

#endif
