/* conf.c -- gives back what a load or the text of a section has taken. Any process. */
#include <stdlib.h>
#include <strings.h>
#include "src/base/mem.h"
#include "src/conf/conf.h"
#include "src/conf/conf_value.h"

void conf_notes_free(struct conf_notes *notes)
{
	for (size_t i = 0; i < notes->count; i++)
		free(notes->at[i].text);
	free(notes->at);
	*notes = (struct conf_notes){ 0 };
}

bool conf_logs_to_syslog(const struct conf_global *global)
{
	return !strcasecmp(global->error_log, "syslog");
}

void conf_global_free(struct conf_global *global)
{
	conf_value_free(CONF_IN_GLOBAL, global);
}

void conf_pool_free(struct conf_pool **pool)
{
	struct conf_pool *p = *pool;

	if (!p)
		return;
	conf_value_free(CONF_IN_POOL, p);
	free(p->name);
	free(p->file);
	free(p->owner.groups);
	free(p->user_name);
	free(p->home);
	free(p->allowed);
	free(p->listen_acl);
	free(p);
	*pool = NULL;
}

void conf_free(struct conf **conf)
{
	struct conf *c = *conf;

	if (!c)
		return;
	for (size_t i = 0; i < c->pool_count; i++)
		conf_pool_free(&c->pools[i]);
	free(c->pools);
	conf_global_free(&c->global);
	free(c->file);
	free(c);
	*conf = NULL;
}
