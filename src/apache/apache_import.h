/* apache_import.h -- `weir import-apache`: an Apache httpd configuration in, a file for Weir out. */
#ifndef WEIR_APACHE_IMPORT_H
#define WEIR_APACHE_IMPORT_H

#include "src/apache/apache_conf.h"

/* May several threads run PHP as it is installed here? Asked only where it matters, and at most once. */
typedef bool apache_php_threads_fn(void);

/* The command; argv[1] is "import-apache". Returns the exit code: 0, 64, or 78 when a file has an error: then stdout stays
 * empty. */
int apache_import_main(int argc, char **argv, apache_php_threads_fn *php_threads);
/* What the command prints, of what was read. */
void apache_import_write(struct buf *to, struct apache_conf *conf, apache_php_threads_fn *php_threads);

#endif
