/* apache_pools.c -- finds the pools (see apache_pools.h). Runs in `weir import-apache` only. Pure. */
#include "src/apache/apache_pools.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "src/base/mem.h"

#define NAME_MAX_BYTES 60

static bool is_mod_php(const struct apache_directive *d)
{
	static const char *const handlers[] = { "application/x-httpd-php", "php-script", "php5-script", "php7-script" };
	bool handler = apache_is(d, "SetHandler") || apache_is(d, "AddHandler") || apache_is(d, "AddType") ||
		       apache_is(d, "ForceType");
	const char *type = apache_arg(d, 0);

	if (!handler)
		return false;
	if (!strncasecmp(type, handlers[0], strlen(handlers[0])))
		return !strstr(type, "-source");
	for (size_t i = 1; i < ARRAY_LEN(handlers); i++)
		if (!strcasecmp(type, handlers[i]))
			return true;
	return false;
}

/* The address of a proxy to FastCGI, or NULL. The caller frees it. */
static char *proxied(const struct apache_directive *d)
{
	bool remote;
	char *found = NULL;

	if (apache_is(d, "SetHandler"))
		return strncasecmp(apache_arg(d, 0), "proxy:", 6) ? NULL : apache_proxy_address(apache_arg(d, 0), &remote);
	if (!apache_is(d, "ProxyPass") && !apache_is(d, "ProxyPassMatch") && !apache_is(d, "BalancerMember"))
		return NULL;
	for (size_t i = 0; i < d->args.count && i < 2 && !found; i++)
		found = apache_proxy_address(d->args.at[i], &remote);
	return found;
}

static bool is_php_value(const struct apache_directive *d)
{
	return apache_is(d, "php_value") || apache_is(d, "php_flag") || apache_is(d, "php_admin_value") ||
	       apache_is(d, "php_admin_flag");
}

/* A virtual host that runs PHP in its own way: as another user, or with values of its own. */
static bool has_own_ways(const struct apache_conf *conf, const struct apache_section *host)
{
	for (size_t i = 0; i < conf->count; i++) {
		const struct apache_directive *d = &conf->at[i];
		bool own = apache_is(d, "AssignUserID") || apache_is(d, "MaxClientsVHost") ||
			   (is_php_value(d) && apache_counts_for_all(conf, d->in));

		if (own && apache_host(d->in) == host)
			return true;
	}
	return false;
}

static char *name_made_of(const char *text, size_t len)
{
	struct buf out = { 0 };
	char *name;

	for (size_t i = 0; i < len && out.len < NAME_MAX_BYTES; i++) {
		char c = (char)tolower((unsigned char)text[i]);

		if (isalnum((unsigned char)c) || strchr("._-", c))
			buf_add(&out, &c, 1);
		else if (out.len && out.data[out.len - 1] != '-')
			buf_add(&out, "-", 1);
	}
	while (out.len && out.data[out.len - 1] == '-')
		out.len--;
	name = xstrdup(out.len && strcmp(buf_str(&out), "global") ? buf_str(&out) : "pool");
	buf_free(&out);
	return name;
}

static bool is_taken(const struct apache_pools *pools, const char *name)
{
	for (size_t i = 0; i < pools->count; i++)
		if (!strcasecmp(pools->at[i].name, name))
			return true;
	return false;
}

/* wish is freed. */
static struct apache_pool *add(struct apache_pools *pools, char *wish, enum apache_runs runs,
			       struct apache_directive *from)
{
	struct apache_pool *p;
	char *name = xstrdup(wish);

	for (size_t n = 2; is_taken(pools, name); n++) {
		free(name);
		name = xasprintf("%s-%zu", wish, n);
	}
	free(wish);
	pools->at = xrealloc(pools->at, (pools->count + 1) * sizeof(*pools->at));
	p = &pools->at[pools->count++];
	*p = (struct apache_pool){ .name = name, .runs = runs, .from = from };
	return p;
}

/* ServerName, which may be a URL; else the address of <VirtualHost>. */
static char *name_of_host(const struct apache_conf *conf, const struct apache_section *host)
{
	const struct apache_directive *d = host ? apache_find_for(conf, "ServerName", host) : NULL;
	const char *text = "www", *scheme;

	if (d && apache_host(d->in) == host) {
		scheme = strstr(apache_arg(d, 0), "://");
		text = scheme ? scheme + 3 : apache_arg(d, 0);
		return name_made_of(text, strcspn(text, ":"));
	}
	if (host && host->args.count)
		text = host->args.at[0];
	return name_made_of(text, strlen(text));
}

/* "/run/php/blog.sock": blog; else fcgi-9000. */
static char *name_of_address(const char *listen)
{
	const char *slash = strrchr(listen, '/'), *colon = strrchr(listen, ':');
	size_t len;

	if (slash) {
		len = strlen(slash + 1);
		if (len > 5 && !strcmp(slash + 1 + len - 5, ".sock"))
			len -= 5;
		return name_made_of(slash + 1, len);
	}
	return xasprintf("fcgi%s%s", colon ? "-" : "", colon ? colon + 1 : "");
}

static void find_mod_php(struct apache_conf *conf, struct apache_pools *pools, struct apache_directive *handler)
{
	bool for_all = apache_host(handler->in) == NULL, shared = for_all;

	for (size_t i = 0; i < conf->section_count; i++) {
		const struct apache_section *s = conf->sections[i];

		if (strcmp(s->kind, "virtualhost") != 0 || (!for_all && s != apache_host(handler->in)))
			continue;
		if (has_own_ways(conf, s))
			add(pools, name_of_host(conf, s), APACHE_RUNS_MOD_PHP, handler)->host = s;
		else
			shared = true;
	}
	if (shared)
		add(pools, xstrdup("www"), APACHE_RUNS_MOD_PHP, handler);
}

static bool has_mod_php(const struct apache_pools *pools, const struct apache_section *host)
{
	for (size_t i = 0; i < pools->count; i++)
		if (pools->at[i].runs == APACHE_RUNS_MOD_PHP && pools->at[i].host == host)
			return true;
	return false;
}

/* Has the handler's place its pools already? */
static bool is_served(struct apache_conf *conf, const struct apache_pools *pools,
		      const struct apache_directive *handler)
{
	const struct apache_section *host = apache_host(handler->in);

	return has_mod_php(pools, NULL) || (host && has_mod_php(pools, has_own_ways(conf, host) ? host : NULL));
}

static void find_proxied(struct apache_pools *pools, struct apache_directive *d, char *listen)
{
	for (size_t i = 0; i < pools->count; i++) {
		if (!pools->at[i].listen || strcmp(pools->at[i].listen, listen) != 0)
			continue;
		free(listen);
		return;
	}
	add(pools, name_of_address(listen), APACHE_RUNS_FASTCGI, d)->listen = listen;
}

static struct apache_directive *daemon_named(struct apache_conf *conf, const char *group)
{
	for (size_t i = conf->count; i-- > 0;)
		if (apache_is(&conf->at[i], "WSGIDaemonProcess") && !strcmp(apache_arg(&conf->at[i], 0), group))
			return &conf->at[i];
	return NULL;
}

static void find_wsgi(struct apache_conf *conf, struct apache_pools *pools, struct apache_directive *d)
{
	const struct apache_section *host = apache_host(d->in);
	const char *group = apache_option(d, "process-group=");
	struct apache_directive *says = apache_find_for(conf, "WSGIProcessGroup", host), *daemon;
	struct apache_pool *p;
	char *name;

	if (!group && says)
		group = apache_arg(says, 0);
	daemon = group ? daemon_named(conf, group) : NULL;
	if (says && daemon)
		says->told = true;
	name = daemon ? name_made_of(group, strlen(group)) : host ? name_of_host(conf, host) : xstrdup("wsgi");
	p = add(pools, name, APACHE_RUNS_WSGI, d);
	p->host = host;
	p->daemon = daemon;
}

struct apache_pools apache_pools_find(struct apache_conf *conf)
{
	struct apache_pools pools = { 0 };

	for (size_t i = 0; i < conf->count; i++) {
		struct apache_directive *d = &conf->at[i];
		char *listen = proxied(d);

		if (listen)
			find_proxied(&pools, d, listen);
		else if (apache_is(d, "WSGIScriptAlias") && apache_is_application(d))
			find_wsgi(conf, &pools, d);
		else if (is_mod_php(d) && !is_served(conf, &pools, d))
			find_mod_php(conf, &pools, d);
	}
	if (!pools.count)
		add(&pools, xstrdup("www"), APACHE_RUNS_UNKNOWN, NULL);
	return pools;
}

void apache_pools_free(struct apache_pools *pools)
{
	for (size_t i = 0; i < pools->count; i++) {
		free(pools->at[i].name);
		free(pools->at[i].listen);
	}
	free(pools->at);
	*pools = (struct apache_pools){ 0 };
}

static enum apache_mpm mpm_of_words(const struct apache_conf *conf)
{
	enum apache_mpm found = APACHE_MPM_EVENT;

	for (size_t i = 0; i < conf->count; i++) {
		const struct apache_directive *d = &conf->at[i];

		if (apache_is(d, "MinSpareServers") || apache_is(d, "MaxSpareServers") || is_mod_php(d))
			return APACHE_MPM_PREFORK;
		if (apache_is(d, "MinSpareThreads") || apache_is(d, "MaxSpareThreads") || apache_is(d, "ThreadsPerChild"))
			found = APACHE_MPM_WORKER;
	}
	return found;
}

/* Several in one: the file of all models that Apache's sources ship. mod_php needs prefork; else event is its
 * default. */
enum apache_mpm apache_pools_mpm(const struct apache_conf *conf)
{
	bool seen[APACHE_MPM_EVENT + 1] = { false }, mod_php = false;
	enum apache_mpm mpm = apache_loaded_mpm(conf);

	for (size_t i = 0; i < conf->count; i++) {
		seen[conf->at[i].mpm] = true;
		mod_php = mod_php || is_mod_php(&conf->at[i]);
	}
	if (mpm)
		return mpm;
	if (seen[APACHE_MPM_PREFORK] && (mod_php || !(seen[APACHE_MPM_WORKER] || seen[APACHE_MPM_EVENT])))
		return APACHE_MPM_PREFORK;
	if (seen[APACHE_MPM_EVENT])
		return APACHE_MPM_EVENT;
	return seen[APACHE_MPM_WORKER] ? APACHE_MPM_WORKER : mpm_of_words(conf);
}
