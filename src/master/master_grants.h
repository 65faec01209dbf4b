/* master_grants.h -- process.max: how many children each pool process may have, when all together may not have more
 * than so many. Pure but for master_grants_wanted and master_grants_share_out. */
#ifndef WEIR_MASTER_GRANTS_H
#define WEIR_MASTER_GRANTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MASTER_GRANTS_CALM_MS 10000     /* so long without want, and the next one is news again */

struct master_grant {
	uint32_t want;                  /* children that its pool asks for */
	uint32_t has;                   /* children that it may have */
	uint32_t seq;                   /* of the wish, to be told with the answer */
};

/* Give out what is left of most, one at a time, each to the one that has least and wants more: a pool without a child
 * comes first. Takes nothing away. True: somebody wants more than there is. */
bool master_grants_share(struct master_grant *const *all, size_t count, uint32_t most);

struct master;
struct master_proc;

/* A pool process asks for so many in all; it is told what it has. */
void master_grants_wanted(struct master_proc *proc, uint32_t seq, uint32_t count);
/* Something was given back, or the limit has changed. */
void master_grants_share_out(struct master *m);

#endif
