/* pool_output.c -- runs in a pool process: what children and the zygote write to stdout and stderr, as whole lines in
 * the pool's log. Who wrote a line is known by the pipe it came through, never by what the line says. */
#include "pool/pool_priv.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "src/base/fd.h"
#include "src/base/log.h"

#define LINE_MAX_BYTES (16 * 1024 * 1024)       /* a longer line comes in pieces of this size, each marked */
#define LINE_KEEP      (256 * 1024)     /* memory kept for the next line */
#define READ_BYTES     (64 * 1024)
#define END_READS      17              /* a pipe of 1 MiB, the most a process without rights can make */

static void say(const struct pool_lines *l, const char *text, size_t len, const char *mark)
{
	char before[64] = "zygote: ";
	struct log_output out = {
		.pid = l->child ? l->child->pid : getpid(), .stream = l->stream, .before = before, .behind = "",
		.level = LOG_LEVEL_NOTICE, .text = text, .len = len, .mark = mark,
	};

	if (l->child) {
		snprintf(before, sizeof(before), "child %d said into %s: \"", (int)l->child->pid, l->stream);
		out.level = LOG_LEVEL_WARNING;
		out.behind = "\"";
		out.bare = !l->pool->conf->decorate_workers_output;
	}
	log_output(&out);
}

static void say_lines(struct pool_lines *l)
{
	size_t done = 0;
	const uint8_t *end;

	while ((end = memchr(l->text.data + done, '\n', l->text.len - done)) != NULL) {
		size_t len = (size_t)(end - l->text.data) - done;

		if (len > 0)            /* php-fpm says nothing of empty ones either */
			say(l, (const char *)l->text.data + done, len, "");
		done += len + 1;
	}
	buf_drop_front(&l->text, done);
	if (l->text.len == 0 && l->text.cap > LINE_KEEP)
		buf_free(&l->text);
	if (l->text.len >= LINE_MAX_BYTES) {
		say(l, (const char *)l->text.data, l->text.len, " [line goes on]");
		buf_clear(&l->text);
	}
}

/* False when there is no more to read, now or ever. */
static bool read_some(struct pool_lines *l)
{
	ssize_t got;

	buf_reserve(&l->text, READ_BYTES);
	got = read(l->fd, l->text.data + l->text.len, READ_BYTES);
	if (got < 0 && errno == EINTR)
		return true;
	if (got < 0 && errno == EAGAIN)
		return false;
	if (got <= 0) {
		event_del(l->event);
		return false;
	}
	l->text.len += (size_t)got;
	say_lines(l);
	return true;
}

static void on_output(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	read_some(arg);
}

void pool_output_start(struct pool_lines *l, int fd)
{
	l->fd = fd;
	fd_set_nonblock(fd, 1);
	l->event = event_new(l->pool->base, fd, EV_READ | EV_PERSIST, on_output, l);
	event_add(l->event, NULL);
}

void pool_output_end(struct pool_lines *l)
{
	if (!l->event)
		return;
	/* More than a pipe holds was written by somebody who lives on. */
	for (int i = 0; i < END_READS && read_some(l); i++)
		continue;
	if (l->text.len > 0)
		say(l, (const char *)l->text.data, l->text.len, "");
	event_free(l->event);
	l->event = NULL;
	fd_close(&l->fd);
	buf_free(&l->text);
}
