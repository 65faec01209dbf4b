/* child_space.c -- runs in a child: the memory of its slots' buffers. Whole pages of one mapping, so that pages are
 * touched by bytes that have come alone, and go back without a word to the allocator. It knows nothing of what is in
 * them. The slot that became free last, or went to sleep last, is the next one to serve: what is idle for long belongs
 * to a burst that is over. */
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

#define REST_MS   200           /* a slot that is idle for so long gives back the memory of its requests */
#define BURST_MIN 4             /* slots that rested since the last look at the heap: worth one */

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

/* Of the process' own stack, the first slot's, the end is not known: it grows. */
void child_space_of_thread(struct slot *s)
{
	pthread_attr_t attr;
	void *lowest;
	size_t size;

	if (s == s->child->slots || pthread_getattr_np(pthread_self(), &attr) != 0)
		return;
	if (pthread_attr_getstack(&attr, &lowest, &size) == 0)
		s->stack = lowest;
	pthread_attr_destroy(&attr);
}

/* One slot alone has little beside what its application holds: not worth the calls. */
bool child_space_use(struct slot *s)
{
	if (s->warm || s->child->slot_count == 1)
		return false;
	s->warm = true;
	atomic_fetch_add(&s->child->warm_count, 1);
	return true;
}

int child_space_patience_ms(const struct slot *s)
{
	return s->warm ? REST_MS : -1;
}

static void rest_buffers(struct slot *s)
{
	BUG_IF(s->paired ? s->in_pos != s->in_len : s->fd != -1);
	BUG_IF(s->out.len > 0);
	buf_free(&s->out);
	fcgi_params_free(&s->turn.params);
	madvise(s->in, SPACE_BYTES, MADV_DONTNEED);
	lend(s);
}

/* Below what is in use. */
static void rest_stack(uint8_t *lowest)
{
	uintptr_t used = (uintptr_t)__builtin_frame_address(0) - FRAME_BYTES;
	uintptr_t end = used / PAGE * PAGE;

	if (lowest && end > (uintptr_t)lowest)
		madvise(lowest, end - (uintptr_t)lowest, MADV_DONTNEED);
}

/* Dear: once a burst. */
static void rest_heap(struct child *c)
{
	unsigned rested = atomic_fetch_add(&c->rested_count, 1) + 1;

	if (atomic_fetch_sub(&c->warm_count, 1) > 1 || rested < BURST_MIN)
		return;
	atomic_store(&c->rested_count, 0);
	malloc_trim(0);
}

void child_space_rest(struct slot *s)
{
	const struct child_start *start = s->child->start;

	s->warm = false;
	if (start->sapi->thread_rest)
		start->sapi->thread_rest(start->ctx);
	rest_buffers(s);
	rest_stack(s->stack);
	rest_heap(s->child);
}
