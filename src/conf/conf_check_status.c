/* conf_check_status.c -- checks the addresses of status and ping, and fills in what follows from others. Runs in the
 * master while it loads. php-fpm's words where php-fpm has the check. An empty value is one that was not given. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "src/base/mem.h"
#include "src/conf/conf_listen.h"
#include "src/conf/conf_priv.h"

static bool is_set(const char *value)
{
	return value && *value;
}

/* what: "status" or "ping". least: the shortest that is allowed. */
static void check_uri(struct conf_loading *l, struct conf_draft *d, const char *key, const char *what, const char *uri,
		      size_t least)
{
	const char *bad = uri;

	if (!is_set(uri))
		return;
	while (isalnum((unsigned char)*bad) || (*bad && strchr("/_-.~", *bad)))
		bad++;
	if (*uri != '/')
		conf_note_key(l, d, CONF_ERROR, key, "the %s path '%s' must start with a '/'", what, uri);
	else if (strlen(uri) < least)
		conf_note_key(l, d, CONF_ERROR, key, "the %s path '%s' is not long enough", what, uri);
	else if (*bad)
		conf_note_key(l, d, CONF_ERROR, key, "the %s path '%s' must contain only the following characters "
			      "'[alphanum]/_-.~'", what, uri);
}

static void check_status_listen(struct conf_loading *l, struct conf_draft *d)
{
	struct conf_pool *p = d->pool;
	struct conf_listen where;
	struct err err;

	if (!p->status_listen)
		return;
	if (!*p->status_listen) {
		conf_note_key(l, d, CONF_ERROR, "pm.status_listen", "no listen address have been defined!");
		return;
	}
	conf_listen_resolve(l, p, &p->status_listen);
	if (conf_listen_parse(p->status_listen, &where, &err) < 0) {
		conf_note_key(l, d, CONF_ERROR, "pm.status_listen", "pm.status_listen = %s: %s", p->status_listen,
			      err.text);
		conf_place_of(d, "pm.status_listen")->bad = true;
	}
	if (!is_set(p->status_path)) {
		free(p->status_path);
		p->status_path = xstrdup("/");
	}
}

static void check_ping(struct conf_loading *l, struct conf_draft *d)
{
	struct conf_pool *p = d->pool;

	check_uri(l, d, "ping.path", "ping", p->ping_path, strlen("/x"));
	if (!is_set(p->ping_path)) {
		free(p->ping_response);
		p->ping_response = NULL;
	} else if (!p->ping_response) {
		p->ping_response = xstrdup("pong");
	} else if (!*p->ping_response) {
		conf_note_key(l, d, CONF_ERROR, "ping.response", "the ping response page '' is not long enough");
	}
}

void conf_check_status(struct conf_loading *l, struct conf_draft *d)
{
	check_status_listen(l, d);
	check_uri(l, d, "pm.status_path", "status", d->pool->status_path, strlen(d->pool->status_listen ? "/" : "/x"));
	check_ping(l, d);
}
