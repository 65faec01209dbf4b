/* pool_talk.c -- runs in a pool process: messages to and from children. Nothing that a child says is believed: what
 * does not fit the protocol ends the child. */
#include "pool/pool_priv.h"

#include <string.h>
#include <sys/socket.h>
#include "mpm/child_proto.h"
#include "src/base/clock.h"
#include "src/base/fd.h"
#include "src/base/link.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/master/master_proto.h"

#define LOG_LINE_MAX (16 * 1024 * 1024) /* bytes of one line; a longer one is marked as cut */
#define LOG_KEEP     (256 * 1024)       /* memory kept for the next line */

enum piece_end { PIECE_NONSENSE, PIECE_MORE, PIECE_WHOLE };

/* Add one piece to the line that it belongs to. */
static enum piece_end take_piece(struct buf *line, const struct ipc_msg *msg, enum log_level *level_out)
{
	struct link_log_piece piece;
	const char *text = (const char *)msg->body + sizeof(piece);

	if (msg->body_len < sizeof(piece) || msg->body_len > LINK_LOG_PIECE_MAX)
		return PIECE_NONSENSE;
	memcpy(&piece, msg->body, sizeof(piece));
	if (piece.level < LOG_LEVEL_DEBUG || piece.level > LOG_LEVEL_ALERT)
		return PIECE_NONSENSE;
	*level_out = (enum log_level)piece.level;
	if (line->len < LOG_LINE_MAX)
		buf_add(line, text, msg->body_len - sizeof(piece));
	if (piece.more)
		return PIECE_MORE;
	if (line->len >= LOG_LINE_MAX)
		buf_add_str(line, " [cut]");
	return PIECE_WHOLE;
}

static void line_done(struct buf *line)
{
	if (line->cap > LOG_KEEP)
		buf_free(line);
	buf_clear(line);
}

int pool_talk_log(struct buf *line, pid_t pid, const char *who, const struct ipc_msg *msg)
{
	enum log_level level;
	enum piece_end end;

	if (line->len == 0)
		buf_add_str(line, who);
	end = take_piece(line, msg, &level);
	if (end == PIECE_WHOLE) {
		log_text_of(pid, level, (const char *)line->data, line->len);
		line_done(line);
	}
	return end == PIECE_NONSENSE ? -1 : 0;
}

static void nonsense(struct pool_child *c)
{
	log_warning("child %d sent a message that does not exist: it is ended", (int)c->pid);
	pool_reap_kill(c, clock_ms());
}

static void on_ready(struct pool_child *c)
{
	struct pool *p = c->gen->pool;

	if (c->phase == CHILD_BORN || c->phase == CHILD_ORDERED)
		c->phase = CHILD_SERVING;
	if (!p->said_ready) {
		p->said_ready = true;
		pool_master_say(p, POOL_READY);
	}
	pool_drain_newcomer(c);
	pool_poke(p);
}

static void on_log(struct pool_child *c, const struct ipc_msg *msg)
{
	char who[32];

	snprintf(who, sizeof(who), "child %d, ", (int)c->pid);
	if (pool_talk_log(&c->log, c->pid, who, msg) < 0)
		nonsense(c);
}

static void on_access(struct pool_child *c, const struct ipc_msg *msg)
{
	enum log_level level;
	enum piece_end end = take_piece(&c->access, msg, &level);

	if (end == PIECE_NONSENSE)
		nonsense(c);
	if (end != PIECE_WHOLE)
		return;
	pool_access_put(c->gen->pool, (const char *)c->access.data, c->access.len);
	line_done(&c->access);
}

static bool is_pair(int fd)
{
	int domain = 0, type = 0;
	socklen_t len = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX
	    && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM;
}

static void on_slot(struct pool_child *c, struct ipc_msg *msg)
{
	const struct pool *p = c->gen->pool;
	struct child_slot said;

	if (p->conf->mpm != CONF_MPM_EVENT || msg->body_len != sizeof(said) || msg->fd_count != 1
	    || !is_pair(msg->fds[0])) {
		nonsense(c);
		return;
	}
	memcpy(&said, msg->body, sizeof(said));
	if (said.slot >= (uint32_t)p->threads)
		nonsense(c);
	else
		pool_dispatch_slot(c, said.slot, &msg->fds[0]);
}

static void on_message(struct pool_child *c, struct ipc_msg *msg)
{
	struct pool *p = c->gen->pool;

	switch (msg->head.type) {
	case CHILD_READY:
		on_ready(c);
		return;
	case CHILD_LEAVES:
		c->asks = true;
		pool_poke(p);
		return;
	case CHILD_PARK:
	case CHILD_LINGER:
		if (msg->fd_count != 1) {
			nonsense(c);
			return;
		}
		if (msg->head.type == CHILD_PARK)
			pool_park_take(p, msg->fds[0]);
		else
			pool_park_linger(p, msg->fds[0]);
		msg->fds[0] = -1;
		return;
	case CHILD_SLOT:
		on_slot(c, msg);
		return;
	case CHILD_LOG:
		on_log(c, msg);
		return;
	case CHILD_ACCESS:
		on_access(c, msg);
		return;
	case CHILD_SLOW:
		if (pool_slow_take(c, msg) < 0)
			nonsense(c);
		return;
	case CHILD_ASK_STATUS:
		if (pool_status_tell(c, msg) < 0)
			nonsense(c);
		return;
	case CHILD_FAILED:
		log_error("child %d cannot serve: %.*s", (int)c->pid, (int)msg->body_len, (const char *)msg->body);
		return;
	default:
		nonsense(c);
	}
}

/* The child has gone, or closed its link, which is as good: what it was is settled when it is reaped. */
static void link_end(struct pool_child *c)
{
	if (c->event)
		event_free(c->event);
	c->event = NULL;
	fd_close(&c->link);
	c->gone_ms = clock_ms();
	pool_poke(c->gen->pool);
}

void pool_talk_drain(struct pool_child *c)
{
	struct ipc_msg msg;
	enum ipc_got got = IPC_END;

	while (c->link != -1 && (got = ipc_recv(c->link, &msg, c->gen->pool->space)) == IPC_MESSAGE) {
		on_message(c, &msg);
		ipc_drop_fds(&msg);
	}
	if (got == IPC_END)
		link_end(c);
}

static void on_child(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	struct pool_child *c = arg;

	pool_talk_drain(c);
	/* Ordered of a zygote that died: nobody else will ever tell of it. */
	if (c->link == -1 && c->pid == 0 && c->gen->dead)
		pool_reap_child(c->gen, c->place, 0, 0);
}

void pool_talk_start(struct pool_child *c)
{
	c->event = event_new(c->gen->pool->base, c->link, EV_READ | EV_PERSIST, on_child, c);
	event_add(c->event, NULL);
}

static void send_child(struct pool_child *c, const struct ipc_msg *msg)
{
	if (c->link != -1 && ipc_send(c->link, msg) < 0)
		pool_reap_kill(c, clock_ms());
}

/* The mark is for its siblings, which look at it before they leave by themselves. */
static void retires(struct pool_child *c)
{
	c->phase = CHILD_RETIRING;
	board_slot_leaves(board_slot(c->gen->board, pool_child_slot(c, 0)));
}

void pool_talk_order(struct pool_child *c, uint32_t order)
{
	struct ipc_msg msg = { .head.type = order };

	if (order == CHILD_DRAIN || order == CHILD_QUEUE || order == CHILD_LAST)
		retires(c);
	if (order == CHILD_DRAIN)
		pool_dispatch_retire(c);
	send_child(c, &msg);
}

void pool_talk_stop(struct pool_child *c, enum reason reason)
{
	struct child_stop body = { .reason = reason };
	struct ipc_msg msg = { .head.type = CHILD_STOP, .body = &body, .body_len = sizeof(body) };

	retires(c);
	pool_dispatch_retire(c);
	send_child(c, &msg);
}
