/* event.c -- runs in a child: slots that accept nothing. Each gets its requests from the pool process, the
 * dispatcher, over a socket pair of its own, one at a time (event_proto.h), and waits for them in a blocking read.
 * Only the dispatcher ends a slot. */
#include "mpm/mpm.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "mpm/child_link.h"
#include "mpm/child_pair.h"
#include "mpm/slots.h"
#include "src/base/exits.h"
#include "src/base/log.h"

static void serve(struct slot *s, void *arg)
{
	(void)arg;
	child_pair_serve(s);
}

static void event_run(struct child *c)
{
	for (unsigned i = 0; i < c->slot_count; i++) {
		int far;

		if (child_pair_open(&c->slots[i], &far) < 0) {
			log_error("cannot make the socket pair of a slot: %s; raise rlimit_files", strerror(errno));
			_exit(EXIT_SOFTWARE);
		}
		child_link_slot(i, &far);
	}
	slots_run(c, serve, NULL);
}

const struct mpm mpm_event = {
	.name = "event",
	.run = event_run,
};
