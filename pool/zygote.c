/* zygote.c -- the zygote: the pool's user, the application loaded, one thread. It forks, signals and reaps children
 * on the pool process' order, and decides nothing. When the pool process goes, so does it. */
#include "pool/zygote.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>
#include "mpm/child_status.h"
#include "pool/sapi_settings.h"
#include "pool/zygote_priv.h"
#include "pool/zygote_proto.h"
#include "src/base/exits.h"
#include "src/base/fd.h"
#include "src/base/link.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/base/sigs.h"

static void log_sink(void *arg, enum log_level level, const char *text, size_t len)
{
	(void)arg;
	link_send_log(SPAWN_FD_LINK, ZYGOTE_LOG, level, text, len);
}

static void sapi_log(int level, const char *text, size_t len)
{
	log_text((enum log_level)level, text, len);
}

static const struct sapi_host host = { .log = sapi_log, .status = child_status_of };

static _Noreturn void fail(const char *why)
{
	link_send_text(SPAWN_FD_LINK, ZYGOTE_FAILED, why);
	_exit(EXIT_SOFTWARE);
}

static void watch_children(struct zygote *z)
{
	sigset_t chld;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	z->signals = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
	if (z->signals < 0)
		fail("signalfd failed: raise rlimit_files");
}

/* Nothing of ours may reach a program that the application starts. */
static void close_on_exec(const struct spawn_info *info)
{
	for (int fd = SPAWN_FD_INFO; fd < SPAWN_FD_LISTEN + (int)info->listen_count; fd++)
		fd_set_cloexec(fd, 1);
}

static struct zygote *zygote_new(struct spawn_info *info)
{
	struct zygote *z = xcalloc(1, sizeof(*z));
	struct err err;

	z->info = info;
	z->space = xrealloc(NULL, IPC_MAX_BODY);
	z->conf = conf_pool_read(info->section, info->section_len, &z->global, &err);
	if (!z->conf)
		fail(err.text);
	z->places = conf_pool_places(z->conf);
	z->board = board_map(SPAWN_FD_BOARD, (uint32_t)(z->places * z->conf->threads_per_child), true);
	if (!z->board)
		fail("cannot map the scoreboard");
	z->pids = xcalloc((size_t)z->places, sizeof(*z->pids));
	z->listen = xcalloc(info->listen_count, sizeof(*z->listen));
	for (uint32_t i = 0; i < info->listen_count; i++)
		z->listen[i] = SPAWN_FD_LISTEN + (int)i;
	z->ctx.host = &host;
	z->ctx.pool = z->conf->name;
	sapi_settings_fill(&z->ctx, info, z->conf);
	return z;
}

static void tell_exit(uint32_t place, pid_t pid, int status)
{
	struct zygote_exited body = { .place = place, .pid = pid, .status = status };
	struct ipc_msg msg = { .head.type = ZYGOTE_EXITED, .body = &body, .body_len = sizeof(body) };

	link_send(SPAWN_FD_LINK, &msg);
}

static void reap(struct zygote *z)
{
	struct signalfd_siginfo ignored;
	int status;
	pid_t pid;

	while (read(z->signals, &ignored, sizeof(ignored)) > 0)
		continue;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int place = 0; place < z->places; place++)
			if (z->pids[place] == pid) {
				z->pids[place] = 0;
				tell_exit((uint32_t)place, pid, status);
			}
}

static void kill_child(const struct zygote *z, const struct zygote_kill *order)
{
	for (int place = 0; place < z->places; place++)
		if (order->pid > 0 && z->pids[place] == order->pid)
			kill(order->pid, order->signal);
}

static _Noreturn void end(struct zygote *z)
{
	if (z->sapi->unload)
		z->sapi->unload(&z->ctx);
	_exit(EXIT_OK);
}

static _Noreturn void stop(struct zygote *z)
{
	for (int place = 0; place < z->places; place++)
		if (z->pids[place] > 0)
			kill(z->pids[place], SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		continue;
	end(z);
}

static void on_fork(struct zygote *z, struct ipc_msg *msg)
{
	const struct zygote_place *order = msg->body;

	BUG_IF(msg->body_len != sizeof(*order) || (msg->fd_count != 1 && msg->fd_count != 3));
	BUG_IF(order->place >= (uint32_t)z->places || z->pids[order->place] != 0);
	zygote_fork(z, order->place, msg);
}

static void on_order(struct zygote *z, struct ipc_msg *msg)
{
	switch (msg->head.type) {
	case ZYGOTE_FORK:
		on_fork(z, msg);
		break;
	case ZYGOTE_KILL:
		BUG_IF(msg->body_len != sizeof(struct zygote_kill));
		kill_child(z, msg->body);
		break;
	case ZYGOTE_STOP:
		stop(z);
	default:
		BUG_IF("an order that does not exist");
	}
	ipc_drop_fds(msg);
}

/* The pool process has gone or ends us: children see the end of their own links and need no word from here. */
static void take_orders(struct zygote *z)
{
	struct ipc_msg msg;
	enum ipc_got got;

	while ((got = ipc_recv(SPAWN_FD_LINK, &msg, z->space)) == IPC_MESSAGE)
		on_order(z, &msg);
	if (got == IPC_END)
		end(z);
}

static _Noreturn void zygote_loop(struct zygote *z)
{
	struct pollfd at[2] = {
		{ .fd = SPAWN_FD_LINK, .events = POLLIN },
		{ .fd = z->signals, .events = POLLIN },
	};

	for (;;) {
		if (poll(at, 2, -1) < 0)
			continue;
		if (at[1].revents)
			reap(z);
		if (at[0].revents)
			take_orders(z);
	}
}

_Noreturn void zygote_run(struct spawn_info *info)
{
	struct zygote *z;
	struct ipc_msg ready = { .head.type = ZYGOTE_READY };
	struct err err;

	sigs_harmless();
	close_on_exec(info);
	log_to_sink(log_sink, NULL);
	log_set_level((enum log_level)info->log_level);
	z = zygote_new(info);
	if (zygote_climb_down(z, &err) < 0)
		fail(err.text);
	watch_children(z);
	link_send(SPAWN_FD_LINK, &ready);
	zygote_loop(z);
}
