/* master_orders.c -- what pool processes say and order. Master only.
 * Believes nothing: each message's type, length, descriptors and moment are checked, and an order concerns
 * the sender's own processes. A pool process that says something else is confused or taken over, and ends. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include "src/base/clock.h"
#include "src/base/ipc.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/master/master_notify.h"
#include "src/master/master_priv.h"
#include "src/master/master_spawn.h"

#define ORDERS_AT_ONCE 64               /* then the others have their turn */
#define ORDERS_LAST    1024             /* more do not fit into the queue of a dead one */
#define GENERATION_STEP 1000            /* a generation further ahead than that is nonsense */

/* Descriptors that come with POOL_ORDER_ZYGOTE, in this order. */
enum { ORDER_FD_LINK, ORDER_FD_BOARD, ORDER_FD_READY, ORDER_FD_OUTPUT, ORDER_FDS };

static pid_t zygote_spawn(struct master_proc *p, const struct ipc_msg *msg, struct err *err)
{
	struct master *m = p->m;
	const struct master_spec *spec = p->spec;
	struct spawn_info info = {
		.kind = SPAWN_ZYGOTE,
		.names = m->cli.names,
		.was_root = m->as_root,
		.generation = msg->head.generation,
		.listen_count = spec->dispatched ? 0 : 1,
		.log_level = m->conf->global.log_level,
		.pool_uid = m->pool_uid,
		.pool_gid = m->pool_gid,
		.section = spec->section,
		.section_len = spec->section_len,
		.module = spec->module,
		.options = (char *)m->options.data,
		.options_len = m->options.len,
	};
	char *title = master_spawn_title(m->cli.names, SPAWN_ZYGOTE, spec->name);
	struct master_spawn plan = {
		.title = title, .info = &info, .whole_environ = !spec->clear_env,
		.passed = spec->env_pass,
		.out = msg->fds[ORDER_FD_OUTPUT], .err = msg->fds[ORDER_FD_OUTPUT],
		.link = msg->fds[ORDER_FD_LINK], .log = -1, .board = msg->fds[ORDER_FD_BOARD],
		.ready = msg->fds[ORDER_FD_READY], .access = -1, .slow = -1, .status = -1,
		.listen = &spec->listener->fd,
	};
	pid_t pid = master_spawn(m->exe_fd, &plan, err);

	free(title);
	return pid;
}

static void order_refuse(struct master_proc *p, uint32_t generation, int error)
{
	struct master_errno why = { .error = error };

	master_proc_tell(p, MASTER_ZYGOTE_FAILED, generation, &why, sizeof(why), -1);
}

static void order_zygote(struct master_proc *p, const struct ipc_msg *msg)
{
	struct master_pid said = { 0 };
	struct err err;
	pid_t pid;

	if (p->state >= MASTER_PROC_REPLACED && p->state != MASTER_PROC_ENDING) {
		order_refuse(p, msg->head.generation, ESHUTDOWN);
		return;
	}
	if (!master_bucket_take(&p->orders, clock_ms())) {
		order_refuse(p, msg->head.generation, EAGAIN);
		return;
	}
	pid = zygote_spawn(p, msg, &err);
	if (pid < 0) {
		int why = errno;

		log_error("[pool %s] %s", p->spec->name, err.text);
		order_refuse(p, msg->head.generation, why);
		return;
	}
	if (p->pool && msg->head.generation - p->pool->generation <= GENERATION_STEP)
		p->pool->generation = msg->head.generation;
	master_zygote_add(p, pid);
	said.pid = (int32_t)pid;
	master_proc_tell(p, MASTER_ZYGOTE_STARTED, msg->head.generation, &said, sizeof(said), -1);
}

static void order_kill(struct master_proc *p, const struct ipc_msg *msg)
{
	struct master_pid who;

	memcpy(&who, msg->body, sizeof(who));
	if (master_kill_for(p, (pid_t)who.pid) < 0)
		log_debug("[pool %s] process %d was not killed: %s", p->spec->name, (int)who.pid, strerror(errno));
}

static void said_ready(struct master_proc *p, const struct ipc_msg *msg)
{
	(void)msg;
	if (p->state != MASTER_PROC_STARTING && p->state != MASTER_PROC_FAILING)
		return;
	p->state = MASTER_PROC_READY;
	p->was_ready = true;
	if (p->pool && p->pool->proc == p)
		master_pool_ready(p->pool);
}

static void said_failing(struct master_proc *p, const struct ipc_msg *msg)
{
	struct master_failing how;

	memcpy(&how, msg->body, sizeof(how));
	if (p->state != MASTER_PROC_STARTING)
		return;
	p->state = MASTER_PROC_FAILING;
	if (p->pool && p->pool->proc == p)
		master_pool_failing(p->pool, how.cannot_load != 0);
}

/* One that has nothing to do is ready as well: a reload need not wait for its first request. */
static void said_at_rest(struct master_proc *p, const struct ipc_msg *msg)
{
	if (!p->spec->ondemand)
		return;
	if (p->pool && p->pool->proc == p)
		p->pool->totals = *(const struct master_totals *)msg->body;
	/* It said so before it was told to drain, and ends by itself: others may wait on its socket by now. */
	if (p->state == MASTER_PROC_ENDING)
		p->state = MASTER_PROC_RESTING;
	if (p->state > MASTER_PROC_FAILING)
		return;
	p->was_ready = true;
	if (p->pool && p->pool->proc == p)
		master_pool_ready(p->pool);
	master_proc_stop(p, MASTER_PROC_RESTING, MASTER_REST_MS);
}

static void said_drained(struct master_proc *p, const struct ipc_msg *msg)
{
	(void)msg;
	if (p->state != MASTER_PROC_ENDING)
		return;
	master_spec_unlink(p->m, p->spec);
	master_proc_last(p);
}

static void said_figures(struct master_proc *p, const struct ipc_msg *msg)
{
	memcpy(&p->figures, msg->body, sizeof(p->figures));
	p->figures_asked = false;
	master_notify_heard(p->m);
}

static void said_crashed(struct master_proc *p, const struct ipc_msg *msg)
{
	struct master *m = p->m;
	const struct conf_global *g = &m->conf->global;
	int threshold = g->emergency_restart_threshold;

	(void)msg;
	if (threshold <= 0 || master_is_ending(m) ||
	    !master_crashes_note(&m->crashes, clock_ms(), (size_t)threshold,
				 (uint64_t)g->emergency_restart_interval_s * 1000))
		return;
	log_warning("failed processes threshold (%d in %lld sec) is reached, initiating reload", threshold,
		    (long long)g->emergency_restart_interval_s);
	/* Not from here: a reload looks at all processes, and this one is being heard. */
	event_active(m->again, EV_TIMEOUT, 0);
}

static void said_want(struct master_proc *p, const struct ipc_msg *msg)
{
	struct master_wish wish;

	memcpy(&wish, msg->body, sizeof(wish));
	if (!p->dead)
		master_grants_wanted(p, wish.seq, wish.count);
}

/* All that a pool process may say. */
static const struct order {
	uint32_t type;
	size_t body_len;
	int fd_count;
	void (*take)(struct master_proc *p, const struct ipc_msg *msg);
} orders[] = {
	{ POOL_ORDER_ZYGOTE, 0, ORDER_FDS, order_zygote },
	{ POOL_KILL, sizeof(struct master_pid), 0, order_kill },
	{ POOL_READY, 0, 0, said_ready },
	{ POOL_FAILING, sizeof(struct master_failing), 0, said_failing },
	{ POOL_AT_REST, sizeof(struct master_totals), 0, said_at_rest },
	{ POOL_FIGURES, sizeof(struct master_figures), 0, said_figures },
	{ POOL_CRASHED, 0, 0, said_crashed },
	{ POOL_WANT, sizeof(struct master_wish), 0, said_want },
	{ POOL_DRAINED, 0, 0, said_drained },
};

static const struct order *order_of(const struct ipc_msg *msg)
{
	for (size_t i = 0; i < ARRAY_LEN(orders); i++)
		if (orders[i].type == msg->head.type && orders[i].body_len == msg->body_len &&
		    orders[i].fd_count == msg->fd_count)
			return &orders[i];
	return NULL;
}

static void order_nonsense(struct master_proc *p, const struct ipc_msg *msg)
{
	log_error("[pool %s] pool process %d sent what no pool process sends (type %u, %zu bytes, %d descriptors): "
		  "killed", p->spec->name, (int)p->pid, msg->head.type, msg->body_len, msg->fd_count);
	event_del(p->link_event);
	kill(p->pid, SIGKILL);
}

void master_orders_read(struct master_proc *proc)
{
	static char space[IPC_MAX_BODY];
	struct ipc_msg msg;
	enum ipc_got got = IPC_NOTHING;

	for (int i = 0; i < (proc->dead ? ORDERS_LAST : ORDERS_AT_ONCE); i++) {
		const struct order *order;

		got = ipc_recv(proc->link, &msg, space);
		if (got != IPC_MESSAGE)
			break;
		order = order_of(&msg);
		/* A dead one orders nothing any more, but what it said of itself counts. */
		if (order && !(proc->dead && order->type <= POOL_KILL))
			order->take(proc, &msg);
		ipc_drop_fds(&msg);
		if (order || proc->dead)
			continue;
		order_nonsense(proc, &msg);
		return;
	}
	if (got == IPC_END && !proc->dead)
		master_proc_link_closed(proc);
}
