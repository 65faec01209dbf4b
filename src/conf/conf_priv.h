/* conf_priv.h -- a load in progress. Only src/conf and its tests include this. Sections are kept as drafts
 * until all files are read: each remembers where its keys stood, so that the checks that look at several
 * keys can name the line. */
#ifndef WEIR_CONF_PRIV_H
#define WEIR_CONF_PRIV_H

#include "src/conf/conf.h"
#include "src/conf/conf_keys.h"

struct conf_place {
	const char *file;               /* owned by the load; NULL: the key was not given */
	int line;
	bool bad;                       /* given, but with a value that was refused already */
};

struct conf_draft {
	struct conf_pool *pool;         /* NULL: [global] */
	struct conf_place begin;
	struct conf_place *given;       /* by the key's place in the table */
};

struct conf_loading {
	const struct conf_load_options *opt;
	struct conf *conf;
	struct conf_notes *notes;
	struct conf_draft global;
	struct conf_draft *pools;       /* beside conf->pools */
	struct conf_draft *here;        /* the section that lines belong to */
	struct conf_place at;           /* the line that is read */
	char **files;                   /* names that places point to */
	size_t file_count;
	int depth;                      /* of includes */
	bool stop;                      /* read nothing more: includes run in a circle */
	bool no_files;                  /* read the given text only: includes are skipped */
};

/* conf_load() of a text that is in memory; includes are not followed. file names it in notes. */
struct conf *conf_load_text(const struct conf_load_options *opt, const char *text, size_t len,
			    struct conf_notes *notes_out);

/* conf_notes.c */
void conf_notes_add(struct conf_notes *notes, enum conf_severity severity, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* "[FILE:LINE] " in front. */
void conf_note_at(struct conf_loading *l, enum conf_severity severity, const struct conf_place *at,
		  const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* "[FILE:LINE] [pool NAME] " in front, the place being that of the key (or, if it was not given, of the
 * section). Nothing is said when that key's own value was refused already. */
void conf_note_key(struct conf_loading *l, struct conf_draft *d, enum conf_severity severity, const char *key,
		   const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* php-fpm's bare form: "[pool NAME] " only. */
void conf_note_pool(struct conf_loading *l, const struct conf_draft *d, enum conf_severity severity,
		    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
struct conf_place *conf_place_of(struct conf_draft *d, const char *key);
bool conf_is_given(struct conf_draft *d, const char *key);
bool conf_is_bad(struct conf_draft *d, const char *key);

/* conf_path.c */
/* The folder from which the paths of this section count: its own prefix, -p, or fallback. */
const char *conf_path_base(const struct conf_loading *l, const struct conf_pool *pool, const char *fallback);
/* *path made absolute in place; NULL stays. */
void conf_path_absolute(char **path, const char *base);
/* Resolve and check all paths of a section. */
void conf_check_paths(struct conf_loading *l, struct conf_draft *d);

/* conf_owner.c */
void conf_check_owner(struct conf_loading *l, struct conf_draft *d);
void conf_check_listen_owner(struct conf_loading *l, struct conf_draft *d);
void conf_check_pool_process_user(struct conf_loading *l);
/* By name or number; -1: there is none. */
uid_t conf_find_uid(const char *name);
gid_t conf_find_gid(const char *name);

/* conf_acl.c: fill pool->listen_acl. Before conf_check_listen_owner(): it may drop owner and group. */
void conf_check_acl(struct conf_loading *l, struct conf_draft *d);

/* conf_check_global.c */
void conf_check_global(struct conf_loading *l);

/* conf_clients.c: fill pool->allowed from pool->listen_allowed_clients; -1: err names the bad one. */
int conf_clients_read(struct conf_pool *pool, struct err *err);

/* conf_check.c, conf_check_listen.c, conf_check_mpm.c, conf_check_slow.c */
void conf_check(struct conf_loading *l);
/* Threads, and what of pm counts in them. False when the spare limits are in threads:
 * those in children are not asked for then. */
bool conf_check_mpm(struct conf_loading *l, struct conf_draft *d);
void conf_check_listen(struct conf_loading *l, struct conf_draft *d);
void conf_check_listen_twice(struct conf_loading *l);
void conf_check_slow(struct conf_loading *l, struct conf_draft *d);
/* A path that is not absolute counts from the prefix; port numbers and host:port are no paths. */
void conf_listen_resolve(const struct conf_loading *l, const struct conf_pool *p, char **listen);

/* conf_check_event.c */
void conf_check_event(struct conf_loading *l, struct conf_draft *d);

/* conf_check_status.c */
void conf_check_status(struct conf_loading *l, struct conf_draft *d);


/* conf_check_sapi.c: what a pool's SAPI needs, and what cannot apply to it. */
void conf_check_sapi(struct conf_loading *l, struct conf_draft *d);

/* conf_check_log.c */
void conf_check_log_limit(struct conf_loading *l);
void conf_check_access(struct conf_loading *l, struct conf_draft *d);

/* conf_pairs.c */
void conf_pairs_add(struct conf_pairs *pairs, const struct conf_key *key, const char *sub, const char *value);
/* From the order of the file to that in which they apply. */
void conf_pairs_settle(struct conf_pairs *pairs);

#endif
