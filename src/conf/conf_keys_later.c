/* conf_keys_later.c -- keys that this version knows by name and refuses. Pure data, used by the reader and
 * the manual. A file that uses one is told so by name: a key that is accepted and does nothing would be
 * worse than an error. */
#include <string.h>
#include <strings.h>
#include "src/base/mem.h"
#include "src/conf/conf_keys.h"

#define BSD(where, name)  { name, CONF_IN_##where, CONF_LATER_FREEBSD }
#define OURS(where, name) { name, CONF_IN_##where, CONF_LATER_WEIR }

const struct conf_later conf_later_keys[] = {
	BSD(POOL, "listen.setfib"),
	OURS(GLOBAL, "control.listen"),
	OURS(GLOBAL, "metrics.*"),
	OURS(POOL, "listen.tls*"),
	OURS(POOL, "reload.*"),
	OURS(POOL, "ready.*"),
	OURS(POOL, "cgi.*"),
	OURS(POOL, "exec.*"),
};
const size_t conf_later_count = ARRAY_LEN(conf_later_keys);

const struct conf_later *conf_later_find(const char *name)
{
	for (size_t i = 0; i < conf_later_count; i++) {
		const char *known = conf_later_keys[i].name;
		const char *star = strchr(known, '*');

		if (star ? !strncasecmp(known, name, (size_t)(star - known)) : !strcasecmp(known, name))
			return &conf_later_keys[i];
	}
	return NULL;
}
