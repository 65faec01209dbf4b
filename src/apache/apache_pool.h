/* apache_pool.h -- the section of one pool, and what stands around the sections. */
#ifndef WEIR_APACHE_POOL_H
#define WEIR_APACHE_POOL_H

#include "src/apache/apache_mpm.h"

/* threads: for what runs PHP, or is not named. */
void apache_pool_put(struct buf *to, struct apache_conf *conf, const struct apache_pool *pool,
		     enum apache_threads threads);
/* The lines of a WSGI application: sapi, wsgi.*, and its numbers. */
void apache_wsgi_put(struct buf *to, struct apache_conf *conf, const struct apache_pool *pool);
/* The user and group of the pool, as User and Group, AssignUserID, or user= and group= say. */
void apache_owner_put(struct buf *to, struct apache_conf *conf, const struct apache_pool *pool);
/* What PHP's directives say. */
void apache_php_put(struct buf *to, struct apache_conf *conf, const struct apache_pool *pool);
bool apache_folder_exists(const char *path);

#endif
