/* reply_head.h -- what a reply's head says to who carries it, seen as it goes by in pieces of any size. */
#ifndef WEIR_REPLY_HEAD_H
#define WEIR_REPLY_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reply_head {                     /* zeroed: nothing has been seen */
	char line[30];                  /* the begin of the line at hand */
	uint8_t len;                    /* of it; more than fits: sizeof(line) */
	bool over;                      /* the body has begun */
	bool unbuffered;                /* X-Accel-Buffering: no */
};

void reply_head_see(struct reply_head *h, const void *data, size_t len);

#endif
