/* echo.c -- shows what a request is: its parameters, and the length of its body. */
#include <weir/native.h>

int weir_handler(FCGX_Request *r)
{
	char piece[8192];
	long bytes = 0;
	int got;

	while ((got = FCGX_GetStr(piece, sizeof(piece), r->in)) > 0)
		bytes += got;
	FCGX_PutS("Content-Type: text/plain\r\n\r\n", r->out);
	for (char **p = r->envp; *p; p++)
		FCGX_FPrintF(r->out, "%s\n", *p);
	FCGX_FPrintF(r->out, "body: %ld bytes\n", bytes);
	return 0;
}

const struct weir_native_info weir_native = { .abi = WEIR_NATIVE_ABI, .thread_safe = 1 };
