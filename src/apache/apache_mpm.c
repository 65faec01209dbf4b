/* apache_mpm.c -- Apache's prefork, worker and event in Weir's words (see apache_mpm.h). Runs in `weir import-apache`
 * only. Apache's own defaults and corrections come first, as a start of Apache would make them, then Weir's limits. */
#include "src/apache/apache_mpm.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "src/apache/apache_write.h"
#include "src/base/mem.h"

#define CHILDREN_MAX 100000             /* Weir's limits: see conf_keys.c */
#define THREADS_MAX 1000

/* One number on its way. */
struct number {
	const char *name;               /* Apache's */
	struct apache_directive *from;  /* NULL: Apache's default holds */
	long was, is;
	char why[128];                  /* it is not what it was */
};

struct numbers {
	enum apache_mpm mpm;
	struct number limit, workers, start, min, max, threads, requests;
	long children;                  /* processes */
};

long apache_number(struct apache_conf *conf, const struct apache_directive *d, const char *text, long least)
{
	char *rest;
	long value;

	errno = 0;
	value = strtol(text, &rest, 10);
	if (rest == text || *rest || errno || value < 0 || value > INT32_MAX) {
		apache_problem(conf, d->file, d->line, "%s %.80s: a number is expected", d->name, d->text);
		return least;
	}
	return value < least ? least : value;
}

/* The last one that counts under this model, by its name or its old one. */
static struct number take(struct apache_conf *conf, enum apache_mpm mpm, const char *name, const char *old,
			  long initial)
{
	struct number n = { .name = name, .was = initial, .is = initial };

	for (size_t i = 0; i < conf->count; i++) {
		struct apache_directive *d = &conf->at[i];

		if ((apache_is(d, name) || (old && apache_is(d, old))) && (!d->mpm || d->mpm == mpm) && !d->in)
			n.from = d;
	}
	if (n.from)
		n.was = n.is = apache_number(conf, n.from, apache_arg(n.from, 0), 0);
	return n;
}

__attribute__((format(printf, 3, 4))) static void change(struct number *n, long is, const char *fmt, ...)
{
	va_list ap;

	if (n->is == is)
		return;
	n->is = is;
	va_start(ap, fmt);
	vsnprintf(n->why, sizeof(n->why), fmt, ap);
	va_end(ap);
}

static void at_least(struct number *n, long least, const char *why)
{
	if (n->is < least)
		change(n, least, "%s", why);
}

static void at_most(struct number *n, long most, const char *why)
{
	if (n->is > most)
		change(n, most, "%s", why);
}

/* With one thread, of whatever model: spare limits count children. */
static void settle_children(struct numbers *n)
{
	n->children = n->workers.is;
	at_least(&n->min, 1, "at least one");
	at_most(&n->min, n->children, "no more than pm.max_children");
	at_least(&n->max, n->min.is, "no less than pm.min_spare_servers");
	at_most(&n->max, n->children, "no more than pm.max_children");
	at_least(&n->start, n->min.is, "no less than pm.min_spare_servers");
	at_most(&n->start, n->max.is, "no more than pm.max_spare_servers");
}

static struct numbers of_prefork(struct apache_conf *conf)
{
	struct numbers n = {
		.mpm = APACHE_MPM_PREFORK,
		.limit = take(conf, APACHE_MPM_PREFORK, "ServerLimit", NULL, 256),
		.workers = take(conf, APACHE_MPM_PREFORK, "MaxRequestWorkers", "MaxClients", 256),
		.start = take(conf, APACHE_MPM_PREFORK, "StartServers", NULL, 5),
		.min = take(conf, APACHE_MPM_PREFORK, "MinSpareServers", NULL, 5),
		.max = take(conf, APACHE_MPM_PREFORK, "MaxSpareServers", NULL, 10),
		.requests = take(conf, APACHE_MPM_PREFORK, "MaxConnectionsPerChild", "MaxRequestsPerChild", 0),
	};

	at_least(&n.limit, 1, "at least one");
	at_most(&n.workers, n.limit.is, "ServerLimit allows no more");
	return n;
}

/* Apache starts whole children only. */
static void settle_workers(struct numbers *n)
{
	at_least(&n->workers, n->threads.is, "at least one child");
	at_most(&n->workers, n->limit.is * n->threads.is, "ServerLimit allows no more children");
	if (n->workers.is % n->threads.is)
		change(&n->workers, n->workers.is - n->workers.is % n->threads.is, "whole children of %ld threads",
		       n->threads.is);
	n->children = n->workers.is / n->threads.is;
}

static struct numbers of_threads(struct apache_conf *conf, enum apache_mpm mpm)
{
	struct numbers n = {
		.mpm = mpm,
		.limit = take(conf, mpm, "ServerLimit", NULL, 16),
		.threads = take(conf, mpm, "ThreadsPerChild", NULL, 25),
		.workers = take(conf, mpm, "MaxRequestWorkers", "MaxClients", 400),
		.start = take(conf, mpm, "StartServers", NULL, 3),
		.min = take(conf, mpm, "MinSpareThreads", NULL, 75),
		.max = take(conf, mpm, "MaxSpareThreads", NULL, 250),
		.requests = take(conf, mpm, "MaxConnectionsPerChild", "MaxRequestsPerChild", 0),
	};
	struct number most = take(conf, mpm, "ThreadLimit", NULL, 64);

	at_least(&n.limit, 1, "at least one");
	at_most(&n.limit, CHILDREN_MAX, "Weir's limit");
	at_least(&most, 1, "at least one");
	at_most(&n.threads, most.is, "ThreadLimit allows no more");
	at_most(&n.threads, THREADS_MAX, "Weir's limit");
	at_least(&n.threads, 1, "at least one");
	return n;
}

static void settle_threads(struct numbers *n)
{
	settle_workers(n);
	at_least(&n->min, 1, "at least one");
	at_most(&n->min, n->workers.is < CHILDREN_MAX ? n->workers.is : CHILDREN_MAX - n->threads.is,
		"no more than mpm.max_request_workers");
	at_least(&n->max, n->min.is + n->threads.is, "at least mpm.min_spare_threads and a child's threads");
	at_most(&n->max, CHILDREN_MAX, "Weir's limit");
	at_least(&n->start, 1, "at least one");
	at_most(&n->start, n->children, "no more than pm.max_children");
}

static struct numbers numbers_of(struct apache_conf *conf, enum apache_threads threads,
				 const struct apache_section *host)
{
	enum apache_mpm mpm = apache_pools_mpm(conf);
	struct apache_directive *most = host ? apache_find_for(conf, "MaxClientsVHost", host) : NULL;
	struct numbers n;

	n = mpm == APACHE_MPM_PREFORK ? of_prefork(conf) : of_threads(conf, mpm);
	if (most && apache_host(most->in) == host) {
		n.workers.from = most;
		n.workers.was = n.workers.is = apache_number(conf, most, apache_arg(most, 0), 1);
	}
	if (mpm == APACHE_MPM_PREFORK || threads != APACHE_THREADS_GOOD) {
		at_least(&n.workers, 1, "at least one");
		if (mpm != APACHE_MPM_PREFORK)
			at_most(&n.workers, n.limit.is * n.threads.is, "ServerLimit allows no more children");
		at_most(&n.workers, CHILDREN_MAX, "Weir's limit");
		if (mpm != APACHE_MPM_PREFORK)
			change(&n.start, n.start.is * n.threads.is, "as many as their threads");
		settle_children(&n);
	} else {
		settle_threads(&n);
	}
	return n;
}

long apache_mpm_children(struct apache_conf *conf, enum apache_threads threads, const struct apache_section *host)
{
	return numbers_of(conf, threads, host).children;
}

static void put_number(struct buf *to, const struct number *n, const char *key)
{
	struct buf note = { 0 };

	if (!n->from)
		buf_printf(&note, "%s %ld: Apache's default", n->name, n->was);
	if (n->is != n->was)
		buf_printf(&note, "%s%ld: %s", n->from ? "" : ", here ", n->is, n->why);
	apache_put_int(to, n->from, key, n->is, "%s", buf_str(&note));
	buf_free(&note);
}

static const char *const mpm_names[] = {
	[APACHE_MPM_PREFORK] = "mpm_prefork", [APACHE_MPM_WORKER] = "mpm_worker", [APACHE_MPM_EVENT] = "mpm_event",
};

static void put_event(struct buf *to)
{
	apache_put_comment(to, "event is worker whose kept connections hold no thread: Weir parks them under each model");
	apache_put_comment(to, "mpm = event in place of the model below, with the same threads, parks slow clients as well");
}

static void put_in_children(struct buf *to, const struct numbers *n)
{
	put_number(to, &n->workers, "pm.max_children");
	put_number(to, &n->start, "pm.start_servers");
	put_number(to, &n->min, "pm.min_spare_servers");
	put_number(to, &n->max, "pm.max_spare_servers");
}

static void put_threads(struct buf *to, const struct numbers *n)
{
	apache_put(to, NULL, "mpm", "worker", "%s", mpm_names[n->mpm]);
	put_number(to, &n->threads, "mpm.threads_per_child");
	apache_put_int(to, NULL, "pm.max_children", n->children, "MaxRequestWorkers divided by ThreadsPerChild");
	put_number(to, &n->workers, "mpm.max_request_workers");
	put_number(to, &n->start, "pm.start_servers");
	put_number(to, &n->min, "mpm.min_spare_threads");
	put_number(to, &n->max, "mpm.max_spare_threads");
}

/* The equal, for the day when it may have threads, as comments. */
static void put_threads_off(struct buf *to, const struct numbers *with)
{
	struct buf lines = { 0 };
	char *save = NULL, *text;

	put_threads(&lines, with);
	text = xstrdup(buf_str(&lines));
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (*line != ';')
			buf_printf(to, ";%s\n", line);
	free(text);
	buf_free(&lines);
}

/* Such a pool's threads become children. */
static void put_without_threads(struct buf *to, const struct numbers *n, const struct numbers *with,
				enum apache_threads threads)
{
	apache_put_comment(to, "%s: its equal is mpm = worker, which needs an application that is safe for threads; %s",
			   mpm_names[n->mpm], threads == APACHE_THREADS_BAD ?
			   "PHP as it is installed here is not" :
			   "without a sapi = line a pool runs PHP, and PHP as it is installed here is not");
	apache_put_comment(to, "For one that is, these lines in place of those below:");
	put_threads_off(to, with);
	apache_put_comment(to, "Until then each of Apache's threads is a process here:");
	buf_printf(to, "mpm = %s\n", threads == APACHE_THREADS_BAD ? "prefork" : "worker");
	if (threads == APACHE_THREADS_OPEN)
		buf_add_str(to, "mpm.threads_per_child = 1\n");
	put_in_children(to, n);
}

void apache_mpm_put(struct buf *to, struct apache_conf *conf, enum apache_threads threads,
		    const struct apache_section *host)
{
	struct numbers n = numbers_of(conf, threads, host), with = numbers_of(conf, APACHE_THREADS_GOOD, host);

	if (n.mpm == APACHE_MPM_EVENT)
		put_event(to);
	if (n.mpm == APACHE_MPM_PREFORK) {
		apache_put(to, NULL, "mpm", "prefork", "mpm_prefork");
		buf_add_str(to, "pm = dynamic\n");
		put_in_children(to, &n);
	} else if (threads != APACHE_THREADS_GOOD) {
		buf_add_str(to, "pm = dynamic\n");
		put_without_threads(to, &n, &with, threads);
	} else {
		buf_add_str(to, "pm = dynamic\n");
		put_threads(to, &n);
	}
	put_number(to, &n.requests, "pm.max_requests");
}
