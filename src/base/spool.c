/* spool.c -- a queue of bytes in memory, then in a file. Any process.
 * The front is in memory and the rest in the file, so that the order needs no book-keeping: nothing goes into
 * memory while the file has something. The file has no name, so nothing of it outlives the process. */
#include "src/base/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "src/base/fd.h"
#include "src/base/mem.h"

#define SPOOL_FIRST 1024                /* bytes of memory to begin with */
#define SPOOL_PUNCH ((uint64_t)1 << 20)

void spool_init(struct spool *s, const char *dir, size_t memory_limit, uint64_t max)
{
	*s = (struct spool){ .dir = dir, .memory_limit = memory_limit, .max = max };
}

uint64_t spool_len(const struct spool *s)
{
	return s->mem_len - s->mem_done + s->file_len - s->file_done;
}

bool spool_in_file(const struct spool *s)
{
	return s->file_len > 0;
}

/* ---- the memory */

/* So much of the ring as lies in one piece behind the first skip bytes. */
static size_t spool_piece(const struct spool *s, size_t skip, const uint8_t **at_out)
{
	size_t from = s->mem_start + skip, len = s->mem_len - skip;

	if (from >= s->mem_cap)
		from -= s->mem_cap;
	*at_out = s->mem + from;
	return len < s->mem_cap - from ? len : s->mem_cap - from;
}

static void spool_free_memory(struct spool *s)
{
	free(s->mem);
	s->mem = NULL;
	s->mem_cap = s->mem_start = s->mem_len = s->mem_done = 0;
}

/* Room for so many more: below memory_limit in all. */
static void spool_grow(struct spool *s, size_t more)
{
	size_t cap = s->mem_cap ? s->mem_cap : SPOOL_FIRST, have = 0, n;
	const uint8_t *from;
	uint8_t *mem;

	if (s->mem_cap - s->mem_len >= more)
		return;
	while (cap - s->mem_len < more)
		cap *= 2;
	if (cap > s->memory_limit)
		cap = s->memory_limit;
	mem = xrealloc(NULL, cap);
	for (; have < s->mem_len; have += n) {
		n = spool_piece(s, have, &from);
		memcpy(mem + have, from, n);
	}
	free(s->mem);
	s->mem = mem;
	s->mem_cap = cap;
	s->mem_start = 0;
}

static void spool_add_memory(struct spool *s, const uint8_t *data, size_t len)
{
	size_t to, n;

	spool_grow(s, len);
	to = s->mem_start + s->mem_len;
	if (to >= s->mem_cap)
		to -= s->mem_cap;
	n = len < s->mem_cap - to ? len : s->mem_cap - to;
	memcpy(s->mem + to, data, n);
	memcpy(s->mem, data + n, len - n);
	s->mem_len += len;
}

/* What was dropped of the memory is gone. */
static void spool_forget_memory(struct spool *s)
{
	if (s->mem_done == s->mem_len) {
		spool_free_memory(s);
		return;
	}
	s->mem_start += s->mem_done;
	if (s->mem_start >= s->mem_cap)
		s->mem_start -= s->mem_cap;
	s->mem_len -= s->mem_done;
	s->mem_done = 0;
}

/* ---- the file */

static int spool_open_named(const char *dir)
{
	char *path = xasprintf("%s/weir-XXXXXX", dir);
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd >= 0)
		unlink(path);
	free(path);
	return fd;
}

static int spool_open(struct spool *s)
{
	if (s->has_fd)
		return 0;
	s->fd = open(s->dir, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, 0600);
	if (s->fd < 0)
		s->fd = spool_open_named(s->dir);
	s->has_fd = s->fd >= 0;
	return s->has_fd ? 0 : -1;
}

/* The file ends here. Space that cannot be given back now is written over, or given back with the descriptor. */
static void spool_cut(struct spool *s, uint64_t len)
{
	int saved_errno = errno;

	if (ftruncate(s->fd, (off_t)len) < 0)
		errno = saved_errno;
}

static int spool_add_file(struct spool *s, const uint8_t *data, size_t len)
{
	size_t done = 0;
	ssize_t n;

	if (spool_open(s) < 0)
		return -1;
	while (done < len) {
		n = pwrite(s->fd, data + done, len - done, (off_t)(s->file_len + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			spool_cut(s, s->file_len);
			return -1;
		}
		done += (size_t)n;
	}
	s->file_len += len;
	return 0;
}

static ssize_t spool_read_file(const struct spool *s, uint8_t *scratch, size_t scratch_len)
{
	uint64_t left = s->file_len - s->file_done;
	ssize_t n;

	BUG_IF(scratch_len == 0);
	do
		n = pread(s->fd, scratch, left < scratch_len ? (size_t)left : scratch_len, (off_t)s->file_done);
	while (n < 0 && errno == EINTR);
	if (n == 0) {
		errno = EIO;            /* somebody has cut the file */
		return -1;
	}
	return n;
}

/* What was dropped of the file is gone: all of it, or its whole steps. A file system that cannot do that keeps them
 * until the queue is empty. */
static void spool_forget_file(struct spool *s)
{
	uint64_t n;

	if (s->file_len == 0)
		return;
	if (s->file_done == s->file_len) {
		spool_cut(s, 0);
		s->file_len = s->file_done = s->file_gone = 0;
		return;
	}
	n = (s->file_done - s->file_gone) / SPOOL_PUNCH * SPOOL_PUNCH;
	if (n == 0)
		return;
	(void)fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)s->file_gone, (off_t)n);
	s->file_gone += n;
}

/* ---- the queue */

void spool_memory(struct spool *s, size_t memory_limit)
{
	BUG_IF(memory_limit < s->memory_limit);
	s->memory_limit = memory_limit;
}

void spool_keep(struct spool *s, bool keep)
{
	BUG_IF(keep && (s->mem_len > 0 || s->file_len > 0));
	s->keep = keep;
	if (keep)
		return;
	spool_forget_memory(s);
	spool_forget_file(s);
}

int spool_add(struct spool *s, const void *data, size_t len)
{
	uint64_t have = s->keep ? s->mem_len + s->file_len : spool_len(s);

	if (len == 0)
		return 0;
	if (have > s->max || len > s->max - have) {
		errno = EFBIG;
		return -1;
	}
	if (s->file_len > 0 || len > s->memory_limit - s->mem_len)
		return spool_add_file(s, data, len);
	spool_add_memory(s, data, len);
	return 0;
}

ssize_t spool_front(struct spool *s, uint8_t *scratch, size_t scratch_len, const uint8_t **at_out)
{
	if (s->mem_done < s->mem_len)
		return (ssize_t)spool_piece(s, s->mem_done, at_out);
	*at_out = scratch;
	return s->file_done < s->file_len ? spool_read_file(s, scratch, scratch_len) : 0;
}

void spool_drop(struct spool *s, uint64_t n)
{
	uint64_t in_memory = s->mem_len - s->mem_done;

	BUG_IF(n > spool_len(s));
	if (in_memory > n)
		in_memory = n;
	s->mem_done += (size_t)in_memory;
	s->file_done += n - in_memory;
	if (s->keep)
		return;
	spool_forget_memory(s);
	spool_forget_file(s);
}

void spool_rewind(struct spool *s)
{
	BUG_IF(!s->keep);
	s->mem_done = 0;
	s->file_done = 0;
}

void spool_clear(struct spool *s)
{
	spool_free_memory(s);
	if (s->has_fd)
		fd_close(&s->fd);
	spool_init(s, s->dir, s->memory_limit, s->max);
}
