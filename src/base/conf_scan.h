/* conf_scan.h -- one line of a configuration file, taken apart. Pure: text in, token out; knows no key, pool
 * or file. The format is php-fpm's: each line stands alone; ';' starts a comment; [section]; name = value;
 * name[sub] = value. Values: bare words, "double quotes" (with \" \\ \$ inside), 'single quotes' (nothing is
 * special inside), ${VAR} from the environment; a bare yes/on/true is "1", a bare no/off/none/false/null is
 * ""; E_ALL and its kind are numbers; | & ^ ~ ! ( ) calculate, all of one rank, from left to right. */
#ifndef WEIR_CONF_SCAN_H
#define WEIR_CONF_SCAN_H

#include <stddef.h>
#include "src/base/err.h"

enum conf_scan_kind {
	CONF_SCAN_BLANK,                /* nothing, or only a comment */
	CONF_SCAN_SECTION,              /* [name] */
	CONF_SCAN_ASSIGN,               /* name = value, name[sub] = value */
	CONF_SCAN_ERROR,                /* why tells what is wrong and what to do */
};

struct conf_scan_token {
	enum conf_scan_kind kind;
	char *name;                     /* section or key, as written, without blanks around it; owned */
	char *sub;                      /* what stood in []; NULL: there were no brackets; owned */
	char *value;                    /* owned; "" when there is none behind the '=' */
	struct err why;                 /* CONF_SCAN_ERROR: without file and line */
	struct err doubt;               /* text is "" or a warning: the value is perhaps not what was meant */
};

/* The value of an environment variable, or NULL. NULL instead of a function: no variable is set. */
typedef const char *conf_scan_env_fn(void *arg, const char *name);

/* One line, with or without its end (\n, \r\n). The token is always filled in; free it. */
void conf_scan_line(const char *line, size_t len, conf_scan_env_fn *env, void *arg,
		    struct conf_scan_token *out);
void conf_scan_token_free(struct conf_scan_token *token);

#endif
