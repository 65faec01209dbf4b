/* master_probe.h -- what is asked of PHP itself, in throw-away processes: -t, -v, -i, -m. */
#ifndef WEIR_MASTER_PROBE_H
#define WEIR_MASTER_PROBE_H

struct conf;
struct master;

/* -t, -tt: exit code 0 or 78. */
int master_test(struct master *m);
/* Before a start or reload: may each pool that is to run several threads in a process do so? -1: the log says which may
 * not, and why. */
int master_probe_threads(struct master *m, const struct conf *conf);
/* -v, -i, -m: the exit code. */
int master_print(struct master *m);

#endif
