/* pool_master.c -- runs in a pool process: its talk with the master. When the master has gone, everything of this
 * pool ends: zygotes and children by the end of their own links, and the pool process itself, if it is the one that has
 * the clients' connections, when they have their answers. */
#include "pool/pool_priv.h"

#include <string.h>
#include <unistd.h>
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/master/master_proto.h"

static void send_master(const struct ipc_msg *msg)
{
	if (ipc_send(SPAWN_FD_LINK, msg) < 0)
		log_warning("cannot reach the master");
}

void pool_master_say(struct pool *p, uint32_t type)
{
	struct ipc_msg msg = { .head.type = type };

	(void)p;
	send_master(&msg);
}

void pool_master_rest(struct pool *p)
{
	struct master_totals totals = {
		.start_s = p->start_s, .begun = p->seen_begun, .served = p->seen_served, .slow = p->seen_slow,
		.at_max = p->at_max_count,
		.active_max = p->active_max, .queue_max = p->queue_max,
	};

	if (p->dispatch) {
		totals.begun = pool_dispatch_requests(p).begun;
		totals.served = pool_dispatch_requests(p).over;
	}
	memcpy(totals.reasons, p->reasons, sizeof(totals.reasons));
	pool_master_send(POOL_AT_REST, &totals, sizeof(totals));
}

/* They wait in the link already: no figure is shown without them. */
static void take_totals(struct pool *p)
{
	const struct master_totals *totals;
	struct ipc_msg msg;

	BUG_IF(ipc_recv(SPAWN_FD_LINK, &msg, p->space) != IPC_MESSAGE);
	BUG_IF(msg.head.type != MASTER_TOTALS || msg.body_len != sizeof(*totals));
	totals = msg.body;
	p->start_s = totals->start_s;
	p->seen_begun = p->before.begun = totals->begun;
	p->seen_served = p->before.over = totals->served;
	p->seen_slow = totals->slow;
	p->at_max_count = totals->at_max;
	p->active_max = (unsigned)totals->active_max;
	p->queue_max = totals->queue_max;
	memcpy(p->reasons, totals->reasons, sizeof(p->reasons));
}

void pool_master_failing(struct pool *p, bool cannot_load)
{
	struct master_failing body = { .cannot_load = cannot_load };

	if (p->said_failing || p->said_ready)
		return;
	p->said_failing = true;
	pool_master_send(POOL_FAILING, &body, sizeof(body));
}

void pool_master_send(uint32_t type, const void *body, size_t len)
{
	struct ipc_msg msg = { .head.type = type, .body = body, .body_len = len };

	send_master(&msg);
}

void pool_master_order(struct pool *p, struct generation *g, const int fds[4])
{
	struct ipc_msg msg = { .head = { .type = POOL_ORDER_ZYGOTE, .generation = g->number }, .fd_count = 4 };

	(void)p;
	for (int i = 0; i < 4; i++)
		msg.fds[i] = fds[i];
	send_master(&msg);
}

void pool_master_kill(struct pool *p, pid_t pid)
{
	struct master_pid body = { .pid = pid };

	(void)p;
	pool_master_send(POOL_KILL, &body, sizeof(body));
}

/* End at once: the zygotes kill their children. */
static _Noreturn void stop(struct pool *p)
{
	for (struct generation *g = pool_generation_first(p); g; g = pool_generation_after(g)) {
		for (int place = 0; place < p->places; place++)
			if (g->children[place])
				pool_reap_kill(g->children[place], 1);
		pool_generation_end(g);
	}
	pool_exit(p);
}

static void take_log(struct pool *p, const struct ipc_msg *msg)
{
	static const int places[] = {
		[MASTER_LOG_ERROR] = SPAWN_FD_LOG, [MASTER_LOG_ACCESS] = SPAWN_FD_ACCESS,
		[MASTER_LOG_SLOW] = SPAWN_FD_SLOW,
	};
	const struct master_log *log = msg->body;

	BUG_IF(msg->fd_count != 1 || log->file >= ARRAY_LEN(places));
	dup2(msg->fds[0], places[log->file]);
	fd_set_cloexec(places[log->file], 1);
	if (log->file == MASTER_LOG_ERROR)
		log_to_fd(SPAWN_FD_LOG);
	if (log->file == MASTER_LOG_ACCESS)
		pool_access_reopened(p);
	if (log->file == MASTER_LOG_SLOW)
		pool_slow_reopened(p);
}

static struct generation *by_number(struct pool *p, uint32_t number)
{
	struct generation *g = pool_generation_first(p);

	while (g && g->number != number)
		g = pool_generation_after(g);
	return g;
}

static void on_message(struct pool *p, struct ipc_msg *msg)
{
	const struct master_pid *started = msg->body;
	const struct master_errno *failed = msg->body;
	const struct master_reaped *reaped = msg->body;
	const struct master_drain *drain = msg->body;
	const struct master_wish *grant = msg->body;
	struct generation *g = by_number(p, msg->head.generation);

	switch (msg->head.type) {
	case MASTER_ZYGOTE_STARTED:
		if (g)
			g->zygote = started->pid;
		break;
	case MASTER_ZYGOTE_FAILED:
		if (g)
			pool_generation_lost(g, failed->error);
		break;
	case MASTER_REAPED:
		pool_generation_reaped(p, reaped->pid, reaped->status);
		break;
	case MASTER_DRAIN:
		pool_drain_begin(p, drain->kind, drain->budget_ms);
		break;
	case MASTER_LAST:
		pool_drain_last(p);
		break;
	case MASTER_STOP:
		stop(p);
	case MASTER_FIGURES:
		pool_figures_say(p);
		break;
	case MASTER_GRANT:
		pool_grants_got(p, grant->seq, grant->count);
		break;
	case MASTER_LOG:
		take_log(p, msg);
		break;
	default:
		BUG_IF("a message of the master that does not exist");
	}
}

static void on_master(evutil_socket_t fd, short what, void *arg)
{
	struct pool *p = arg;
	struct ipc_msg msg;
	enum ipc_got got;

	(void)what;
	while ((got = ipc_recv((int)fd, &msg, p->space)) == IPC_MESSAGE) {
		on_message(p, &msg);
		ipc_drop_fds(&msg);
	}
	if (got == IPC_END) {
		log_warning("the master has gone: this pool ends");
		event_del(p->master);
		pool_drain_orphaned(p);
	}
}

void pool_master_init(struct pool *p)
{
	take_totals(p);
	p->master = event_new(p->base, SPAWN_FD_LINK, EV_READ | EV_PERSIST, on_master, p);
	event_add(p->master, NULL);
}
