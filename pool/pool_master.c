/* pool_master.c -- runs in a pool process: its talk with the master. When the master has gone, everything of this
 * pool ends: zygotes and children by the end of their own links. */
#include "pool/pool_priv.h"

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
	struct ipc_msg msg = { .head.type = POOL_KILL, .body = &body, .body_len = sizeof(body) };

	(void)p;
	send_master(&msg);
}

/* End at once: the zygotes kill their children. */
static _Noreturn void stop(struct pool *p)
{
	struct generation *both[] = { p->gen, p->old };

	for (size_t i = 0; i < ARRAY_LEN(both); i++) {
		for (int slot = 0; both[i] && slot < p->conf->max_children; slot++)
			if (both[i]->children[slot])
				pool_reap_kill(both[i]->children[slot], 1);
		if (both[i])
			pool_generation_end(both[i]);
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
}

static struct generation *by_number(struct pool *p, uint32_t number)
{
	if (p->gen && p->gen->number == number)
		return p->gen;
	return p->old && p->old->number == number ? p->old : NULL;
}

static void on_message(struct pool *p, struct ipc_msg *msg)
{
	const struct master_pid *started = msg->body;
	const struct master_errno *failed = msg->body;
	const struct master_reaped *reaped = msg->body;
	const struct master_drain *drain = msg->body;
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
		pool_exit(p);
	}
}

void pool_master_init(struct pool *p)
{
	p->master = event_new(p->base, SPAWN_FD_LINK, EV_READ | EV_PERSIST, on_master, p);
	event_add(p->master, NULL);
}
