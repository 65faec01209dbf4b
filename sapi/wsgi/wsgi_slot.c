/* wsgi_slot.c -- runs in a child: what a thread that serves keeps from one request to the next. */
#include "sapi/wsgi/wsgi_priv.h"

#include <string.h>
#include "src/base/log.h"
#include "src/base/mem.h"

_Atomic(struct wsgi_slot *) wsgi_slots;

static _Thread_local struct wsgi_slot *own;

struct wsgi_slot *wsgi_slot(void)
{
	return own;
}

struct wsgi_slot *wsgi_slot_begin(const struct sapi_host *host, PyThreadState *thread)
{
	struct wsgi_slot *slot = xcalloc(1, sizeof(*slot)), *first = atomic_load(&wsgi_slots);

	slot->host = host;
	slot->thread = thread;
	slot->id = thread->thread_id;
	do
		slot->next = first;
	while (!atomic_compare_exchange_weak(&wsgi_slots, &first, slot));
	own = slot;
	return slot;
}

void wsgi_slot_end(void)
{
	PyEval_RestoreThread(own->thread);
	PyThreadState_Clear(own->thread);
	PyThreadState_DeleteCurrent();
	own->thread = NULL;
	buf_free(&own->head);
	buf_free(&own->errors);
}

void wsgi_slot_flush_errors(struct wsgi_slot *slot)
{
	size_t len = slot->errors.len;
	struct buf line = { 0 };

	while (len > 0 && slot->errors.data[len - 1] == '\n')
		len--;
	if (len > 0) {
		if (slot->turn)
			buf_printf(&line, "request %s: ", slot->turn->req->id);
		buf_add(&line, slot->errors.data, len);
		slot->host->log(LOG_LEVEL_WARNING, (const char *)line.data, line.len);
		buf_free(&line);
	}
	buf_clear(&slot->errors);
}
