/* weirbench_run.c -- when weirbench sends its requests. Closed loop: each connection sends its next request
 * when the last is answered. Open loop and burst: requests are due at times fixed beforehand, and their
 * latency counts from there, so that a server that stalls cannot hide the requests that waited meanwhile.
 * One thread, one epoll. A connection that could not be had rests a millisecond, so that a dead server is
 * not hammered. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "src/base/fd.h"
#include "src/base/mem.h"
#include "src/tools/weirbench_idle.h"
#include "src/tools/weirbench_run.h"

#define SECOND   UINT64_C(1000000000)
#define TICK_NS  UINT64_C(1000000)      /* how long a connection rests before it connects again */
#define SCAN_NS  UINT64_C(100000000)    /* how often timeouts are looked for */
#define NEVER    UINT64_MAX
#define EVENTS   64
#define SPARE_FDS 16

struct run {
	struct conn_env *env;
	const struct bench_opts *opts;
	struct bench_stats *stats;
	struct conn *conns;
	struct conn *ready;             /* without a request */
	struct conn *paused;
	int timer_fd;
	uint64_t start_ns, measure_ns, stop_ns;
	uint64_t issued, measured;      /* requests begun; those of them that count */
	uint64_t last_done_ns, next_tick_ns, next_scan_ns, armed_ns;
	unsigned busy;
	bool unreachable;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

static void push(struct conn **list, struct conn *c)
{
	c->next = *list;
	*list = c;
}

static struct conn *pop(struct conn **list)
{
	struct conn *c = *list;

	*list = c->next;
	return c;
}

/* When the next request is to be sent; NEVER when there is none. */
static uint64_t next_due(const struct run *r, uint64_t now)
{
	uint64_t due = now;

	if (interrupted || r->unreachable || (r->opts->count && r->measured >= r->opts->count))
		return NEVER;
	if (r->opts->burst)
		due = r->start_ns;
	else if (r->opts->rate > 0)
		due = r->start_ns + (uint64_t)((double)r->issued * 1e9 / r->opts->rate);
	return due < r->stop_ns ? due : NEVER;
}

static bool run_over(const struct run *r)
{
	if (interrupted || r->unreachable)
		return true;
	return r->busy == 0 && next_due(r, bench_now_ns()) == NEVER;
}

static void count_end(struct run *r, struct conn *c, enum bench_end end, uint64_t now)
{
	struct bench_stats *s = r->stats;

	if (!c->measured) {
		s->warmup++;
		return;
	}
	s->ended[end]++;
	r->last_done_ns = now;
	s->status[c->reply.status]++;
	s->body_bytes += c->reply.body_bytes;
	s->error_bytes += c->reply.error_bytes;
	s->replies_with_error_text += c->reply.error_bytes > 0;
	if (end != BENCH_OK)
		return;
	hist_add(&s->latency, now - c->due_ns);
	s->ok_in_time += now <= r->stop_ns;
}

/* The server's words, each reply's on a line of its own. */
static void show_error_text(const struct buf *text)
{
	if (!text->len)
		return;
	fwrite(text->data, 1, text->len, stderr);
	if (text->data[text->len - 1] != '\n')
		fputc('\n', stderr);
}

/* What a function of the connection has returned. */
static void settle(struct run *r, struct conn *c, enum bench_end end)
{
	bool rest = end == BENCH_FULL || end == BENCH_CONNECT || end == BENCH_BACKLOG;

	if (end == BENCH_GOING)
		return;
	if (end >= 0 && !c->busy) {             /* bytes out of turn; it stays in the ready list */
		r->stats->ended[end]++;
		return;
	}
	if (end >= 0) {
		count_end(r, c, end, bench_now_ns());
		show_error_text(&c->reply.error_text);
		conn_end(c, r->env, end);
		r->busy--;
	}
	r->unreachable |= end == BENCH_CONNECT && r->stats->connections == 0;
	c->paused = rest;
	push(rest ? &r->paused : &r->ready, c);
}

static bool timed_out(const struct run *r, const struct conn *c, uint64_t now)
{
	return now - c->due_ns >= r->opts->timeout_ns;
}

static void start_request(struct run *r, struct conn *c, uint64_t due, uint64_t now)
{
	c->busy = true;
	c->due_ns = due;
	c->measured = due >= r->measure_ns;
	r->busy++;
	r->measured += c->measured;
	reply_reset(&c->reply);
	if (timed_out(r, c, now))               /* waited too long for a free connection */
		settle(r, c, BENCH_TIMEOUT);
	else
		settle(r, c, conn_begin(c, r->env, r->issued));
	r->issued++;
}

/* Send what is due, as far as connections are free. */
static void dispatch(struct run *r)
{
	uint64_t now, due;

	while (r->ready) {
		now = bench_now_ns();
		due = next_due(r, now);
		if (due > now)
			return;
		start_request(r, pop(&r->ready), due, now);
	}
}

/* Without a free connection no timer is needed: the next reply dispatches. */
static void arm_timer(struct run *r)
{
	struct itimerspec when = { 0 };
	uint64_t due = r->ready && r->opts->rate > 0 ? next_due(r, 0) : NEVER;

	if (due == NEVER || due == r->armed_ns)
		return;
	when.it_value.tv_sec = (time_t)(due / SECOND);
	when.it_value.tv_nsec = (long)(due % SECOND);
	timerfd_settime(r->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
	r->armed_ns = due;
}

/* Those that rest connect again, or are free again. */
static void tick(struct run *r, uint64_t now)
{
	struct conn *list = r->paused, *c;

	if (now < r->next_tick_ns)
		return;
	r->next_tick_ns = now + TICK_NS;
	r->paused = NULL;
	while (list) {
		c = pop(&list);
		c->paused = false;
		if (!c->busy)
			push(&r->ready, c);
		else
			settle(r, c, timed_out(r, c, now) ? BENCH_TIMEOUT : conn_retry(c, r->env));
	}
}

static void scan_timeouts(struct run *r, uint64_t now)
{
	if (now < r->next_scan_ns)
		return;
	r->next_scan_ns = now + SCAN_NS;
	for (unsigned i = 0; i < r->opts->connections; i++) {
		struct conn *c = &r->conns[i];

		if (c->busy && !c->paused && timed_out(r, c, now))
			settle(r, c, BENCH_TIMEOUT);
	}
}

static void run_loop(struct run *r)
{
	struct epoll_event events[EVENTS];
	uint64_t now;
	int n;

	dispatch(r);
	while (!run_over(r)) {
		arm_timer(r);
		n = epoll_wait(r->env->epoll_fd, events, EVENTS, r->paused ? 1 : (int)(SCAN_NS / 1000000));
		for (int i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;

			if (c)                  /* not the timer */
				settle(r, c, conn_on_event(c, r->env, events[i].events));
			dispatch(r);
		}
		now = bench_now_ns();
		scan_timeouts(r, now);
		tick(r, now);
		dispatch(r);
	}
}

static int raise_fd_limit(const struct bench_opts *o, struct err *err)
{
	struct rlimit lim;
	rlim_t need = (rlim_t)o->connections + o->idle + SPARE_FDS;

	if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
		return err_sys(err, "getrlimit");
	if (lim.rlim_cur >= need)
		return 0;
	if (lim.rlim_max < need)
		return err_set(err, "%u connections want %llu descriptors; the hard limit is %llu: raise it "
		    "(ulimit -Hn)", o->connections + o->idle, (unsigned long long)need,
		    (unsigned long long)lim.rlim_max);
	lim.rlim_cur = need;
	return setrlimit(RLIMIT_NOFILE, &lim) < 0 ? err_sys(err, "setrlimit") : 0;
}

static int open_loop_fds(struct run *r, struct err *err)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };

	r->env->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	r->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (r->env->epoll_fd < 0 || r->timer_fd < 0)
		return err_sys(err, "cannot make an epoll and a timer descriptor");
	/* Edge-triggered and never read: setting it anew clears it. */
	if (epoll_ctl(r->env->epoll_fd, EPOLL_CTL_ADD, r->timer_fd, &ev) < 0)
		return err_sys(err, "epoll_ctl");
	return 0;
}

static void catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);   /* the default of 50 us would be seen in latencies */
}

/* Until the planned end, or until the last reply of a run that ended earlier. */
static uint64_t measured_end(const struct run *r)
{
	bool counted_out = r->opts->count && r->measured >= r->opts->count;

	return !r->opts->duration_ns || interrupted || counted_out ? r->last_done_ns : r->stop_ns;
}

static void measure(struct run *r)
{
	r->start_ns = bench_now_ns();
	r->measure_ns = r->start_ns + r->opts->warmup_ns;
	r->stop_ns = r->opts->duration_ns ? r->measure_ns + r->opts->duration_ns : NEVER;
	r->last_done_ns = r->measure_ns;
	run_loop(r);
	r->stats->measured_ns = measured_end(r) - r->measure_ns;
}

static void run_free(struct run *r)
{
	for (unsigned i = 0; i < r->opts->connections; i++)
		conn_free(&r->conns[i]);
	free(r->conns);
	free(r->env->space);
	fd_close(&r->timer_fd);
	fd_close(&r->env->epoll_fd);
}

int bench_run(struct conn_env *env, struct err *err)
{
	struct run r = { .env = env, .opts = env->opts, .stats = env->stats, .timer_fd = -1 };
	struct idle *idle = NULL;
	int rc = -1;

	env->epoll_fd = -1;
	env->space = xcalloc(1, CONN_SPACE);
	r.conns = xcalloc(env->opts->connections, sizeof(*r.conns));
	for (unsigned i = env->opts->connections; i-- > 0; ) {
		r.conns[i].fd = -1;
		push(&r.ready, &r.conns[i]);
	}
	catch_signals();
	if (raise_fd_limit(env->opts, err) == 0 && open_loop_fds(&r, err) == 0 &&
	    (idle = idle_open(env, err)) != NULL) {
		measure(&r);
		idle_close(&idle, env);
		rc = r.unreachable ? -1 : 0;
		if (r.unreachable)
			target_explain(env->target, env->stats->connect_errno, err);
	}
	run_free(&r);
	return rc;
}
