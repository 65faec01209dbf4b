/* board_priv.h -- how a slot lies in memory. For board.c and its test only. */
#ifndef WEIR_BOARD_PRIV_H
#define WEIR_BOARD_PRIV_H

#include <stdatomic.h>
#include <stddef.h>
#include "mpm/board.h"

#define BOARD_LINE 64                   /* bytes of a cache line: slots share none */

typedef _Atomic uint64_t board_word;

/* Written together under the sequence lock. Texts are words, so that no byte of them is a plain shared
 * access. */
struct board_texts {
	board_word start_ms;
	board_word id[BOARD_ID_SIZE / 8];
	board_word method[BOARD_METHOD_SIZE / 8];
	board_word uri[BOARD_URI_SIZE / 8];
	board_word script[BOARD_SCRIPT_SIZE / 8];
	board_word user[BOARD_USER_SIZE / 8];
	board_word content_length;
	board_word duration_us, cpu_us, peak_memory;    /* of the last request that is over */
};

struct board_slot {
	_Alignas(BOARD_LINE)
	board_word state_since;         /* state in the top byte, milliseconds below: they change as one */
	board_word owns_connection;
	board_word accepted;
	board_word begun;
	board_word served;
	board_word slow;
	board_word untimed;
	board_word seq;                 /* odd: texts are being written */
	struct board_texts texts;
	board_word reasons[REASON_COUNT];
	board_word leaves;
};
_Static_assert(sizeof(struct board_slot) % BOARD_LINE == 0, "slots share no cache line");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && sizeof(board_word) == 8, "shared words need no lock");
_Static_assert(BOARD_STATE_COUNT <= 256, "a state is one byte");

#endif
