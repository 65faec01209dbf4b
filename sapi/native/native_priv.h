/* native_priv.h -- the SAPI native from the inside: a module of C handlers, and requests that are libfcgi's objects.
 * Only sapi/native includes it. */
#ifndef WEIR_NATIVE_PRIV_H
#define WEIR_NATIVE_PRIV_H

#include <fcgiapp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include "sapi/native/weir/native.h"
#include "sapi/sapi.h"

#define NATIVE_BYTES     (32 * 1024)    /* of the streams' buffers */
#define NATIVE_ERR_BYTES (4 * 1024)

/* ---- native_layout.c: what libfcgi keeps behind FCGX_Stream.data and FCGX_Request.paramsPtr. Its headers do not say;
 * FCGX_SetExitStatus, FCGX_StartFilterData, FCGX_Finish_r and FCGX_Free, called by a handler, go there, and free it. */
struct native_block {
	unsigned char *start;           /* of the buffer */
	int size;
	unsigned char *allocated;       /* the buffer as malloc gave it */
	unsigned char *end;
	int type;                       /* FCGI_STDIN, FCGI_DATA, FCGI_STDOUT, FCGI_STDERR */
	int end_of_record, skip, content_left, padding_left, written, raw;      /* libfcgi's own */
	FCGX_Request *request;
};

struct native_params {
	char **at;
	int room;
	char **end;                     /* of what FCGX_Free is to free one by one */
};

/* Has the libfcgi of this process that layout? 0 or -1 with err. */
int native_layout_check(struct err *err);

/* ---- native_module.c */
struct native_module {
	int (*handler)(FCGX_Request *request);
	const struct weir_native_info *info;    /* NULL: the module says nothing of itself */
};

/* Open the module that the settings name, below root ("" or a chroot). 0, or -1: err names file, key and reason. */
int native_module_open(const struct sapi_ctx *ctx, const char *root, struct native_module *out, struct err *err);
/* What a setting says; NULL: it is not there. */
const char *native_setting(const struct sapi_ctx *ctx, const char *name);

/* ---- native_request.c, native_stream.c: one request at a time for each thread. */
struct native_slot {
	FCGX_Request fcgx;              /* what the handler is given */
	struct request *req;            /* what stands behind it */
	FCGX_Stream *in, *out, *err;    /* kept from request to request, unless the handler had libfcgi free them */
	struct native_params *params;   /* likewise */
	char *texts;                    /* the strings of envp */
	size_t texts_room;
	bool data_started;              /* of a Filter: in reads FCGI_DATA */
	bool complete;                  /* both writers were closed: the client has its whole reply */
};

/* This thread's slot, made at its first use. */
struct native_slot *native_slot(void);
/* Between requests: the memory of texts and buffers is not kept for the next one. */
void native_slot_rest(void);
void native_request_begin(struct native_slot *slot, struct request *req);
/* The handler has returned status: hand over what its streams hold. */
void native_request_end(struct native_slot *slot, int status);

/* The three streams for a new request; made where they are missing. */
void native_streams_begin(struct native_slot *slot);
void native_stream_rest(FCGX_Stream *stream);   /* between requests: give its buffer back; NULL does nothing */
/* Take what is left in a writer; for one that was closed or freed there is nothing. */
void native_stream_end(struct native_slot *slot, FCGX_Stream *stream);

/* FCGX_ShutdownPending() was called: this process shall take no more requests. */
extern atomic_bool native_leaving;

#endif
