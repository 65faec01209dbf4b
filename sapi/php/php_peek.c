/* php_peek.c -- runs in a child, in the watcher's thread. process_vm_readv() on the own process is allowed to
 * everybody; where a seccomp filter refuses the call, a pipe does: write() too answers EFAULT instead of a signal.
 * Refuses to look anywhere by itself: no pointer of its own making is followed. */
#include "sapi/php/php_peek.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE_BYTES  4096                /* of which a pipe takes one at least */
#define LOWEST      ((uintptr_t)65536)  /* nothing is mapped below */
#define HIGHEST     (UINTPTR_MAX >> 8)

static bool refused;
static int pipe_fds[2] = { -1, -1 };

bool php_peek_plausible(const void *at)
{
	uintptr_t address = (uintptr_t)at;

	return address >= LOWEST && address <= HIGHEST && address % sizeof(void *) == 0;
}

void php_peek_refuse(bool refuse)
{
	refused = refuse;
}

static void pipe_empty(void)
{
	char rest[PAGE_BYTES];

	while (read(pipe_fds[0], rest, sizeof(rest)) > 0)
		continue;
}

/* By number: a sanitizer that knows write() would look at the bytes itself. */
static bool pipe_copy(const void *at, void *out, size_t len)
{
	ssize_t put = syscall(SYS_write, pipe_fds[1], at, len);

	if (put == (ssize_t)len && read(pipe_fds[0], out, len) == put)
		return true;
	pipe_empty();
	return false;
}

static bool copy_by_pipe(const char *at, char *out, size_t len)
{
	size_t done, part;

	if (pipe_fds[0] == -1 && pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return false;
	for (done = 0; done < len; done += part) {
		part = len - done < PAGE_BYTES ? len - done : PAGE_BYTES;
		if (!pipe_copy(at + done, out + done, part))
			return false;
	}
	return true;
}

bool php_peek(const void *at, void *out, size_t len)
{
	struct iovec from = { .iov_base = (void *)(uintptr_t)at, .iov_len = len };
	struct iovec to = { .iov_base = out, .iov_len = len };
	ssize_t got;

	if (len == 0)
		return true;
	if (refused)
		return copy_by_pipe(at, out, len);
	got = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
	if (got >= 0 || errno == EFAULT)
		return got == (ssize_t)len;
	refused = true;
	return copy_by_pipe(at, out, len);
}

/* Up to the end of a page a time: what lies behind it may not be there. */
long php_peek_text(const char *at, char *out, size_t size)
{
	size_t done = 0, part;
	const char *end;

	if (size == 0)
		return -1;
	while (done < size - 1) {
		part = PAGE_BYTES - (uintptr_t)(at + done) % PAGE_BYTES;
		if (part > size - 1 - done)
			part = size - 1 - done;
		if (!php_peek(at + done, out + done, part))
			return -1;
		end = memchr(out + done, '\0', part);
		if (end)
			return end - out;
		done += part;
	}
	out[done] = '\0';
	return (long)done;
}
