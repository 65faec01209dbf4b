/* child_proto.h -- all that a child and its pool process can say to each other, over the child's link. The link is
 * also the child's life line: when the pool process' end closes, the child finishes what it has in hand and ends.
 * The pool process believes none of it: a message of the wrong size ends the sender. */
#ifndef WEIR_CHILD_PROTO_H
#define WEIR_CHILD_PROTO_H

#include <stdint.h>

/* Descriptors of a child, kept from its zygote (see src/base/spawn.h) or moved here after the fork. */
#define CHILD_FD_LINK 4         /* in the place of the zygote's own link */

/* pool process -> child: read by the watcher thread alone */
enum child_order {
	CHILD_DRAIN = 401,      /* accept no more, hand the idle connection back, finish what is in hand, exit 0 */
	CHILD_CLOSING,          /* go on serving; from now on each answer closes its connection */
	CHILD_QUEUE,            /* others have the listening sockets: serve until nothing waits in the ready queue, then
	                         * as CHILD_DRAIN */
	CHILD_LAST,             /* serve until nothing waits on the listening sockets and in the ready queue, then as
	                         * CHILD_DRAIN */
	CHILD_STOP,             /* struct child_stop: give up the request in hand for this reason, answer it if nothing
	                         * was sent, and die */
	CHILD_STATUS,           /* answer to CHILD_ASK_STATUS: struct child_ask as it came; one descriptor, for
	                         * status_map() */
};

/* child -> pool process */
enum child_report {
	CHILD_READY = 501,      /* initialised: waits for requests */
	CHILD_LEAVES,           /* it leaves, or should and cannot before it is ordered to: look at its mark on the
	                         * scoreboard */
	CHILD_PARK,             /* one descriptor: an idle kept connection with an empty read buffer */
	CHILD_LINGER,           /* one descriptor: answered and shut down for writing; read it empty, then close it */
	CHILD_LOG,              /* struct link_log_piece (src/base/link.h) and text */
	CHILD_ACCESS,           /* the same, for the access log: level says nothing */
	CHILD_SLOW,             /* struct link_log_piece and a part of this: texts, each ended by a NUL: the script of a
	                         * request that takes long, then a backtrace as sapi->backtrace gives it */
	CHILD_FAILED,           /* text: the SAPI could not be initialised in the child */
	CHILD_ASK_STATUS,       /* struct child_ask: what does the pool do? */
	CHILD_SLOT,             /* mpm = event, one of each slot before CHILD_READY: struct child_slot; one descriptor,
	                         * the dispatcher's end of that slot's socket pair (event_proto.h) */
};

struct child_ask { uint32_t number; uint32_t slot; };   /* the child's own, to know the answer by */
struct child_stop { uint32_t reason; uint32_t reserved; };      /* enum reason */
struct child_slot { uint32_t slot; uint32_t reserved; };        /* of the child: 0 to mpm.threads_per_child - 1 */

#endif
