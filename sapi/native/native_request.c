/* native_request.c -- runs in a child, in a slot's thread: one request as the FCGX_Request of a handler. Everything in
 * it that libfcgi may free comes from malloc; what was freed is made anew for the next request. */
#include "sapi/native/native_priv.h"

#include <fastcgi.h>
#include <stdlib.h>
#include <string.h>
#include "src/base/mem.h"

#define TEXTS_KEPT (64 * 1024)          /* bytes of strings that a slot keeps between requests */
#define PARAMS_AT_FIRST 160             /* large enough for malloc to give it back whole */
#define TEXTS_AT_LEAST 2048             /* so that a longer query does not make it grow again */

static _Thread_local struct native_slot *here;

struct native_slot *native_slot(void)
{
	if (here)
		return here;
	here = xcalloc(1, sizeof(*here));
	here->params = xcalloc(1, sizeof(*here->params));
	native_streams_begin(here);
	return here;
}

static void texts_free(struct native_slot *slot)
{
	free(slot->texts);
	slot->texts = NULL;
	slot->texts_room = 0;
}

void native_slot_rest(void)
{
	if (!here)
		return;
	native_stream_rest(here->in);
	native_stream_rest(here->out);
	native_stream_rest(here->err);
	texts_free(here);
	if (!here->params)
		return;
	free(here->params->at);
	here->params->at = here->params->end = NULL;
	here->params->room = 0;
}

static const char *role_text(unsigned role)
{
	switch (role) {
	case FCGI_AUTHORIZER:
		return "FCGI_ROLE=AUTHORIZER";
	case FCGI_FILTER:
		return "FCGI_ROLE=FILTER";
	default:
		return "FCGI_ROLE=RESPONDER";
	}
}

static size_t texts_need(const struct request *req, size_t count)
{
	size_t bytes = sizeof("FCGI_ROLE=AUTHORIZER");
	struct sapi_param p;

	for (size_t i = 0; i < count; i++) {
		req->ops->param_at(req, i, &p);
		bytes += p.name_len + p.value_len + 2;
	}
	return bytes;
}

static void texts_reserve(struct native_slot *slot, size_t bytes)
{
	free(slot->texts);
	slot->texts_room = bytes > TEXTS_AT_LEAST ? bytes : TEXTS_AT_LEAST;
	slot->texts = xrealloc(NULL, slot->texts_room); /* not zeroed, as the streams */
}

/* Room for so many strings and the NULL behind them. */
static void params_reserve(struct native_slot *slot, size_t count)
{
	struct native_params *p = slot->params;

	if (!p)
		p = slot->params = xcalloc(1, sizeof(*p));
	if ((size_t)p->room <= count) {
		p->room = (int)(count < PARAMS_AT_FIRST ? PARAMS_AT_FIRST : count + 1);
		p->at = xrealloc(p->at, (size_t)p->room * sizeof(*p->at));
	}
	p->end = p->at;                 /* the strings are not to be freed one by one */
}

static char *put_param(char *to, const struct sapi_param *p)
{
	memcpy(to, p->name, p->name_len);
	to[p->name_len] = '=';
	memcpy(to + p->name_len + 1, p->value, p->value_len + 1);
	return to + p->name_len + p->value_len + 2;
}

/* libfcgi puts the role first. False: the room for texts is too small. */
static bool params_put(struct native_slot *slot, size_t count)
{
	const struct request *req = slot->req;
	char *to = slot->texts, *end = to + slot->texts_room;
	struct sapi_param p;

	if (slot->texts_room < sizeof("FCGI_ROLE=AUTHORIZER"))
		return false;
	slot->params->at[0] = to;
	to = stpcpy(to, role_text(req->role)) + 1;
	for (size_t i = 0; i < count; i++) {
		req->ops->param_at(req, i, &p);
		if (p.name_len + p.value_len + 2 > (size_t)(end - to))
			return false;
		slot->params->at[i + 1] = to;
		to = put_param(to, &p);
	}
	slot->params->at[count + 1] = NULL;
	return true;
}

/* Mostly the room of the request before will do. */
static void params_fill(struct native_slot *slot)
{
	size_t count = slot->req->ops->param_count(slot->req);

	params_reserve(slot, count + 1);
	if (params_put(slot, count))
		return;
	texts_reserve(slot, texts_need(slot->req, count));
	params_put(slot, count);
}

void native_request_begin(struct native_slot *slot, struct request *req)
{
	slot->req = req;
	slot->data_started = false;
	slot->complete = false;
	native_streams_begin(slot);
	params_fill(slot);
	slot->fcgx = (FCGX_Request){
		.requestId = req->wire_id,
		.role = (int)req->role,
		.in = slot->in,
		.out = slot->out,
		.err = slot->err,
		.envp = slot->params->at,
		.paramsPtr = (struct Params *)slot->params,
		.ipcFd = -1,                    /* the connection is Weir's: libfcgi closes none */
		.isBeginProcessed = 1,
		.keepConnection = 1,
		.nWriters = 2,
		.listen_sock = -1,
	};
}

/* libfcgi says by NULL what it has freed. */
static void forget_freed(struct native_slot *slot)
{
	if (!slot->fcgx.in)
		slot->in = NULL;
	if (!slot->fcgx.out)
		slot->out = NULL;
	if (!slot->fcgx.err)
		slot->err = NULL;
	if (!slot->fcgx.paramsPtr)
		slot->params = NULL;
}

void native_request_end(struct native_slot *slot, int status)
{
	forget_freed(slot);
	native_stream_end(slot, slot->err);
	native_stream_end(slot, slot->out);
	if (status != 0)
		slot->fcgx.appStatus = status;
	if (!slot->complete)
		slot->req->app_status = (uint32_t)slot->fcgx.appStatus;
	slot->req = NULL;
	if (slot->texts_room > TEXTS_KEPT)
		texts_free(slot);
}
