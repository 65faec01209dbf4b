/* conf_doc.h -- the table of keys as text: the reference chapter of the manual, weir.conf(5). */
#ifndef WEIR_CONF_DOC_H
#define WEIR_CONF_DOC_H

#include "src/base/buf.h"

void conf_doc_markdown(struct buf *out);
void conf_doc_man(struct buf *out);

#endif
