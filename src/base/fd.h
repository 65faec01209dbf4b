/* fd.h -- descriptors: closing, flags, whole writes, passing over Unix sockets. */
#ifndef WEIR_FD_H
#define WEIR_FD_H

#include <stddef.h>
#include <sys/types.h>

/* Close *fd if it is open and set it to -1. errno is kept. */
void fd_close(int *fd);
int fd_set_nonblock(int fd, int on);    /* -1 with errno */
int fd_set_cloexec(int fd, int on);     /* -1 with errno */
/* Write all of it, going on after EINTR and EAGAIN (with poll); -1 with errno when it cannot. */
int fd_write_all(int fd, const void *data, size_t len);
int fd_readable(int fd);                /* 1: a read, or an accept, would not wait; else 0 */
/* Move fd to exactly the number to (dup2, the old one closed), inherited over exec. -1 with errno. */
int fd_move(int fd, int to);
/* A sealed memfd that holds these bytes, offset 0. -1 with errno. */
int fd_memfd_sealed(const char *name, const void *data, size_t len);

#endif
