/* event.c -- runs in a child: slots that accept nothing. Each gets its requests from the pool process, the
 * dispatcher, over a socket pair of its own, one at a time (event_proto.h), and waits for them in a blocking read.
 * Only the dispatcher ends a slot. */
#include "mpm/mpm.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>
#include "mpm/child_link.h"
#include "mpm/child_pair.h"
#include "mpm/slots.h"
#include "src/base/exits.h"
#include "src/base/log.h"

/* On a busy processor a slot that gets a request waits until the dispatcher has no more to give, instead of taking its
 * place at once: one switch for many requests, not two for each. Programs that the application starts are as ever. */
static void yield_to_dispatcher(void)
{
	const struct sched_param param = { 0 };

	if (sched_setscheduler(0, SCHED_BATCH | SCHED_RESET_ON_FORK, &param) < 0)
		log_debug("cannot be scheduled as a batch: %s", strerror(errno));
}

static void serve(struct slot *s, void *arg)
{
	(void)arg;
	yield_to_dispatcher();
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
