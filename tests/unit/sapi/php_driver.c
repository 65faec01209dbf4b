/* php_driver.c -- a stand for the php SAPI: loads the plug-in as a zygote does, forks as it does, and runs the
 * requests that it reads from its standard input. No server, no socket: what the script writes comes back on
 * standard output, with lengths, for test_php_sapi.py to read. Also good for counting system calls (repeat).
 *
 *   php_driver PLUGIN [probe|version|info|modules] < commands
 *
 * Commands, one a line; texts may hold \n \r \t \\ and \xNN:
 *   setting NAME KEY VALUE     KEY "-": none; all of them count from the start
 *   clear                      forget params and body
 *   param NAME=VALUE           body TEXT          bodyfile PATH
 *   chunk N                    read() gives at most N bytes at once
 *   body_fail                  after the body, read() says that the rest will not come
 *   role N                     the FastCGI role
 *   gone                       the client has gone before the request starts
 *   gone_on TEXT               it goes once TEXT was written, seen by the watcher thread
 *   trace_on TEXT              once TEXT was written, the watcher thread takes a backtrace and prints it
 *   traces                     backtraces are taken all the time while requests run
 *   run                        one request        repeat N     N requests, their replies not printed
 *   signal N                   raise a signal between requests
 *   state                      what a script may have left behind in the process
 */
#include <dlfcn.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include "sapi/sapi.h"
#include "src/base/buf.h"
#include "src/base/mem.h"
#include "tests/unit/sapi/php_driver_trace.h"

#define MAX_PARAMS 512
#define MAX_SETTINGS 64

struct fake {
	struct request req;             /* first: the SAPI's pointer is ours */
	struct sapi_param params[MAX_PARAMS];
	size_t param_count;
	struct buf body, out, error, script;
	size_t body_at, chunk;
	bool body_fail, gone_first;
	char *gone_on, *trace_on;
	bool traces;
	int flushed, finished;
	size_t out_at_finish;
	_Atomic bool gone;
};

static struct fake fake;
static const struct sapi *sapi;
static struct sapi_setting settings[MAX_SETTINGS];
static struct sapi_ctx ctx = { .settings = settings };

static struct {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake, done;
	void (*asked)(void);            /* what it is to do; NULL: nothing */
} watcher = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .done = PTHREAD_COND_INITIALIZER };

static void watch_gone(void)
{
	fake.gone = true;
	sapi->interrupt(&ctx, &fake.req);
}

static void watch_trace(void)
{
	trace_print(sapi, &ctx, &fake.req);
}

static void *watch(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&watcher.lock);
	for (;;) {
		while (!watcher.asked)
			pthread_cond_wait(&watcher.wake, &watcher.lock);
		watcher.asked();
		watcher.asked = NULL;
		pthread_cond_signal(&watcher.done);
	}
	return NULL;
}

static void watcher_start(void)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_create(&watcher.thread, NULL, watch, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* The script waits until the watcher thread has done this. */
static void ask_watcher(void (*what)(void))
{
	pthread_mutex_lock(&watcher.lock);
	watcher.asked = what;
	pthread_cond_signal(&watcher.wake);
	while (watcher.asked)
		pthread_cond_wait(&watcher.done, &watcher.lock);
	pthread_mutex_unlock(&watcher.lock);
}

static const char *fake_param(const struct request *req, const char *name, size_t *len_out)
{
	(void)req;
	for (size_t i = fake.param_count; i-- > 0;)
		if (!strcmp(fake.params[i].name, name)) {
			if (len_out)
				*len_out = fake.params[i].value_len;
			return fake.params[i].value;
		}
	return NULL;
}

static size_t fake_param_count(const struct request *req)
{
	(void)req;
	return fake.param_count;
}

static void fake_param_at(const struct request *req, size_t i, struct sapi_param *out)
{
	(void)req;
	*out = fake.params[i];
}

static ssize_t fake_read(struct request *req, void *out, size_t len)
{
	size_t have = fake.body.len - fake.body_at;

	(void)req;
	if (!have)
		return fake.body_fail ? -1 : 0;
	if (len > have)
		len = have;
	if (fake.chunk && len > fake.chunk)
		len = fake.chunk;
	memcpy(out, fake.body.data + fake.body_at, len);
	fake.body_at += len;
	return (ssize_t)len;
}

static int fake_write(struct request *req, const void *data, size_t len)
{
	(void)req;
	if (fake.finished)
		return 0;
	if (fake.gone)
		return -1;
	buf_add(&fake.out, data, len);
	if (fake.gone_on && strstr(buf_str(&fake.out), fake.gone_on)) {
		fake.gone_on = NULL;
		ask_watcher(watch_gone);
	}
	if (fake.trace_on && strstr(buf_str(&fake.out), fake.trace_on)) {
		free(fake.trace_on);
		fake.trace_on = NULL;
		ask_watcher(watch_trace);
	}
	return 0;
}

static int fake_flush(struct request *req)
{
	(void)req;
	fake.flushed++;
	return fake.gone ? -1 : 0;
}

static void fake_error(struct request *req, const char *text, size_t len)
{
	(void)req;
	buf_add(&fake.error, text, len);
}

static int fake_finish(struct request *req)
{
	(void)req;
	fake.finished++;
	fake.out_at_finish = fake.out.len;
	return fake.gone ? -1 : 0;
}

static void fake_ended(struct request *req)
{
	(void)req;
}

static bool fake_gone(const struct request *req)
{
	(void)req;
	return fake.gone;
}

static void fake_script(struct request *req, const char *path)
{
	(void)req;
	buf_clear(&fake.script);
	buf_add_str(&fake.script, path);
}

static void fake_text(struct request *req, const char *text)
{
	(void)req;
	(void)text;
}

static const struct request_ops ops = {
	.param = fake_param, .param_count = fake_param_count, .param_at = fake_param_at, .read = fake_read,
	.write = fake_write, .flush = fake_flush, .error = fake_error, .finish = fake_finish, .ended = fake_ended,
	.gone = fake_gone, .script = fake_script, .user = fake_text, .uri = fake_text,
};

static void host_log(int level, const char *text, size_t len)
{
	printf("log %d %.*s\n", level, (int)len, text);
	fflush(stdout);
}

static const struct sapi_host host = { .log = host_log };

/* Undo the escapes in place; returns the length. */
static size_t unescape(char *text)
{
	char *to = text, hex[3] = "";

	for (char *c = text; *c; c++) {
		if (*c != '\\' || !c[1]) {
			*to++ = *c;
			continue;
		}
		c++;
		if (*c == 'x' && c[1] && c[2]) {
			memcpy(hex, c + 1, 2);
			*to++ = (char)strtol(hex, NULL, 16);
			c += 2;
		} else {
			*to++ = *c == 'n' ? '\n' : *c == 'r' ? '\r' : *c == 't' ? '\t' : *c;
		}
	}
	*to = '\0';
	return (size_t)(to - text);
}

static void do_clear(void)
{
	for (size_t i = 0; i < fake.param_count; i++) {
		free((char *)fake.params[i].name);
		free((char *)fake.params[i].value);
	}
	fake.param_count = 0;
	buf_clear(&fake.body);
	fake.chunk = 0;
	fake.body_fail = fake.gone_first = false;
	free(fake.gone_on);
	free(fake.trace_on);
	fake.gone_on = fake.trace_on = NULL;
	fake.traces = false;
	fake.req.role = 1;
}

static void do_param(char *text)
{
	struct sapi_param *p = &fake.params[fake.param_count++];
	char *value = strchr(text, '=');
	char *copy;

	BUG_IF(!value || fake.param_count == MAX_PARAMS);
	*value++ = '\0';
	p->name = xstrdup(text);
	p->name_len = strlen(text);
	p->value_len = unescape(value);
	copy = xcalloc(1, p->value_len + 1);
	memcpy(copy, value, p->value_len);
	p->value = copy;
}

static void do_bodyfile(const char *path)
{
	char chunk[65536];
	size_t got;
	FILE *f = fopen(path, "r");

	BUG_IF(!f);
	while ((got = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(&fake.body, chunk, got);
	fclose(f);
}

static enum sapi_end serve(void)
{
	char *gone_on = fake.gone_on ? xstrdup(fake.gone_on) : NULL;
	char *kept = fake.gone_on;
	enum sapi_end end;

	fake.req.ops = &ops;
	fake.req.id = "test";
	fake.req.peer = "";
	fake.body_at = 0;
	fake.gone = fake.gone_first;
	fake.flushed = fake.finished = 0;
	buf_clear(&fake.out);
	buf_clear(&fake.error);
	buf_clear(&fake.script);
	fake.gone_on = gone_on;
	if (fake.traces)
		trace_start(sapi, &ctx, &fake.req);
	end = sapi->serve(&ctx, &fake.req);
	if (fake.traces)
		trace_stop();
	free(gone_on);
	fake.gone_on = kept;
	return end;
}

static void do_run(void)
{
	enum sapi_end end = serve();

	printf("reply end=%d app=%u flushed=%d finished=%d at_finish=%zu unread=%zu out=%zu error=%zu script=%zu\n",
	       end, (unsigned)fake.req.app_status, fake.flushed, fake.finished, fake.out_at_finish,
	       fake.body.len - fake.body_at, fake.out.len, fake.error.len, fake.script.len);
	fwrite(buf_str(&fake.out), 1, fake.out.len, stdout);
	fwrite(buf_str(&fake.error), 1, fake.error.len, stdout);
	fwrite(buf_str(&fake.script), 1, fake.script.len, stdout);
	printf("\n");
	fflush(stdout);
}

static void do_state(void)
{
	char cwd[4096];
	struct sigaction sa;
	struct itimerval timer;
	sigset_t mask;
	mode_t was = umask(0);

	umask(was);
	if (!getcwd(cwd, sizeof(cwd)))
		cwd[0] = '\0';
	printf("state umask=%03o locale=%s cwd=%s TZ=%s X=%s mask=", (unsigned)was, setlocale(LC_ALL, NULL), cwd,
	       getenv("TZ") ? getenv("TZ") : "-", getenv("WEIR_X") ? getenv("WEIR_X") : "-");
	sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int sig = 1; sig < 32; sig++)
		putchar(sigismember(&mask, sig) ? '1' : '0');
	printf(" handlers=");
	for (int sig = 1; sig < 32; sig++) {
		sigaction(sig, NULL, &sa);
		putchar(sig == SIGPROF ? '-' : sa.sa_handler == SIG_DFL ? 'd' : sa.sa_handler == SIG_IGN ? 'i' : 'h');
	}
	getitimer(ITIMER_REAL, &timer);
	printf(" alarm=%d\n", timer.it_value.tv_sec || timer.it_value.tv_usec);
	fflush(stdout);
}

static void command(char *line)
{
	char *arg = strchr(line, ' ');

	if (arg)
		*arg++ = '\0';
	else
		arg = line + strlen(line);
	if (!*line || *line == '#' || !strcmp(line, "setting"))
		return;
	if (!strcmp(line, "clear"))
		do_clear();
	else if (!strcmp(line, "param"))
		do_param(arg);
	else if (!strcmp(line, "body"))
		buf_add(&fake.body, arg, unescape(arg));
	else if (!strcmp(line, "bodyfile"))
		do_bodyfile(arg);
	else if (!strcmp(line, "chunk"))
		fake.chunk = strtoul(arg, NULL, 10);
	else if (!strcmp(line, "body_fail"))
		fake.body_fail = true;
	else if (!strcmp(line, "role"))
		fake.req.role = (unsigned)strtoul(arg, NULL, 10);
	else if (!strcmp(line, "gone"))
		fake.gone_first = true;
	else if (!strcmp(line, "gone_on"))
		fake.gone_on = xstrdup(arg);
	else if (!strcmp(line, "trace_on"))
		fake.trace_on = xstrdup(arg);
	else if (!strcmp(line, "traces"))
		fake.traces = true;
	else if (!strcmp(line, "run"))
		do_run();
	else if (!strcmp(line, "repeat"))
		for (unsigned long n = strtoul(arg, NULL, 10); n; n--)
			serve();
	else if (!strcmp(line, "signal"))
		raise((int)strtol(arg, NULL, 10));
	else if (!strcmp(line, "state"))
		do_state();
	else
		BUG_IF("unknown command");
}

static void read_setting(char *line)
{
	struct sapi_setting *set = &settings[ctx.setting_count];
	char *key, *value;

	if (strncmp(line, "setting ", 8))
		return;
	BUG_IF(ctx.setting_count == MAX_SETTINGS);
	line = xstrdup(line + 8);
	key = strchr(line, ' ');
	BUG_IF(!key);
	*key++ = '\0';
	value = strchr(key, ' ');
	BUG_IF(!value);
	*value++ = '\0';
	unescape(value);
	*set = (struct sapi_setting){ line, strcmp(key, "-") ? key : NULL, value };
	ctx.setting_count++;
}

static char **read_lines(size_t *count)
{
	char **lines = NULL, *line = NULL;
	size_t size = 0;
	ssize_t len;

	*count = 0;
	while ((len = getline(&line, &size, stdin)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		lines = xrealloc(lines, (*count + 1) * sizeof(*lines));
		lines[(*count)++] = xstrdup(line);
		read_setting(line);
	}
	free(line);
	return lines;
}

static void free_lines(char **lines, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(lines[i]);
	free(lines);
	for (size_t i = 0; i < ctx.setting_count; i++)
		free((char *)settings[i].name);
	do_clear();
	buf_free(&fake.body);
	buf_free(&fake.out);
	buf_free(&fake.error);
	buf_free(&fake.script);
}

static int once(const char *what)
{
	struct sapi_info info;
	struct err err = { "" };
	int status;

	if (!strcmp(what, "probe")) {
		status = sapi->probe(&ctx, &info, &err);
		if (status == 0)
			printf("%s thread_safe=%d\n", info.version, info.thread_safe);
	} else {
		status = sapi->print(&ctx, !strcmp(what, "info") ? SAPI_PRINT_INFO :
				     !strcmp(what, "modules") ? SAPI_PRINT_MODULES : SAPI_PRINT_VERSION, &err);
	}
	if (status < 0)
		printf("failed: %s\n", err.text);
	return status < 0;
}

static void harmless(int sig)
{
	(void)sig;
}

static void handlers_install(void)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGHUP };
	struct sigaction sa = { .sa_handler = harmless, .sa_flags = SA_RESTART };

	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], &sa, NULL);
}

static int parent(pid_t pid)
{
	int status = 0;

	waitpid(pid, &status, 0);
	sapi->unload(&ctx);
	if (WIFSIGNALED(status))
		printf("child died of signal %d\n", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		printf("child exited with %d\n", WEXITSTATUS(status));
	return status != 0;
}

static _Noreturn void child(char **lines, size_t count)
{
	struct err err = { "" };

	if (sapi->child_init && sapi->child_init(&ctx, &err) < 0) {
		printf("failed: %s\n", err.text);
		exit(1);
	}
	watcher_start();
	do_clear();
	for (size_t i = 0; i < count; i++)
		command(lines[i]);
	if (sapi->child_end)
		sapi->child_end(&ctx);
	free_lines(lines, count);
	exit(0);
}

/* The ways of a zygote, up to the fork. */
static int zygote(char **lines, size_t count)
{
	struct err err = { "" };
	pid_t pid;

	ctx.pool = "test";
	handlers_install();
	if (sapi->preload(&ctx, &err) < 0 || (sapi->load && sapi->load(&ctx, &err) < 0)) {
		printf("failed: %s\n", err.text);
		return 1;
	}
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		child(lines, count);
	return parent(pid);
}

int main(int argc, char **argv)
{
	size_t count;
	char **lines;
	void *plugin;
	int code;

	BUG_IF(argc < 2);
	plugin = dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL);
	sapi = plugin ? dlsym(plugin, SAPI_SYMBOL) : NULL;
	if (!sapi || sapi->abi != SAPI_ABI) {
		fprintf(stderr, "%s: %s\n", argv[1], sapi ? "other ABI" : dlerror());
		return 1;
	}
	ctx.host = &host;
	lines = read_lines(&count);
	code = argc > 2 ? once(argv[2]) : zygote(lines, count);
	free_lines(lines, count);
	return code;
}
