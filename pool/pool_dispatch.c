/* pool_dispatch.c -- runs in a pool process under mpm = event: gives requests to slots. */
#include "pool/pool_priv.h"

#include "src/base/fd.h"

void pool_dispatch_slot(struct pool_child *c, uint32_t slot, int *fd)
{
	(void)c;
	(void)slot;
	fd_close(fd);
}
