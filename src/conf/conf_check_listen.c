/* conf_check_listen.c -- checks where a pool listens and who may come in. Runs in the master while it loads.
 * It opens no socket: whether an address is free is seen when it is bound. Settings that let strangers run
 * code are warnings, and errors where the pool says security.strict. */
#include <stdlib.h>
#include <string.h>
#include "src/base/mem.h"
#include "src/conf/conf_listen.h"
#include "src/conf/conf_priv.h"

#define MODE_OTHERS_WRITE 0002

static enum conf_severity unsafe(const struct conf_draft *d)
{
	return d->pool->security_strict ? CONF_ERROR : CONF_WARNING;
}

/* What other machines send may come slowly, or never; behind a front end on this machine it comes at once. */
static void advise_event(struct conf_loading *l, struct conf_draft *d)
{
	conf_note_key(l, d, CONF_NOTICE, "listen", "listen = %s can be reached from other machines: mpm = event would "
		      "keep their slow and idle connections away from the children", d->pool->listen);
}

static void check_reach(struct conf_loading *l, struct conf_draft *d, const struct conf_listen *where)
{
	const struct conf_pool *p = d->pool;

	if (!conf_listen_is_local(where) && !p->listen_allowed_clients)
		conf_note_key(l, d, unsafe(d), "listen", "listen = %s can be reached from other machines, "
			      "and whoever reaches it can run code: set listen.allowed_clients, or listen on "
			      "127.0.0.1 or a Unix socket", p->listen);
	if (!conf_listen_is_local(where) && p->mpm != CONF_MPM_EVENT)
		advise_event(l, d);
	if (where->kind == CONF_LISTEN_ABSTRACT)
		conf_note_key(l, d, unsafe(d), "listen", "listen = %s can be reached by every user of this "
			      "machine: an abstract socket has no access rights; a path with listen.mode "
			      "has", p->listen);
	if (where->kind == CONF_LISTEN_UNIX && (p->listen_mode & MODE_OTHERS_WRITE))
		conf_note_key(l, d, unsafe(d), "listen.mode", "listen.mode = %04o lets every user of this "
			      "machine run code through %s: 0660 with listen.owner or listen.group of the "
			      "front end is enough",
			      p->listen_mode, p->listen);
}

/* Parameters of a request that set ini entries (auto_prepend_file, ...) are as good as code. */
static void check_values(struct conf_loading *l, struct conf_draft *d, const struct conf_listen *where)
{
	bool is_local = conf_listen_is_local(where);

	if (!conf_is_given(d, "security.php_value_params"))
		d->pool->php_value_params = is_local;
	else if (d->pool->php_value_params && !is_local)
		conf_note_key(l, d, unsafe(d), "security.php_value_params", "security.php_value_params = yes lets "
			      "whoever reaches listen = %s set every ini entry of PHP, and so run any code: set "
			      "the values in the pool's section with php_value[]", d->pool->listen);
}

void conf_listen_resolve(const struct conf_loading *l, const struct conf_pool *p, char **listen)
{
	bool tcp = strchr(*listen, ':') || strspn(*listen, "0123456789") == strlen(*listen);

	if (!tcp && **listen != '@')
		conf_path_absolute(listen, conf_path_base(l, p, "/usr"));
}

void conf_check_listen(struct conf_loading *l, struct conf_draft *d)
{
	struct conf_pool *p = d->pool;
	struct conf_listen where;
	struct err err;

	if (!p->listen) {
		conf_note_key(l, d, CONF_ERROR, "listen", "no listen address have been defined!");
		return;
	}
	conf_listen_resolve(l, p, &p->listen);
	if (p->listen_allowed_clients && conf_clients_read(p, &err) < 0)
		conf_note_key(l, d, CONF_ERROR, "listen.allowed_clients", "%s", err.text);
	if (conf_listen_parse(p->listen, &where, &err) < 0) {
		conf_note_key(l, d, CONF_ERROR, "listen", "listen = %s: %s", p->listen, err.text);
		conf_place_of(d, "listen")->bad = true;
		return;
	}
	check_reach(l, d, &where);
	check_values(l, d, &where);
}

/* Of pool i listen, and behind all of these pm.status_listen. */
static const char *address_at(const struct conf_loading *l, size_t i)
{
	size_t count = l->conf->pool_count;

	return i < count ? l->pools[i].pool->listen : l->pools[i - count].pool->status_listen;
}

static void say_twice(struct conf_loading *l, size_t again, size_t first)
{
	size_t count = l->conf->pool_count;

	conf_note_key(l, &l->pools[again % count], CONF_ERROR, again < count ? "listen" : "pm.status_listen",
		      "unable to set listen address as it's already used in another pool '%s': give each pool an address "
		      "of its own, not %s", l->pools[first % count].pool->name, address_at(l, again));
}

/* Each text is taken apart once: with thousands of pools the pairs are many. */
void conf_check_listen_twice(struct conf_loading *l)
{
	size_t count = 2 * l->conf->pool_count, read = 0;
	struct conf_listen *all = xcalloc(count + 1, sizeof(*all));
	size_t *who = xcalloc(count + 1, sizeof(*who));
	struct err err;

	for (size_t i = 0; i < count; i++) {
		const char *text = address_at(l, i);

		who[read] = i;
		read += text && conf_listen_parse(text, &all[read], &err) == 0;
	}
	for (size_t i = 1; i < read; i++) {
		size_t j = 0;

		while (j < i && !conf_listen_same(&all[i], &all[j]))
			j++;
		if (j < i)
			say_twice(l, who[i], who[j]);
	}
	free(all);
	free(who);
}
