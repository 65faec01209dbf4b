/* mpm.h -- a multi-processing model: how the slots of one child get their requests. An mpm neither forks nor
 * counts: birth, policy and death belong to the pool process. All models share the code that serves a connection
 * (child_serve.h). */
#ifndef WEIR_MPM_H
#define WEIR_MPM_H

#include "src/conf/conf.h"

struct child;

struct mpm {
	const char *name;               /* as in the configuration file */
	/* Child, main thread: serve with all slots until child_leaving() says so; returns with no connection in hand
	 * and no other slot's thread alive. Required. */
	void (*run)(struct child *child);
};

extern const struct mpm mpm_prefork;
extern const struct mpm mpm_worker;
extern const struct mpm mpm_event;

const struct mpm *mpm_of(enum conf_mpm which);

#endif
