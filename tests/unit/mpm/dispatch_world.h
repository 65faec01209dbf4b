/* dispatch_world.h -- the outside of a dispatcher without sockets: clients and slots are buffers with a little room or
 * much, the time stands still until told. For unit tests and the fuzz target; asserts nothing but what BUG_IF can. */
#ifndef WEIR_DISPATCH_WORLD_H
#define WEIR_DISPATCH_WORLD_H

#include <errno.h>
#include <fastcgi.h>
#include <string.h>
#include "mpm/dispatch_priv.h"
#include "mpm/event_proto.h"
#include "src/base/mem.h"
#include "src/fcgi/fcgi_encode.h"

#define WORLD_IOS 128
#define WORLD_ROOM SIZE_MAX             /* takes whatever comes */
#define SECOND_US 1000000
#define WORLD_START_US SECOND_US

struct world_io {
	bool used, is_slot;
	struct dispatch_conn *conn;     /* NULL: let go */
	struct dispatch_slot *slot;
	struct buf got;                 /* what was sent to it */
	size_t room;                    /* how much it still takes: then EAGAIN */
	int error;                      /* what its next send fails with; 0: it does not */
	unsigned sends, watches, gives, closes, kills, leaves;
	bool reads, writes;             /* watched for */
	bool ended, mad;
	enum dispatch_peek peek;
	enum dispatch_close how;
	enum reason killed;
	struct dispatch_death death;
	bool begun;                     /* the application has, with the request that it has */
	size_t seen;                    /* of got, by the test */
	void *model;                    /* the fuzz target's */
};

struct world {
	struct dispatch *d;
	struct conf_pool conf;
	uint64_t now_us;
	struct world_io ios[WORLD_IOS];
	unsigned io_count;
	unsigned notes[REASON_COUNT];
	unsigned busy;
	unsigned made, closed;          /* clients and slots */
	const char *page_path;          /* SCRIPT_NAME of the pool's own page; NULL: none */
	size_t page_more;               /* and how much longer it is than a word */
	char body_dir[8];
};

static struct world w;

static inline ssize_t world_send(void *arg, const struct iovec *iov, int count)
{
	struct world_io *io = arg;
	size_t put = 0;

	BUG_IF(count < 1);
	BUG_IF(io->is_slot ? !io->slot || io->closes : io->closes);
	io->sends++;
	if (io->error) {
		errno = io->error;
		return -1;
	}
	for (int i = 0; i < count && io->room > 0; i++) {
		size_t len = iov[i].iov_len < io->room ? iov[i].iov_len : io->room;

		buf_add(&io->got, iov[i].iov_base, len);
		put += len;
		if (io->room != WORLD_ROOM)
			io->room -= len;
	}
	if (put > 0)
		return (ssize_t)put;
	errno = EAGAIN;
	return -1;
}

static inline void world_watch(void *arg, bool read, bool write)
{
	struct world_io *io = arg;

	BUG_IF(io->closes);
	io->watches++;
	io->reads = read;
	io->writes = write;
}

static inline enum dispatch_peek world_peek(void *arg)
{
	const struct world_io *io = arg;

	BUG_IF(io->closes || io->is_slot);
	return io->peek;
}

static inline void world_close_conn(void *arg, enum dispatch_close how)
{
	struct world_io *io = arg;

	BUG_IF(io->closes || io->is_slot);
	io->closes++;
	io->how = how;
	io->conn = NULL;
	io->reads = io->writes = false;
	w.closed++;
}

static inline void world_end_slot(void *arg)
{
	struct world_io *io = arg;

	BUG_IF(io->ended || !io->is_slot || io->closes);
	io->ended = true;
}

static inline void world_close_slot(void *arg)
{
	struct world_io *io = arg;

	BUG_IF(io->closes || !io->is_slot);
	io->closes++;
	io->slot = NULL;
	io->reads = io->writes = false;
	w.closed++;
}

static inline void world_give(void *arg)
{
	struct world_io *io = arg;

	BUG_IF(io->ended || io->closes || io->mad);
	io->gives++;
}

static inline void world_leaves(void *arg)
{
	struct world_io *io = arg;

	io->leaves++;
}

static inline struct dispatch_death world_death(void *arg)
{
	const struct world_io *io = arg;

	return io->death;
}

static inline bool world_has_begun(void *arg)
{
	const struct world_io *io = arg;

	return io->begun;
}

static inline void world_mad(void *arg, const char *why)
{
	struct world_io *io = arg;

	BUG_IF(!why || io->mad);
	io->mad = true;
}

static inline void world_kill(void *arg, enum reason reason)
{
	struct world_io *io = arg;

	BUG_IF(!io->is_slot || io->closes);
	io->kills++;
	io->killed = reason;
}

static inline bool world_page(void *arg, const struct dispatch_request *r, struct buf *out)
{
	size_t len;
	const char *name = dispatch_param(r, "SCRIPT_NAME", &len);

	(void)arg;
	if (!w.page_path || !name || len != strlen(w.page_path) || memcmp(name, w.page_path, len) != 0)
		return false;
	buf_add_str(out, "\r\npage");
	for (size_t i = 0; i < w.page_more; i++)
		buf_add_str(out, "p");
	return true;
}

static inline void world_note(void *arg, const struct dispatch_request *r, enum reason reason)
{
	(void)arg;
	(void)r;
	w.notes[reason]++;
}

static inline void world_busy(void *arg)
{
	(void)arg;
	w.busy++;
}

static const struct dispatch_world world_calls = {
	.send = world_send, .watch = world_watch, .peek = world_peek, .close_conn = world_close_conn,
	.end_slot = world_end_slot, .close_slot = world_close_slot, .give = world_give, .slot_leaves = world_leaves,
	.death = world_death, .has_begun = world_has_begun, .slot_is_mad = world_mad, .kill_slot = world_kill,
	.page = world_page, .note = world_note, .busy = world_busy,
};

/* The configuration as it is without a file, with small sizes. To be changed before world_begin(). */
static inline void world_init(void)
{
	memset(&w, 0, sizeof(w));
	memcpy(w.body_dir, "/tmp", 5);
	w.now_us = WORLD_START_US;
	w.conf = (struct conf_pool){
		.max_children = 4, .threads_per_child = 1, .request_max_params = 1024 * 1024,
		.request_max_body = 1024 * 1024 * 1024, .request_header_timeout_s = 60, .request_body_timeout_s = 60,
		.event_max_connections = 64, .event_body_memory = 64 * 1024, .event_body_dir = w.body_dir,
		.event_response_memory = 256 * 1024, .event_response_max = 1024 * 1024 * 1024, .event_retry_max = 2,
		.queue_max = 1000, .queue_timeout_s = 30, .queue_retry_after_s = 1, .reason_header = true,
	};
}

static inline void world_begin(void)
{
	w.d = dispatch_new(&w.conf, &world_calls, &w);
	dispatch_time(w.d, w.now_us);
}

/* Everything that was made must have been let go, once. */
static inline void world_end(void)
{
	if (w.d)
		dispatch_free(&w.d);
	BUG_IF(w.made != w.closed);
	for (unsigned i = 0; i < w.io_count; i++)
		buf_free(&w.ios[i].got);
}

static inline struct world_io *world_io(bool is_slot)
{
	struct world_io *io = &w.ios[w.io_count++];

	BUG_IF(w.io_count > WORLD_IOS);
	io->used = true;
	io->is_slot = is_slot;
	io->room = WORLD_ROOM;
	io->death.started = true;
	w.made++;
	return io;
}

static inline struct world_io *world_client_from(const char *peer)
{
	struct world_io *io = world_io(false);

	io->conn = dispatch_conn_new(w.d, io, peer);
	return io;
}

static inline struct world_io *world_slot(void)
{
	struct world_io *io = world_io(true);

	io->slot = (struct dispatch_slot *)(uintptr_t)1;        /* it may be given a request before it is known */
	io->slot = dispatch_slot_new(w.d, io);
	return io;
}

static inline void world_wait(uint64_t us)
{
	w.now_us += us;
	dispatch_time(w.d, w.now_us);
	dispatch_tick(w.d);
}

#endif
