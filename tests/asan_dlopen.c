/* asan_dlopen.c -- only in sanitizer builds: dlopen without RTLD_DEEPBIND. PHP opens its extensions with that flag,
 * and AddressSanitizer ends the process at the sight of it. The program that holds this file exports it (-rdynamic),
 * so that libphp's calls come here. It changes nothing else: the real dlopen does the work. */
#include <dlfcn.h>
#include <stdlib.h>

void *dlopen(const char *file, int flags)
{
	static void *(*real)(const char *, int);

	if (!real) {
		void *found = dlsym(RTLD_NEXT, "dlopen");

		if (!found)
			abort();
		*(void **)&real = found;
	}
	return real(file, flags & ~RTLD_DEEPBIND);
}
