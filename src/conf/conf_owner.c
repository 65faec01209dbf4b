/* conf_owner.c -- turns names of users and groups into numbers, once, in the master while it loads; no other
 * process has to ask for them. As root a pool needs a user that is not root; without root such keys are
 * ignored, and said so. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "src/base/mem.h"
#include "src/base/names.h"
#include "src/conf/conf_priv.h"

#define USER_DEFAULT "weir"
#define USER_ELSE "nobody"

static bool is_number(const char *text)
{
	return *text && strlen(text) < 10 && strspn(text, "0123456789") == strlen(text);
}

/* The entry of a user by name or number; false: there is none, its uid is the number or -1. The caller frees *out. */
static bool find_user(const char *name, struct names_user *out)
{
	bool number = is_number(name);
	uid_t uid = number ? (uid_t)strtoul(name, NULL, 10) : (uid_t)-1;
	bool found = names_user(number ? NULL : name, uid, out);

	if (!found)
		out->uid = uid;
	return found;
}

uid_t conf_find_uid(const char *name)
{
	struct names_user user;
	uid_t uid;

	find_user(name, &user);
	uid = user.uid;
	names_user_free(&user);
	return uid;
}

gid_t conf_find_gid(const char *name)
{
	return is_number(name) ? (gid_t)strtoul(name, NULL, 10) : names_group(name);
}

static void set_groups(struct conf_pool *p)
{
	if (!p->user_name) {
		p->owner.groups = xcalloc(1, sizeof(gid_t));
		p->owner.groups[0] = p->owner.gid;
		p->owner.group_count = 1;
		return;
	}
	p->owner.group_count = names_groups(p->user_name, p->owner.gid, &p->owner.groups);
}

/* user: its name and home, if it has an entry. */
static void set_identity(struct conf_pool *p, uid_t uid, gid_t gid, const struct names_user *user)
{
	p->owner.uid = uid;
	p->owner.gid = gid;
	if (user->name) {
		p->user_name = xstrdup(user->name);
		p->home = xstrdup(user->home);
	}
	set_groups(p);
}

static void ignore(struct conf_loading *l, struct conf_draft *d, const char *key)
{
	if (conf_is_given(d, key) && !conf_is_bad(d, key))
		conf_note_pool(l, d, CONF_NOTICE,
			       "'%s' directive is ignored when FPM is not running as root", key);
}

static void stay_as_we_are(struct conf_loading *l, struct conf_draft *d)
{
	struct conf_pool *p = d->pool;
	struct names_user self;

	if (p->user)
		ignore(l, d, "user");
	if (p->group)
		ignore(l, d, "group");
	if (p->chroot)
		ignore(l, d, "chroot");
	if (p->process_priority != CONF_PRIORITY_UNSET)
		ignore(l, d, "process.priority");
	free(p->chroot);
	p->chroot = NULL;
	p->process_priority = CONF_PRIORITY_UNSET;
	names_user(NULL, geteuid(), &self);
	set_identity(p, geteuid(), getegid(), &self);
	names_user_free(&self);
}

/* The warning that pool_process_user is for: a child could trace and stop its own pool process. */
static void check_apart(struct conf_loading *l, struct conf_draft *d)
{
	struct names_user apart;
	bool same = find_user(l->conf->global.pool_process_user, &apart) && apart.uid == d->pool->owner.uid;

	names_user_free(&apart);
	if (!same)
		return;
	conf_note_key(l, d, d->pool->security_strict ? CONF_ERROR : CONF_WARNING, "user",
		      "user = %s is also pool_process_user: its children could reach into their pool "
		      "process; create a system user '%s', or set pool_process_user to a user of its "
		      "own", d->pool->user, USER_DEFAULT);
}

/* The pool's user and its group, as root. -1: said why not. */
static int find_owner(struct conf_loading *l, struct conf_draft *d, struct names_user *user_out, gid_t *gid_out)
{
	struct conf_pool *p = d->pool;
	bool known = p->user ? find_user(p->user, user_out) : names_user(NULL, 0, user_out);

	if (p->user && user_out->uid == (uid_t)-1) {
		conf_note_key(l, d, CONF_ERROR, "user",
			      "cannot get uid for user '%s': there is no such user", p->user);
		return -1;
	}
	*gid_out = known ? user_out->gid : 0;
	if (!known && !p->group)
		conf_note_key(l, d, CONF_ERROR, "user",
			      "user %s has no entry that tells its group: set group", p->user);
	if (p->group && (*gid_out = conf_find_gid(p->group)) == (gid_t)-1) {
		conf_note_key(l, d, CONF_ERROR, "group",
			      "cannot get gid for group '%s': there is no such group",
			      p->group);
		return -1;
	}
	if (!l->opt->allow_root_pools && (user_out->uid == 0 || (*gid_out == 0 && (known || p->group))))
		conf_note_key(l, d, CONF_ERROR, user_out->uid == 0 ? "user" : "group", "please specify user and group "
			      "other than root: the pool would run with all rights (-R allows it)");
	return 0;
}

void conf_check_owner(struct conf_loading *l, struct conf_draft *d)
{
	struct conf_pool *p = d->pool;
	struct names_user user;
	gid_t gid;

	if (!l->opt->as_root) {
		stay_as_we_are(l, d);
		return;
	}
	if (!p->user && !l->opt->allow_root_pools) {
		conf_note_key(l, d, CONF_ERROR, "user",
			      "user has not been defined: set user, or allow root with -R");
		return;
	}
	if (find_owner(l, d, &user, &gid) == 0) {
		set_identity(p, user.uid, gid, &user);
		if (user.uid != 0)
			check_apart(l, d);
	}
	names_user_free(&user);
}

void conf_check_listen_owner(struct conf_loading *l, struct conf_draft *d)
{
	struct conf_pool *p = d->pool;

	p->listen_uid = (uid_t)-1;
	p->listen_gid = (gid_t)-1;
	if (p->listen_owner) {
		struct names_user owner;

		/* As in php-fpm, an owner given by name brings its own group. */
		if (find_user(p->listen_owner, &owner) && !is_number(p->listen_owner))
			p->listen_gid = owner.gid;
		p->listen_uid = owner.uid;
		names_user_free(&owner);
		if (p->listen_uid == (uid_t)-1)
			conf_note_key(l, d, CONF_ERROR, "listen.owner", "cannot get uid for user '%s' "
				      "(listen.owner): there is no such user", p->listen_owner);
	}
	if (p->listen_group) {
		p->listen_gid = conf_find_gid(p->listen_group);
		if (p->listen_gid == (gid_t)-1)
			conf_note_key(l, d, CONF_ERROR, "listen.group", "cannot get gid for group '%s' "
				      "(listen.group): there is no such group", p->listen_group);
	}
}

void conf_check_pool_process_user(struct conf_loading *l)
{
	char **user = &l->conf->global.pool_process_user;
	struct names_user entry;

	if (!*user) {
		*user = xstrdup(names_user(USER_DEFAULT, 0, &entry) ? USER_DEFAULT : USER_ELSE);
		names_user_free(&entry);
		return;
	}
	if (!find_user(*user, &entry))
		conf_note_key(l, &l->global, CONF_ERROR, "pool_process_user",
			      "pool_process_user = %s: there is no such user", *user);
	else if (entry.uid == 0)
		conf_note_key(l, &l->global, CONF_ERROR, "pool_process_user",
			      "pool_process_user = %s: pool processes must not run as root", *user);
	names_user_free(&entry);
}
