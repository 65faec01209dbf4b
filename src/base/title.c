/* title.c -- the process title. Any process.
 * The kernel shows the memory that held the arguments at exec. When the last byte of it is not NUL any more
 * it takes that for a title and shows the text from the start up to and with the first NUL, into the
 * environment's memory if need be (fs/proc/base.c, get_mm_cmdline). Asks for no right and moves no boundary
 * (PR_SET_MM would need CAP_SYS_RESOURCE). */
#include "src/base/title.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "src/base/mem.h"

static struct {
	char *area;                     /* where argv[0] stood; NULL: title_init was not called */
	size_t args_len;                /* the arguments' part, up to and with their last NUL */
	size_t len;                     /* with what follows without a gap: the environment */
	char **environ_copy;            /* ours; kept here so that it is never lost */
} title;

/* How far does list, whose strings the kernel put one behind the other, reach on from end? */
static char *title_extent(char **list, char *end)
{
	for (; *list && *list == end; list++)
		end += strlen(*list) + 1;
	return end;
}

static void title_copy_environ(void)
{
	size_t count = 0;

	while (environ[count])
		count++;
	title.environ_copy = xcalloc(count + 1, sizeof(char *));
	for (size_t i = 0; i < count; i++)
		title.environ_copy[i] = xstrdup(environ[i]);
	environ = title.environ_copy;
}

void title_short(const char *name)
{
	prctl(PR_SET_NAME, name);
}

void title_init(int argc, char **argv)
{
	char *args_end, *end;

	BUG_IF(title.area);
	title_short("weir");
	if (argc < 1 || !argv[0])
		return;
	args_end = title_extent(argv, argv[0]);
	end = title_extent(environ, args_end);
	title.area = argv[0];
	title.args_len = (size_t)(args_end - title.area);
	title.len = (size_t)(end - title.area);
	title_copy_environ();
	for (int i = 0; i < argc; i++)
		argv[i] = xstrdup(argv[i]);
	/* glibc's names of the program point into the old arguments as well. */
	program_invocation_name = argv[0];
	program_invocation_short_name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
}

void title_set(const char *fmt, ...)
{
	va_list ap;
	size_t len;

	if (!title.area)
		return;
	memset(title.area, 0, title.len);
	va_start(ap, fmt);
	vsnprintf(title.area, title.len, fmt, ap);
	va_end(ap);
	len = strlen(title.area);
	/* With the NUL as last byte of the arguments they end where the title does, and need no mark. */
	if (len + 1 < title.args_len)
		title.area[title.args_len - 1] = '.';
}
