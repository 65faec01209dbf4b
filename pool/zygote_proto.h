/* zygote_proto.h -- all that a pool process and its zygote can say to each other (over the zygote's SPAWN_FD_LINK).
 * When the pool process' end closes, the zygote ends (its children then finish what they have in hand and end). */
#ifndef WEIR_ZYGOTE_PROTO_H
#define WEIR_ZYGOTE_PROTO_H

#include <stdint.h>

/* pool process -> zygote */
enum zygote_order {
	ZYGOTE_FORK = 201,      /* struct zygote_place; descriptors: the child's link, then its stdout and stderr pipes
	                         * (both or none) */
	ZYGOTE_KILL,            /* struct zygote_kill */
	ZYGOTE_STOP,            /* SIGKILL all children, reap them, exit 0 */
};

/* zygote -> pool process */
enum zygote_report {
	ZYGOTE_READY = 301,     /* loaded: will fork */
	ZYGOTE_FAILED,          /* text: why it cannot; it exits next */
	ZYGOTE_FORKED,          /* struct zygote_forked */
	ZYGOTE_FORK_FAILED,     /* struct zygote_forked with error instead of pid */
	ZYGOTE_EXITED,          /* struct zygote_exited */
	ZYGOTE_LOG,             /* struct link_log_piece (src/base/link.h) and text: a line for the pool's log */
};

/* place: which of the generation's children it is. */
struct zygote_place  { uint32_t place; uint32_t reserved; };
struct zygote_kill   { int32_t pid; int32_t signal; };
struct zygote_forked { uint32_t place; int32_t pid; int32_t error; uint32_t reserved; };
struct zygote_exited { uint32_t place; int32_t pid; int32_t status; uint32_t reserved; };

#endif
