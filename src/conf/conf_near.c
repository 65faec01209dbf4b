/* conf_near.c -- guesses which key was meant by an unknown one. Pure; used where a file is read and checked.
 * It only suggests: nothing is ever set by a guess. */
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "src/base/mem.h"
#include "src/conf/conf_keys.h"

#define NEAR_NAME_MAX 64                /* longer names are no slips of a finger */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters must be put in, left out, changed or swapped with their neighbour to make b of a. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t rows[3][NEAR_NAME_MAX + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2], *spare;
	size_t a_len = strlen(a), b_len = strlen(b);

	for (size_t j = 0; j <= b_len; j++)
		last[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		now[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t change = tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]);

			now[j] = least(least(last[j], now[j - 1]) + 1, last[j - 1] + change);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[b_len];
}

/* "max_children" for "pm.max_children": only the part behind a dot was written. */
static bool is_part(const char *name, const char *key)
{
	size_t name_len = strlen(name), key_len = strlen(key);

	return name_len >= 4 && key_len > name_len && key[key_len - name_len - 1] == '.' &&
	       !strcasecmp(name, key + key_len - name_len);
}

const struct conf_key *conf_key_near(enum conf_where where, const char *name)
{
	const struct conf_key *best = NULL;
	size_t len = strlen(name);
	size_t best_distance = len < 6 ? 1 : len < 12 ? 2 : 3;

	if (len < 2 || len > NEAR_NAME_MAX)
		return NULL;
	for (size_t i = 0; i < conf_key_count; i++) {
		const struct conf_key *key = &conf_keys[i];
		size_t key_len = strlen(key->name);
		size_t longer = key_len > len ? key_len - len : len - key_len;
		bool part = is_part(name, key->name);
		size_t distance;

		if (key->where != where || (longer > best_distance && !part))
			continue;
		distance = part ? 1 : edit_distance(name, key->name);
		if (distance < best_distance || (distance == best_distance && !best)) {
			best = key;
			best_distance = distance;
		}
	}
	return best;
}
