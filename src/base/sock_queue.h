/* sock_queue.h -- how many connections wait on a listening socket: asked of the kernel, exact, without rights. */
#ifndef WEIR_SOCK_QUEUE_H
#define WEIR_SOCK_QUEUE_H

#include <stdint.h>

struct sock_queue {
	uint32_t waiting;               /* connected, and not accepted yet */
	uint32_t limit;                 /* the backlog as the kernel took it */
};

/* TCP, and Unix sockets with a path or an abstract name. -1 with errno: the kernel does not tell (ENOENT: it has no
 * socket diagnosis for Unix sockets). Never waits. */
int sock_queue(int fd, struct sock_queue *out);

#endif
