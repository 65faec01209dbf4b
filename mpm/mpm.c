/* mpm.c -- the models that there are. */
#include "mpm/mpm.h"

const struct mpm *mpm_of(enum conf_mpm which)
{
	switch (which) {
	case CONF_MPM_WORKER:
		return &mpm_worker;
	case CONF_MPM_EVENT:
		return &mpm_event;
	case CONF_MPM_PREFORK:
		break;
	}
	return &mpm_prefork;
}
