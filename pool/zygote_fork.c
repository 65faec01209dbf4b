/* zygote_fork.c -- runs in a zygote: one fork order. The child's side ends in a function that never returns. */
#include "pool/zygote_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
#include "mpm/child_proto.h"
#include "pool/zygote_proto.h"
#include "src/base/fd.h"
#include "src/base/link.h"
#include "src/base/title.h"

/* Link to its fixed number, output to its pipes or nowhere, and nothing left that is the zygote's alone. Nowhere is
 * descriptor 0, /dev/null from before the chroot: inside there may be none. */
static void take_descriptors(struct zygote *z, const struct ipc_msg *order)
{
	int out = order->fd_count == 3 ? order->fds[1] : -1;
	int err = order->fd_count == 3 ? order->fds[2] : -1;

	dup2(out < 0 ? STDIN_FILENO : out, STDOUT_FILENO);
	dup2(err < 0 ? STDIN_FILENO : err, STDERR_FILENO);
	fd_close(&out);
	fd_close(&err);
	dup3(order->fds[0], CHILD_FD_LINK, O_CLOEXEC);
	close(order->fds[0]);
	close(SPAWN_FD_INFO);
	close(SPAWN_FD_LOG);
	close(SPAWN_FD_BOARD);
	for (int fd = SPAWN_FD_ACCESS; fd <= SPAWN_FD_STATUS; fd++)
		close(fd);
	if (z->conf->mpm == CONF_MPM_EVENT)     /* where nobody takes from a queue */
		close(SPAWN_FD_READY);
	fd_close(&z->signals);
}

static _Noreturn void child_of(struct zygote *z, uint32_t place, const struct ipc_msg *order)
{
	struct child_start start = {
		.mpm = mpm_of(z->conf->mpm),
		.conf = z->conf,
		.sapi = z->sapi,
		.ctx = &z->ctx,
		.board = z->board,
		.slot = place * (uint32_t)z->conf->threads_per_child,
		.listen = z->listen,
		.listen_count = z->info->listen_count,
		.ready = SPAWN_FD_READY,
		.limited = z->global.process_max > 0,
	};
	sigset_t none;

	take_descriptors(z, order);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	title_set("%s %s", z->info->names == SPAWN_NAMES_PHP_FPM ? "php-fpm: pool" : "weir: child", z->conf->name);
	child_run(&start);
}

static void report(uint32_t place, pid_t pid, int error)
{
	struct zygote_forked body = { .place = place, .pid = pid, .error = error };
	struct ipc_msg msg = {
		.head.type = pid > 0 ? ZYGOTE_FORKED : ZYGOTE_FORK_FAILED,
		.body = &body,
		.body_len = sizeof(body),
	};

	link_send(SPAWN_FD_LINK, &msg);
}

void zygote_fork(struct zygote *z, uint32_t place, struct ipc_msg *order)
{
	pid_t pid;
	int error;

	if (z->sapi->fork_prepare)
		z->sapi->fork_prepare(&z->ctx);
	pid = fork();
	if (pid == 0)
		child_of(z, place, order);
	error = errno;
	if (z->sapi->fork_parent)
		z->sapi->fork_parent(&z->ctx);
	if (pid > 0)
		z->pids[place] = pid;
	report(place, pid > 0 ? pid : 0, error);
}
