/* child_conn.h -- a slot's connection: reading, and records on their way out. Slot's thread only. */
#ifndef WEIR_CHILD_CONN_H
#define WEIR_CHILD_CONN_H

#include <sys/socket.h>
#include "mpm/child_priv.h"

/* The slot owns fd from here on. peer may be NULL (asked of the socket when the pool listens on TCP). */
void child_conn_take(struct slot *s, int fd, const struct sockaddr *peer);
void child_conn_close(struct slot *s);
/* Give the connection away: its descriptor, -1 afterwards here, or -1 when there was none. */
int child_conn_release(struct slot *s);

/* Nothing has come, nor the end. */
bool child_conn_is_silent(int fd);

/* A peer's address as text; "" on a Unix socket. */
void child_conn_peer(const struct sockaddr *peer, char text_out[INET6_ADDRSTRLEN]);

/* Wait for bytes into in (empty before). > 0: how many; 0: the peer has closed, or the watcher has ended the wait
 * (late says why); -1: the connection broke. */
ssize_t child_conn_fill(struct slot *s, enum slot_reading what);
/* What has come already, without waiting: > 0, 0 at the end, -1 with errno (EAGAIN: nothing). */
ssize_t child_conn_fill_now(struct slot *s);

/* Append bytes of the reply's stream (FCGI_STDOUT or FCGI_STDERR). 0, or -1: the client is gone. */
int child_conn_out(struct slot *s, uint8_t type, const void *data, size_t len);
/* Write all that waits. 0, or -1: the client is gone. */
int child_conn_flush(struct slot *s);
/* Records were appended to s->out by somebody else: the open record cannot grow any more. */
void child_conn_seal(struct slot *s);

#endif
