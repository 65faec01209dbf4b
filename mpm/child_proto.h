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
	CHILD_LAST,             /* serve until nothing waits on the listening sockets, then as CHILD_DRAIN */
	CHILD_STOP,             /* struct child_stop: give up the request in hand for this reason, answer it if nothing
	                         * was sent, and die */
};

/* child -> pool process */
enum child_report {
	CHILD_READY = 501,      /* initialised: waits for requests */
	CHILD_PARK,             /* one descriptor: an idle kept connection with an empty read buffer */
	CHILD_LINGER,           /* one descriptor: answered and shut down for writing; read it empty, then close it */
	CHILD_LOG,              /* struct link_log_piece (src/base/link.h) and text */
	CHILD_ACCESS,           /* the same, for the access log: level says nothing */
	CHILD_FAILED,           /* text: the SAPI could not be initialised in the child */
};

struct child_stop { uint32_t reason; uint32_t reserved; };      /* enum reason */

#endif
