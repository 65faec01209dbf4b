/* status_page.h -- a pool's status as text, HTML, XML, JSON or OpenMetrics, in php-fpm's layout; what php-fpm does not
 * have stands behind what it has. Pure: data in, bytes out. Each format has one function that escapes, and every text
 * goes through it. */
#ifndef WEIR_STATUS_PAGE_H
#define WEIR_STATUS_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include "src/base/buf.h"
#include "src/base/status.h"

enum status_format { STATUS_TEXT, STATUS_HTML, STATUS_XML, STATUS_JSON, STATUS_OPENMETRICS, STATUS_FORMATS };

struct status_query {
	enum status_format format;
	bool full;                      /* the children too */
};

/* What QUERY_STRING asks for. As in php-fpm a key counts when it is the beginning of the word: "j", "json=1". */
struct status_query status_query_read(const char *query);
/* The CGI header block of the page, with the blank line; and the page. */
void status_page_head(struct buf *out, const struct status_query *query);
void status_page(struct buf *out, const struct status_query *query, const struct status *status);
/* The same for ping. */
void status_ping_head(struct buf *out);
/* For an address at which nothing but status and ping is answered: head and page of everything else. */
void status_not_found(struct buf *out);

#endif
