/* calls.c -- a handler that makes the calls of libfcgi which the parameter DO lists, and tells what each gave. Built
 * twice from this text: as a module for Weir, and, with -DPROGRAM, as a program on libfcgi that serves the listening
 * socket which it finds as descriptor 0. The same requests must get the same replies from both.
 *
 * DO is a list of commands, each a letter and an argument, separated by ';'. They are told on out, or on err once out
 * is closed, in the order in which they are carried out. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fastcgi.h>
#include <weir/native.h>

#define MOST (256 * 1024)

static _Thread_local FCGX_Stream *tell;  /* where answers go; NULL: nowhere any more */
static _Thread_local int result;        /* what the handler returns */
static _Thread_local char room[MOST];

static void say(const char *format, ...)
{
	va_list args;

	if (!tell)
		return;
	va_start(args, format);
	FCGX_VFPrintF(tell, format, args);
	va_end(args);
}

static void say_bytes(const char *data, int len)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (int i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)data[i]) * 0x100000001b3u;
	say("%d bytes %lx", len, (unsigned long)hash);
	if (len > 0 && len < 60)
		say(" '%.*s'", len, data);
	say("\n");
}

static void state_of(const char *name, FCGX_Stream *s)
{
	say("%s: seen eof %d, error %d\n", name, FCGX_HasSeenEOF(s), FCGX_GetError(s));
}

static void read_command(FCGX_Request *r, char op, long n)
{
	switch (op) {
	case 'c':
		say("GetChar");
		for (long i = 0; i < n; i++)
			say(" %d", FCGX_GetChar(r->in));
		say("\n");
		break;
	case 'u':
		say("UnGetChar %d\n", FCGX_UnGetChar((int)n, r->in));
		break;
	case 's':
		say("GetStr ");
		say_bytes(room, FCGX_GetStr(room, (int)(n < MOST ? n : MOST), r->in));
		break;
	case 'l':
		memset(room, 0, sizeof(room));
		say("GetLine %s: ", FCGX_GetLine(room, (int)(n < MOST ? n : MOST), r->in) ? "line" : "none");
		say_bytes(room, (int)strlen(room));
		break;
	case 'd':
		say("StartFilterData %d\n", FCGX_StartFilterData(r->in));
		break;
	case 'x':
		FCGX_ClearError(r->in);
		say("ClearError\n");
		break;
	default:
		state_of("in", r->in);
		break;
	}
}

static void formats(FCGX_Stream *out)
{
	int n = FCGX_FPrintF(out, "[%d|%5d|%-5d|%05d|%+d|%u|%x|%X|%o|%c|%s|%.3s|%10s|%-10s|%%|%ld|%lu|%hd]", -7, 42, 42,
	    42, 42, 4000000000u, 255u, 255u, 8u, 'z', "text", "abcdef", "right", "left", -123456789012l, 123456789012ul,
	    (short)-3);

	say(" FPrintF %d\n", n);
	n = FCGX_FPrintF(out, "[%f|%.2f|%10.3f|%e|%g|%*d|%.*f]", 3.14159, 2.71828, 1.5, 12345.678, 0.0001, 8, 7, 1, 0.25);
	say(" FPrintF %d\n", n);
}

static void write_command(FCGX_Request *r, char op, const char *arg, long n)
{
	switch (op) {
	case 'p':
		say("PutS %d\n", FCGX_PutS(arg, r->out));
		break;
	case 'P':
		for (long i = 0; i < n && i < MOST; i++)
			room[i] = "0123456789abcdef"[i % 16];
		say("PutStr %d\n", FCGX_PutStr(room, (int)(n < MOST ? n : MOST), r->out));
		break;
	case 'C':
		say("PutChar %d\n", FCGX_PutChar((int)n, r->out));
		break;
	case 'f':
		formats(r->out);
		break;
	case 'F':
		say("FFlush %d\n", FCGX_FFlush(r->out));
		break;
	case 'E':
		say("err PutS %d\n", FCGX_PutS(arg, r->err));
		break;
	case 'G':
		say("err FFlush %d\n", FCGX_FFlush(r->err));
		break;
	default:
		state_of("out", r->out);
		state_of("err", r->err);
		break;
	}
}

static void end_command(FCGX_Request *r, char op, long n)
{
	int rc, again;

	switch (op) {
	case 'X':
		FCGX_SetExitStatus((int)n, n % 2 ? r->out : r->in);
		break;
	case 'z':
		rc = FCGX_FClose(r->out);
		tell = FCGX_HasSeenEOF(r->err) ? NULL : r->err;
		again = FCGX_FClose(r->out);
		say("FClose out %d, again %d, PutS %d\n", rc, again, FCGX_PutS("lost", r->out));
		break;
	case 'Z':
		rc = FCGX_FClose(r->err);
		tell = FCGX_HasSeenEOF(r->out) ? NULL : r->out;
		say("FClose err %d, PutS %d\n", rc, FCGX_PutS("lost", r->err));
		break;
	case 'i':
		rc = FCGX_FClose(r->in);
		say("FClose in %d, GetChar %d\n", rc, FCGX_GetChar(r->in));
		break;
	case 'a':
		say("Attach %d\n", FCGX_Attach(r));
		break;
	case 'D':
		rc = FCGX_Detach(r);
		say("Detach %d, Attach %d\n", rc, FCGX_Attach(r));
		break;
	case 'k':
		FCGX_Finish_r(r);
		tell = NULL;
		break;
	case 'v':
		FCGX_Free(r, (int)n);
		tell = NULL;
		break;
	case 'h':
		FCGX_ShutdownPending();
		say("ShutdownPending\n");
		break;
	case 'A':
		FCGX_Accept_r(r);
		tell = NULL;
		break;
	case 'I':
		FCGX_Init();
		break;
	}
}

/* Shows that it is here, and waits until it may go on: w FOLDER. */
static void wait_for_release(const char *folder)
{
	char path[512];
	FILE *mark;

	snprintf(path, sizeof(path), "%s/held-%d-%d", folder, (int)getpid(), (int)gettid());
	mark = fopen(path, "w");
	if (mark)
		fclose(mark);
	snprintf(path, sizeof(path), "%s/release", folder);
	while (access(path, F_OK) != 0)
		usleep(2000);
}

static void write_to_nobody(void)
{
	int ends[2];

	if (pipe(ends) < 0)
		return;
	close(ends[0]);
	say("write %d", (int)write(ends[1], "x", 1));
	say(" is EPIPE %d\n", errno == EPIPE);
	close(ends[1]);
}

/* Is SIGPIPE ignored by a program that the handler starts? */
static void pipes_of_others(void)
{
	FILE *said = popen("grep SigIgn /proc/self/status", "r");
	char line[64] = "";

	if (!said)
		return;
	if (fgets(line, sizeof(line), said))
		say("ignored by others %d\n", (int)(strtoull(line + 7, NULL, 16) >> 12 & 1));
	pclose(said);
}

static void leave_mark(const char *path)
{
	FILE *mark = fopen(path, "w");

	if (mark)
		fclose(mark);
}

static void other_command(FCGX_Request *r, char op, const char *arg, long n)
{
	const char *value;

	switch (op) {
	case 'q':
		value = FCGX_GetParam(arg, r->envp);
		say("GetParam %s\n", value ? value : "NULL");
		break;
	case 'R':
		say("role %d, id %d, first parameter %s\n", r->role, r->requestId, r->envp[0]);
		break;
	case 'r':
		result = (int)n;
		break;
	case 'g':
		say("%s\n", getenv(arg) ? getenv(arg) : "unset");
		break;
	case 'w':
		wait_for_release(arg);
		break;
	case 'm':
		leave_mark(arg);
		break;
	case 'b':
		write_to_nobody();
		break;
	case 'B':
		pipes_of_others();
		break;
	case 'K':
		abort();
	}
}

static void command(FCGX_Request *r, const char *text)
{
	char op = text[0];
	long n = op ? strtol(text + 1, NULL, 10) : 0;

	if (!op)
		return;
	if (strchr("cusldxe", op))
		read_command(r, op, n);
	else if (strchr("pPCfFEGo", op))
		write_command(r, op, text + 1, n);
	else if (strchr("XzZiaDkvhAI", op))
		end_command(r, op, n);
	else
		other_command(r, op, text + 1, n);
}

int weir_handler(FCGX_Request *r)
{
	const char *todo = FCGX_GetParam("DO", r->envp);
	char *copy = strdup(todo ? todo : ""), *save = NULL;

	result = 0;
	tell = r->out;
	FCGX_PutS("Content-Type: text/plain\r\n\r\n", r->out);
	for (char *one = strtok_r(copy, ";", &save); one; one = strtok_r(NULL, ";", &save))
		command(r, one);
	free(copy);
	return result;
}

#ifdef PROGRAM
int main(void)
{
	FCGX_Request request;

	if (FCGX_Init() || FCGX_InitRequest(&request, 0, 0))
		return 1;
	while (FCGX_Accept_r(&request) == 0) {
		int status;

		FCGX_SetExitStatus(0, request.out);     /* libfcgi keeps that of the request before */
		status = weir_handler(&request);
		if (status && request.out)
			FCGX_SetExitStatus(status, request.out);
		FCGX_Finish_r(&request);
	}
	return 0;
}
#else
const struct weir_native_info weir_native = { .abi = WEIR_NATIVE_ABI, .thread_safe = 1 };
#endif
