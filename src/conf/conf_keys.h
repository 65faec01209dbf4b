/* conf_keys.h -- the table of keys: all that is known about each key of a configuration file, in one place.
 * The reader, the dump of -tt, the text of one section, the manual and weir.conf(5) are made from it. Pure
 * data. */
#ifndef WEIR_CONF_KEYS_H
#define WEIR_CONF_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum conf_where { CONF_IN_GLOBAL, CONF_IN_POOL };

/* The type decides the C type that lies at the offset. */
enum conf_type {
	CONF_STRING,                    /* char * */
	CONF_PATH,                      /* char *, made absolute */
	CONF_BOOL,                      /* bool */
	CONF_INT,                       /* int */
	CONF_LONG,                      /* int64_t */
	CONF_TIME,                      /* int64_t, seconds */
	CONF_SIZE,                      /* uint64_t, bytes */
	CONF_CORE,                      /* int64_t, a size or "unlimited" = -1 */
	CONF_PRIORITY,                  /* int, a nice value */
	CONF_LEVEL,                     /* int, enum log_level */
	CONF_MODE,                      /* unsigned, octal */
	CONF_PM,                        /* enum conf_pm */
	CONF_MPM,                       /* enum conf_mpm */
	CONF_CHOICE,                    /* int, the index of the word among choices */
	CONF_LIST,                      /* struct conf_pairs: NAME[] = value */
	CONF_PAIRS,                     /* struct conf_pairs: NAME[key] = value */
	CONF_PAIR_FLAGS,                /* struct conf_pairs, the values are booleans */
};

enum conf_reload {
	CONF_RELOAD_NOTHING,            /* counts at start only */
	CONF_RELOAD_MASTER,             /* the master takes the new value */
	CONF_RELOAD_POOL,               /* a change replaces the pool process (and so its children) */
	CONF_RELOAD_CHILDREN,           /* the pool's next generation has it; the pool process may stay */
};

enum conf_user { CONF_BY_MASTER = 1, CONF_BY_POOL = 2, CONF_BY_ZYGOTE = 4, CONF_BY_CHILD = 8 };

enum conf_key_flag {
	CONF_KEY_OURS = 1,              /* php-fpm has no such key */
	CONF_KEY_NEEDED = 2,            /* a pool without it is refused */
	CONF_KEY_EMPTY = 4,             /* an empty value is a value, not "unset" */
	CONF_KEY_NO_EMPTY = 8,          /* an empty value is an error */
	CONF_KEY_BARE_TIME = 16,        /* the dump prints seconds without "s" */
	CONF_KEY_VAR = 32,              /* relative to /var, not to /usr */
	CONF_KEY_UNDUMPED = 64,         /* php-fpm's dump leaves it out */
	CONF_KEY_NUMBERED = 128,        /* of a CONF_CHOICE: php-fpm's dump prints the number, times 8 */
	CONF_KEY_SLASH = 256,           /* of a CONF_LIST: each begins with / */
};

struct conf_key {
	const char *name;
	enum conf_where where;
	enum conf_type type;
	const char *unit;               /* "seconds", "bytes"; NULL: none */
	const char *initial;            /* the default, as it would stand in a file; NULL: unset */
	const char *otherwise;          /* what holds when it is unset, in words; NULL: initial tells it */
	const char *meaning;
	const char *limits;             /* what is refused, in words; NULL: all that the type allows */
	unsigned used_by;               /* enum conf_user */
	enum conf_reload reload;
	unsigned flags;                 /* enum conf_key_flag */
	const char *const *choices;     /* of CONF_CHOICE, NULL-terminated; "" is a gap */
	size_t offset;                  /* in struct conf_global or struct conf_pool */
	int64_t min, max;               /* of numbers: outside is refused while reading; 0, 0: no limits */
};

extern const struct conf_key conf_keys[];
extern const size_t conf_key_count;

/* The row of that name (any case; names of arrays are case-sensitive), or NULL. */
const struct conf_key *conf_key_find(enum conf_where where, const char *name);
static inline int conf_key_is_array(const struct conf_key *key)
{
	return key->type == CONF_PAIRS || key->type == CONF_PAIR_FLAGS || key->type == CONF_LIST;
}
/* May a pool with this SAPI have it? (conf_check_sapi.c) */
bool conf_key_applies(const struct conf_key *key, const char *sapi);
/* The place of a row in the table. */
static inline size_t conf_key_index(const struct conf_key *key)
{
	return (size_t)(key - conf_keys);
}

/* Keys that this version knows by name and refuses: php-fpm's, and Weir's own to come. */
struct conf_later {
	const char *name;               /* "cgi.*": all that begin so */
	enum conf_where where;
	enum { CONF_LATER_FREEBSD, CONF_LATER_WEIR } whose;
};
extern const struct conf_later conf_later_keys[];
extern const size_t conf_later_count;
const struct conf_later *conf_later_find(const char *name);

/* The built-in key that was probably meant by name, or NULL. */
const struct conf_key *conf_key_near(enum conf_where where, const char *name);

#endif
