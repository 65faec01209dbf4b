/* apache_vars.h -- what ${NAME} stands for: Define, Debian's envvars, the environment, in this order. */
#ifndef WEIR_APACHE_VARS_H
#define WEIR_APACHE_VARS_H

#include <stdbool.h>
#include <stddef.h>
#include "src/base/buf.h"

struct apache_var {
	char *name, *value;
	bool defined;                   /* by Define: <IfDefine> sees it */
};

struct apache_vars {
	struct apache_var *at;
	size_t count;
	const char *(*env)(const char *name);   /* the environment; NULL: there is none */
};

/* A later value replaces an earlier one; a Define is replaced by a Define only. */
void apache_vars_set(struct apache_vars *vars, const char *name, const char *value, bool defined);
void apache_vars_unset(struct apache_vars *vars, const char *name);
bool apache_vars_is_defined(const struct apache_vars *vars, const char *name);
void apache_vars_free(struct apache_vars *vars);

/* text with each ${NAME} replaced, into out. What nobody knows stays as it is, and the first such name comes back
 * (borrowed from text, *len_out bytes), else NULL. ${map:key} is for Apache's rewriting, and stays. Stops once out has
 * more than APACHE_LINE_MAX bytes. */
const char *apache_vars_expand(const struct apache_vars *vars, const char *text, struct buf *out, size_t *len_out);

/* The `export NAME=VALUE` lines of a shell file such as Debian's envvars. No shell: of a value's own $NAME those that
 * are known are put in, the others are empty. */
void apache_vars_envvars(struct apache_vars *vars, const char *text, size_t len);

#endif
