/* hello.c -- the same hello for both sides: a module for sapi = native, and with -DPROGRAM a program on libfcgi that
 * serves the listening socket which it finds as descriptor 0. */
#include <weir/native.h>

int weir_handler(FCGX_Request *r)
{
	FCGX_PutS("Content-Type: text/plain\r\n\r\nHello, world!\n", r->out);
	return 0;
}

#ifdef PROGRAM
int main(void)
{
	FCGX_Request request;

	if (FCGX_Init() || FCGX_InitRequest(&request, 0, 0))
		return 1;
	while (FCGX_Accept_r(&request) == 0) {
		weir_handler(&request);
		FCGX_Finish_r(&request);
	}
	return 0;
}
#else
const struct weir_native_info weir_native = { .abi = WEIR_NATIVE_ABI, .thread_safe = 1 };
#endif
