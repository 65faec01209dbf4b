/* conf_access.h -- access.format as a list of codes. Pure: the master checks with it, children and pool processes
 * follow it. */
#ifndef WEIR_CONF_ACCESS_H
#define WEIR_CONF_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include "src/base/err.h"

struct conf_pool;

#define CONF_ACCESS_DEFAULT "%R - %u %t \"%m %r\" %s"

/* What stands at one place of a line. */
enum conf_access_code {
	CONF_ACCESS_TEXT,               /* text */
	CONF_ACCESS_CPU,                /* %C: unit says whose */
	CONF_ACCESS_DURATION,           /* %d: unit */
	CONF_ACCESS_PARAM,              /* %{text}e */
	CONF_ACCESS_SCRIPT,             /* %f */
	CONF_ACCESS_ID,                 /* %i: ours */
	CONF_ACCESS_LENGTH,             /* %l */
	CONF_ACCESS_METHOD,             /* %m */
	CONF_ACCESS_MEMORY,             /* %M: unit */
	CONF_ACCESS_POOL,               /* %n */
	CONF_ACCESS_HEADER,             /* %{text}o */
	CONF_ACCESS_PID,                /* %p */
	CONF_ACCESS_PARENT,             /* %P */
	CONF_ACCESS_QUERY,              /* %q */
	CONF_ACCESS_QUERY_MARK,         /* %Q */
	CONF_ACCESS_URI,                /* %r */
	CONF_ACCESS_REMOTE,             /* %R */
	CONF_ACCESS_STATUS,             /* %s */
	CONF_ACCESS_BEGUN,              /* %t: text is a format of strftime */
	CONF_ACCESS_ENDED,              /* %T: likewise */
	CONF_ACCESS_USER,               /* %u */
	CONF_ACCESS_REASON,             /* %w: ours */
	CONF_ACCESS_QUEUED,             /* %W: ours; unit, as CONF_ACCESS_DURATION */
};

enum conf_access_unit {
	CONF_ACCESS_TOTAL, CONF_ACCESS_USERLAND, CONF_ACCESS_SYSTEM,
	CONF_ACCESS_SECONDS, CONF_ACCESS_MILLI, CONF_ACCESS_MICRO,
	CONF_ACCESS_BYTES, CONF_ACCESS_KILO, CONF_ACCESS_MEGA,
};

struct conf_access_item {
	enum conf_access_code code;
	enum conf_access_unit unit;
	char *text;                     /* NULL where the code has none */
};

struct conf_access {
	bool json;                      /* access.format = json: no items */
	bool needs_head;                /* the line tells of the reply's header block */
	bool needs_cpu;                 /* and of CPU time */
	struct conf_access_item *items;
	size_t count;
};

/* NULL: php-fpm's. -1: err says what is wrong, in php-fpm's words. */
int conf_access_parse(const char *format, struct conf_access *out, struct err *err);
void conf_access_free(struct conf_access *access);
/* Does access.suppress_path name this one? */
bool conf_access_suppressed(const struct conf_pool *pool, const char *uri);

#endif
