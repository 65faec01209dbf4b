/* pool.c -- the pool process from its start to its end: identity, events, loop. It runs no application code, holds
 * no right, and trusts neither its children nor what they wrote on the scoreboard. */
#include "pool/pool_priv.h"

#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <sys/prctl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include "pool/pool.h"
#include "src/base/exits.h"
#include "src/base/fd.h"
#include "src/base/log.h"
#include "pool/loop.h"
#include "src/base/mem.h"
#include "src/base/privs.h"
#include "src/base/sigs.h"

#define FILES_OF_OUR_OWN 512            /* logs, links, sockets that are read empty */

static _Noreturn void fail(const char *why)
{
	log_error("the pool process cannot start: %s", why);
	_exit(EXIT_SOFTWARE);
}

static void take_log(const struct spawn_info *info, const struct conf_global *global, const struct conf_pool *conf)
{
	char *prefix = xasprintf("[pool %s] ", conf->name);

	log_to_fd(SPAWN_FD_LOG);
	if (info->log_to_syslog)
		log_to_syslog(global->syslog_ident, global->syslog_facility);
	log_set_level((enum log_level)info->log_level);
	log_set_json(global->log_format == CONF_LOG_JSON);
	log_set_limit((size_t)global->log_limit);
	log_set_prefix(prefix);
	free(prefix);
}

/* A user of its own, never the pool's: what runs applications must not reach into this process. */
static void take_identity(const struct spawn_info *info)
{
	struct privs_identity id = { .uid = info->pool_uid, .gid = info->pool_gid };
	struct err err;

	if (info->was_root && privs_become(&id, PRIVS_NONE, &err) < 0)
		fail(err.text);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* Parked connections are descriptors: take as many as we may have. A dispatcher needs event.max_connections of them,
 * whatever the limit was: root may raise it. */
static void raise_files(struct pool *p)
{
	rlim_t slots = 4 * (rlim_t)p->places * (rlim_t)p->threads;
	rlim_t want = FILES_OF_OUR_OWN + slots + (rlim_t)p->conf->event_max_connections;
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return;
	if (p->conf->mpm == CONF_MPM_EVENT && r.rlim_max < want) {
		struct rlimit more = { want, want };

		if (setrlimit(RLIMIT_NOFILE, &more) == 0)
			return;
		log_notice("event.max_connections = %d needs %llu open files, and the limit is %llu: raise rlimit_files, or "
		    "LimitNOFILE= of the service's unit", p->conf->event_max_connections, (unsigned long long)want,
		    (unsigned long long)r.rlim_max);
	}
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}

static void close_on_exec(const struct spawn_info *info)
{
	for (int fd = SPAWN_FD_INFO; fd < SPAWN_FD_LISTEN + (int)info->listen_count; fd++)
		fd_set_cloexec(fd, 1);
}

static struct pool *pool_new(struct spawn_info *info)
{
	struct pool *p = xcalloc(1, sizeof(*p));
	struct err err;

	p->info = info;
	p->space = xrealloc(NULL, IPC_MAX_BODY);
	log_to_fd(SPAWN_FD_LOG);
	p->conf = conf_pool_read(info->section, info->section_len, &p->global, &err);
	if (!p->conf)
		fail(err.text);
	take_log(info, &p->global, p->conf);
	p->places = conf_pool_places(p->conf);
	p->threads = p->conf->threads_per_child;
	raise_files(p);                 /* while we are root */
	take_identity(info);
	close_on_exec(info);
	p->base = loop_new(p->global.events_mechanism);
	if (!p->base)
		fail("cannot make an event base: raise the limit of open files");
	pool_limits_read(&p->limits, p->conf);
	return p;
}

bool pool_peer_allowed(struct pool *p, const struct sockaddr *peer, socklen_t len, const char *where)
{
	char text[NI_MAXHOST] = "?";

	if (peer->sa_family == AF_UNIX || conf_client_allowed(p->conf, peer))
		return true;
	p->reasons[REASON_DENIED]++;
	getnameinfo(peer, len, text, sizeof(text), NULL, 0, NI_NUMERICHOST);
	log_warning("Connection disallowed: IP address '%s' has been dropped%s: it is not in listen.allowed_clients (%s)",
	    text, where, reason_name(REASON_DENIED));
	return false;
}

uint32_t pool_child_slot(const struct pool_child *c, uint32_t i)
{
	return c->place * (uint32_t)c->gen->pool->threads + i;
}

unsigned pool_child_count(const struct pool *p)
{
	unsigned count = 0;

	for (const struct generation *g = pool_generation_first(p); g; g = pool_generation_after(g))
		for (int place = 0; place < p->places; place++)
			count += g->children[place] != NULL;
	return count;
}

static void say_totals(struct pool *p)
{
	uint64_t over = p->dispatch ? pool_dispatch_requests(p).over : p->seen_served;
	struct buf text = { 0 };

	buf_printf(&text, "ended after %llu requests", (unsigned long long)over);
	for (int i = REASON_NONE + 1; i < REASON_COUNT; i++)
		if (p->reasons[i] > 0)
			buf_printf(&text, ", %s %llu", reason_name((enum reason)i), (unsigned long long)p->reasons[i]);
	if (p->access.dropped_all > 0)
		buf_printf(&text, ", %llu lines of the access log dropped", (unsigned long long)p->access.dropped_all);
	/* A rest is no end, and may come after each look at the status. */
	log_at(p->said_at_rest ? LOG_LEVEL_DEBUG : LOG_LEVEL_NOTICE, "%s", buf_str(&text));
	buf_free(&text);
}

_Noreturn void pool_exit(struct pool *p)
{
	pool_access_end(p);
	pool_slow_end(p);
	pool_dispatch_end(p);
	say_totals(p);
	if (!p->orphaned)
		pool_figures_say(p);
	_exit(EXIT_OK);
}

/* A pool that rested until somebody asked for its status needs no application for that. */
static bool woken_for_status(struct pool *p)
{
	return p->conf->pm == CONF_PM_ONDEMAND && pool_status_busy(p) && pool_park_waiting(p) == 0;
}

_Noreturn void pool_run(struct spawn_info *info)
{
	struct pool *p;

	sigs_harmless();
	signal(SIGXFSZ, SIG_IGN);       /* a file that may not grow is an error of the write */
	p = pool_new(info);
	pool_access_init(p);
	pool_park_init(p);
	pool_slow_init(p);
	pool_tick_init(p);
	pool_dispatch_init(p);
	pool_master_init(p);
	pool_status_serve(p);
	if (!woken_for_status(p))
		pool_generation_order(p);
	pool_poke(p);
	event_base_dispatch(p->base);
	pool_exit(p);
}
