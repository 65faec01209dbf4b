/* apache_mpm.h -- the numbers of a pool: those of Apache's multi-processing module, in Weir's words. */
#ifndef WEIR_APACHE_MPM_H
#define WEIR_APACHE_MPM_H

#include "src/apache/apache_pools.h"

enum apache_threads {
	APACHE_THREADS_GOOD,            /* the application is safe for threads */
	APACHE_THREADS_BAD,             /* it is not */
	APACHE_THREADS_OPEN,            /* no application is named, and what would run by default is not */
};

/* The pool's lines from mpm to pm.max_requests; host: its virtual host, or NULL. Values are such that Weir takes
 * them, and a comment tells each that differs from Apache's. */
void apache_mpm_put(struct buf *to, struct apache_conf *conf, enum apache_threads threads,
		    const struct apache_section *host);
/* How many children those lines allow. */
long apache_mpm_children(struct apache_conf *conf, enum apache_threads threads, const struct apache_section *host);
/* A directive's first argument as a number from least on; what is none is an error, and the answer least. */
long apache_number(struct apache_conf *conf, const struct apache_directive *d, const char *text, long least);

#endif
