/* mem.c -- allocation that cannot fail, and the end of a process that is wrong. Any process.
 * Out of memory is not repaired: where every call might fail, no failure path is ever tested. Both ends say
 * their word through the log, once: a fault inside logging itself must not come round again. */
#include "src/base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "src/base/exits.h"
#include "src/base/log.h"

static _Thread_local int mem_ending;

_Noreturn void mem_out(size_t size)
{
	if (!mem_ending++)
		log_alert("out of memory: %zu bytes are not to be had; raise the memory limit or lower "
		    "pm.max_children", size);
	_exit(EXIT_SOFTWARE);
}

void *xcalloc(size_t count, size_t size)
{
	void *p = calloc(count ? count : 1, size ? size : 1);

	if (!p)
		mem_out(size && count > SIZE_MAX / size ? SIZE_MAX : count * size);
	return p;
}

void *xrealloc(void *old, size_t size)
{
	void *p = realloc(old, size ? size : 1);

	if (!p)
		mem_out(size);
	return p;
}

char *xstrdup(const char *s)
{
	return xstrndup(s, strlen(s));
}

char *xstrndup(const char *s, size_t len)
{
	size_t have = strnlen(s, len);
	char *copy = xcalloc(have + 1, 1);

	memcpy(copy, s, have);
	return copy;
}

char *xasprintf(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		mem_out(0);
	return text;
}

_Noreturn void bug_at(const char *file, int line, const char *what)
{
	if (!mem_ending++)
		log_alert("bug: %s:%d: %s (process %d); this is a fault of Weir itself: please report it "
		    "with this line", file, line, what, (int)getpid());
	abort();
}
