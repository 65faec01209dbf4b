/* exits.h -- with what a process of Weir ends: php-fpm's exit codes, which are those of sysexits. */
#ifndef WEIR_EXITS_H
#define WEIR_EXITS_H

enum exits {
	EXIT_OK = 0,
	EXIT_USAGE = 64,                /* the command line is wrong */
	EXIT_SOFTWARE = 70,             /* the start failed, or a fault of our own */
	EXIT_CONFIG = 78,               /* the configuration is wrong, or no pool can load; nothing is left */
};

#endif
