/* conf_pairs.c -- the arrays NAME[key] = value of a section. Pure. php-fpm puts each new entry in front of
 * the others and applies them from the front: so the first of equal names in a file holds. The order here is
 * the order of applying. */
#include <stdlib.h>
#include <string.h>
#include "src/base/mem.h"
#include "src/conf/conf_priv.h"

void conf_pairs_add(struct conf_pairs *pairs, const struct conf_key *key, const char *sub, const char *value)
{
	pairs->at = xrealloc(pairs->at, (pairs->count + 1) * sizeof(*pairs->at));
	pairs->at[pairs->count++] = (struct conf_pair){ key, xstrdup(sub), xstrdup(value), NULL };
}

static bool is_admin(const struct conf_pair *pair)
{
	return !strncmp(pair->key->name, "php_admin_", strlen("php_admin_"));
}

void conf_pairs_settle(struct conf_pairs *pairs)
{
	struct conf_pair *sorted = xcalloc(pairs->count + 1, sizeof(*sorted));
	size_t count = 0;

	for (size_t i = pairs->count; i-- > 0;)
		if (!is_admin(&pairs->at[i]))
			sorted[count++] = pairs->at[i];
	for (size_t i = pairs->count; i-- > 0;)
		if (is_admin(&pairs->at[i]))
			sorted[count++] = pairs->at[i];
	if (count)
		memcpy(pairs->at, sorted, count * sizeof(*sorted));
	free(sorted);
}
