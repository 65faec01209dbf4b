/* loop.c -- makes an event loop. Master and pool process. */
#include "pool/loop.h"

#include <event2/event.h>
#include <strings.h>

struct event_base *loop_new(const char *mechanism)
{
	const char **methods = event_get_supported_methods();
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (!config)
		return NULL;
	for (; mechanism && *methods; methods++)
		if (strcasecmp(*methods, mechanism) != 0)
			event_config_avoid_method(config, *methods);
	base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}
