/* title.h -- what ps shows for this process. */
#ifndef WEIR_TITLE_H
#define WEIR_TITLE_H

/* First thing in main: the memory of arguments and environment is about to be written over, so both are
 * copied away (argv's entries and environ are valid afterwards as before). The short name becomes "weir". */
void title_init(int argc, char **argv);
/* The short name, by which start-stop-daemon, killall and the like find a process; the kernel keeps 15 bytes. */
void title_short(const char *name);
/* /proc/PID/cmdline becomes this text, as if it were the only argument (the kernel puts one NUL behind it, as
 * behind every argument). Works in forked processes too. A text that does not fit where arguments and
 * environment stood is cut. Without title_init: does nothing. */
void title_set(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
