/* conf_keys_later.c -- keys that this version knows by name and refuses. Pure data, used by the reader and
 * the manual. A file that uses one is told so by name: a key that is accepted and does nothing would be
 * worse than an error. */
#include <string.h>
#include <strings.h>
#include "src/base/mem.h"
#include "src/conf/conf_keys.h"

#define FPM(where, name)  { name, CONF_IN_##where, CONF_LATER_FPM }
#define OURS(where, name) { name, CONF_IN_##where, CONF_LATER_WEIR }

const struct conf_later conf_later_keys[] = {
	FPM(GLOBAL, "syslog.ident"),
	FPM(GLOBAL, "syslog.facility"),
	FPM(GLOBAL, "log_limit"),
	FPM(GLOBAL, "log_buffering"),
	FPM(GLOBAL, "emergency_restart_threshold"),
	FPM(GLOBAL, "emergency_restart_interval"),
	FPM(GLOBAL, "process.max"),
	FPM(GLOBAL, "events.mechanism"),
	FPM(GLOBAL, "systemd_interval"),
	FPM(POOL, "listen.acl_users"),
	FPM(POOL, "listen.acl_groups"),
	FPM(POOL, "listen.setfib"),
	FPM(POOL, "pm.status_path"),
	FPM(POOL, "pm.status_listen"),
	FPM(POOL, "ping.path"),
	FPM(POOL, "ping.response"),
	FPM(POOL, "access.log"),
	FPM(POOL, "access.format"),
	FPM(POOL, "access.suppress_path"),
	FPM(POOL, "slowlog"),
	FPM(POOL, "request_slowlog_timeout"),
	FPM(POOL, "request_slowlog_trace_depth"),
	FPM(POOL, "request_terminate_timeout_track_finished"),
	FPM(POOL, "apparmor_hat"),
	OURS(GLOBAL, "control.listen"),
	OURS(GLOBAL, "log_format"),
	OURS(GLOBAL, "metrics.*"),
	OURS(POOL, "mpm.threads_per_child"),
	OURS(POOL, "mpm.min_spare_threads"),
	OURS(POOL, "mpm.max_spare_threads"),
	OURS(POOL, "mpm.max_request_workers"),
	OURS(POOL, "listen.tls*"),
	OURS(POOL, "event.*"),
	OURS(POOL, "queue.*"),
	OURS(POOL, "reload.*"),
	OURS(POOL, "ready.*"),
	OURS(POOL, "access.*"),
	OURS(POOL, "env.pass"),
	OURS(POOL, "keepalive_timeout"),
	OURS(POOL, "wsgi.*"),
	OURS(POOL, "native.*"),
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
