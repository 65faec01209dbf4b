/* child_slow.c -- runs in a child, in the watcher's thread: tells the log and the pool process of a request that takes
 * long, and where its application is. The application goes on meanwhile, and is neither stopped nor signalled. */
#include "mpm/child_slow.h"

#include <stdlib.h>
#include <string.h>
#include "mpm/child_link.h"
#include "src/base/log.h"

#define CALL_BYTES 512                  /* of a backtrace for each call, about */
#define MOST_BYTES (512 * 1024)

/* Without a backtrace, or when the request ended under it, the script alone is told. */
static void send_backtrace(struct slot *s, uint32_t sequence, const char *script)
{
	const struct child_start *start = s->child->start;
	unsigned depth = (unsigned)s->child->conf->request_slowlog_trace_depth;
	size_t size = SAPI_BACKTRACE_MIN + (size_t)depth * CALL_BYTES, len = 0;
	char *texts;

	if (size > MOST_BYTES)
		size = MOST_BYTES;
	/* The application may just be using up all memory: no reason to die of it here. */
	texts = start->sapi->backtrace ? malloc(size) : NULL;
	if (texts)
		len = start->sapi->backtrace(start->ctx, &s->req, depth, texts, size);
	if (len > 0 && atomic_load(&s->sequence) == sequence)
		child_link_slow(texts, len);
	else
		child_link_slow(script, strlen(script) + 1);
	free(texts);
}

void child_slow_look(struct slot *s, uint64_t now_ms)
{
	int64_t limit_s = s->child->conf->request_slowlog_timeout_s;
	uint32_t sequence = atomic_load(&s->sequence);
	uint64_t since_ms = atomic_load(&s->run_since_ms);
	struct board_view view = { 0 };

	if (limit_s <= 0 || sequence % 2 == 0 || since_ms == 0 || sequence == s->slow_told
	    || now_ms < since_ms + (uint64_t)limit_s * 1000)
		return;
	s->slow_told = sequence;
	board_slot_slow(s->board);
	board_read(s->child->start->board, s->number, &view);
	log_warning("script '%s' (request: \"%s %s\") executing too slow (%.6f sec), logging", view.script, view.method,
	    view.uri, (double)board_age_ms(now_ms, since_ms) / 1000.0);
	send_backtrace(s, sequence, view.script);
}
