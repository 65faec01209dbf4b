/* spool.h -- a first-in-first-out queue of bytes that lives in memory up to a limit, and past it in an unlinked
 * file: bodies of requests and replies of slow clients, in a process that must not grow with them. For one thread.
 * Reads and writes of the file block; an owner that writes past a limit of file sizes ignores SIGXFSZ. */
#ifndef WEIR_SPOOL_H
#define WEIR_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct spool {                          /* private; zeroed holds nothing, and may be cleared */
	const char *dir;
	size_t memory_limit;
	uint64_t max;
	bool keep;
	bool has_fd;
	int fd;                         /* while has_fd */
	/* The front: a ring. It begins with what was dropped and is kept. */
	uint8_t *mem;
	size_t mem_cap, mem_start;
	size_t mem_len, mem_done;       /* bytes in it; of these, dropped */
	/* What follows: bytes of the file from its beginning to file_len. */
	uint64_t file_len, file_done;
	uint64_t file_gone;             /* of file_done, given back to the file system */
};

/* Empty. dir (borrowed): the folder of the file, which is made when it is needed. At most memory_limit bytes are in
 * memory, at most max in the queue (with spool_keep: were added). Takes no memory. */
void spool_init(struct spool *s, const char *dir, size_t memory_limit, uint64_t max);
/* From now on so many bytes in memory, not fewer than before. */
void spool_memory(struct spool *s, size_t memory_limit);
/* true, on an empty queue: what is dropped stays, for spool_rewind. false, at any time: what was dropped is gone. */
void spool_keep(struct spool *s, bool keep);
/* All of it at the end, or nothing and -1 with errno: EFBIG past max, else of the file (ENOSPC, EMFILE, EACCES...).
 * What was there before stays as it was. Once there are bytes in the file, all others go there until the queue
 * is empty. */
int spool_add(struct spool *s, const void *data, size_t len);
uint64_t spool_len(const struct spool *s);
/* Some bytes at the front, 0 of an empty queue: *at_out points into memory, or to scratch, into which they were
 * read (so scratch_len is more than 0). Good until the next call that changes the queue. -1 with errno: the file
 * could not be read. */
ssize_t spool_front(struct spool *s, uint8_t *scratch, size_t scratch_len, const uint8_t **at_out);
/* Forget the first n bytes (n <= spool_len). An emptied queue holds no memory, and its file no space; of a long one
 * the file gives back what was dropped by the MiB, where the file system can. */
void spool_drop(struct spool *s, uint64_t n);
/* With spool_keep: all that was ever added is in the queue again. */
void spool_rewind(struct spool *s);
/* There are bytes in the file, in the queue or kept. */
bool spool_in_file(const struct spool *s);
/* Empty, and memory and descriptor are given back. Ready for spool_add, as spool_init left it (keep is off). */
void spool_clear(struct spool *s);

#endif
