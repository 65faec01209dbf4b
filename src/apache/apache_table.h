/* apache_table.h -- Apache's vocabulary beside Weir's: the one table of the program, its output and the manual. */
#ifndef WEIR_APACHE_TABLE_H
#define WEIR_APACHE_TABLE_H

#include "src/base/buf.h"

struct apache_row {
	const char *name;               /* a directive; of WSGIDaemonProcess' options: "request-timeout=" */
	const char *key;                /* Weir's; NULL: it has no equal */
	const char *note;               /* how the one becomes the other, or why not */
};

/* NULL: not about how applications run, so it stays in Apache. Any case. */
const struct apache_row *apache_row_find(const char *name);
/* The table as Markdown. */
void apache_table_markdown(struct buf *out);

#endif
