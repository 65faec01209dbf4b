/* weirbench_conn.h -- one connection and the request on it. Non-blocking; tells its end by what it returns,
 * and leaves counting and scheduling to the run. */
#ifndef WEIRBENCH_CONN_H
#define WEIRBENCH_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include "src/tools/weirbench_opts.h"
#include "src/tools/weirbench_plan.h"
#include "src/tools/weirbench_reply.h"
#include "src/tools/weirbench_stats.h"
#include "src/tools/weirbench_target.h"

#define CONN_SPACE (64 * 1024)

/* What all connections of a run share; borrowed. */
struct conn_env {
	const struct bench_opts *opts;
	const struct target *target;
	const struct plan *plan;
	const struct reply_want *want;
	struct bench_stats *stats;
	int epoll_fd;
	uint8_t *space;                 /* CONN_SPACE bytes to read into */
};

struct conn {
	int fd;                         /* -1: none */
	struct conn *next;              /* in one of the run's lists */
	bool busy;                      /* has a request */
	bool paused;                    /* in the run's list of those that wait before they connect */
	bool measured;
	uint64_t due_ns;                /* when the request was to be sent: latency counts from here */
	struct reply reply;
	/* private */
	bool connecting;
	bool want_out;                  /* registered for writing */
	bool again;                     /* sent again, after the server closed a kept connection */
	uint32_t served;                /* replies on this connection */
	uint64_t index;                 /* of the request in the plan */
	const uint8_t *head, *body;
	size_t head_len, body_len, sent;
	struct buf scratch;
};

/* Send request index of the plan. Opens a connection where none is kept. Returns BENCH_GOING; BENCH_FULL:
 * call conn_retry later; or how it ended. */
enum bench_end conn_begin(struct conn *c, const struct conn_env *env, uint64_t index);
enum bench_end conn_retry(struct conn *c, const struct conn_env *env);
/* What epoll says. Without a request on it the connection is closed when the server closes it. */
enum bench_end conn_on_event(struct conn *c, const struct conn_env *env, uint32_t events);
/* The request is over: keep the connection or close it, as its end allows. */
void conn_end(struct conn *c, const struct conn_env *env, enum bench_end end);
void conn_free(struct conn *c);

#endif
