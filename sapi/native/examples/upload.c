/* upload.c -- counts uploads and their bytes since this process started. The counters are one for all its threads, so
 * they are atomic; in another process they are others. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <weir/native.h>

static atomic_ulong uploads;
static atomic_ullong bytes_in_all;

static int refuse(FCGX_Request *r, const char *status, const char *why)
{
	FCGX_FPrintF(r->out, "Status: %s\r\nContent-Type: text/plain\r\n\r\n%s\n", status, why);
	return 0;
}

int weir_handler(FCGX_Request *r)
{
	const char *method = FCGX_GetParam("REQUEST_METHOD", r->envp);
	unsigned long long bytes = 0;
	char piece[16384];
	int got;

	if (!method || strcmp(method, "POST") != 0)
		return refuse(r, "405 Method Not Allowed", "send your file with POST");
	while ((got = FCGX_GetStr(piece, sizeof(piece), r->in)) > 0)
		bytes += (unsigned long long)got;
	if (FCGX_GetError(r->in))               /* it broke off; Weir answers for us */
		return 1;
	FCGX_PutS("Content-Type: text/plain\r\n\r\n", r->out);
	FCGX_FPrintF(r->out, "this upload: %lu bytes\n", (unsigned long)bytes);
	FCGX_FPrintF(r->out, "uploads: %lu\n", atomic_fetch_add(&uploads, 1) + 1);
	FCGX_FPrintF(r->out, "bytes in all: %lu\n", (unsigned long)(atomic_fetch_add(&bytes_in_all, bytes) + bytes));
	return 0;
}

const struct weir_native_info weir_native = { .abi = WEIR_NATIVE_ABI, .thread_safe = 1 };
