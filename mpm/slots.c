/* slots.c -- runs in a child: starts its slots' threads and waits for their end. What they serve is the model's
 * business. */
#include "mpm/slots.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "mpm/child_link.h"
#include "mpm/child_priv.h"
#include "mpm/child_space.h"
#include "mpm/child_watch.h"
#include "src/base/clock.h"
#include "src/base/exits.h"
#include "src/base/log.h"
#include "src/base/mem.h"

struct slot_thread {
	struct slot *slot;
	void (*serve)(struct slot *s, void *arg);
	void *arg;
	pthread_t thread;
};

static void *slot_thread(void *arg)
{
	struct slot_thread *t = arg;
	struct child *c = t->slot->child;
	const struct child_start *start = c->start;
	struct err err;

	child_space_of_thread(t->slot);
	if (start->sapi->thread_init && start->sapi->thread_init(start->ctx, &err) < 0) {
		child_link_failed(err.text);
		_exit(EXIT_SOFTWARE);
	}
	t->serve(t->slot, t->arg);
	board_slot_state(t->slot->board, BOARD_LEAVING, clock_ms());
	atomic_fetch_add(&c->slots_gone, 1);
	child_watch_wake(c);
	if (start->sapi->thread_end)
		start->sapi->thread_end(start->ctx);
	return NULL;
}

/* One thread more than slots would idle: the main thread is the first slot's. */
static bool threads_start(struct slot_thread *threads, unsigned count)
{
	for (unsigned i = 1; i < count; i++) {
		int error = pthread_create(&threads[i].thread, NULL, slot_thread, &threads[i]);

		if (error == 0)
			continue;
		log_error("cannot start thread %u of mpm.threads_per_child: %s", i + 1, strerror(error));
		return false;
	}
	return true;
}

void slots_run(struct child *c, void (*serve)(struct slot *s, void *arg), void *arg)
{
	struct slot_thread *threads = xcalloc(c->slot_count, sizeof(*threads));

	/* All are idle before anybody counts them. */
	for (unsigned i = 0; i < c->slot_count; i++) {
		threads[i] = (struct slot_thread){ .slot = &c->slots[i], .serve = serve, .arg = arg };
		board_slot_state(c->slots[i].board, BOARD_IDLE, clock_ms());
	}
	if (!threads_start(threads, c->slot_count))
		_exit(EXIT_SOFTWARE);
	child_link_ready();
	slot_thread(&threads[0]);
	for (unsigned i = 1; i < c->slot_count; i++)
		pthread_join(threads[i].thread, NULL);
	free(threads);
}
