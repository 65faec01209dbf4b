/* zygote_confine.h -- the zygote's step into the AppArmor profile that apparmor_hat names. */
#ifndef WEIR_ZYGOTE_CONFINE_H
#define WEIR_ZYGOTE_CONFINE_H

#include <stdbool.h>
#include "src/base/err.h"

/* Change from the profile CONFINEMENT to CONFINEMENT//hat, for this process and all that it forks. -1 with err. */
int zygote_confine(const char *hat, struct err *err);
/* Does this kernel confine anybody? For -t. */
bool zygote_confine_possible(void);

#endif
