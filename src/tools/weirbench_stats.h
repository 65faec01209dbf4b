/* weirbench_stats.h -- what a run has seen, and the kinds of errors it tells apart. */
#ifndef WEIRBENCH_STATS_H
#define WEIRBENCH_STATS_H

#include <stdint.h>
#include "src/tools/weirbench_hist.h"

/* How a request ends. */
enum bench_end {
	BENCH_OK,
	BENCH_CONNECT,                  /* no connection: refused, no socket, no permission ... */
	BENCH_BACKLOG,                  /* no connection: the Unix socket's backlog is full */
	BENCH_CLOSED,                   /* the connection ended before END_REQUEST */
	BENCH_PROTOCOL,                 /* the answer is not FastCGI, or not to this request */
	BENCH_REFUSED,                  /* END_REQUEST with OVERLOADED, CANT_MPX_CONN or UNKNOWN_ROLE */
	BENCH_STATUS,                   /* an HTTP status that is not expected */
	BENCH_BODY,                     /* the expected text is not in the body */
	BENCH_TIMEOUT,
	BENCH_ENDS,
	BENCH_GOING = -1,               /* it has not ended yet */
	BENCH_FULL = -2,                /* nor begun: the backlog is full, and --retry-full waits */
};

struct bench_stats {
	uint64_t ended[BENCH_ENDS];     /* measured requests */
	uint64_t ok_in_time;            /* those that ended before the duration was over */
	uint64_t warmup;                /* requests that were not measured */
	uint64_t status[600];           /* answers by HTTP status */
	uint64_t body_bytes, error_bytes, replies_with_error_text;
	uint64_t bytes_in, bytes_out;   /* on the wire, everything counted */
	uint64_t connections;           /* opened for requests */
	uint64_t reconnects;            /* the server had closed a kept connection: sent again on a new one */
	uint64_t backlog_waits;         /* tries to connect that --retry-full repeated */
	uint64_t idle_open, idle_closed;
	int connect_errno;              /* the last that failed */
	const char *protocol_why;       /* the last fault of protocol, static text */
	uint64_t measured_ns;           /* how long requests were measured */
	struct hist latency;            /* nanoseconds, of requests that succeeded */
};

/* "connect", "backlog_full" ...: the names of the JSON output. */
const char *bench_end_name(enum bench_end end);
uint64_t bench_stats_total(const struct bench_stats *s);
uint64_t bench_stats_errors(const struct bench_stats *s);
/* Monotonic nanoseconds: a reply takes tens of microseconds, too few to count in microseconds. */
uint64_t bench_now_ns(void);

#endif
