/* pool_slow.c -- runs in a pool process: the slow log, in php-fpm's layout. Children say what stands in an entry, but
 * cannot make one: its lines are looked at, and nothing in them reads as another entry. At most one entry a second, so
 * that a site that is slow as a whole does not fill its disk; and none that would have to wait for a reader. */
#include "pool/pool_priv.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <time.h>
#include "src/base/clock.h"
#include "src/base/link.h"
#include "src/base/log.h"

#define ENTRY_MAX    (1024 * 1024)      /* bytes of one */
#define ENTRY_EACH_MS 1000
#define TELL_AFTER_S 10                 /* of entries that were left out */
#define ADDRESS_LEN  21                 /* "[0x0123456789abcdef] " */

/* One call of a backtrace: "[0x0123456789abcdef] f() FILE:LINE". */
static bool is_call(const char *text)
{
	if (strlen(text) < ADDRESS_LEN || strncmp(text, "[0x", 3) || strncmp(text + ADDRESS_LEN - 2, "] ", 2))
		return false;
	for (int i = 3; i < ADDRESS_LEN - 2; i++)
		if (!isxdigit((unsigned char)text[i]))
			return false;
	return true;
}

static void add_line(struct buf *out, const char *text)
{
	size_t len = strlen(text);
	char *from, *to;

	buf_reserve(out, len * 4 + 1);
	from = (char *)out->data + out->len;
	to = log_escape(from, text, len, false);
	*to++ = '\n';
	out->len += (size_t)(to - from);
}

static void add_head(struct buf *out, const struct pool_child *c)
{
	time_t now = (time_t)(clock_wall_us() / 1000000);
	struct tm tm = { .tm_mday = 1, .tm_year = 70 };
	char text[64];

	localtime_r(&now, &tm);
	strftime(text, sizeof(text), "[%d-%b-%Y %H:%M:%S]", &tm);
	buf_printf(out, "\n%s  [pool %s] pid %d\nscript_filename = ", text, c->gen->pool->conf->name, (int)c->pid);
}

/* -1: no entry. */
static int compose(const struct pool_child *c, struct buf *out)
{
	const char *at = (const char *)c->slow.data, *end = at + c->slow.len;

	if (c->slow.len == 0 || end[-1] != '\0')
		return -1;
	add_head(out, c);
	add_line(out, at);
	for (at += strlen(at) + 1; at < end; at += strlen(at) + 1) {
		if (!is_call(at))
			return -1;
		add_line(out, at);
	}
	return 0;
}

static void leave_out(struct pool *p)
{
	const struct timeval soon = { .tv_sec = TELL_AFTER_S };

	if (p->slow_left_out++ == 0)
		evtimer_add(p->slow_timer, &soon);
}

static void write_entry(struct pool *p, const struct buf *entry, uint64_t now_ms)
{
	static bool said;

	p->slow_written_ms = now_ms;
	switch (fd_line_write(&p->slow_to, entry->data, entry->len, 0)) {
	case FD_LINE_WRITTEN:
		said = false;
		return;
	case FD_LINE_FULL:
		leave_out(p);
		return;
	case FD_LINE_FAILED:
		if (!said)
			log_warning("cannot write %s: %s", p->conf->slowlog, strerror(errno));
		said = true;
	}
}

static int take_entry(struct pool_child *c)
{
	struct pool *p = c->gen->pool;
	uint64_t now_ms = clock_ms();
	struct buf entry = { 0 };
	int valid = compose(c, &entry);

	if (valid == 0 && p->slow_written_ms != 0 && now_ms < p->slow_written_ms + ENTRY_EACH_MS)
		leave_out(p);
	else if (valid == 0)
		write_entry(p, &entry, now_ms);
	buf_free(&entry);
	return valid;
}

int pool_slow_take(struct pool_child *c, const struct ipc_msg *msg)
{
	struct link_log_piece piece;
	size_t len = msg->body_len - sizeof(piece);
	int valid;

	if (msg->body_len < sizeof(piece) || msg->body_len > LINK_LOG_PIECE_MAX || c->slow.len + len > ENTRY_MAX)
		return -1;
	memcpy(&piece, msg->body, sizeof(piece));
	buf_add(&c->slow, (const char *)msg->body + sizeof(piece), len);
	if (piece.more)
		return 0;
	valid = take_entry(c);
	buf_free(&c->slow);
	return valid;
}

void pool_slow_end(struct pool *p)
{
	if (p->slow_left_out > 0)
		log_notice("%u backtraces of slow requests were left out of %s: it takes one a second, and none while it "
		    "is full", p->slow_left_out, p->conf->slowlog);
	p->slow_left_out = 0;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pool_slow_end(arg);
}

void pool_slow_init(struct pool *p)
{
	p->slow_timer = evtimer_new(p->base, on_timer, p);
	pool_slow_reopened(p);
}

void pool_slow_reopened(struct pool *p)
{
	fd_line_set(&p->slow_to, SPAWN_FD_SLOW);
}
