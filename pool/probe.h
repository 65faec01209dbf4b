/* probe.h -- a throw-away process that loads a SAPI to see whether it can run, or to print what it says of itself. */
#ifndef WEIR_PROBE_H
#define WEIR_PROBE_H

#include "src/base/spawn.h"

/* Exit 0: it can (and has printed what was asked on stdout); else 70, with the reason on stderr. Takes info. */
_Noreturn void probe_run(struct spawn_info *info);

#endif
