/* master_bucket.h -- how often a pool process may order a zygote. Pure: the caller gives the time. */
#ifndef WEIR_MASTER_BUCKET_H
#define WEIR_MASTER_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#define MASTER_BUCKET_MOST        10    /* so many at once */
#define MASTER_BUCKET_PER_SECOND  2     /* and so many a second for ever */

struct master_bucket {
	uint64_t at_ms;                 /* when it was last looked into */
	uint64_t milli;                 /* thousandths of an order that may be taken */
};

void master_bucket_fill(struct master_bucket *b, uint64_t now_ms);
/* May one more order be carried out now? */
bool master_bucket_take(struct master_bucket *b, uint64_t now_ms);

#endif
