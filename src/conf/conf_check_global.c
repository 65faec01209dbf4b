/* conf_check_global.c -- checks of [global] beside its paths and priority. Runs in the master after all files are
 * read; php-fpm's words where php-fpm has the check. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "src/base/mem.h"
#include "src/conf/conf_priv.h"


/* What libevent has on Linux; the first is the default, as php-fpm shows it. */
static const char *const mechanisms[] = { "epoll", "poll", "select" };

static void check_mechanism(struct conf_loading *l)
{
	char **mechanism = &l->conf->global.events_mechanism;

	const char *wanted = *mechanism;

	if (!wanted)
		wanted = conf_is_given(&l->global, "events.mechanism") ? "" : mechanisms[0];
	for (size_t i = 0; i < ARRAY_LEN(mechanisms); i++) {
		if (strcasecmp(wanted, mechanisms[i]))
			continue;
		free(*mechanism);
		*mechanism = xstrdup(mechanisms[i]);
		return;
	}
	conf_note_key(l, &l->global, CONF_ERROR, "events.mechanism", "event mechanism '%s' is not available on this "
		      "system: epoll, poll and select are", wanted);
}

static void check_emergency(struct conf_loading *l)
{
	const struct conf_global *g = &l->conf->global;
	bool half = (g->emergency_restart_threshold > 0) != (g->emergency_restart_interval_s > 0);
	const char *given = g->emergency_restart_threshold > 0 ? "emergency_restart_threshold"
							       : "emergency_restart_interval";
	const char *missing = g->emergency_restart_threshold > 0 ? "emergency_restart_interval"
								 : "emergency_restart_threshold";

	if (half)
		conf_note_key(l, &l->global, CONF_WARNING, given, "%s does nothing without %s", given, missing);
}

static void check_rights(struct conf_loading *l)
{
	int *priority = &l->conf->global.process_priority;

	if (l->opt->as_root || *priority == CONF_PRIORITY_UNSET)
		return;
	conf_notes_add(l->notes, CONF_NOTICE, "'process.priority' directive is ignored when FPM is not running as root");
	*priority = CONF_PRIORITY_UNSET;
}

void conf_check_global(struct conf_loading *l)
{
	check_rights(l);
	if (l->conf->global.process_max < 0)
		conf_note_key(l, &l->global, CONF_ERROR, "process.max", "process_max can't be negative");
	check_mechanism(l);
	check_emergency(l);
}
