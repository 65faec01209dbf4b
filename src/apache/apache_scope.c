/* apache_scope.c -- what a directive is about: which part of a site, which files, which address (see apache_pools.h).
 * Runs in `weir import-apache` only. Pure. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "src/apache/apache_pools.h"
#include "src/base/mem.h"

#define FCGI_PORT 8000                  /* Apache's for a fcgi:// without one */
#define SUN_PATH_MAX 107

struct apache_directive *apache_find_for(const struct apache_conf *conf, const char *name,
					 const struct apache_section *host)
{
	struct apache_directive *found = NULL;

	for (size_t i = 0; i < conf->count; i++) {
		const struct apache_section *in = apache_host(conf->at[i].in);

		if (!apache_is(&conf->at[i], name) || (in && in != host))
			continue;
		if (in || !found || !apache_host(found->in))
			found = &conf->at[i];
	}
	return found;
}

const char *apache_option(const struct apache_directive *d, const char *option)
{
	for (size_t i = 1; i < d->args.count; i++)
		if (!strncasecmp(d->args.at[i], option, strlen(option)))
			return d->args.at[i] + strlen(option);
	return NULL;
}

bool apache_is_application(const struct apache_directive *alias)
{
	const char *file = apache_arg(alias, 1), *dot = strrchr(file, '.');

	for (const char *c = file; *c; c++)
		if (iscntrl((unsigned char)*c) || *c == ':')
			return false;
	return *apache_arg(alias, 0) == '/' && *file == '/' && dot && (!strcmp(dot, ".wsgi") || !strcmp(dot, ".py"));
}

/* Is folder this one, or one that holds it? */
static bool holds(const char *folder, const char *path)
{
	size_t len = strlen(folder);

	while (len && folder[len - 1] == '/')
		len--;
	return !strncmp(folder, path, len) && (path[len] == '/' || !path[len]);
}

static bool is_document_root(const struct apache_conf *conf, const struct apache_section *s)
{
	const struct apache_directive *root = apache_find_for(conf, "DocumentRoot", apache_host(s));
	const char *folder = s->args.count ? s->args.at[0] : "";

	return holds(folder, root ? apache_arg(root, 0) : "/") && *folder == '/';
}

bool apache_counts_for_all(const struct apache_conf *conf, const struct apache_section *in)
{
	for (; in && strcmp(in->kind, "virtualhost") != 0; in = in->up) {
		bool php_files = strcmp(in->kind, "filesmatch") == 0 && in->args.count && strstr(in->args.at[0], "ph");
		bool folder = strcmp(in->kind, "directory") == 0 && is_document_root(conf, in);
		bool root = strcmp(in->kind, "location") == 0 && in->args.count && !strcmp(in->args.at[0], "/");

		if (!php_files && !folder && !root)
			return false;
	}
	return true;
}

static char *unix_address(const char *path)
{
	size_t len = strcspn(path, "|");

	for (size_t i = 0; i < len; i++)
		if (iscntrl((unsigned char)path[i]))
			return NULL;
	if (*path != '/' || len > SUN_PATH_MAX || strncasecmp(path + len, "|fcgi:", 6) || strpbrk(path, "$%{"))
		return NULL;
	return xstrndup(path, len);
}

static char *tcp_address(const char *at, bool *remote_out)
{
	bool v6 = *at == '[';
	size_t len = v6 ? strcspn(at, "]") + 1 : strcspn(at, ":/");
	char *host, *rest = NULL, *address = NULL;
	long port = FCGI_PORT;
	bool local;

	if (len < 2 || len > strlen(at))
		return NULL;
	if (at[len] == ':')
		port = strtol(at + len + 1, &rest, 10);
	if ((rest && *rest && *rest != '/') || port < 1 || port > 65535)
		return NULL;
	host = xstrndup(at, len);
	local = !strcasecmp(host, "localhost") || !strncmp(host, "127.", 4) || !strcmp(host, "[::1]");
	*remote_out = !local;
	if (strspn(host, v6 ? "[]0123456789abcdefABCDEF:." : "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")
	    == strlen(host))
		address = xasprintf("%s:%ld", local && strspn(host, "[]0123456789:.") == len ? host : "127.0.0.1", port);
	free(host);
	return address;
}

char *apache_proxy_address(const char *text, bool *remote_out)
{
	*remote_out = false;
	if (!strncasecmp(text, "proxy:", 6))
		text += 6;
	if (!strncasecmp(text, "unix:", 5))
		return unix_address(text + 5);
	return strncasecmp(text, "fcgi://", 7) ? NULL : tcp_address(text + 7, remote_out);
}

static void add_extension(struct buf *out, const char *text, size_t len)
{
	char *one = xasprintf(".%.*s", (int)len, text), *save = NULL, *have = xstrdup(buf_str(out));
	bool known = false;

	for (char *word = strtok_r(have, " ", &save); word; word = strtok_r(NULL, " ", &save))
		known = known || !strcmp(word, one);
	if (!known)
		buf_printf(out, "%s%s", out->len ? " " : "", one);
	free(have);
	free(one);
}

static bool is_alnum(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]))
			return false;
	return len > 0;
}

/* "php", "ph(p|tml)", "ph(?:ar|p|tml)": the alternatives, one by one. Anything else is too clever for us. */
static bool add_alternatives(struct buf *out, const char *body, size_t len)
{
	const char *open = memchr(body, '(', len), *close = memchr(body, ')', len), *at;
	bool good = true;

	if (!open || !close || close < open) {
		good = is_alnum(body, len);
		if (good)
			add_extension(out, body, len);
		return good;
	}
	for (at = open + (open[1] == '?' && open[2] == ':' ? 3 : 1); good && at <= close;) {
		size_t part = strcspn(at, "|)");
		char *whole = xasprintf("%.*s%.*s%.*s", (int)(open - body), body, (int)part, at,
					(int)(body + len - close - 1), close + 1);

		good = is_alnum(whole, strlen(whole));
		if (good)
			add_extension(out, whole, strlen(whole));
		free(whole);
		at += part + 1;
	}
	return good;
}

/* A pattern that is one of file names' ends. */
static bool add_pattern(struct buf *out, const char *pattern)
{
	static const char *const any[] = { "", "^.+", ".+", "^.*", ".*" };
	const char *dot = strstr(pattern, "\\.");
	size_t len = strlen(pattern);

	if (!dot || len < 4 || pattern[len - 1] != '$')
		return false;
	for (size_t i = 0; i < ARRAY_LEN(any); i++)
		if (strlen(any[i]) == (size_t)(dot - pattern) && !strncmp(any[i], pattern, strlen(any[i])))
			return add_alternatives(out, dot + 2, len - 1 - (size_t)(dot + 2 - pattern));
	return false;
}

bool apache_extensions(const struct apache_directive *handler, struct buf *out)
{
	bool listed = apache_is(handler, "AddHandler") || apache_is(handler, "AddType");
	const struct apache_section *in = handler->in;

	for (size_t i = 1; listed && i < handler->args.count; i++) {
		const char *word = handler->args.at[i] + (handler->args.at[i][0] == '.' ? 1 : 0);

		if (!*word || strpbrk(word, " \t\r"))
			return false;
		add_extension(out, word, strlen(word));
	}
	if (listed)
		return handler->args.count > 1;
	while (in && strcmp(in->kind, "filesmatch") != 0 && strcmp(in->kind, "files") != 0)
		in = in->up;
	if (!in || !in->args.count)
		return false;
	if (!strcmp(in->kind, "filesmatch"))
		return add_pattern(out, in->args.at[0]);
	if (strncmp(in->args.at[0], "*.", 2) || strpbrk(in->args.at[0] + 2, "*?[ \t\r") || !in->args.at[0][2])
		return false;
	add_extension(out, in->args.at[0] + 2, strlen(in->args.at[0] + 2));
	return true;
}
