/* wsgi_backtrace.c -- runs in a child, in the watcher's thread: where every thread is in its Python code. The GIL
 * cannot be waited for, since what is stuck may hold it; and what is read without it changes under one's eyes. So a
 * copy of the process, in which nothing moves, reads itself as faulthandler does; if that trips, the copy dies of it
 * and nobody else. It sends no SIGCHLD, and only who asks for such children finds it: the application does not. */
#include "sapi/wsgi/wsgi_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 500                 /* so long may the copy take */
#define MOST (256 * 1024)               /* bytes of what it says */

/* Exported for faulthandler; a Python without it has no backtraces. */
extern const char *_Py_DumpTracebackThreads(int fd, PyInterpreterState *interp, PyThreadState *current)
	__attribute__((weak));

static _Noreturn void dump(int to)
{
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	signal(SIGABRT, SIG_DFL);
	_Py_DumpTracebackThreads(to, wsgi_interpreter, NULL);
	_exit(0);
}

static size_t hear(int from, char *text, size_t size)
{
	struct pollfd p = { .fd = from, .events = POLLIN };
	size_t len = 0;

	while (len + 1 < size && poll(&p, 1, PATIENCE_MS) > 0) {
		ssize_t got = read(from, text + len, size - len - 1);

		if (got <= 0 && !(got < 0 && errno == EINTR))
			break;
		len += got > 0 ? (size_t)got : 0;
	}
	text[len] = '\0';
	return len;
}

static size_t dump_in_a_copy(char *text, size_t size)
{
	size_t len = 0;
	int ends[2];
	long pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return 0;
	pid = syscall(SYS_clone, 0, NULL, NULL, NULL, 0);
	if (pid == 0)
		dump(ends[1]);
	close(ends[1]);
	if (pid > 0) {
		len = hear(ends[0], text, size);
		kill((pid_t)pid, SIGKILL);
		while (waitpid((pid_t)pid, NULL, __WALL) < 0 && errno == EINTR)
			continue;
	}
	close(ends[0]);
	return len;
}

/* ---- from faulthandler's lines to those of the slow log */

struct texts {
	char *at, *end;
	bool full;
};

static __attribute__((format(printf, 2, 3))) void add(struct texts *t, const char *fmt, ...)
{
	size_t room = (size_t)(t->end - t->at);
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = t->full ? -1 : vsnprintf(t->at, room, fmt, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= room)
		t->full = true;
	else
		t->at += len + 1;
}

/* '  File "PATH", line N in FUNCTION'. False: it is no such line. */
static bool add_call(struct texts *t, unsigned long id, char *line)
{
	char *path = strstr(line, "File \""), *rest = path ? strstr(path, "\", line ") : NULL, *function;

	if (!rest)
		return false;
	*rest = '\0';
	rest += strlen("\", line ");
	function = strstr(rest, " in ");
	if (!function)
		return false;
	*function = '\0';
	add(t, "[0x%016lx] %s() %s:%s", id, function + 4, path + 6, rest);
	return true;
}

/* One thread's calls: they stand behind "[Current thread|Thread] 0x... (most recent call first):". Returns what
 * follows them. */
static char *add_thread(struct texts *t, unsigned long id, char *line, unsigned depth)
{
	unsigned calls = 0;
	char *next = line;

	while (next && *next == ' ') {
		line = next;
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (calls < depth && add_call(t, id, line))
			calls++;
	}
	return next;
}

/* All threads but that one, or that one alone. */
static void add_threads(struct texts *t, const char *said, size_t len, unsigned long id, bool it_alone, unsigned depth)
{
	char *copy = malloc(len + 1), *at = copy;

	if (!copy)
		return;
	memcpy(copy, said, len + 1);
	while (at && (at = strstr(at, "hread 0x")) != NULL) {
		unsigned long thread = strtoul(at + 6, NULL, 16);

		at = strchr(at, '\n');
		if (!at || (thread == id) != it_alone)
			continue;
		if (!it_alone && !strncmp(at + 1, "  File", 6))         /* one that is idle has no frame */
			add(t, "[0x%016lx] -- another thread --", thread);
		at = add_thread(t, thread, at + 1, depth);
	}
	free(copy);
}

static unsigned long thread_of(const struct request *req)
{
	for (const struct wsgi_slot *s = atomic_load(&wsgi_slots); s; s = s->next)
		if (atomic_load_explicit(&s->serving, memory_order_acquire) == req)
			return s->id;
	return 0;
}

size_t wsgi_backtrace(struct sapi_ctx *ctx, struct request *req, unsigned depth, char *out, size_t size)
{
	struct texts t = { .at = out, .end = out + size };
	unsigned long id = thread_of(req);
	char *said = _Py_DumpTracebackThreads && id != 0 ? malloc(MOST) : NULL;
	size_t len = said ? dump_in_a_copy(said, MOST) : 0;

	(void)ctx;
	if (len > 0) {
		add(&t, "%s", wsgi_settings.application);
		add_threads(&t, said, len, id, true, depth);
		add_threads(&t, said, len, id, false, depth);
	}
	free(said);
	return (size_t)(t.at - out);
}
