/* fd_line.c -- lines to logs. Any process. Waits for a reader only as long as it is told to, and never again for one
 * that has not read since: a log must not stop what it reports on.
 *
 * The kernel keeps a write to a pipe whole up to PIPE_BUF bytes, and longer ones while there is room for all of it. So
 * writers take turns, by a record lock on the pipe, and look for room first. */
#include "src/base/fd_line.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIPE_WANT (1024 * 1024)         /* what a process without rights may ask for */
#define SLACK     (3 * 4096)            /* pages that may be filled in part */
#define LOOK_MS   5
#define PART_MS   200                   /* the least time for each part of a line that does not fit at once */

void fd_line_set(struct fd_line *to, int fd)
{
	struct stat st;
	int saved = errno;
	bool known = fd >= 0 && fstat(fd, &st) == 0;

	*to = (struct fd_line){ .fd = fd };
	to->is_pipe = known && S_ISFIFO(st.st_mode);
	to->is_socket = known && S_ISSOCK(st.st_mode);
	if (to->is_pipe && fcntl(fd, F_GETPIPE_SZ) < PIPE_WANT)
		fcntl(fd, F_SETPIPE_SZ, PIPE_WANT);     /* refused: it holds less */
	errno = saved;
}

static ssize_t put(const struct fd_line *to, const uint8_t *at, size_t len)
{
	ssize_t n;

	do
		n = to->is_socket ? send(to->fd, at, len, MSG_NOSIGNAL | MSG_DONTWAIT) : write(to->fd, at, len);
	while (n < 0 && errno == EINTR);
	return n;
}

static bool wait_writable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, ms) > 0;
}

/* All of it, in parts of which the first gets so long, and each that follows some time more. */
static enum fd_line_end write_parts(struct fd_line *to, const uint8_t *at, size_t len, int wait_ms)
{
	while (len > 0) {
		bool may = !to->is_pipe || wait_writable(to->fd, wait_ms);
		ssize_t n = may ? put(to, at, to->is_pipe && len > PIPE_BUF ? PIPE_BUF : len) : -1;

		if (n < 0 && may && errno != EAGAIN)
			return FD_LINE_FAILED;
		if (n < 0 && (to->is_pipe || !wait_writable(to->fd, wait_ms)))
			return to->torn ? FD_LINE_FAILED : FD_LINE_FULL;
		if (n < 0)
			continue;
		at += n;
		len -= (size_t)n;
		to->torn = len > 0;
		wait_ms = wait_ms > PART_MS ? wait_ms : PART_MS;
	}
	return FD_LINE_WRITTEN;
}

/* Is there surely room for so many bytes? What lies in a pipe may fill its pages by half. */
static bool pipe_has_room(int fd, size_t capacity, size_t len)
{
	int used = 0;

	if (ioctl(fd, FIONREAD, &used) < 0 || used < 0)
		return false;
	return 2 * (size_t)used + len + SLACK <= capacity;
}

/* Nobody tells how much the reader has read: look again and again, until the time is used up. */
static bool pipe_wait_room(int fd, size_t capacity, size_t len, int wait_ms)
{
	while (!pipe_has_room(fd, capacity, len)) {
		if (wait_ms <= 0)
			return false;
		poll(NULL, 0, LOOK_MS);
		wait_ms -= LOOK_MS;
	}
	return true;
}

static bool pipe_lock(int fd, int wait_ms)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	while (fcntl(fd, F_SETLK, &lock) < 0) {
		if (errno != EAGAIN && errno != EACCES && errno != EINTR)
			return true;    /* no locks here: lines of up to PIPE_BUF bytes stay whole all the same */
		if (wait_ms <= 0)
			return false;
		poll(NULL, 0, 1);
		wait_ms--;
	}
	return true;
}

static void pipe_unlock(int fd)
{
	struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };
	int saved = errno;

	fcntl(fd, F_SETLK, &lock);
	errno = saved;
}

static enum fd_line_end pipe_write(struct fd_line *to, const uint8_t *line, size_t len, int wait_ms)
{
	int capacity = fcntl(to->fd, F_GETPIPE_SZ);
	size_t room = capacity > 0 ? (size_t)capacity : PIPE_BUF;
	ssize_t n;

	if (len <= PIPE_BUF || len + SLACK > room)
		return write_parts(to, line, len, wait_ms);
	if (!pipe_wait_room(to->fd, room, len, wait_ms))
		return FD_LINE_FULL;
	n = put(to, line, len);
	if (n < 0)
		return errno == EAGAIN ? FD_LINE_FULL : FD_LINE_FAILED;
	if ((size_t)n == len)
		return FD_LINE_WRITTEN;
	to->torn = true;
	return write_parts(to, line + n, len - (size_t)n, PART_MS);
}

static enum fd_line_end line_write(struct fd_line *to, const uint8_t *line, size_t len, int wait_ms)
{
	if (to->torn && write_parts(to, (const uint8_t *)"\n", 1, wait_ms) != FD_LINE_WRITTEN)
		return FD_LINE_FULL;
	to->torn = false;
	return to->is_pipe ? pipe_write(to, line, len, wait_ms) : write_parts(to, line, len, wait_ms);
}

enum fd_line_end fd_line_write(struct fd_line *to, const void *line, size_t len, int wait_ms)
{
	enum fd_line_end end = FD_LINE_FULL;

	if (to->fd < 0 || len == 0)
		return FD_LINE_WRITTEN;
	if (to->stuck)
		wait_ms = 0;
	if (!to->is_pipe || pipe_lock(to->fd, wait_ms)) {
		end = line_write(to, line, len, wait_ms);
		if (to->is_pipe)
			pipe_unlock(to->fd);
	}
	to->stuck = end == FD_LINE_FULL;
	return end;
}
