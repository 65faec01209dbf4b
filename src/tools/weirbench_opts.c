/* weirbench_opts.c -- weirbench's command line. Reads and checks every option before anything is connected;
 * refuses what cannot be meant (a burst with a rate, two bodies, a request without a script) with a sentence
 * that names the option. Opens no file. */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "src/base/mem.h"
#include "src/tools/weirbench_opts.h"

#define LONG_ONLY 1000                  /* getopt's value of a long option: this plus its index */
#define MAX_BODY  (UINT64_C(1) << 30)
#define MAX_CONNECTIONS 100000

static const struct bench_option table[] = {
	{ 'c', "connections", "N", "Connections that carry requests at once (default 1)." },
	{ 'n', "count", "N", "End after N requests." },
	{ 't', "duration", "SECONDS", "End after this time (default 10, unless a count is given)." },
	{ 'k', "keep", NULL, "Keep connections: many requests on each, not one." },
	{ 'r', "rate", "R", "Open loop: R requests a second, whether or not earlier ones are answered." },
	{ 0, "burst", "N", "Send N requests at once, each on a connection of its own, and end." },
	{ 0, "warmup", "SECONDS", "Send load for this time before anything is counted." },
	{ 0, "timeout", "SECONDS", "Give a request up after this time (default 30)." },
	{ 0, "idle", "N", "Hold N further connections idle; with -k each has made one request first." },
	{ 0, "retry-full", NULL, "Wait while the socket's backlog is full, instead of counting an error." },
	{ 's', "script", "FILE", "The script: SCRIPT_FILENAME of every request." },
	{ 0, "docroot", "DIR", "DOCUMENT_ROOT; without a script, the URI's path is looked up below it." },
	{ 'u', "uri", "URI", "Path and query to ask for (default: the script's name)." },
	{ 0, "replay", "FILE", "Ask for the URIs of this file in turn, one a line." },
	{ 'm', "method", "METHOD", "Request method (default GET, or POST with a body)." },
	{ 'p', "param", "NAME=VALUE", "Send this parameter too, or instead of the default of that name." },
	{ 'b', "body", "FILE", "Send this file as the request's body." },
	{ 0, "body-size", "BYTES", "Send a body of so many bytes (K, M and G are understood; at most 1G)." },
	{ 0, "expect-status", "CODE", "Another status is an error (default: 400 and above; \"any\": none)." },
	{ 0, "expect-body", "TEXT", "A reply whose body does not contain this text is an error." },
	{ 0, "show-stderr", NULL, "Print what comes on the FastCGI error stream." },
	{ 0, "json", NULL, "Print the result as JSON." },
	{ 'h', "help", NULL, "Print this help and exit." },
	{ 'V', "version", NULL, "Print the version and exit." },
	{ 0, NULL, NULL, NULL },
};

const struct bench_option *opts_table(void)
{
	return table;
}

void opts_print_help(FILE *out)
{
	char left[64];

	fprintf(out, "Usage: weirbench [option ...] target\n"
	    "Load generator for FastCGI servers.\n"
	    "The target is unix:/path, /path, @name, host:port or a port.\n\n");
	for (const struct bench_option *o = table; o->name; o++) {
		snprintf(left, sizeof(left), "%c%c%s --%s%s%s", o->short_name ? '-' : ' ',
		    o->short_name ? o->short_name : ' ', o->short_name ? "," : " ", o->name,
		    o->arg ? " " : "", o->arg ? o->arg : "");
		fprintf(out, "  %-27s %s\n", left, o->help);
	}
	fprintf(out, "\nExit code: 0 when every request succeeded, 1 when one failed, 64 for wrong usage.\n");
}

static int parse_whole(const char *name, const char *text, uint64_t max, uint64_t *out, struct err *err)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || *out < 1 || *out > max)
		return err_set(err, "--%s wants a whole number from 1 to %llu, not \"%s\"", name,
		    (unsigned long long)max, text);
	return 0;
}

static int parse_uint(const char *name, const char *text, unsigned *out, struct err *err)
{
	uint64_t value;

	if (parse_whole(name, text, MAX_CONNECTIONS, &value, err) < 0)
		return -1;
	*out = (unsigned)value;
	return 0;
}

static int parse_decimal(const char *name, const char *text, double max, double *out, struct err *err)
{
	char *end;

	*out = strtod(text, &end);
	if (end == text || *end || !isfinite(*out) || *out <= 0 || *out > max)
		return err_set(err, "--%s wants a number above 0, at most %.0f, not \"%s\"", name, max, text);
	return 0;
}

static int parse_seconds(const char *name, const char *text, uint64_t *ns_out, struct err *err)
{
	double seconds;

	if (parse_decimal(name, text, 1e6, &seconds, err) < 0)
		return -1;
	*ns_out = (uint64_t)(seconds * 1e9);
	return 0;
}

static int parse_size(const char *name, const char *text, size_t *out, struct err *err)
{
	static const char units[] = "KMG";
	const char *unit;
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end & ~0x20) : NULL;
	if (unit && value <= MAX_BODY) {
		value <<= 10 * (unit - units + 1);
		end++;
	}
	if (text[0] < '0' || text[0] > '9' || *end || errno || value < 1 || value > MAX_BODY)
		return err_set(err, "--%s wants a size from 1 to 1G, such as 512K, not \"%s\"", name, text);
	*out = (size_t)value;
	return 0;
}

static int parse_status(const char *text, int *out, struct err *err)
{
	if (strcmp(text, "any") == 0) {
		*out = BENCH_STATUS_ANY;
		return 0;
	}
	*out = (int)strtol(text, NULL, 10);
	if (strlen(text) != 3 || strspn(text, "0123456789") != 3 || *out < 100 || *out > 599)
		return err_set(err, "--expect-status wants 100 to 599 or \"any\", not \"%s\"", text);
	return 0;
}

static int add_param(struct bench_opts *o, const char *text, struct err *err)
{
	const char *equals = strchr(text, '=');
	struct bench_param *p;

	if (!equals || equals == text)
		return err_set(err, "--param wants NAME=VALUE, not \"%s\"", text);
	o->params = xrealloc(o->params, (o->param_count + 1) * sizeof(*o->params));
	p = &o->params[o->param_count++];
	p->name = xstrndup(text, (size_t)(equals - text));
	p->value = equals + 1;
	return 0;
}

static int take_text(const char *name, const char *text, const char **out, struct err *err)
{
	if (text[0] == '\0')
		return err_set(err, "--%s is empty", name);
	*out = text;
	return 0;
}

/* One option with an argument. A flat table of what goes where. */
static int take_value(struct bench_opts *o, const char *name, const char *arg, struct err *err)
{
	const struct { const char *name; const char **out; } texts[] = {
		{ "script", &o->script }, { "docroot", &o->docroot }, { "uri", &o->uri },
		{ "replay", &o->replay }, { "method", &o->method }, { "body", &o->body_file },
		{ "expect-body", &o->expect_body },
	};
	const struct { const char *name; uint64_t *out; } times[] = {
		{ "duration", &o->duration_ns }, { "warmup", &o->warmup_ns }, { "timeout", &o->timeout_ns },
	};
	const struct { const char *name; unsigned *out; } numbers[] = {
		{ "connections", &o->connections }, { "burst", &o->burst }, { "idle", &o->idle },
	};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strcmp(name, texts[i].name) == 0)
			return take_text(name, arg, texts[i].out, err);
	for (size_t i = 0; i < ARRAY_LEN(times); i++)
		if (strcmp(name, times[i].name) == 0)
			return parse_seconds(name, arg, times[i].out, err);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		if (strcmp(name, numbers[i].name) == 0)
			return parse_uint(name, arg, numbers[i].out, err);
	if (strcmp(name, "count") == 0)
		return parse_whole(name, arg, UINT64_C(1000000000000), &o->count, err);
	if (strcmp(name, "rate") == 0)
		return parse_decimal(name, arg, 1e7, &o->rate, err);
	if (strcmp(name, "param") == 0)
		return add_param(o, arg, err);
	if (strcmp(name, "body-size") == 0)
		return parse_size(name, arg, &o->body_size, err);
	BUG_IF(strcmp(name, "expect-status") != 0);
	return parse_status(arg, &o->expect_status, err);
}

static void take_flag(struct bench_opts *o, const char *name)
{
	const struct { const char *name; bool *out; } flags[] = {
		{ "keep", &o->keep }, { "retry-full", &o->retry_full },
		{ "show-stderr", &o->show_stderr }, { "json", &o->json },
	};

	for (size_t i = 0; i < ARRAY_LEN(flags); i++)
		if (strcmp(name, flags[i].name) == 0)
			*flags[i].out = true;
}

static bool has_param(const struct bench_opts *o, const char *name)
{
	for (size_t i = 0; i < o->param_count; i++)
		if (strcmp(o->params[i].name, name) == 0)
			return true;
	return false;
}

static int check_together(const struct bench_opts *o, struct err *err)
{
	if (o->burst && (o->rate > 0 || o->count || o->duration_ns || o->warmup_ns || o->keep))
		return err_set(err, "--burst stands alone: no --rate, --count, --duration, --warmup, --keep");
	if (o->body_file && o->body_size)
		return err_set(err, "--body and --body-size are two bodies: give one");
	if (o->replay && o->uri)
		return err_set(err, "--replay and --uri both say what to ask for: give one");
	if (o->script && o->script[0] != '/')
		return err_set(err, "--script wants an absolute path on the server, not \"%s\"", o->script);
	if (o->docroot && o->docroot[0] != '/')
		return err_set(err, "--docroot wants an absolute path on the server, not \"%s\"", o->docroot);
	if (o->uri && o->uri[0] != '/')
		return err_set(err, "--uri begins with a slash; \"%s\" does not", o->uri);
	if (!o->script && !o->docroot && !has_param(o, "SCRIPT_FILENAME"))
		return err_set(err, "no script to ask for: give --script FILE or --docroot DIR");
	return 0;
}

static void fill_defaults(struct bench_opts *o)
{
	if (o->burst) {
		o->connections = o->burst;
		o->count = o->burst;
	} else if (!o->count && !o->duration_ns) {
		o->duration_ns = UINT64_C(10000000000);
	}
	if (!o->method)
		o->method = o->body_file || o->body_size ? "POST" : "GET";
}

static enum opts_end take_target(int argc, char **argv, struct bench_opts *o, struct err *err)
{
	if (optind == argc)
		err_set(err, "no target: give a socket, such as unix:/run/app.sock or 127.0.0.1:9000");
	else if (optind + 1 < argc)
		err_set(err, "one target only: \"%s\" is left over", argv[optind + 1]);
	else if (check_together(o, err) == 0) {
		o->target = argv[optind];
		fill_defaults(o);
		return OPTS_RUN;
	}
	return OPTS_BAD;
}

/* getopt's two forms of our table. */
static void build_getopt(char *letters, struct option *longs)
{
	*letters++ = ':';               /* a missing argument is told apart from an unknown option */
	for (size_t i = 0; table[i].name; i++) {
		longs[i] = (struct option){ .name = table[i].name, .has_arg = table[i].arg != NULL,
		    .val = LONG_ONLY + (int)i };
		if (!table[i].short_name)
			continue;
		*letters++ = (char)table[i].short_name;
		if (table[i].arg)
			*letters++ = ':';
	}
	*letters = '\0';
}

static const struct bench_option *find_option(int code)
{
	if (code >= LONG_ONLY)
		return &table[code - LONG_ONLY];
	for (const struct bench_option *o = table; o->name; o++)
		if (o->short_name == code)
			return o;
	return NULL;
}

static enum opts_end take_option(struct bench_opts *opts, const struct bench_option *o, struct err *err)
{
	if (o->short_name == 'h')
		return OPTS_HELP;
	if (o->short_name == 'V')
		return OPTS_VERSION;
	if (!o->arg)
		take_flag(opts, o->name);
	else if (take_value(opts, o->name, optarg, err) < 0)
		return OPTS_BAD;
	return OPTS_RUN;
}

enum opts_end opts_parse(int argc, char **argv, struct bench_opts *opts, struct err *err)
{
	char letters[2 * ARRAY_LEN(table) + 2];
	struct option longs[ARRAY_LEN(table)] = { 0 };
	enum opts_end end;
	int code;

	*opts = (struct bench_opts){ .connections = 1, .timeout_ns = UINT64_C(30000000000) };
	build_getopt(letters, longs);
	opterr = 0;
	optind = 0;                             /* glibc: start anew; a test parses more than once */
	while ((code = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (code == '?' || code == ':') {
			err_set(err, code == ':' ? "%s wants an argument" : "unknown option %s",
			    argv[optind - 1]);
			return OPTS_BAD;
		}
		end = take_option(opts, find_option(code), err);
		if (end != OPTS_RUN)
			return end;
	}
	return take_target(argc, argv, opts, err);
}

void opts_free(struct bench_opts *opts)
{
	for (size_t i = 0; i < opts->param_count; i++)
		free(opts->params[i].name);
	free(opts->params);
	opts->params = NULL;
	opts->param_count = 0;
}
