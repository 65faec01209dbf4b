/* conf_check_event.c -- checks the keys of mpm = event, fills in the default that differs under it, and says which keys
 * of it have no effect under another model. Runs in the master after all files are read. It creates nothing: whether
 * the pool process may write to a folder is read from its mode. */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "src/base/mem.h"
#include "src/conf/conf_priv.h"

#define BODY_MAX (1024ULL * 1024 * 1024)
#define MAY_SEARCH 01
#define MAY_CREATE 03

static bool is_events_own(const char *name)
{
	return !strncasecmp(name, "event.", 6) || !strncasecmp(name, "queue.", 6) || !strcasecmp(name, "request.on_abort");
}

/* No error: people go from one model to another and back. */
static void tell_idle_keys(struct conf_loading *l, struct conf_draft *d)
{
	struct buf names = { 0 };

	for (size_t i = 0; i < conf_key_count; i++)
		if (d->given[i].file && is_events_own(conf_keys[i].name))
			buf_printf(&names, "%s%s", names.len ? ", " : "", conf_keys[i].name);
	if (names.len)
		conf_note_pool(l, d, CONF_NOTICE, "without effect unless mpm = event: %s", buf_str(&names));
	buf_free(&names);
}

/* Whom the pool process runs as; NULL: as we do. */
static const struct passwd *pool_process(const struct conf_loading *l)
{
	return l->opt->as_root ? getpwnam(l->conf->global.pool_process_user) : NULL;
}

/* What cannot be told from a mode alone, an access control list, is left to the run. */
static bool may_by_mode(const char *path, const struct passwd *who, mode_t want)
{
	struct stat st;
	mode_t has;

	if (stat(path, &st) < 0)
		return false;
	if (getxattr(path, "system.posix_acl_access", NULL, 0) > 0)
		return true;
	has = st.st_uid == who->pw_uid ? st.st_mode >> 6 : st.st_gid == who->pw_gid ? st.st_mode >> 3 : st.st_mode;
	return (has & want) == want;
}

static bool may_create(const char *dir, const struct passwd *who)
{
	char *path;
	bool may = true;

	if (!who)
		return access(dir, W_OK | X_OK) == 0;
	path = xstrdup(dir);
	for (char *slash = strchr(path + 1, '/'); may && slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		may = may_by_mode(path, who, MAY_SEARCH);
		*slash = '/';
	}
	may = may && may_by_mode(path, who, MAY_CREATE);
	free(path);
	return may;
}

static void check_body_dir(struct conf_loading *l, struct conf_draft *d)
{
	const char *dir = d->pool->event_body_dir;
	const struct passwd *who = pool_process(l);
	struct stat st;

	if (stat(dir, &st) < 0 || !S_ISDIR(st.st_mode))
		conf_note_key(l, d, CONF_ERROR, "event.body_dir", "event.body_dir = %s does not exist or is not a directory: "
			      "create it, or name another", dir);
	else if (!may_create(dir, who))
		conf_note_key(l, d, CONF_ERROR, "event.body_dir", "event.body_dir = %s: %s may not create files there: let "
			      "it, or name another folder", dir, who ? who->pw_name : "the user that Weir runs as");
}

void conf_check_event(struct conf_loading *l, struct conf_draft *d)
{
	struct conf_pool *p = d->pool;

	if (p->mpm != CONF_MPM_EVENT) {
		tell_idle_keys(l, d);
		return;
	}
	if (!conf_is_given(d, "request.max_body"))
		p->request_max_body = BODY_MAX;
	if (p->event_response_max < p->event_response_memory)
		conf_note_key(l, d, CONF_ERROR, "event.response_max", "event.response_max(%llu) must not be less than "
			      "event.response_memory(%llu)", (unsigned long long)p->event_response_max,
			      (unsigned long long)p->event_response_memory);
	check_body_dir(l, d);
}
