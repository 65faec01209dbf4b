/* master_probe.h -- what is asked of PHP itself, in throw-away processes: -t, -v, -i, -m. */
#ifndef WEIR_MASTER_PROBE_H
#define WEIR_MASTER_PROBE_H

struct master;

/* -t, -tt: exit code 0 or 78. */
int master_test(struct master *m);
/* -v, -i, -m: the exit code. */
int master_print(struct master *m);

#endif
