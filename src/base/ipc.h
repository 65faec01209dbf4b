/* ipc.h -- typed messages of fixed size, with descriptors, over SOCK_SEQPACKET socket pairs.
 * A message is one packet: struct ipc_head and a body whose length the receiver checks. Host order: both
 * ends are one build on one machine. A packet that is malformed closes the link: a confused peer must end. */
#ifndef WEIR_IPC_H
#define WEIR_IPC_H

#include <stddef.h>
#include <stdint.h>

#define IPC_MAX_FDS   8
#define IPC_MAX_BODY  (64 * 1024)       /* bytes of one message's body (log texts are cut into such pieces) */

struct ipc_head {
	uint32_t type;                  /* an enum of one *_proto.h */
	uint32_t generation;            /* 0 where generations play no part */
};

struct ipc_msg {
	struct ipc_head head;
	const void *body;               /* send: borrowed. receive: points into the caller's buffer */
	size_t body_len;
	int fds[IPC_MAX_FDS];           /* send: borrowed. receive: owned by the receiver, close-on-exec */
	int fd_count;
};

/* A pair of connected, close-on-exec, non-blocking SEQPACKET sockets. -1 with errno. */
int ipc_pair(int pair_out[2]);
/* 0 sent; -1 with errno (EAGAIN: the peer reads too slowly; EPIPE, ECONNRESET: it is gone). */
int ipc_send(int fd, const struct ipc_msg *msg);
enum ipc_got { IPC_MESSAGE = 1, IPC_NOTHING = 0, IPC_END = -1 };
/* Receive one message into space (of IPC_MAX_BODY bytes). IPC_END: peer gone, or it sent nonsense. */
enum ipc_got ipc_recv(int fd, struct ipc_msg *msg_out, void *space);
/* Close all descriptors of a received message that nobody took (those set to -1 are skipped). */
void ipc_drop_fds(struct ipc_msg *msg);

#endif
