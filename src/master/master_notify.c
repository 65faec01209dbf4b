/* master_notify.c -- the service manager's notifications. Master only.
 * libsystemd is not used: the protocol is one datagram of text lines and stable by promise, while the library would
 * bring four compression and cryptography libraries into every process of the server. */
#include "src/master/master_notify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "src/base/buf.h"
#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/master/master_priv.h"

#define NOTIFY_USUAL_S 10               /* systemd_interval's default: whoever sets another one is told it is unused */

struct master_notify {
	int fd;
	struct sockaddr_un addr;
	size_t addr_len;
	bool failing;                   /* said in the log */
	uint64_t watchdog_ms;           /* half of what the unit asks for; 0: it has no watchdog */
	uint64_t interval_ms;           /* of the timer that is armed */
	struct event *timer;
	bool asked;                     /* figures are on their way */
	uint64_t last_requests;
};

int master_notify_addr(const char *text, struct sockaddr_un *addr_out, size_t *len_out)
{
	size_t len = strlen(text);

	*addr_out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (len < 2 || (*text != '/' && *text != '@') || len >= sizeof(addr_out->sun_path))
		return -1;
	memcpy(addr_out->sun_path, text, len);
	if (*text == '@')
		addr_out->sun_path[0] = '\0';
	*len_out = offsetof(struct sockaddr_un, sun_path) + len + (*text == '/');
	return 0;
}

static void notify_send(struct master_notify *n, const char *text)
{
	bool sent = sendto(n->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&n->addr,
			   (socklen_t)n->addr_len) >= 0;

	if (!sent && !n->failing)
		log_warning("failed to notify systemd: %s", strerror(errno));
	n->failing = !sent;
}

static void notify_figures(struct master *m)
{
	struct master_notify *n = m->notify;
	struct master_figures all = m->gone;
	struct buf text = { 0 };

	n->asked = false;
	for (struct master_proc *p = m->procs; p; p = p->next) {
		all.active += p->figures.active;
		all.idle += p->figures.idle;
		all.requests += p->figures.requests;
		all.slow += p->figures.slow;
	}
	/* php-fpm's words, which monitors read out of `systemctl status`. */
	buf_printf(&text, "STATUS=Processes active: %u, idle: %u, Requests: %llu, slow: %llu, Traffic: %.2freq/sec",
		   all.active, all.idle, (unsigned long long)all.requests, (unsigned long long)all.slow,
		   (double)(all.requests - n->last_requests) * 1000.0 / (double)n->interval_ms);
	n->last_requests = all.requests;
	notify_send(n, buf_str(&text));
	buf_free(&text);
}

void master_notify_heard(struct master *m)
{
	if (!m->notify || !m->notify->asked)
		return;
	for (struct master_proc *p = m->procs; p; p = p->next)
		if (p->figures_asked)
			return;
	notify_figures(m);
}

static void on_interval(evutil_socket_t fd, short what, void *arg)
{
	struct master *m = arg;
	struct master_notify *n = m->notify;

	(void)fd;
	(void)what;
	if (n->watchdog_ms > 0)
		notify_send(n, "WATCHDOG=1");
	if (master_is_ending(m))
		return;
	if (n->asked)                           /* somebody does not answer: what was heard of it must do */
		notify_figures(m);
	n->asked = true;
	for (struct master_proc *p = m->procs; p; p = p->next) {
		p->figures_asked = true;
		master_proc_tell(p, MASTER_FIGURES, 0, NULL, 0, -1);
	}
	master_notify_heard(m);
}

/* What the unit asks for; 0: it has no watchdog, or it is the one of another process. */
static uint64_t notify_watchdog_ms(pid_t first_pid)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!usec || (pid && strtol(pid, NULL, 10) != (long)first_pid))
		return 0;
	return strtoull(usec, NULL, 10) / 2000;
}

void master_notify_open(struct master *m)
{
	const char *socket_text = getenv("NOTIFY_SOCKET");
	struct master_notify *n;

	if (!socket_text || !*socket_text)
		return;
	n = m->notify = xcalloc(1, sizeof(*n));
	n->watchdog_ms = notify_watchdog_ms(m->first_pid);
	n->timer = event_new(m->base, -1, EV_PERSIST, on_interval, m);
	BUG_IF(!n->timer);
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (n->fd >= 0 && master_notify_addr(socket_text, &n->addr, &n->addr_len) == 0)
		return;
	log_warning("NOTIFY_SOCKET = '%s' cannot be used: systemd is told nothing", socket_text);
	master_notify_close(m);
}

void master_notify_close(struct master *m)
{
	if (!m->notify)
		return;
	event_free(m->notify->timer);
	fd_close(&m->notify->fd);
	free(m->notify);
	m->notify = NULL;
}

static void notify_arm(struct master *m)
{
	struct master_notify *n = m->notify;
	int64_t interval_s = m->conf->global.systemd_interval_s;
	struct timeval tv;

	event_del(n->timer);
	n->interval_ms = n->watchdog_ms > 0 ? n->watchdog_ms : (uint64_t)interval_s * 1000;
	if (n->watchdog_ms > 0 && interval_s > 0 && interval_s != NOTIFY_USUAL_S)
		log_warning("systemd_interval option ignored: the unit has a watchdog (WatchdogSec)");
	if (n->watchdog_ms > 0)
		log_notice("systemd watchdog configured to %.3gsec", (double)n->watchdog_ms / 1000.0);
	if (n->interval_ms == 0) {
		log_notice("systemd monitor disabled");
		return;
	}
	tv = (struct timeval){
		.tv_sec = (time_t)(n->interval_ms / 1000),
		.tv_usec = (suseconds_t)(n->interval_ms % 1000 * 1000),
	};
	BUG_IF(event_add(n->timer, &tv) < 0);
	log_notice("systemd monitor interval set to %llums", (unsigned long long)n->interval_ms);
}

/* s6 and its like: a line, and the end of the file. */
static void notify_ready_fd(struct master *m)
{
	if (m->ready_fd < 0)
		return;
	if (fd_write_all(m->ready_fd, "\n", 1) < 0)
		log_warning("failed to tell through --ready-fd: %s", strerror(errno));
	fd_close(&m->ready_fd);
}

void master_notify_ready(struct master *m)
{
	struct buf text = { 0 };

	notify_ready_fd(m);
	if (!m->notify)
		return;
	buf_printf(&text, "READY=1\nSTATUS=Ready to handle connections\nMAINPID=%d", (int)getpid());
	notify_send(m->notify, buf_str(&text));
	buf_free(&text);
	notify_arm(m);
}

void master_notify_reloading(struct master *m)
{
	struct buf text = { 0 };

	if (!m->notify)
		return;
	/* The time on CLOCK_MONOTONIC, for Type=notify-reload. */
	buf_printf(&text, "RELOADING=1\nMONOTONIC_USEC=%llu\nSTATUS=Reloading", (unsigned long long)clock_us());
	notify_send(m->notify, buf_str(&text));
	buf_free(&text);
}

void master_notify_stopping(struct master *m, uint64_t most_ms)
{
	struct buf text = { 0 };

	if (!m->notify)
		return;
	if (m->notify->watchdog_ms == 0)        /* else it bites in a long drain */
		event_del(m->notify->timer);
	buf_printf(&text, "STOPPING=1\nEXTEND_TIMEOUT_USEC=%llu\nSTATUS=Ending", (unsigned long long)most_ms * 1000);
	notify_send(m->notify, buf_str(&text));
	buf_free(&text);
}
