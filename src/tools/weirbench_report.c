/* weirbench_report.c -- prints what a run has counted. Only formats: the sums come from the run. Requests a
 * second are those that succeeded and ended in time, latencies those of requests that succeeded: a server
 * gains nothing by failing fast. */
#include <inttypes.h>
#include <string.h>
#include "src/base/mem.h"
#include "src/tools/weirbench_report.h"

static const struct { const char *name; double q; } quantiles[] = {
	{ "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 }, { "p99.9", 0.999 },
};

static double rate_of(const struct bench_stats *s)
{
	return s->measured_ns ? (double)s->ok_in_time * 1e9 / (double)s->measured_ns : 0;
}

static const char *mode_of(const struct bench_opts *o)
{
	return o->burst ? "burst" : o->rate > 0 ? "open loop" : "closed loop";
}

static double us(uint64_t ns)
{
	return (double)ns / 1e3;
}

static void human_bytes(char *out, size_t size, uint64_t bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes;
	size_t unit = 0;

	for (; value >= 1024 && unit + 1 < ARRAY_LEN(units); unit++)
		value /= 1024;
	snprintf(out, size, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

static void human_errors(FILE *out, const struct bench_opts *o, const struct target *t,
	const struct bench_stats *s)
{
	struct err why;

	fprintf(out, "Errors         %" PRIu64 "\n", bench_stats_errors(s));
	for (int i = BENCH_OK + 1; i < BENCH_ENDS; i++)
		if (s->ended[i])
			fprintf(out, "  %-13s %" PRIu64 "\n", bench_end_name(i), s->ended[i]);
	if (s->connect_errno) {
		target_explain(t, s->connect_errno, &why);
		fprintf(out, "  %s\n", why.text);
	}
	if (s->protocol_why)
		fprintf(out, "  last fault of protocol: %s\n", s->protocol_why);
	if (s->ended[BENCH_TIMEOUT] && o->rate > 0)
		fprintf(out, "  a timeout counts from when the request was due\n");
}

static void human_statuses(FILE *out, const struct bench_stats *s)
{
	const char *comma = "";

	fprintf(out, "HTTP status    ");
	for (int code = 100; code < 600; code++) {
		if (!s->status[code])
			continue;
		fprintf(out, "%s%d: %" PRIu64, comma, code, s->status[code]);
		comma = ", ";
	}
	fprintf(out, "%s\n", *comma ? "" : "none");
}

static void human_latency(FILE *out, const struct bench_stats *s)
{
	const struct hist *h = &s->latency;

	if (!h->count)
		return;
	fprintf(out, "Latency (ms)   min %.3f  mean %.3f", us(h->min) / 1e3, hist_mean(h) / 1e6);
	for (size_t i = 0; i < ARRAY_LEN(quantiles); i++)
		fprintf(out, "  %s %.3f", quantiles[i].name, us(hist_quantile(h, quantiles[i].q)) / 1e3);
	fprintf(out, "  max %.3f\n", us(h->max) / 1e3);
}

void report_human(FILE *out, const struct bench_opts *o, const struct target *t,
	const struct bench_stats *s)
{
	char in[32], wire_in[32], wire_out[32];

	human_bytes(in, sizeof(in), s->body_bytes);
	human_bytes(wire_in, sizeof(wire_in), s->bytes_in);
	human_bytes(wire_out, sizeof(wire_out), s->bytes_out);
	fprintf(out, "%s, %s, %u connection%s, %s\n", t->name, mode_of(o), o->connections,
	    o->connections == 1 ? "" : "s", o->keep ? "kept" : "a new one for each request");
	fprintf(out, "Requests       %" PRIu64 " in %.3f s, %" PRIu64 " succeeded: %.1f a second\n",
	    bench_stats_total(s), (double)s->measured_ns / 1e9, s->ended[BENCH_OK], rate_of(s));
	human_errors(out, o, t, s);
	human_statuses(out, s);
	human_latency(out, s);
	fprintf(out, "Bytes          %s of bodies; on the wire %s in, %s out\n", in, wire_in, wire_out);
	fprintf(out, "Connections    %" PRIu64 " opened\n", s->connections);
	if (s->reconnects)
		fprintf(out, "Reconnects     %" PRIu64 ", after the server had closed a kept connection\n",
		    s->reconnects);
	if (s->backlog_waits)
		fprintf(out, "Backlog full   %" PRIu64 " tries to connect were repeated\n", s->backlog_waits);
	if (s->idle_open)
		fprintf(out, "Idle           %" PRIu64 " connections, %" PRIu64 " closed by the server\n",
		    s->idle_open, s->idle_closed);
	if (s->error_bytes)
		fprintf(out, "Error stream   %" PRIu64 " bytes in %" PRIu64 " replies\n", s->error_bytes,
		    s->replies_with_error_text);
	if (s->warmup)
		fprintf(out, "Warm-up        %" PRIu64 " requests, not counted above\n", s->warmup);
}

static void json_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			fprintf(out, "\\u%04x", (unsigned char)*text);
		else
			fputc(*text, out);
	}
	fputc('"', out);
}

static void json_counts(FILE *out, const struct bench_stats *s)
{
	const struct { const char *name; uint64_t value; } counts[] = {
		{ "connections_opened", s->connections }, { "reconnects", s->reconnects },
		{ "backlog_waits", s->backlog_waits }, { "idle_open", s->idle_open },
		{ "idle_closed", s->idle_closed }, { "warmup_requests", s->warmup },
		{ "body_bytes", s->body_bytes }, { "wire_bytes_in", s->bytes_in },
		{ "wire_bytes_out", s->bytes_out },
		{ "stderr_bytes", s->error_bytes }, { "stderr_replies", s->replies_with_error_text },
	};

	for (size_t i = 0; i < ARRAY_LEN(counts); i++)
		fprintf(out, ",\n  \"%s\": %" PRIu64, counts[i].name, counts[i].value);
}

static void json_errors(FILE *out, const struct bench_stats *s)
{
	fprintf(out, ",\n  \"errors\": %" PRIu64 ",\n  \"errors_by_kind\": {", bench_stats_errors(s));
	for (int i = BENCH_OK + 1; i < BENCH_ENDS; i++)
		fprintf(out, "%s\"%s\": %" PRIu64, i > BENCH_OK + 1 ? ", " : "", bench_end_name(i),
		    s->ended[i]);
	fprintf(out, "},\n  \"connect_error\": ");
	json_text(out, s->connect_errno ? strerror(s->connect_errno) : "");
	fprintf(out, ",\n  \"protocol_error\": ");
	json_text(out, s->protocol_why ? s->protocol_why : "");
}

static void json_statuses(FILE *out, const struct bench_stats *s)
{
	const char *comma = "";

	fprintf(out, ",\n  \"statuses\": {");
	for (int code = 100; code < 600; code++) {
		if (!s->status[code])
			continue;
		fprintf(out, "%s\"%d\": %" PRIu64, comma, code, s->status[code]);
		comma = ", ";
	}
	fputc('}', out);
}

static void json_latency(FILE *out, const struct bench_stats *s)
{
	const struct hist *h = &s->latency;

	fprintf(out, ",\n  \"latency_us\": {\"min\": %.3f, \"mean\": %.3f", us(h->min), hist_mean(h) / 1e3);
	for (size_t i = 0; i < ARRAY_LEN(quantiles); i++)
		fprintf(out, ", \"%s\": %.3f", quantiles[i].name, us(hist_quantile(h, quantiles[i].q)));
	fprintf(out, ", \"max\": %.3f}", us(h->max));
}

void report_json(FILE *out, const struct bench_opts *o, const struct target *t,
	const struct bench_stats *s)
{
	fprintf(out, "{\n  \"target\": ");
	json_text(out, t->name);
	fprintf(out, ",\n  \"mode\": \"%s\",\n  \"connections\": %u,\n  \"keep\": %s", mode_of(o),
	    o->connections, o->keep ? "true" : "false");
	if (o->rate > 0)
		fprintf(out, ",\n  \"rate\": %.3f", o->rate);
	fprintf(out, ",\n  \"seconds\": %.6f,\n  \"requests\": %" PRIu64 ",\n  \"ok\": %" PRIu64
	    ",\n  \"requests_per_s\": %.3f", (double)s->measured_ns / 1e9, bench_stats_total(s),
	    s->ended[BENCH_OK], rate_of(s));
	json_errors(out, s);
	json_statuses(out, s);
	json_latency(out, s);
	json_counts(out, s);
	fprintf(out, "\n}\n");
}
