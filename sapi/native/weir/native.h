/* weir/native.h -- what a module of C handlers exports for pools with sapi = native. See weir_native(3).
 *
 *     cc -shared -fPIC $(pkg-config --cflags weir) -o app.so app.c
 *
 * A module uses libfcgi's calls (fcgiapp.h) on the request that it is given. It may be linked with libfcgi or not:
 * Weir brings the library. Compiled as C++ too. */
#ifndef WEIR_NATIVE_H
#define WEIR_NATIVE_H

#include <fcgiapp.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WEIR_NATIVE_ABI 1

#if defined(__GNUC__)
#define WEIR_NATIVE_EXPORT __attribute__((visibility("default")))
#else
#define WEIR_NATIVE_EXPORT
#endif

/* Serve one request: what stood between FCGX_Accept_r() and the next one. request and all that it points to are valid
 * until the return. Returns the application status of the request's end (END_REQUEST's appStatus); after 0 that of
 * FCGX_SetExitStatus() counts. Required. */
WEIR_NATIVE_EXPORT int weir_handler(FCGX_Request *request);

/* What a module says of itself. Without one it is taken for not thread-safe. */
struct weir_native_info {
	unsigned abi;                   /* WEIR_NATIVE_ABI, checked before anything else */
	int thread_safe;                /* 1: weir_handler may run in several threads of a process at once */
	/* In each process that serves, before its first request and before any thread: connections, random numbers,
	 * threads of the module's own. Not 0: this process cannot serve. NULL: nothing to do. */
	int (*init)(void);
	/* In such a process when it ends in order, after its last request. NULL: nothing to do. */
	void (*fini)(void);
	/* Once, in the process from which those that serve are forked: tables that they share. It must leave no thread
	 * and no connection behind. Not 0: the pool cannot run. NULL: nothing to do. */
	int (*load)(void);
};

/* Optional. */
WEIR_NATIVE_EXPORT extern const struct weir_native_info weir_native;

#ifdef __cplusplus
}
#endif

#endif
