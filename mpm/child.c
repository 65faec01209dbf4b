/* child.c -- the life of a child after its fork in the zygote: slot, watcher, model, end. It serves requests and
 * does nothing else; whether it should exist is the pool process' decision. */
#include "mpm/child.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include "mpm/child_access.h"
#include "mpm/child_link.h"
#include "mpm/child_priv.h"
#include "mpm/child_space.h"
#include "mpm/child_status.h"
#include "mpm/child_watch.h"
#include "src/base/clock.h"
#include "src/base/exits.h"
#include "src/base/log.h"
#include "src/base/mem.h"

static void slot_init(struct child *c, unsigned i)
{
	struct slot *s = &c->slots[i];

	s->child = c;
	s->number = c->start->slot + i;
	s->board = board_slot(c->start->board, s->number);
	board_slot_reset(s->board, BOARD_STARTING, clock_ms());
	s->fd = -1;
	s->paired = c->conf->mpm == CONF_MPM_EVENT;
	s->over_tcp = !s->paired && c->conf->listen[0] != '/' && c->conf->listen[0] != '@';
	pthread_mutex_init(&s->io_lock, NULL);
	child_status_init(s);
	s->access = child_access_new(c->conf);
}

/* Of 0 to most, the kernel's choice: siblings that were forked from one state differ. */
static int64_t child_jitter(int64_t most)
{
	uint64_t random = 0;

	if (most <= 0 || getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
		return 0;
	return (int64_t)(random % ((uint64_t)most + 1));
}

static void child_init(struct child *c)
{
	struct err err;

	c->limits = (struct fcgi_limits){
		.max_params = c->conf->request_max_params,
		.roles = c->start->sapi->roles,
		.max_conns = (uint32_t)conf_pool_slots(c->conf),
		.max_reqs = (uint32_t)conf_pool_slots(c->conf),
	};
	snprintf(c->id_seed, sizeof(c->id_seed), "%x-%x-", (unsigned)getpid(), (unsigned)clock_us());
	c->leaves_early = child_jitter(c->conf->max_requests_jitter);
	c->slot_count = (unsigned)c->conf->threads_per_child;
	c->slots = xcalloc(c->slot_count, sizeof(*c->slots));
	child_space_init(c);
	for (unsigned i = 0; i < c->slot_count; i++)
		slot_init(c, i);
	if (c->start->sapi->child_init && c->start->sapi->child_init(c->start->ctx, &err) < 0)
		goto failed;
	if (child_watch_start(c, &err) < 0)
		goto failed;
	return;
failed:
	child_link_failed(err.text);
	_exit(EXIT_SOFTWARE);
}

_Noreturn void child_run(const struct child_start *start)
{
	struct child *c = xcalloc(1, sizeof(*c));

	c->start = start;
	c->conf = start->conf;
	log_to_sink(child_link_log, NULL);
	child_init(c);
	start->mpm->run(c);
	child_watch_stop(c);
	for (unsigned i = 0; i < c->slot_count; i++)
		child_access_free(&c->slots[i].access);
	if (start->sapi->child_end)
		start->sapi->child_end(start->ctx);
	_exit(EXIT_OK);
}
