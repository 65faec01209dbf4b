/* native_layout.c -- runs in zygotes and probes: makes sure that the libfcgi at hand keeps behind its streams what
 * struct native_block says. It has libfcgi make a stream and looks; another layout is refused, never guessed at. */
#include "sapi/native/native_priv.h"

#include <fastcgi.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>

#define SOME_ID 0x1234

static bool buffer_fits(const FCGX_Stream *made, struct native_block *b)
{
	return malloc_usable_size(b) >= sizeof(*b)
	    && b->start + FCGI_HEADER_LEN == made->wrNext
	    && b->end == made->stop
	    && b->size == b->end - b->start
	    && b->allocated && b->allocated <= b->start && b->start - b->allocated < FCGI_HEADER_LEN
	    && b->type == FCGI_STDERR && b->end_of_record == 0 && b->skip == 0 && b->content_left == 0
	    && b->padding_left == 0 && b->written == 0 && b->raw == 0;
}

static bool request_fits(FCGX_Request *r)
{
	return malloc_usable_size(r) >= sizeof(*r) && r->requestId == SOME_ID && r->ipcFd == -1 && r->nWriters == 2;
}

int native_layout_check(struct err *err)
{
	FCGX_Stream *made = FCGX_CreateWriter(-1, SOME_ID, 4096, FCGI_STDERR);
	struct native_block *b = made->data;
	FCGX_Request *request;

	if (!buffer_fits(made, b) || !request_fits(b->request))
		return err_set(err, "sapi = native: this libfcgi is not of the kind that Weir knows (2.4): install the "
		    "libfcgi of your distribution, or build Weir against the one that is installed");
	request = b->request;
	b->request = NULL;              /* newer ones free it with the stream, older ones forget it */
	FCGX_FreeStream(&made);
	free(request);
	return 0;
}
