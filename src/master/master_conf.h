/* master_conf.h -- which files count, and loading the configuration. */
#ifndef WEIR_MASTER_CONF_H
#define WEIR_MASTER_CONF_H

#include "src/base/err.h"
#include "src/conf/conf.h"

struct master;

/* Fill in conf_file, module_dir and options from the command line and the defaults. */
void master_conf_paths(struct master *m);
/* Is the folder of -p there? -1 with err. */
int master_conf_prefix(const struct master *m, struct err *err);
/* NULL when there are errors; the caller says the notes and frees them. */
struct conf *master_conf_load(const struct master *m, struct conf_notes *notes_out);
/* Every note as a line of the log. */
void master_conf_say(const struct conf_notes *notes);
/* The identity of pool processes, of this user; the fallback where conf is NULL. -1 with err. */
int master_conf_pool_user(struct master *m, const struct conf *conf, struct err *err);
/* "8.2" of "php-fpm8.2" or of ".../weir_php8.2.so"; NULL when there is none. The caller frees it. Pure. */
char *master_conf_version_in(const char *name, const char *start);

#endif
