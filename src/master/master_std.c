/* master_std.c -- the start's stdout and stderr. Master only. A pipe is opened anew, so that writes to it can be made
 * not to wait without a change for whoever else has it; what cannot be (a socket, somebody else's pipe) is copied. */
#include "src/master/master_std.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "src/base/fd.h"
#include "src/base/mem.h"
#include "src/conf/conf.h"

static int kept[STDERR_FILENO + 1] = { -1, -1, -1 };

/* STDOUT_FILENO, STDERR_FILENO, or -1. */
static int std_number(const char *path)
{
	static const struct name { const char *path; int fd; } names[] = {
		{ "/dev/stdout", STDOUT_FILENO }, { "/dev/stderr", STDERR_FILENO },
		{ "/dev/fd/1", STDOUT_FILENO }, { "/dev/fd/2", STDERR_FILENO },
		{ "/proc/self/fd/1", STDOUT_FILENO }, { "/proc/self/fd/2", STDERR_FILENO },
	};

	for (size_t i = 0; path && i < ARRAY_LEN(names); i++)
		if (!strcmp(names[i].path, path))
			return names[i].fd;
	return -1;
}

static bool is_named(const struct conf *conf, int fd)
{
	for (size_t i = 0; i < conf->pool_count; i++)
		if (std_number(conf->pools[i]->access_log) == fd || std_number(conf->pools[i]->slowlog) == fd)
			return true;
	return std_number(conf->global.error_log) == fd;
}

void master_std_keep(const struct conf *conf, bool background)
{
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
		if (!background || is_named(conf, fd))
			kept[fd] = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

int master_std_open(const char *path)
{
	int number = std_number(path), fd;
	char name[32];

	if (number < 0)
		return -1;
	if (kept[number] < 0)
		return -1;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", kept[number]);
	fd = open(name, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	return fd < 0 ? fcntl(kept[number], F_DUPFD_CLOEXEC, STDERR_FILENO + 1) : fd;
}
