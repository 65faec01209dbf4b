/* child_access.h -- what a request has used, and its line in the access log. Runs in a child. Without access.log and
 * status pages nothing of it costs a system call. */
#ifndef WEIR_CHILD_ACCESS_H
#define WEIR_CHILD_ACCESS_H

#include <stddef.h>
#include "mpm/child.h"
#include "src/base/reason.h"

struct slot;
struct child_access;

/* NULL: nobody wants to know. */
struct child_access *child_access_new(const struct conf_pool *conf);
void child_access_free(struct child_access **access);

/* The slot's thread; each does nothing where slot->access is NULL. */
void child_access_head(struct slot *s);         /* it begins to read a head */
void child_access_begin(struct slot *s);        /* it has a request */
void child_access_reply(struct slot *s, const void *data, size_t len);  /* bytes of the reply */
void child_access_uri(struct slot *s, const char *uri);
void child_access_script(struct slot *s, const char *path);
void child_access_user(struct slot *s, const char *name);
/* The request is over. answered: the client got Weir's answer for this reason in place of the application's. */
void child_access_end(struct slot *s, enum reason reason, bool answered);
/* A request whose head was never whole was answered so. */
void child_access_refused(struct slot *s, enum reason reason);

#endif
