/* board.c -- the scoreboard: a sealed memfd of slots. Written by the children's slot threads, read by
 * the pool process; the zygote only maps it for its children. A writer never waits and never makes a
 * system call; a reader tries three times and then keeps what it had. It trusts nothing that lies in the
 * memory: not a length, not an end of a string, not a state. It knows no policy: who is idle too long is
 * not its business. */
#include "mpm/board_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "src/base/fd.h"
#include "src/base/mem.h"

#define BOARD_SEALS   (F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL)
#define BOARD_TRIES   3
#define STATE_SHIFT   56
#define SINCE_MASK    ((UINT64_C(1) << STATE_SHIFT) - 1)

struct board {
	struct board_slot *at;
	uint32_t slots;
	bool writable;
};

static uint64_t get(const board_word *w)
{
	return atomic_load_explicit(w, memory_order_relaxed);
}

static void set(board_word *w, uint64_t value)
{
	atomic_store_explicit(w, value, memory_order_relaxed);
}

const char *board_state_name(enum board_state state)
{
	static const char *const names[] = {
		[BOARD_EMPTY] = "empty",         [BOARD_STARTING] = "starting",
		[BOARD_IDLE] = "idle",           [BOARD_READING] = "reading",
		[BOARD_RUNNING] = "running",     [BOARD_FINISHING] = "finishing",
		[BOARD_LEAVING] = "leaving",
	};

	return (unsigned)state < ARRAY_LEN(names) ? names[state] : "empty";
}

static struct board *map(int fd, uint32_t slots, bool writable)
{
	int prot = PROT_READ | (writable ? PROT_WRITE : 0);
	void *at = mmap(NULL, slots * sizeof(struct board_slot), prot, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return NULL;
	struct board *b = xcalloc(1, sizeof(*b));
	b->at = at;
	b->slots = slots;
	b->writable = writable;
	return b;
}

static bool slots_valid(uint32_t slots)
{
	return slots > 0 && slots <= BOARD_MAX_SLOTS;
}

struct board *board_create(uint32_t slots, int *fd_out)
{
	*fd_out = -1;
	if (!slots_valid(slots)) {
		errno = EINVAL;
		return NULL;
	}
	int fd = memfd_create("weir-board", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return NULL;
	struct board *b = NULL;
	off_t size = (off_t)(slots * sizeof(struct board_slot));
	if (ftruncate(fd, size) == 0 && fcntl(fd, F_ADD_SEALS, BOARD_SEALS) == 0)
		b = map(fd, slots, true);
	if (!b) {
		fd_close(&fd);
		return NULL;
	}
	*fd_out = fd;
	return b;
}

struct board *board_map(int fd, uint32_t slots, bool writable)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return NULL;
	if (!slots_valid(slots) || (uint64_t)st.st_size != slots * sizeof(struct board_slot)) {
		errno = EINVAL;
		return NULL;
	}
	int seals = fcntl(fd, F_GET_SEALS);     /* EINVAL where fd is no memfd */
	if (seals < 0)
		return NULL;
	if ((seals & BOARD_SEALS) != BOARD_SEALS) {
		errno = EPERM;
		return NULL;
	}
	return map(fd, slots, writable);
}

void board_unmap(struct board **board)
{
	struct board *b = *board;

	if (!b)
		return;
	munmap(b->at, b->slots * sizeof(struct board_slot));
	free(b);
	*board = NULL;
}

uint32_t board_slots(const struct board *board)
{
	return board->slots;
}

/* -- writing -- */

struct board_slot *board_slot(struct board *board, uint32_t i)
{
	BUG_IF(i >= board->slots || !board->writable);
	return &board->at[i];
}

/* Odd while texts change. A writer that was killed left it odd: the next one goes on from there. */
static uint64_t texts_open(struct board_slot *slot)
{
	uint64_t seq = get(&slot->seq) | 1;

	set(&slot->seq, seq);
	atomic_thread_fence(memory_order_release);
	return seq;
}

static void texts_close(struct board_slot *slot, uint64_t seq)
{
	atomic_store_explicit(&slot->seq, seq + 1, memory_order_release);
}

/* Copy up to the NUL, at most size - 1 bytes; what lies behind it in the words stays. */
static void put_text(board_word *to, size_t size, const char *text)
{
	size_t len = text ? strnlen(text, size - 1) : 0;
	size_t at = 0;
	uint64_t word;

	for (; at + 8 <= len; at += 8) {
		memcpy(&word, text + at, 8);
		set(&to[at / 8], word);
	}
	word = 0;
	if (len > at)
		memcpy(&word, text + at, len - at);
	set(&to[at / 8], word);
}

void board_slot_reset(struct board_slot *slot, enum board_state state, uint64_t now_ms)
{
	board_slot_request(slot, &(struct board_request){ 0 });
	board_slot_used(slot, &(struct board_used){ 0 });
	set(&slot->owns_connection, 0);
	set(&slot->accepted, 0);
	set(&slot->begun, 0);
	set(&slot->served, 0);
	set(&slot->slow, 0);
	set(&slot->leaves, 0);
	for (size_t i = 0; i < REASON_COUNT; i++)
		set(&slot->reasons[i], 0);
	board_slot_state(slot, state, now_ms);
}

void board_slot_state(struct board_slot *slot, enum board_state state, uint64_t now_ms)
{
	set(&slot->state_since, (uint64_t)state << STATE_SHIFT | (now_ms & SINCE_MASK));
}

void board_slot_owns(struct board_slot *slot, bool owns_connection)
{
	set(&slot->owns_connection, owns_connection);
}

/* One writer: a load and a store are enough, and cost no locked instruction. */
static void count(board_word *w)
{
	set(w, get(w) + 1);
}

void board_slot_accepted(struct board_slot *slot)
{
	count(&slot->accepted);
}

void board_slot_begun(struct board_slot *slot)
{
	count(&slot->begun);
}

void board_slot_served(struct board_slot *slot)
{
	count(&slot->served);
}

void board_slot_slow(struct board_slot *slot)
{
	count(&slot->slow);
}

void board_slot_untimed(struct board_slot *slot)
{
	set(&slot->untimed, 1);
}

void board_slot_reason(struct board_slot *slot, enum reason reason)
{
	BUG_IF((unsigned)reason >= REASON_COUNT);
	count(&slot->reasons[reason]);
}

void board_slot_leaves(struct board_slot *slot)
{
	atomic_store(&slot->leaves, 1);
}

void board_slot_request(struct board_slot *slot, const struct board_request *req)
{
	uint64_t seq = texts_open(slot);

	set(&slot->untimed, 0);
	set(&slot->texts.start_ms, req->start_ms);
	put_text(slot->texts.id, BOARD_ID_SIZE, req->id);
	put_text(slot->texts.method, BOARD_METHOD_SIZE, req->method);
	put_text(slot->texts.uri, BOARD_URI_SIZE, req->uri);
	put_text(slot->texts.script, BOARD_SCRIPT_SIZE, req->script);
	put_text(slot->texts.user, BOARD_USER_SIZE, req->user);
	set(&slot->texts.content_length, req->content_length);
	texts_close(slot, seq);
}

void board_slot_script(struct board_slot *slot, const char *script)
{
	uint64_t seq = texts_open(slot);

	put_text(slot->texts.script, BOARD_SCRIPT_SIZE, script);
	texts_close(slot, seq);
}

void board_slot_user(struct board_slot *slot, const char *user)
{
	uint64_t seq = texts_open(slot);

	put_text(slot->texts.user, BOARD_USER_SIZE, user);
	texts_close(slot, seq);
}

void board_slot_used(struct board_slot *slot, const struct board_used *used)
{
	uint64_t seq = texts_open(slot);

	set(&slot->texts.duration_us, used->duration_us);
	set(&slot->texts.cpu_us, used->cpu_us);
	set(&slot->texts.peak_memory, used->peak_memory);
	texts_close(slot, seq);
}

/* -- reading -- */

void board_peek(const struct board *board, uint32_t i, struct board_brief *out)
{
	BUG_IF(i >= board->slots);
	const struct board_slot *slot = &board->at[i];
	uint64_t word = get(&slot->state_since);
	uint64_t state = word >> STATE_SHIFT;

	out->state = state < BOARD_STATE_COUNT ? (enum board_state)state : BOARD_EMPTY;
	out->since_ms = word & SINCE_MASK;
	out->owns_connection = get(&slot->owns_connection) != 0;
	out->request_start_ms = get(&slot->texts.start_ms);
	out->accepted = get(&slot->accepted);
	out->begun = get(&slot->begun);
	out->served = get(&slot->served);
	out->slow = get(&slot->slow);
	out->untimed = get(&slot->untimed) != 0;
}

bool board_leaves(const struct board *board, uint32_t i)
{
	BUG_IF(i >= board->slots);
	return atomic_load(&board->at[i].leaves) != 0;
}

/* One try's copy, in our own memory: what lies there can change no more under our eyes. */
struct copy {
	uint64_t start_ms;
	char id[BOARD_ID_SIZE];
	char method[BOARD_METHOD_SIZE];
	char uri[BOARD_URI_SIZE];
	char script[BOARD_SCRIPT_SIZE];
	char user[BOARD_USER_SIZE];
	uint64_t content_length;
	struct board_used used;
};

/* Up to the word that holds the NUL; always terminated. */
static void get_text(char *out, const board_word *from, size_t size)
{
	for (size_t at = 0; at < size; at += 8) {
		uint64_t word = get(&from[at / 8]);
		memcpy(out + at, &word, 8);
		if (memchr(out + at, '\0', 8))
			return;
	}
	out[size - 1] = '\0';
}

static bool copy_try(const struct board_slot *slot, struct copy *out)
{
	uint64_t seq = atomic_load_explicit(&slot->seq, memory_order_acquire);

	if (seq & 1)
		return false;
	out->start_ms = get(&slot->texts.start_ms);
	get_text(out->id, slot->texts.id, BOARD_ID_SIZE);
	get_text(out->method, slot->texts.method, BOARD_METHOD_SIZE);
	get_text(out->uri, slot->texts.uri, BOARD_URI_SIZE);
	get_text(out->script, slot->texts.script, BOARD_SCRIPT_SIZE);
	get_text(out->user, slot->texts.user, BOARD_USER_SIZE);
	out->content_length = get(&slot->texts.content_length);
	out->used = (struct board_used){ get(&slot->texts.duration_us), get(&slot->texts.cpu_us),
					 get(&slot->texts.peak_memory) };
	atomic_thread_fence(memory_order_acquire);
	return get(&slot->seq) == seq;
}

static bool copy_request(const struct board_slot *slot, struct copy *out)
{
	for (int i = 0; i < BOARD_TRIES; i++) {
		if (copy_try(slot, out))
			return true;
	}
	return false;
}

void board_read(const struct board *board, uint32_t i, struct board_view *out)
{
	BUG_IF(i >= board->slots);
	const struct board_slot *slot = &board->at[i];
	uint64_t old_start_ms = out->brief.request_start_ms;
	struct copy copy;

	board_peek(board, i, &out->brief);
	for (size_t r = 0; r < REASON_COUNT; r++)
		out->reasons[r] = get(&slot->reasons[r]);
	out->request_old = !copy_request(slot, &copy);
	if (out->request_old) {
		out->brief.request_start_ms = old_start_ms;
		return;
	}
	out->brief.request_start_ms = copy.start_ms;
	memcpy(out->id, copy.id, strlen(copy.id) + 1);
	memcpy(out->method, copy.method, strlen(copy.method) + 1);
	memcpy(out->uri, copy.uri, strlen(copy.uri) + 1);
	memcpy(out->script, copy.script, strlen(copy.script) + 1);
	memcpy(out->user, copy.user, strlen(copy.user) + 1);
	out->content_length = copy.content_length;
	out->used = copy.used;
}
