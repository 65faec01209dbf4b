/* master_probe.h -- what is asked of PHP itself, in throw-away processes, and -t. */
#ifndef WEIR_MASTER_PROBE_H
#define WEIR_MASTER_PROBE_H

struct buf;
struct conf;
struct master;
struct spawn_info;

/* -t, -tt: exit code 0 or 78. */
int master_test(struct master *m);
/* Before a start or reload: may each pool that is to run several threads in a process do so? -1: the log says which may
 * not, and why. One that does not load is not asked: its zygote will say so, and it costs that pool alone. */
int master_probe_threads(struct master *m, const struct conf *conf);
enum { MASTER_PROBE_REFUSED = -2 };
/* Run one probe to its end; what it said in words, but for what it prints for the user. 0: it found nothing wrong.
 * MASTER_PROBE_REFUSED: the application runs, but not as the pool wants it to. -1: it does not. */
int master_probe_run(struct master *m, struct spawn_info *info, struct buf *words);

#endif
