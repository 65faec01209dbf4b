/* master_proto.h -- all that the master and a pool process can say to each other (over SPAWN_FD_LINK).
 * The master believes nothing a pool process says about other pools: an order concerns the sender's own processes,
 * which the master checks. An unknown type or a wrong length ends the pool process. */
#ifndef WEIR_MASTER_PROTO_H
#define WEIR_MASTER_PROTO_H

#include <stdint.h>
#include "src/base/reason.h"

/* master -> pool process */
enum master_msg {
	MASTER_ZYGOTE_STARTED = 1,      /* struct master_pid; generation in the head */
	MASTER_ZYGOTE_FAILED,           /* struct master_errno: fork or exec failed, or the rate was exceeded */
	MASTER_REAPED,                  /* struct master_reaped: a zygote of this pool, or an orphan of its */
	MASTER_DRAIN,                   /* struct master_drain: begin to end */
	MASTER_LAST,                    /* answer to POOL_DRAINED: no new connection can come; serve the
	                                 * backlog and exit 0 */
	MASTER_STOP,                    /* end now, children too; exit 0 */
	MASTER_FIGURES,                 /* tell your figures: POOL_FIGURES follows */
	MASTER_GRANT,                   /* struct master_wish: of the wish with that number you have so many */
	MASTER_LOG,                     /* struct master_log, one descriptor: that file, opened anew */
	MASTER_TOTALS,                  /* struct master_totals: the first message of all, before the process exists */
};

/* pool process -> master */
enum pool_msg {
	POOL_ORDER_ZYGOTE = 101,        /* no body; generation in the head; 4 descriptors: the zygote's LINK, BOARD,
	                                 * READY and its output pipe (stdout and stderr) */
	POOL_KILL,                      /* struct master_pid: SIGKILL a process of mine that its zygote could not end */
	POOL_READY,                     /* the first child is up (once per life of the pool process) */
	POOL_FAILING,                   /* struct master_failing: no child becomes ready; the reason is in the log (once
	                                 * per life, and not after POOL_READY) */
	POOL_AT_REST,                   /* struct master_totals; ondemand: no child, no connection: I may be ended
	                                 * (MASTER_STOP follows) */
	POOL_FIGURES,                   /* struct master_figures: asked for, or the last ones of a process that ends */
	POOL_CRASHED,                   /* a child died by SIGSEGV or SIGBUS */
	POOL_WANT,                      /* struct master_wish: with process.max, children that I want in all, those I
	                                 * have included; MASTER_GRANT follows */
	POOL_DRAINED,                   /* the requests that were in flight at MASTER_DRAIN are done, or time is
	                                 * nearly over */
};

enum master_drain_kind {
	MASTER_DRAIN_END = 1,           /* the server ends: sockets stay served until MASTER_LAST; each answer closes */
	MASTER_DRAIN_REPLACED,          /* another pool process serves the same sockets already: accept no more, finish
	                                 * what is in hand, exit 0 without POOL_DRAINED */
};

enum master_log_file { MASTER_LOG_ERROR, MASTER_LOG_ACCESS, MASTER_LOG_SLOW };

/* What a pool's status counts. The master keeps it while an ondemand pool rests, and believes none of it. */
struct master_totals {
	uint64_t start_s;                       /* wall time: when the pool was started, its rests included */
	uint64_t begun, served, slow, at_max;   /* as in struct pool */
	uint64_t active_max, queue_max;
	uint64_t reasons[REASON_COUNT];
};

struct master_log     { uint32_t file; uint32_t reserved; };    /* enum master_log_file */
struct master_pid     { int32_t pid; uint32_t reserved; };
struct master_errno   { int32_t error; uint32_t reserved; };
struct master_failing { uint32_t cannot_load; uint32_t reserved; };     /* the application says so itself */
struct master_reaped  { int32_t pid; int32_t status; };         /* status as waitpid gives it */
struct master_drain   { uint32_t kind; uint32_t reserved; uint64_t budget_ms; };        /* 0: no bound */
struct master_wish    { uint32_t seq; uint32_t count; };
struct master_figures { uint64_t requests; uint64_t slow; uint32_t active; uint32_t idle; };

#endif
