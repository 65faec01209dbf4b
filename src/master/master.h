/* master.h -- the master process, for main alone. */
#ifndef WEIR_MASTER_H
#define WEIR_MASTER_H

/* Everything the command does when no master started it; the exit code. */
int master_main(int argc, char **argv);

#endif
