/* echo.c -- a SAPI for tests: says what it was given, in the words of tests/diff/FORMAT.md, so that the engine under
 * it can be held against a program on libfcgi. Not installed. */
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "sapi/sapi.h"
#include "src/base/buf.h"
#include "src/base/mem.h"

#define FNV_START 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

static int echo_probe(struct sapi_ctx *ctx, struct sapi_info *info_out, struct err *err)
{
	(void)ctx;
	(void)err;
	snprintf(info_out->version, sizeof(info_out->version), "echo");
	info_out->thread_safe = true;
	return 0;
}

static int echo_preload(struct sapi_ctx *ctx, struct err *err)
{
	(void)ctx;
	(void)err;
	return 0;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_escaped(struct buf *out, const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		if (*at > 0x20 && *at < 0x7f && *at != '%')
			buf_add(out, at, 1);
		else
			buf_printf(out, "%%%02X", *at);
	}
}

static void add_params(struct buf *out, const struct request *req)
{
	size_t count = req->ops->param_count(req), used = 0;
	char **lines = xcalloc(count + 1, sizeof(*lines));

	for (size_t i = 0; i < count; i++) {
		struct sapi_param p;
		struct buf line = { 0 };

		req->ops->param_at(req, i, &p);
		buf_add(&line, p.name, p.name_len);
		buf_add_str(&line, "=");
		buf_add(&line, p.value, p.value_len);
		if (strncmp(buf_str(&line), "FCGI_ROLE=", 10) != 0)
			lines[used++] = xstrdup(buf_str(&line));
		buf_free(&line);
	}
	qsort(lines, used, sizeof(*lines), by_bytes);
	buf_printf(out, "params=%zu\n", used);
	for (size_t i = 0; i < used; i++) {
		add_escaped(out, lines[i]);
		buf_add_str(out, "\n");
		free(lines[i]);
	}
	free(lines);
}

/* -1: the body broke off. */
static int add_body(struct buf *out, struct request *req)
{
	uint64_t hash = FNV_START, total = 0;
	unsigned char piece[8192];
	ssize_t got;

	if (req->role == 2) {
		buf_add_str(out, "stdin=none\n");
		return 0;
	}
	while ((got = req->ops->read(req, piece, sizeof(piece))) > 0) {
		for (ssize_t i = 0; i < got; i++)
			hash = (hash ^ piece[i]) * FNV_PRIME;
		total += (uint64_t)got;
	}
	buf_printf(out, "stdin=%" PRIu64 " %016" PRIx64 "\n", total, hash);
	return got < 0 ? -1 : 0;
}

static unsigned long long number(const struct request *req, const char *name)
{
	const char *text = req->ops->param(req, name, NULL);

	return text ? strtoull(text, NULL, 10) : 0;
}

static void add_bytes(struct request *req, unsigned long long left)
{
	static const char digits[] = "0123456789abcdef";

	for (; left >= 16; left -= 16)
		if (req->ops->write(req, digits, 16) < 0)
			return;
	req->ops->write(req, digits, left);
}

/* Hold until the file of this name is there; and before that make one that says so, until then: no clock is needed to
 * have a busy slot. */
static void hold(const struct request *req, const char *folder)
{
	char mark[4096], path[4096];

	snprintf(mark, sizeof(mark), "%s/held-%s", folder, req->id);
	close(open(mark, O_CREAT | O_WRONLY, 0666));
	snprintf(path, sizeof(path), "%s/release", folder);
	while (access(path, F_OK) < 0)
		usleep(2000);
	unlink(mark);
}

/* Go on once so many requests have come here. */
static void meet(struct request *req, const char *folder, int count)
{
	char text[4096];
	glob_t found;
	int here = 0;

	snprintf(text, sizeof(text), "%s/here-%s", folder, req->id);
	close(open(text, O_CREAT | O_WRONLY, 0666));
	snprintf(text, sizeof(text), "%s/here-*", folder);
	for (int i = 0; i < 5000 && here < count; i++) {
		usleep(2000);
		here = glob(text, 0, NULL, &found) == 0 ? (int)found.gl_pathc : 0;
		globfree(&found);
	}
	if (here < count)
		req->ops->write(req, "alone", 5);
}

static void do_step(struct request *req, const char *step)
{
	const char *folder = req->ops->param(req, "ECHO_FOLDER", NULL), *value = strchr(step, '=');
	int number = value ? atoi(value + 1) : 0;
	char text[64];

	snprintf(text, sizeof(text), "%d", (int)getpid());
	if (strcmp(step, "pid") == 0)
		req->ops->write(req, text, strlen(text));
	else if (strcmp(step, "hold") == 0)
		hold(req, folder);
	else if (strncmp(step, "meet=", 5) == 0)
		meet(req, folder, number);
	else if (strncmp(step, "ms=", 3) == 0)
		usleep((useconds_t)number * 1000);
	else if (strncmp(step, "print=", 6) == 0)
		req->ops->write(req, value + 1, strlen(value + 1));
	else if (strcmp(step, "flush") == 0)
		req->ops->flush(req);
	else if (strcmp(step, "finish") == 0)
		req->ops->finish(req);
	else if (strcmp(step, "until-gone") == 0)
		while (!req->ops->gone(req))
			usleep(1000);
	else
		req->ops->write(req, step, strlen(step));
}

/* The words of ECHO_DO, one after another: for tests that run with PHP too. */
static void answer_do(struct request *req, const char *steps)
{
	static const char head[] = "Content-Type: text/plain\r\n\r\n";
	char *copy = xstrdup(steps), *rest = copy, *step;

	req->ops->write(req, head, sizeof(head) - 1);
	while ((step = strtok_r(rest, " ", &rest)) != NULL)
		do_step(req, step);
	free(copy);
}

/* Which process and thread answers: for tests of the model. */
static void answer_who(struct request *req, const char *folder)
{
	char text[128];

	if (*folder)
		hold(req, folder);
	snprintf(text, sizeof(text), "Content-Type: text/plain\r\n\r\n%d %d\n", (int)getpid(), (int)gettid());
	req->ops->write(req, text, strlen(text));
}

/* Without a lock, on purpose: ThreadSanitizer must see this one, else its silence says nothing. */
static void race(void)
{
	static int raced;

	raced++;
}

static enum sapi_end echo_serve(struct sapi_ctx *ctx, struct request *req)
{
	struct buf out = { 0 };
	const char *error = req->ops->param(req, "ECHO_ERROR", NULL);
	const char *who = req->ops->param(req, "ECHO_WHO", NULL);
	const char *steps = req->ops->param(req, "ECHO_DO", NULL);

	(void)ctx;
	if (req->ops->param(req, "ECHO_CRASH", NULL))
		raise(number(req, "ECHO_CRASH") > 1 ? (int)number(req, "ECHO_CRASH") : SIGSEGV);
	if (req->ops->param(req, "ECHO_RACE", NULL))
		race();
	if (steps) {
		answer_do(req, steps);
		return SAPI_END_OK;
	}
	if (who) {
		answer_who(req, who);
		return SAPI_END_OK;
	}
	buf_add_str(&out, "Content-Type: text/plain\r\n\r\n");
	buf_printf(&out, "role=%s\n", req->role == 2 ? "AUTHORIZER" : "RESPONDER");
	add_params(&out, req);
	if (add_body(&out, req) == 0) {
		if (error)
			req->ops->error(req, error, strlen(error));
		req->ops->write(req, out.data, out.len);
		add_bytes(req, number(req, "ECHO_BYTES"));
		req->app_status = (uint32_t)number(req, "ECHO_STATUS");
	}
	buf_free(&out);
	return SAPI_END_OK;
}

const struct sapi weir_sapi = {
	.abi = SAPI_ABI,
	.name = "echo",
	.roles = SAPI_RESPONDER | SAPI_AUTHORIZER,
	.probe = echo_probe,
	.preload = echo_preload,
	.serve = echo_serve,
};
