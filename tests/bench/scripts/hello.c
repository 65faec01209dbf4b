/* hello.c -- the same hello for both sides: a module for sapi = native, and with -DPROGRAM a program on libfcgi that
 * serves the listening socket which it finds as descriptor 0. */
#include <weir/native.h>

#ifdef WAIT_US
#include <unistd.h>

/* So long that as many requests as there are slots are served at once, each by a slot of its own. */
#define wait_for_others() usleep(WAIT_US)
#else
#define wait_for_others() ((void)0)
#endif

int weir_handler(FCGX_Request *r)
{
	wait_for_others();
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
#ifdef OWN_BYTES
#include <stdlib.h>
#include <string.h>

/* An application's memory that children cannot share: a cache, an interpreter, connections. */
char *own;                              /* visible from outside: the compiler must not drop it */

static int own_init(void)
{
	own = malloc(OWN_BYTES);
	if (!own)
		return -1;
	memset(own, 1, OWN_BYTES);
	return 0;
}
#else
#define own_init 0
#endif
const struct weir_native_info weir_native = { .abi = WEIR_NATIVE_ABI, .thread_safe = 1, .init = own_init };
#endif
