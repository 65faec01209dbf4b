/* zygote.h -- one per pool and generation: loads the SAPI and the application once, forks children on order. */
#ifndef WEIR_ZYGOTE_H
#define WEIR_ZYGOTE_H

#include "src/base/spawn.h"

/* The zygote's whole life; takes info. */
_Noreturn void zygote_run(struct spawn_info *info);

#endif
