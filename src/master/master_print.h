/* master_print.h -- what the command prints of itself: -v, -i, -m, -V. */
#ifndef WEIR_MASTER_PRINT_H
#define WEIR_MASTER_PRINT_H

#include <stdbool.h>

struct master;

/* -v, -i, -m: the exit code. */
int master_print(struct master *m);
/* -V: the build, models, SAPIs, and the choice of each pool. The exit code. */
int master_facts(struct master *m);
/* For what runs without a master: may several threads run PHP as it is installed? Yes where there is none. */
bool master_php_has_threads(void);

#endif
