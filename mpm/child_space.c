/* child_space.c -- runs in a child: the memory of its slots' buffers. Whole pages of one mapping, so that pages are
 * touched by bytes that have come alone, and go back without a word to the allocator. It knows nothing of what is in
 * them. */
#include "mpm/child_space.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "src/base/log.h"
#include "src/base/mem.h"

#define PAGE         4096
#define OUT_BYTES    (SLOT_WRITE_BYTES + PAGE)  /* the records that end a reply stand behind a full buffer */
#define INDEX_BYTES  1024                       /* of 64 parameters; with those of most requests in one page */
#define PARAMS_BYTES (16 * 1024)
#define SPACE_BYTES  (SLOT_READ_BYTES + OUT_BYTES + PARAMS_BYTES)
#define FRAME_BYTES  1024                       /* of a stack, below the caller's frame: this file's own, and more */

static void lend(struct slot *s)
{
	uint8_t *at = s->in + SLOT_READ_BYTES;

	buf_lend(&s->out, at, OUT_BYTES);
	at += OUT_BYTES;
	buf_lend(&s->turn.params.index, at, INDEX_BYTES);
	buf_lend(&s->turn.params.arena, at + INDEX_BYTES, PARAMS_BYTES - INDEX_BYTES);
}

/* The allocator makes 8 arenas a processor, and so nearly one a thread, each with free memory that the others miss. No
 * more threads than processors run at once, and most calls end in a thread's own cache. Who has set it by himself has
 * his reasons. */
static void bound_arenas(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (!getenv("MALLOC_ARENA_MAX") && !getenv("GLIBC_TUNABLES"))
		mallopt(M_ARENA_MAX, cpus > 3 ? (int)(cpus / 2) : 1);
}

void child_space_init(struct child *c)
{
	size_t size = (size_t)c->slot_count * SPACE_BYTES;
	uint8_t *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		mem_out(size);
	madvise(at, size, MADV_NOHUGEPAGE);     /* a huge one would be touched whole */
	for (unsigned i = 0; i < c->slot_count; i++) {
		c->slots[i].in = at + (size_t)i * SPACE_BYTES;
		lend(&c->slots[i]);
	}
	if (c->slot_count > 1)
		bound_arenas();
}

void child_space_rest(struct slot *s)
{
	BUG_IF(s->fd != -1 || s->out.len > 0);
	buf_free(&s->out);
	fcgi_params_free(&s->turn.params);
	madvise(s->in, SPACE_BYTES, MADV_DONTNEED);
	lend(s);
}

void child_space_rest_stack(uint8_t *lowest)
{
	uintptr_t used = (uintptr_t)__builtin_frame_address(0) - FRAME_BYTES;
	uintptr_t end = used / PAGE * PAGE;

	if (lowest && end > (uintptr_t)lowest)
		madvise(lowest, end - (uintptr_t)lowest, MADV_DONTNEED);
}

void child_space_rest_heap(void)
{
	malloc_trim(0);
}
