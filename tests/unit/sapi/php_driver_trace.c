/* php_driver_trace.c -- see php_driver_trace.h. */
#include "tests/unit/sapi/php_driver_trace.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "src/base/mem.h"

#define SIZE  32768
#define DEPTH 20
#define NAMES 64                        /* of functions: more would not be looked for */

static struct {
	const struct sapi *sapi;
	struct sapi_ctx *ctx;
	struct request *req;
	pthread_t thread;
	_Atomic bool stop;
	unsigned long taken, calls, most;
	char *names[NAMES];
} tracer;

void trace_print(const struct sapi *sapi, struct sapi_ctx *ctx, struct request *req)
{
	char *texts = xcalloc(1, SIZE);
	size_t len = sapi->backtrace(ctx, req, DEPTH, texts, SIZE);

	for (const char *at = texts; at < texts + len; at += strlen(at) + 1)
		printf("trace %s\n", at);
	fflush(stdout);
	free(texts);
}

static void note_name(const char *call)
{
	const char *from = strchr(call, ' ') + 1, *to = strstr(from, "() ");
	size_t len = (size_t)(to - from);

	for (int i = 0; i < NAMES; i++) {
		char *name = tracer.names[i];

		if (name && strlen(name) == len && !memcmp(name, from, len))
			return;
		if (!name) {
			tracer.names[i] = xasprintf("%.*s", (int)len, from);
			return;
		}
	}
}

static void check(const char *texts, size_t len)
{
	unsigned calls = 0;
	const char *at;

	BUG_IF(len == 0 || len > SIZE || texts[len - 1] != '\0');
	for (at = texts + strlen(texts) + 1; at < texts + len; at += strlen(at) + 1, calls++) {
		BUG_IF(strncmp(at, "[0x", 3) != 0 || !strstr(at, "() ") || !strrchr(at, ':'));
		note_name(at);
	}
	BUG_IF(calls > DEPTH);
	tracer.taken++;
	tracer.calls += calls;
	if (calls > tracer.most)
		tracer.most = calls;
}

static void *trace_run(void *arg)
{
	char *texts = xcalloc(1, SIZE);

	(void)arg;
	while (!atomic_load(&tracer.stop))
		check(texts, tracer.sapi->backtrace(tracer.ctx, tracer.req, DEPTH, texts, SIZE));
	free(texts);
	return NULL;
}

void trace_start(const struct sapi *sapi, struct sapi_ctx *ctx, struct request *req)
{
	sigset_t all, old;

	tracer.sapi = sapi;
	tracer.ctx = ctx;
	tracer.req = req;
	tracer.taken = tracer.calls = tracer.most = 0;
	atomic_store(&tracer.stop, false);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_create(&tracer.thread, NULL, trace_run, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void trace_stop(void)
{
	atomic_store(&tracer.stop, true);
	pthread_join(tracer.thread, NULL);
	for (int i = 0; i < NAMES && tracer.names[i]; i++) {
		printf("traced %s\n", tracer.names[i]);
		free(tracer.names[i]);
		tracer.names[i] = NULL;
	}
	printf("traces %lu calls %lu most %lu\n", tracer.taken, tracer.calls, tracer.most);
	fflush(stdout);
}
