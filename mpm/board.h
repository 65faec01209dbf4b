/* board.h -- the scoreboard: what each slot of a generation does, in shared memory that nobody can lock
 * or resize. Children write, one thread a slot; the pool process reads and believes nothing: there is no
 * lock, pointer, index or pid in it, unknown states read as BOARD_EMPTY, and every string ends inside
 * its array. Numbers are the child's word: they may be anything, and are good for showing and for the
 * plan of that child's own pool only. */
#ifndef WEIR_BOARD_H
#define WEIR_BOARD_H

#include <stdbool.h>
#include <stdint.h>
#include "src/base/reason.h"

#define BOARD_MAX_SLOTS   300000        /* conf_pool_places() children's, of a pool of CONF_SLOTS_MAX */
#define BOARD_ID_SIZE     64            /* bytes with the NUL; longer texts are cut */
#define BOARD_METHOD_SIZE 16
#define BOARD_USER_SIZE   64
#define BOARD_URI_SIZE    512           /* with the query */
#define BOARD_SCRIPT_SIZE 256

enum board_state {
	BOARD_EMPTY,                    /* nobody has this slot */
	BOARD_STARTING,
	BOARD_IDLE,
	BOARD_READING,                  /* head or body of a request */
	BOARD_RUNNING,                  /* the application */
	BOARD_FINISHING,                /* the client has its answer, the application works on */
	BOARD_LEAVING,                  /* will serve no more */
	BOARD_STATE_COUNT
};

/* "idle" ...; "empty" for what is none. */
const char *board_state_name(enum board_state state);

struct board;                           /* a mapping */
struct board_slot;                      /* one slot in it */

/* A new scoreboard of 1 to BOARD_MAX_SLOTS empty slots in a memfd that can no longer change its size,
 * mapped for writing. The caller owns the result and *fd_out (close-on-exec). NULL with errno. */
struct board *board_create(uint32_t slots, int *fd_out);
/* Map the scoreboard of somebody else. fd is borrowed. NULL with errno: EINVAL when it has not exactly
 * the size of so many slots, EPERM when it is not sealed (its owner could cut it under our feet:
 * SIGBUS). */
struct board *board_map(int fd, uint32_t slots, bool writable);
void board_unmap(struct board **board);
uint32_t board_slots(const struct board *board);

/* -- Writing: the slot's own thread only, or where it is said the child's watcher. No system call, no wait, bounded
 * time. -- */

/* i < board_slots(); the board must be mapped for writing. Borrowed until board_unmap(). */
struct board_slot *board_slot(struct board *board, uint32_t i);
/* A new life: all counters and texts empty, state since now_ms. For the child that takes the slot
 * (BOARD_STARTING), or the pool process once the slot's child is dead (BOARD_EMPTY), after it has added
 * up what it left. Heals what a writer left behind that was killed in the middle of a write. */
void board_slot_reset(struct board_slot *slot, enum board_state state, uint64_t now_ms);
void board_slot_state(struct board_slot *slot, enum board_state state, uint64_t now_ms);
void board_slot_owns(struct board_slot *slot, bool owns_connection);
void board_slot_accepted(struct board_slot *slot);
void board_slot_begun(struct board_slot *slot);
void board_slot_served(struct board_slot *slot);
void board_slot_slow(struct board_slot *slot);  /* watcher: this request is past request_slowlog_timeout */
/* From now on no limit in time holds for the request in hand. board_slot_request() ends it. */
void board_slot_untimed(struct board_slot *slot);
void board_slot_reason(struct board_slot *slot, enum reason reason);
/* The child whose first slot this is leaves. Any thread of it, or the pool process. board_slot_reset() ends it. */
void board_slot_leaves(struct board_slot *slot);

/* NULL reads as "". Nothing is kept of the pointers. */
struct board_request {
	uint64_t start_ms;
	const char *id;
	const char *method;
	const char *uri;
	const char *script;             /* board_slot_script() may tell a better one later */
	const char *user;               /* likewise board_slot_user() */
	uint64_t content_length;
};
void board_slot_request(struct board_slot *slot, const struct board_request *req);
void board_slot_script(struct board_slot *slot, const char *script);
void board_slot_user(struct board_slot *slot, const char *user);
/* What a request that is over has used. */
struct board_used {
	uint64_t duration_us;
	uint64_t cpu_us;                /* of the process and what it waited for */
	uint64_t peak_memory;           /* bytes */
};
void board_slot_used(struct board_slot *slot, const struct board_used *used);

/* -- Reading: any process, at any time. -- */

/* What a plan needs of each slot, cheaply. */
struct board_brief {
	enum board_state state;
	bool owns_connection;
	bool untimed;                   /* no limit in time holds for the request in hand */
	uint64_t since_ms;              /* of this state; monotonic, below 2^56 */
	uint64_t request_start_ms;
	uint64_t accepted;              /* connections, since birth */
	uint64_t begun;                 /* requests, since birth */
	uint64_t served;                /* of them, those that are over */
	uint64_t slow;                  /* of them, those that ran for request_slowlog_timeout */
};
void board_peek(const struct board *board, uint32_t i, struct board_brief *out);

/* Does the child whose first slot this is leave? */
bool board_leaves(const struct board *board, uint32_t i);

/* Everything. Zero it before the first read, then give the same one for the same slot again: when three
 * tries meet a writer at work (or a dead one), the request stays the last good copy, and request_old
 * says so. */
struct board_view {
	struct board_brief brief;       /* request_start_ms fits the texts below */
	uint64_t reasons[REASON_COUNT]; /* how often, since birth */
	bool request_old;
	char id[BOARD_ID_SIZE];
	char method[BOARD_METHOD_SIZE];
	char uri[BOARD_URI_SIZE];
	char script[BOARD_SCRIPT_SIZE];
	char user[BOARD_USER_SIZE];
	uint64_t content_length;
	struct board_used used;         /* of the last request that is over */
};
void board_read(const struct board *board, uint32_t i, struct board_view *out);

/* now - then, and 0 for a child that claims to come from the future. */
static inline uint64_t board_age_ms(uint64_t now_ms, uint64_t then_ms)
{
	return now_ms > then_ms ? now_ms - then_ms : 0;
}

#endif
