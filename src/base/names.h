/* names.h -- users and groups of the system by name, for the master while it loads. */
#ifndef WEIR_NAMES_H
#define WEIR_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct names_user {
	uid_t uid;
	gid_t gid;
	char *name, *home;
};

/* From now on each question is asked in a process of its own, which ends with the answer: what the system loads for it
 * (modules for LDAP, for systemd, with their libraries) does not stay in this one. */
void names_ask_apart(void);

/* By name, or by number if name is NULL. False: there is none. The caller gives *out to names_user_free. */
bool names_user(const char *name, uid_t uid, struct names_user *out);
void names_user_free(struct names_user *user);
/* (gid_t)-1: there is none. */
gid_t names_group(const char *name);
/* All groups of that user, gid first. The caller frees *groups_out, which may be empty. */
size_t names_groups(const char *user, gid_t gid, gid_t **groups_out);

#endif
