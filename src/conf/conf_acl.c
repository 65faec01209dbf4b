/* conf_acl.c -- who stands in the access control list of a pool's Unix socket: names of users and groups turned into
 * numbers, in the master while it loads. It touches no socket. */
#include <stdlib.h>
#include <string.h>
#include "src/base/mem.h"
#include "src/conf/conf_priv.h"

#define BLANKS " \t"

static void acl_add(struct conf_pool *p, bool is_group, uint32_t id)
{
	for (size_t i = 0; i < p->listen_acl_count; i++)
		if (p->listen_acl[i].is_group == is_group && p->listen_acl[i].id == id)
			return;
	p->listen_acl = xrealloc(p->listen_acl, (p->listen_acl_count + 1) * sizeof(*p->listen_acl));
	p->listen_acl[p->listen_acl_count++] = (struct conf_acl){ .is_group = is_group, .id = id };
}

static void acl_name(struct conf_loading *l, struct conf_draft *d, bool is_group, char *name)
{
	uint32_t id;

	name += strspn(name, BLANKS);
	for (size_t len = strlen(name); len > 0 && strchr(BLANKS, name[len - 1]); len--)
		name[len - 1] = '\0';
	if (!*name)
		return;
	id = is_group ? (uint32_t)conf_find_gid(name) : (uint32_t)conf_find_uid(name);
	if (id != (uint32_t)-1)
		acl_add(d->pool, is_group, id);
	else if (is_group)
		conf_note_key(l, d, CONF_ERROR, "listen.acl_groups", "cannot get gid for group '%s' "
			      "(listen.acl_groups): there is no such group", name);
	else
		conf_note_key(l, d, CONF_ERROR, "listen.acl_users", "cannot get uid for user '%s' "
			      "(listen.acl_users): there is no such user", name);
}

static void acl_list(struct conf_loading *l, struct conf_draft *d, bool is_group, const char *list)
{
	char *save = NULL, *copy = list ? xstrdup(list) : NULL;

	for (char *name = copy ? strtok_r(copy, ",", &save) : NULL; name; name = strtok_r(NULL, ",", &save))
		acl_name(l, d, is_group, name);
	free(copy);
}

static void acl_overrides(struct conf_loading *l, struct conf_draft *d, const char *key, char **value)
{
	if (!*value)
		return;
	conf_note_pool(l, d, CONF_WARNING, "ACL set, %s = '%s' is ignored", key, *value);
	free(*value);
	*value = NULL;
}

void conf_check_acl(struct conf_loading *l, struct conf_draft *d)
{
	struct conf_pool *p = d->pool;

	acl_list(l, d, false, p->listen_acl_users);
	acl_list(l, d, true, p->listen_acl_groups);
	if (p->listen_acl_count == 0)
		return;
	acl_overrides(l, d, "listen.owner", &p->listen_owner);
	acl_overrides(l, d, "listen.group", &p->listen_group);
}
