/* master_signals.c -- what people and the kernel tell the master. Master only.
 * Signals are read from a descriptor in the event loop: no handler interrupts anything. The wording of the log lines is
 * php-fpm's, which watchers look for. */
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/master/master_log.h"
#include "src/master/master_priv.h"

static void on_term(struct master *m)
{
	log_notice("Terminating ...");
	if (m->phase == MASTER_ENDING)
		master_stop(m);
	else
		master_end(m);
}

static void on_quit(struct master *m)
{
	log_notice("Finishing ...");
	if (m->phase == MASTER_ENDING)
		master_stop(m);
	else
		master_end(m);
}

static void on_int(struct master *m)
{
	log_notice("Terminating ...");
	master_stop(m);
}

static const struct signal_row {
	int signal;
	void (*act)(struct master *m);
} signals[] = {
	{ SIGCHLD, master_reap },
	{ SIGTERM, on_term },
	{ SIGQUIT, on_quit },
	{ SIGINT,  on_int },
	{ SIGUSR1, master_log_reopen },
	{ SIGUSR2, master_reload },
	{ SIGHUP,  master_reload },
};

/* Until the loop runs these would end the master or be lost; TERM, INT and QUIT may end it. */
void master_signals_block_early(void)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigaddset(&mask, SIGUSR1);
	sigaddset(&mask, SIGUSR2);
	sigaddset(&mask, SIGHUP);
	sigprocmask(SIG_BLOCK, &mask, NULL);
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct signalfd_siginfo info;

	(void)what;
	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		for (size_t i = 0; i < ARRAY_LEN(signals); i++)
			if (signals[i].signal == (int)info.ssi_signo)
				signals[i].act(arg);
}

int master_signals_open(struct master *m, struct err *err)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t mask;

	sigemptyset(&mask);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaddset(&mask, signals[i].signal);
	sigaction(SIGPIPE, &ignore, NULL);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	m->signal_fd = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
	if (m->signal_fd < 0)
		return err_sys(err, "cannot open a descriptor for signals");
	m->signal_event = event_new(m->base, m->signal_fd, EV_READ | EV_PERSIST, on_signal, m);
	BUG_IF(!m->signal_event || event_add(m->signal_event, NULL) < 0);
	return 0;
}

void master_signals_close(struct master *m)
{
	if (m->signal_event)
		event_free(m->signal_event);
	m->signal_event = NULL;
	fd_close(&m->signal_fd);
}
