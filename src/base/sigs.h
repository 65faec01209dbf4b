/* sigs.h -- signal dispositions that all processes but the master share. */
#ifndef WEIR_SIGS_H
#define WEIR_SIGS_H

/* TERM, INT, QUIT, USR1, USR2 and HUP get a handler that does nothing (they are for the master; a service manager
 * may send them to everybody), PIPE is ignored. Set before foreign code runs, so that it finds them there. */
void sigs_harmless(void);

#endif
