/* apache_owner.c -- as whom a pool runs, and who may connect to its socket. Runs in `weir import-apache` only. It
 * asks the user database, because Weir takes no user that it does not know. */
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include "src/apache/apache_pool.h"
#include "src/apache/apache_write.h"
#include "src/base/mem.h"

#define FALLBACK_USER "www-data"

struct name {
	struct apache_directive *from;
	const char *text;               /* NULL: nothing says it */
};

/* "#33" is a number. */
static const char *plain(const char *text)
{
	return *text == '#' ? text + 1 : text;
}

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text) && strlen(text) < 10;
}

static bool is_user(const char *text)
{
	const struct passwd *pw = is_number(text) ? NULL : getpwnam(text);

	return is_number(text) ? strtol(text, NULL, 10) != 0 : pw && pw->pw_uid != 0;
}

static bool is_group(const char *text)
{
	const struct group *gr = is_number(text) ? NULL : getgrnam(text);

	return is_number(text) ? strtol(text, NULL, 10) != 0 : gr && gr->gr_gid != 0;
}

static const char *fallback(void)
{
	return getpwnam(FALLBACK_USER) ? FALLBACK_USER : "nobody";
}

static struct name server_name(struct apache_conf *conf, const char *directive)
{
	struct apache_directive *d = apache_find_for(conf, directive, NULL);

	return (struct name){ d, d ? plain(apache_arg(d, 0)) : NULL };
}

/* what: "user=" or "group="; nth: which argument of AssignUserID. */
static struct name pool_name(struct apache_conf *conf, const struct apache_pool *pool, const char *what, size_t nth,
			     const char *directive)
{
	const char *option = pool->daemon ? apache_option(pool->daemon, what) : NULL;
	struct apache_directive *assign = pool->host ? apache_find_for(conf, "AssignUserID", pool->host) : NULL;

	if (option)
		return (struct name){ pool->daemon, plain(option) };
	if (assign && *apache_arg(assign, nth))
		return (struct name){ assign, plain(apache_arg(assign, nth)) };
	return server_name(conf, directive);
}

static void put_user(struct buf *to, struct name user)
{
	if (user.text && is_user(user.text))
		apache_put(to, user.from, "user", user.text, "%s", "");
	else if (user.text)
		apache_put(to, user.from, "user", fallback(), "'%s' is no user of this machine, or it is root: make a user for "
			   "the pool and write it here", user.text);
	else
		apache_put(to, NULL, "user", fallback(), "no User line says another");
}

static void put_group(struct buf *to, struct name group)
{
	if (group.text && is_group(group.text))
		apache_put(to, group.from, "group", group.text, "%s", "");
	else if (group.text)
		apache_put(to, group.from, NULL, NULL, "'%s' is no group of this machine, or it is root's: left out, so the "
			   "user's group counts", group.text);
}

/* Apache itself connects to the socket, as whom it runs. */
static void put_socket(struct buf *to, struct apache_conf *conf, const struct apache_pool *pool)
{
	const char *option = pool->daemon ? apache_option(pool->daemon, "socket-user=") : NULL;
	struct name user = server_name(conf, "User"), group = server_name(conf, "Group");

	if (option)
		user = (struct name){ pool->daemon, plain(option) };
	apache_put(to, NULL, "listen.owner", user.text && is_user(user.text) ? user.text : fallback(),
		   "Apache connects to the socket as this user");
	if (group.text && is_group(group.text))
		apache_put(to, NULL, "listen.group", group.text, "%s", "");
}

void apache_owner_put(struct buf *to, struct apache_conf *conf, const struct apache_pool *pool)
{
	put_user(to, pool_name(conf, pool, "user=", 0, "User"));
	put_group(to, pool_name(conf, pool, "group=", 1, "Group"));
	if (!pool->listen || *pool->listen == '/')
		put_socket(to, conf, pool);
}
