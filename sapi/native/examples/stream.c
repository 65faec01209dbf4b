/* stream.c -- sends ?lines=N lines (10 without), each on its way as soon as it is written, and stops when the client
 * has gone. With &ms=N it waits so long between them. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <weir/native.h>

static long number(FCGX_Request *r, const char *name, long otherwise)
{
	const char *query = FCGX_GetParam("QUERY_STRING", r->envp);
	const char *at = query ? strstr(query, name) : NULL;

	return at ? strtol(at + strlen(name), NULL, 10) : otherwise;
}

static void wait_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	if (ms > 0)
		nanosleep(&t, NULL);
}

int weir_handler(FCGX_Request *r)
{
	long lines = number(r, "lines=", 10), ms = number(r, "ms=", 0);

	FCGX_PutS("Content-Type: text/plain\r\n\r\n", r->out);
	for (long i = 1; i <= lines; i++) {
		if (FCGX_FPrintF(r->out, "line %ld of %ld\n", i, lines) < 0 || FCGX_FFlush(r->out) < 0)
			return 1;
		wait_ms(i < lines ? ms : 0);
	}
	return 0;
}

const struct weir_native_info weir_native = { .abi = WEIR_NATIVE_ABI, .thread_safe = 1 };
