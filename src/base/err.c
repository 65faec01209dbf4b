/* err.c -- filling a struct err. Any process.
 * Formats into a copy first, so that a caller may put what it was told into a longer sentence:
 * err_set(err, "%s: %s", path, err->text). Logs nothing: who knows the reader does. */
#include "src/base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void err_vset(struct err *err, const char *fmt, va_list ap, const char *reason)
{
	char text[sizeof(err->text)];
	size_t len;

	text[0] = '\0';
	vsnprintf(text, sizeof(text), fmt, ap);
	len = strlen(text);
	if (reason)
		snprintf(text + len, sizeof(text) - len, ": %s", reason);
	memcpy(err->text, text, strlen(text) + 1);
}

int err_set(struct err *err, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return -1;
	va_start(ap, fmt);
	err_vset(err, fmt, ap, NULL);
	va_end(ap);
	return -1;
}

int err_sys(struct err *err, const char *fmt, ...)
{
	int saved = errno;
	char space[128];
	va_list ap;

	if (!err)
		return -1;
	va_start(ap, fmt);
	err_vset(err, fmt, ap, strerror_r(saved, space, sizeof(space)));
	va_end(ap);
	errno = saved;
	return -1;
}
