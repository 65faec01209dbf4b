/* fd_line.h -- whole lines to a log that several processes may write: a file, a pipe, a socket, a terminal. A line is
 * one write; on a pipe it stays whole whatever its length, among processes that write through here. */
#ifndef WEIR_FD_LINE_H
#define WEIR_FD_LINE_H

#include <stdbool.h>
#include <stddef.h>

struct fd_line {
	int fd;                         /* borrowed; -1: nowhere */
	bool is_pipe, is_socket;
	bool stuck;                     /* the last line found no room: the next one waits for none */
	bool torn;                      /* the last line broke off: a newline goes before the next */
};

void fd_line_set(struct fd_line *to, int fd);

enum fd_line_end {
	FD_LINE_WRITTEN,
	FD_LINE_FULL,                   /* no room within the time: nothing was written */
	FD_LINE_FAILED,                 /* errno says why; a part may have been written */
};
/* Write one line, its newline included, waiting at most so long for room. A line that is longer than a pipe or socket
 * holds is written in parts, for which its reader gets the time again and again while it reads. */
enum fd_line_end fd_line_write(struct fd_line *to, const void *line, size_t len, int wait_ms);

#endif
