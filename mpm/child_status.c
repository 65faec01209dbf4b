/* child_status.c -- runs in a child, in a slot's thread: status and ping. They work for every SAPI and run nothing of
 * the application. A child knows nothing of the others: the pool process tells it, over its link, within a bounded
 * time. */
#include "mpm/child_status.h"

#include <stddef.h>
#include <string.h>
#include <time.h>
#include <fastcgi.h>
#include "mpm/child_answer.h"
#include "mpm/child_access.h"
#include "mpm/child_conn.h"
#include "mpm/child_link.h"
#include "mpm/child_request.h"
#include "mpm/status_page.h"
#include "src/base/fd.h"
#include "src/base/mem.h"

#define ANSWER_S 2                      /* the pool process gets so long; it answers within a millisecond */

void child_status_init(struct slot *s)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&s->ask.lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->ask.came, &attr);
	pthread_condattr_destroy(&attr);
	s->ask.fd = -1;
}

void child_status_take(struct child *c, const struct child_ask *of, int *fd)
{
	struct slot_ask *ask;

	BUG_IF(of->slot >= c->slot_count);
	ask = &c->slots[of->slot].ask;

	pthread_mutex_lock(&ask->lock);
	if (of->number == ask->number && ask->fd == -1) {
		ask->fd = *fd;
		*fd = -1;
		pthread_cond_signal(&ask->came);
	}
	pthread_mutex_unlock(&ask->lock);
}

/* Ask and wait: the answer's descriptor, or -1. An answer that comes later has another number. */
static int question(struct slot *s)
{
	struct slot_ask *ask = &s->ask;
	struct timespec until;
	uint32_t number;
	int fd, late = 0;

	pthread_mutex_lock(&ask->lock);
	fd_close(&ask->fd);
	number = ++ask->number;
	pthread_mutex_unlock(&ask->lock);
	/* It may wait, and the watcher must not wait for it. */
	child_link_ask_status(&(struct child_ask){ number, (uint32_t)(s - s->child->slots) });
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ANSWER_S;
	pthread_mutex_lock(&ask->lock);
	while (ask->fd == -1 && late == 0)
		late = pthread_cond_timedwait(&ask->came, &ask->lock, &until);
	fd = ask->fd;
	ask->fd = -1;
	pthread_mutex_unlock(&ask->lock);
	return fd;
}

static const struct status *get(struct slot *s)
{
	struct slot_ask *ask = &s->ask;
	int fd;

	status_unmap(&ask->status, ask->size);
	fd = question(s);
	if (fd >= 0)
		ask->status = status_map(fd, &ask->size);
	fd_close(&fd);
	return ask->status;
}

const struct status *child_status_of(struct request *req)
{
	return get((struct slot *)((char *)req - offsetof(struct slot, req)));
}

void child_status_end(struct slot *s)
{
	status_unmap(&s->ask.status, s->ask.size);
}

static void send_page(struct slot *s, const struct buf *page)
{
	child_access_reply(s, page->data, page->len);
	child_conn_out(s, FCGI_STDOUT, page->data, page->len);
}

static void serve_status(struct slot *s, bool head_only)
{
	struct status_query query = status_query_read(child_request_param(s, "QUERY_STRING"));
	const struct status *status;
	struct buf page = { 0 };

	board_slot_script(s->board, "");        /* none runs */
	status = get(s);
	if (!status) {
		child_answer(s, REASON_STATUS_LATE, "the pool process did not tell");
		return;
	}
	status_page_head(&page, &query);
	if (!head_only)
		status_page(&page, &query, status);
	send_page(s, &page);
	buf_free(&page);
}

static void serve_ping(struct slot *s, bool head_only)
{
	struct buf page = { 0 };

	board_slot_script(s->board, "");
	status_ping_head(&page);
	if (!head_only)
		buf_add_str(&page, s->child->conf->ping_response);
	send_page(s, &page);
	buf_free(&page);
}

/* As php-fpm: a script's name must have been sent, though no such file need exist; and a method. */
static bool is_request(const struct slot *s)
{
	return *child_request_param(s, "REQUEST_METHOD")
	    && (*child_request_param(s, "SCRIPT_FILENAME") || *child_request_param(s, "PATH_TRANSLATED"));
}

/* "/" is the default of pm.status_listen, and here the application's own. */
static bool is_path(const char *path, const char *name)
{
	return path && path[0] != '\0' && path[1] != '\0' && strcmp(path, name) == 0;
}

bool child_status_serve(struct slot *s)
{
	const struct conf_pool *conf = s->child->conf;
	enum child_mode mode = child_mode(s->child);
	const char *name;
	bool status, head_only;

	if (!conf->status_path && !conf->ping_path)
		return false;
	name = child_request_param(s, "SCRIPT_NAME");
	status = is_path(conf->status_path, name);
	if ((!status && !is_path(conf->ping_path, name)) || !is_request(s))
		return false;
	head_only = strcmp(child_request_param(s, "REQUEST_METHOD"), "HEAD") == 0;
	if (mode == CHILD_MODE_CLOSING || mode == CHILD_MODE_LAST)
		child_answer(s, REASON_DRAINING, "the server ends");
	else if (status)
		serve_status(s, head_only);
	else
		serve_ping(s, head_only);
	return true;
}
