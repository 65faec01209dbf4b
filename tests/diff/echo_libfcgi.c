/* echo_libfcgi.c -- the echo application of FORMAT.md on libfcgi: what Weir's engine is held against. Serves the
 * listening socket that it finds as descriptor 0, one connection at a time, until it is killed. */
#include <fastcgi.h>
#include <fcgiapp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FNV_START 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void put_escaped(FCGX_Stream *out, const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		if (*at > 0x20 && *at < 0x7f && *at != '%')
			FCGX_PutChar(*at, out);
		else
			FCGX_FPrintF(out, "%%%02X", *at);
	}
	FCGX_PutS("\n", out);
}

static void put_params(FCGX_Request *r)
{
	size_t count = 0, used = 0;
	char **lines;

	while (r->envp[count])
		count++;
	lines = calloc(count + 1, sizeof(*lines));
	for (size_t i = 0; lines && i < count; i++)
		if (strncmp(r->envp[i], "FCGI_ROLE=", 10) != 0)
			lines[used++] = r->envp[i];
	if (lines)
		qsort(lines, used, sizeof(*lines), by_bytes);
	FCGX_FPrintF(r->out, "params=%d\n", (int)used);
	for (size_t i = 0; lines && i < used; i++)
		put_escaped(r->out, lines[i]);
	free(lines);
}

/* The last parameter of that name: FCGX_GetParam gives the first. */
static const char *last_param(const FCGX_Request *r, const char *name)
{
	size_t len = strlen(name);
	const char *value = NULL;

	for (char **at = r->envp; *at; at++)
		if (strncmp(*at, name, len) == 0 && (*at)[len] == '=')
			value = *at + len + 1;
	return value;
}

static unsigned long long number(const FCGX_Request *r, const char *name)
{
	const char *text = last_param(r, name);

	return text ? strtoull(text, NULL, 10) : 0;
}

/* Read it all. -1: it broke off. */
static int read_body(FCGX_Request *r, char *line_out, size_t size)
{
	uint64_t hash = FNV_START, total = 0;
	char piece[8192];
	int got;

	while ((got = FCGX_GetStr(piece, sizeof(piece), r->in)) > 0) {
		for (int i = 0; i < got; i++)
			hash = (hash ^ (unsigned char)piece[i]) * FNV_PRIME;
		total += (uint64_t)got;
	}
	snprintf(line_out, size, "stdin=%" PRIu64 " %016" PRIx64 "\n", total, hash);
	return FCGX_GetError(r->in) ? -1 : 0;
}

static void echo(FCGX_Request *r)
{
	const char *role = FCGX_GetParam("FCGI_ROLE", r->envp), *error = last_param(r, "ECHO_ERROR");
	unsigned long long bytes = number(r, "ECHO_BYTES");
	char line[64] = "stdin=none\n";

	if (r->role != FCGI_AUTHORIZER && read_body(r, line, sizeof(line)) < 0)
		return;
	if (error)
		FCGX_PutS(error, r->err);
	FCGX_PutS("Content-Type: text/plain\r\n\r\n", r->out);
	FCGX_FPrintF(r->out, "role=%s\n", role ? role : "none");
	put_params(r);
	FCGX_PutS(line, r->out);
	for (unsigned long long i = 0; i < bytes; i++)
		FCGX_PutChar("0123456789abcdef"[i % 16], r->out);
	FCGX_SetExitStatus((int)number(r, "ECHO_STATUS"), r->out);
}

int main(void)
{
	FCGX_Request request;

	if (FCGX_Init() || FCGX_InitRequest(&request, 0, 0))
		return 1;
	while (FCGX_Accept_r(&request) >= 0) {
		echo(&request);
		FCGX_Finish_r(&request);
	}
	return 0;
}
