/* conf_owner.c -- turns names of users and groups into numbers, once, in the master while it loads; no other
 * process has to ask for them. As root a pool needs a user that is not root; without root such keys are
 * ignored, and said so. */
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "src/base/mem.h"
#include "src/conf/conf_priv.h"

#define USER_DEFAULT "weir"
#define USER_ELSE "nobody"

static bool is_number(const char *text)
{
	return *text && strlen(text) < 10 && strspn(text, "0123456789") == strlen(text);
}

/* The entry of a user by name or number, or NULL; uid is set for a number without entry too. */
static const struct passwd *find_user(const char *name, uid_t *uid_out)
{
	const struct passwd *pw;

	*uid_out = (uid_t)-1;
	if (is_number(name)) {
		*uid_out = (uid_t)strtoul(name, NULL, 10);
		return getpwuid(*uid_out);
	}
	pw = getpwnam(name);
	if (pw)
		*uid_out = pw->pw_uid;
	return pw;
}

uid_t conf_find_uid(const char *name)
{
	uid_t uid;

	find_user(name, &uid);
	return uid;
}

gid_t conf_find_gid(const char *name)
{
	const struct group *gr;

	if (is_number(name))
		return (gid_t)strtoul(name, NULL, 10);
	gr = getgrnam(name);
	return gr ? gr->gr_gid : (gid_t)-1;
}

static void set_groups(struct conf_pool *p)
{
	int count = 64;

	if (!p->user_name) {
		p->owner.groups = xcalloc(1, sizeof(gid_t));
		p->owner.groups[0] = p->owner.gid;
		p->owner.group_count = 1;
		return;
	}
	p->owner.groups = xcalloc((size_t)count, sizeof(gid_t));
	if (getgrouplist(p->user_name, p->owner.gid, p->owner.groups, &count) < 0) {
		p->owner.groups = xrealloc(p->owner.groups, (size_t)count * sizeof(gid_t));
		if (getgrouplist(p->user_name, p->owner.gid, p->owner.groups, &count) < 0)
			count = 0;      /* the list grew between both calls: no group is safer than some */
	}
	p->owner.group_count = (size_t)count;
}

static void set_identity(struct conf_pool *p, uid_t uid, gid_t gid, const struct passwd *pw)
{
	p->owner.uid = uid;
	p->owner.gid = gid;
	if (pw) {
		p->user_name = xstrdup(pw->pw_name);
		p->home = xstrdup(pw->pw_dir);
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
	set_identity(p, geteuid(), getegid(), getpwuid(geteuid()));
}

/* The warning that pool_process_user is for: a child could trace and stop its own pool process. */
static void check_apart(struct conf_loading *l, struct conf_draft *d)
{
	uid_t pool_process_uid;

	if (!find_user(l->conf->global.pool_process_user, &pool_process_uid) ||
	    pool_process_uid != d->pool->owner.uid)
		return;
	conf_note_key(l, d, d->pool->security_strict ? CONF_ERROR : CONF_WARNING, "user",
		      "user = %s is also pool_process_user: its children could reach into their pool "
		      "process; create a system user '%s', or set pool_process_user to a user of its "
		      "own", d->pool->user, USER_DEFAULT);
}

void conf_check_owner(struct conf_loading *l, struct conf_draft *d)
{
	struct conf_pool *p = d->pool;
	const struct passwd *pw;
	uid_t uid = 0;
	gid_t gid = 0;

	if (!l->opt->as_root) {
		stay_as_we_are(l, d);
		return;
	}
	if (!p->user && !l->opt->allow_root_pools) {
		conf_note_key(l, d, CONF_ERROR, "user",
			      "user has not been defined: set user, or allow root with -R");
		return;
	}
	pw = p->user ? find_user(p->user, &uid) : getpwuid(0);
	if (uid == (uid_t)-1) {
		conf_note_key(l, d, CONF_ERROR, "user",
			      "cannot get uid for user '%s': there is no such user", p->user);
		return;
	}
	if (pw)
		gid = pw->pw_gid;
	else if (!p->group)
		conf_note_key(l, d, CONF_ERROR, "user",
			      "user %s has no entry that tells its group: set group", p->user);
	if (p->group && (gid = conf_find_gid(p->group)) == (gid_t)-1) {
		conf_note_key(l, d, CONF_ERROR, "group",
			      "cannot get gid for group '%s': there is no such group",
			      p->group);
		return;
	}
	if (!l->opt->allow_root_pools && (uid == 0 || (gid == 0 && (pw || p->group))))
		conf_note_key(l, d, CONF_ERROR, uid == 0 ? "user" : "group", "please specify user and group "
			      "other than root: the pool would run with all rights (-R allows it)");
	set_identity(p, uid, gid, pw);
	if (uid != 0)
		check_apart(l, d);
}

void conf_check_listen_owner(struct conf_loading *l, struct conf_draft *d)
{
	struct conf_pool *p = d->pool;

	p->listen_uid = (uid_t)-1;
	p->listen_gid = (gid_t)-1;
	if (p->listen_owner) {
		const struct passwd *pw = find_user(p->listen_owner, &p->listen_uid);

		/* As in php-fpm, an owner given by name brings its own group. */
		if (pw && !is_number(p->listen_owner))
			p->listen_gid = pw->pw_gid;
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
	uid_t uid;

	if (!*user) {
		*user = xstrdup(getpwnam(USER_DEFAULT) ? USER_DEFAULT : USER_ELSE);
		return;
	}
	if (!find_user(*user, &uid))
		conf_note_key(l, &l->global, CONF_ERROR, "pool_process_user",
			      "pool_process_user = %s: there is no such user", *user);
	else if (uid == 0)
		conf_note_key(l, &l->global, CONF_ERROR, "pool_process_user",
			      "pool_process_user = %s: pool processes must not run as root", *user);
}
