/* status_escape.h -- text that clients sent, made harmless: one function per format. Bytes that are no UTF-8 never come
 * out as such. Pure. */
#ifndef WEIR_STATUS_ESCAPE_H
#define WEIR_STATUS_ESCAPE_H

#include "src/base/buf.h"

typedef void status_escape_fn(struct buf *out, const char *text);

/* Plain text: one line stays one line; control characters and what is no UTF-8 become \xNN. */
void status_escape_text(struct buf *out, const char *text);
/* Contents of an element or a quoted attribute, in HTML and XML 1.0; what these cannot hold becomes U+FFFD. */
void status_escape_markup(struct buf *out, const char *text);
/* Inside of a string's quotes; pure ASCII. What is no UTF-8 is left out, as php-fpm does. */
void status_escape_json(struct buf *out, const char *text);
/* A HELP text of OpenMetrics 1.0; likewise, with U+FFFD. */
void status_escape_openmetrics(struct buf *out, const char *text);

#endif
