/* event_proto.h -- what a dispatcher and a slot say to each other under mpm = event, over the slot's own socket pair
 * (AF_UNIX, SOCK_STREAM). It is FastCGI, one request at a time, each with FCGI_KEEP_CONN, plus two private records
 * of type EVENT_RECORD and request id 0, which never leave the pair: every turn begins with one and ends with one.
 *
 *   dispatcher -> slot   EVENT_RECORD(struct event_turn) BEGIN PARAMS... STDIN... [ABORT_REQUEST]
 *   slot -> dispatcher   STDOUT/STDERR... END_REQUEST EVENT_RECORD(struct event_done)
 *
 * The slot sends EVENT_RECORD in the same write as END_REQUEST, or later when the application goes on working after
 * its client has the answer. The dispatcher sends nothing of the next turn before that record; what it still sends of
 * the old one's STDIN is passed over. A role that the application does not serve is answered by the slot, with
 * UNKNOWN_ROLE. A slot that cannot be freed of its request shuts its end down without that record: its child will not
 * live long, and the other slots' ends are due. A slot that has said it leaves gets no further turn. The dispatcher
 * ends a slot by shutting the pair down for writing: never between the begin and the end of a turn. The dispatcher
 * believes nothing: other records end the child. Host order. */
#ifndef WEIR_EVENT_PROTO_H
#define WEIR_EVENT_PROTO_H

#include <stdint.h>

#define EVENT_RECORD 255                /* a type that FastCGI does not use (section 8: up to FCGI_MAXTYPE) */
#define EVENT_PEER_BYTES 48             /* an address as text, with the NUL: INET6_ADDRSTRLEN */

struct event_turn {
	uint64_t queued_us;             /* how long the request waited for this slot */
	char peer[EVENT_PEER_BYTES];    /* who sent it; "" on a Unix socket */
};

#define EVENT_DONE_LEAVING 1u           /* the child will take no further request */

struct event_done {
	uint32_t flags;
	uint32_t reserved;
	uint64_t served;                /* requests that have begun in the whole child */
	uint64_t peak_memory;           /* bytes, of this request; 0: not known */
};

#endif
