/* status_page.c -- status pages: which figure stands where under which name, as tables, and one writer per format.
 * Runs in the pool process and in children. Knows no socket and asks for nothing. */
#include "mpm/status_page.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "mpm/status_escape.h"
#include "src/base/mem.h"

#define TEXT_COLUMN 22                  /* where values begin */
#define NO_CACHE "Expires: Thu, 01 Jan 1970 00:00:00 GMT\r\n" \
	"Cache-Control: no-cache, no-store, must-revalidate, max-age=0\r\n"
#define NO_SNIFF "X-Content-Type-Options: nosniff\r\n"

enum kind {
	KIND_TEXT, KIND_NUMBER, KIND_TIME, KIND_SINCE, KIND_TOTAL, KIND_REASON,
	KIND_PID, KIND_STATE, KIND_CPU,
	KIND_US,                        /* microseconds; in OpenMetrics seconds */
};

struct field {
	const char *name;
	enum kind kind;
	size_t at;                      /* its place in struct status, or struct status_child */
	const char *metric, *type, *help;       /* OpenMetrics; NULL: not there */
	const char *text_name;          /* NULL: as name */
};

#define POOL(member)  offsetof(struct status, member)
#define CHILD(member) offsetof(struct status_child, member)

static const struct field pool_fields[] = {
	{ "pool", KIND_TEXT, POOL(pool), NULL, NULL, NULL, NULL },
	{ "process manager", KIND_TEXT, POOL(pm), NULL, NULL, NULL, NULL },
	{ "start time", KIND_TIME, POOL(start_time), NULL, NULL, NULL, NULL },
	{ "start since", KIND_SINCE, POOL(start_time), "phpfpm_start_since", "counter",
	  "The number of seconds since FPM has started.", NULL },
	{ "accepted conn", KIND_NUMBER, POOL(accepted), "phpfpm_accepted_connections", "counter",
	  "The number of requests accepted by the pool.", NULL },
	{ "listen queue", KIND_NUMBER, POOL(queue), "phpfpm_listen_queue", "gauge",
	  "The number of requests in the queue of pending connections.", NULL },
	{ "max listen queue", KIND_NUMBER, POOL(queue_max), "phpfpm_max_listen_queue", "counter",
	  "The maximum number of requests in the queue of pending connections since FPM has started.", NULL },
	{ "listen queue len", KIND_NUMBER, POOL(queue_limit), "phpfpm_listen_queue_length", "gauge",
	  "The size of the socket queue of pending connections.", NULL },
	{ "idle processes", KIND_NUMBER, POOL(idle), "phpfpm_idle_processes", "gauge",
	  "The number of idle processes.", NULL },
	{ "active processes", KIND_NUMBER, POOL(active), "phpfpm_active_processes", "gauge",
	  "The number of active processes.", NULL },
	{ "total processes", KIND_TOTAL, 0, "phpfpm_total_processes", "gauge",
	  "The number of idle + active processes.", NULL },
	{ "max active processes", KIND_NUMBER, POOL(active_max), "phpfpm_max_active_processes", "counter",
	  "The maximum number of active processes since FPM has started.", NULL },
	{ "max children reached", KIND_NUMBER, POOL(max_reached), "phpfpm_max_children_reached", "counter",
	  "The number of times, the process limit has been reached, when pm tries to start more children (works only for "
	  "pm 'dynamic' and 'ondemand').", NULL },
	{ "slow requests", KIND_NUMBER, POOL(slow), "phpfpm_slow_requests", "counter",
	  "The number of requests that exceeded your 'request_slowlog_timeout' value.", NULL },
	/* From here on php-fpm has nothing. */
	{ "max children", KIND_NUMBER, POOL(max_children), "weir_max_children", "gauge",
	  "The value of pm.max_children.", NULL },
	{ "starting processes", KIND_NUMBER, POOL(starting), "weir_starting_processes", "gauge",
	  "The number of idle processes that are not initialised yet.", NULL },
	{ "parked connections", KIND_NUMBER, POOL(parked), "weir_parked_connections", "gauge",
	  "The number of kept connections without a request.", NULL },
	{ "ready connections", KIND_NUMBER, POOL(ready), "weir_ready_connections", "gauge",
	  "The number of kept connections whose next request waits for a process.", NULL },
	{ "served requests", KIND_NUMBER, POOL(served), "weir_requests", "counter",
	  "The number of requests that are over.", NULL },
};

/* Under mpm = event, behind those. */
static const struct field dispatch_fields[] = {
	{ "open connections", KIND_NUMBER, POOL(dispatch.conns), "weir_open_connections", "gauge",
	  "The number of connections that the pool process holds.", NULL },
	{ "reading requests", KIND_NUMBER, POOL(dispatch.reading), "weir_reading_requests", "gauge",
	  "The number of requests that have not come whole.", NULL },
	{ "queued requests", KIND_NUMBER, POOL(dispatch.queued), "weir_queued_requests", "gauge",
	  "The number of requests that wait for a process.", NULL },
	{ "running requests", KIND_NUMBER, POOL(dispatch.running), "weir_running_requests", "gauge",
	  "The number of requests that a process serves.", NULL },
	{ "writing requests", KIND_NUMBER, POOL(dispatch.writing), "weir_writing_requests", "gauge",
	  "The number of complete replies that clients have not taken whole.", NULL },
	{ "finishing requests", KIND_NUMBER, POOL(dispatch.finishing), "weir_finishing_requests", "gauge",
	  "The number of requests that are answered and whose process works on.", NULL },
	{ "max queued requests", KIND_NUMBER, POOL(dispatch.queued_max), "weir_queued_requests_max", "gauge",
	  "The maximum number of requests that waited for a process.", NULL },
	{ "oldest wait", KIND_US, POOL(dispatch.oldest_us), "weir_oldest_wait_seconds", "gauge",
	  "How long the first of the queue has waited for a process.", NULL },
	{ "accepted connections", KIND_NUMBER, POOL(dispatch.accepted), "weir_accepted_connections", "counter",
	  "The number of connections accepted.", NULL },
	{ "retried requests", KIND_NUMBER, POOL(dispatch.retried), "weir_retried_requests", "counter",
	  "The number of times that a request was given to another process after its own had died.", NULL },
	{ "abandoned requests", KIND_NUMBER, POOL(dispatch.abandoned), "weir_abandoned_requests", "counter",
	  "The number of requests whose client went while they waited for a process.", NULL },
	{ "queue time count", KIND_NUMBER, POOL(dispatch.queue.count), NULL, NULL, NULL, NULL },
	{ "queue time sum", KIND_US, POOL(dispatch.queue.sum_us), NULL, NULL, NULL, NULL },
	{ "service time count", KIND_NUMBER, POOL(dispatch.service.count), NULL, NULL, NULL, NULL },
	{ "service time sum", KIND_US, POOL(dispatch.service.sum_us), NULL, NULL, NULL, NULL },
	{ "total time count", KIND_NUMBER, POOL(dispatch.total.count), NULL, NULL, NULL, NULL },
	{ "total time sum", KIND_US, POOL(dispatch.total.sum_us), NULL, NULL, NULL, NULL },
};

static const struct histogram {
	size_t at;
	const char *metric, *help;
} histograms[] = {
	{ POOL(dispatch.queue), "weir_queue_seconds", "How long requests waited for a process." },
	{ POOL(dispatch.service), "weir_service_seconds", "How long processes had requests, to the end of the reply." },
	{ POOL(dispatch.total), "weir_request_seconds",
	  "How long requests took, from their first byte to the end of the reply." },
};

static const struct field child_fields[] = {
	{ "pid", KIND_PID, CHILD(pid), NULL, NULL, NULL, NULL },
	{ "state", KIND_STATE, CHILD(state), NULL, NULL, NULL, NULL },
	{ "start time", KIND_TIME, CHILD(start_time), NULL, NULL, NULL, NULL },
	{ "start since", KIND_SINCE, CHILD(start_time), NULL, NULL, NULL, NULL },
	{ "requests", KIND_NUMBER, CHILD(requests), NULL, NULL, NULL, NULL },
	{ "request duration", KIND_NUMBER, CHILD(duration_us), NULL, NULL, NULL, NULL },
	{ "request method", KIND_TEXT, CHILD(method), NULL, NULL, NULL, NULL },
	{ "request uri", KIND_TEXT, CHILD(uri), NULL, NULL, NULL, "request URI" },
	{ "content length", KIND_NUMBER, CHILD(content_length), NULL, NULL, NULL, NULL },
	{ "user", KIND_TEXT, CHILD(user), NULL, NULL, NULL, NULL },
	{ "script", KIND_TEXT, CHILD(script), NULL, NULL, NULL, NULL },
	{ "last request cpu", KIND_CPU, CHILD(last_cpu), NULL, NULL, NULL, NULL },
	{ "last request memory", KIND_NUMBER, CHILD(last_memory), NULL, NULL, NULL, NULL },
};

/* One page in the making. */
struct page {
	const struct status *status;
	struct buf *out;
	status_escape_fn *escape;
	bool epoch;                     /* times as numbers; else for people */
};

static uint64_t number_at(const void *base, size_t at)
{
	uint64_t n;

	memcpy(&n, (const char *)base + at, sizeof(n));
	return n;
}

static uint64_t number_of(const struct page *p, const struct field *f, const void *base)
{
	switch (f->kind) {
	case KIND_SINCE:
		return p->status->now > number_at(base, f->at) ? p->status->now - number_at(base, f->at) : 0;
	case KIND_TOTAL:
		return p->status->idle + p->status->active;
	case KIND_REASON:
		return p->status->reasons[f->at];
	default:
		return number_at(base, f->at);
	}
}

static bool is_text(const struct field *f)
{
	return f->kind == KIND_TEXT || f->kind == KIND_STATE;
}

static void put_time(struct page *p, uint64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;
	char text[64] = "";

	if (localtime_r(&t, &tm))
		strftime(text, sizeof(text), "%d/%b/%Y:%H:%M:%S %z", &tm);
	p->escape(p->out, text);
}

static void put_value(struct page *p, const struct field *f, const void *base)
{
	const char *text = (const char *)base + f->at;
	const struct status_child *child = base;

	switch (f->kind) {
	case KIND_TEXT:
		p->escape(p->out, *text ? text : "-");
		return;
	case KIND_STATE:
		p->escape(p->out, status_state_name(child->state));
		return;
	case KIND_PID:
		buf_printf(p->out, "%d", (int)child->pid);
		return;
	case KIND_CPU:
		buf_printf(p->out, "%.2f", child->last_cpu);
		return;
	case KIND_TIME:
		if (!p->epoch) {
			put_time(p, number_at(base, f->at));
			return;
		}
		/* fall through */
	default:
		buf_printf(p->out, "%llu", (unsigned long long)number_of(p, f, base));
	}
}

/* Writes one field of the pool or of a child; first: nothing stands before it. */
typedef void field_fn(struct page *p, const struct field *f, const void *base, bool first);

/* Behind the table comes a field for each reason. */
static void pool_each(struct page *p, field_fn *write)
{
	for (size_t i = 0; i < ARRAY_LEN(pool_fields); i++)
		write(p, &pool_fields[i], p->status, i == 0);
	for (size_t i = 0; p->status->has_dispatch && i < ARRAY_LEN(dispatch_fields); i++)
		write(p, &dispatch_fields[i], p->status, false);
	for (size_t r = REASON_NONE + 1; r < REASON_COUNT; r++) {
		char name[64];
		struct field f = { .name = name, .kind = KIND_REASON, .at = r };

		snprintf(name, sizeof(name), "reason %s", reason_name((enum reason)r));
		for (char *c = name; *c; c++)
			*c = *c == '_' ? ' ' : *c;
		write(p, &f, p->status, false);
	}
}

static void child_each(struct page *p, field_fn *write, const struct status_child *child)
{
	for (size_t i = 0; i < ARRAY_LEN(child_fields); i++)
		write(p, &child_fields[i], child, i == 0);
}

/* -- text -- */

static void text_field(struct page *p, const struct field *f, const void *base, bool first)
{
	const char *name = f->text_name ? f->text_name : f->name;

	(void)first;
	buf_printf(p->out, "%s:%*s", name, TEXT_COLUMN - 1 - (int)strlen(name), " ");
	put_value(p, f, base);
	buf_add_str(p->out, "\n");
}

static void text_page(struct page *p, bool full)
{
	pool_each(p, text_field);
	for (uint32_t i = 0; full && i < p->status->child_count; i++) {
		buf_add_str(p->out, "\n************************\n");
		child_each(p, text_field, &p->status->children[i]);
	}
}

/* -- html -- */

static void html_row(struct page *p, const struct field *f, const void *base, bool first)
{
	(void)first;
	buf_printf(p->out, "<tr><th>%s</th><td>", f->name);
	put_value(p, f, base);
	buf_add_str(p->out, "</td></tr>\n");
}

static void html_head_cell(struct page *p, const struct field *f, const void *base, bool first)
{
	(void)base;
	(void)first;
	buf_printf(p->out, "<th>%s</th>", f->name);
}

static void html_cell(struct page *p, const struct field *f, const void *base, bool first)
{
	(void)first;
	buf_add_str(p->out, "<td>");
	put_value(p, f, base);
	buf_add_str(p->out, "</td>");
}

static void html_children(struct page *p)
{
	buf_add_str(p->out, "<table border=\"1\">\n<tr>");
	child_each(p, html_head_cell, NULL);
	for (uint32_t i = 0; i < p->status->child_count; i++) {
		buf_add_str(p->out, "</tr>\n<tr>");
		child_each(p, html_cell, &p->status->children[i]);
	}
	buf_add_str(p->out, "</tr>\n</table>");
}

static void html_page(struct page *p, bool full)
{
	buf_add_str(p->out,
	    "<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0 Strict//EN\" "
	    "\"http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd\">\n"
	    "<html xmlns=\"http://www.w3.org/1999/xhtml\" xml:lang=\"en\" lang=\"en\">\n"
	    "<head><title>PHP-FPM Status Page</title></head>\n<body>\n<table>\n");
	pool_each(p, html_row);
	buf_add_str(p->out, "</table>\n");
	if (full)
		html_children(p);
	buf_add_str(p->out, "</body></html>");
}

/* -- xml -- */

static void xml_tag(struct page *p, const char *open, const char *name)
{
	buf_add_str(p->out, open);
	for (; *name; name++)
		buf_printf(p->out, "%c", *name == ' ' ? '-' : *name);
	buf_add_str(p->out, ">");
}

static void xml_field(struct page *p, const struct field *f, const void *base, bool first)
{
	(void)first;
	xml_tag(p, "<", f->name);
	put_value(p, f, base);
	xml_tag(p, "</", f->name);
}

static void xml_line(struct page *p, const struct field *f, const void *base, bool first)
{
	xml_field(p, f, base, first);
	buf_add_str(p->out, "\n");
}

static void xml_page(struct page *p, bool full)
{
	p->epoch = true;
	buf_add_str(p->out, "<?xml version=\"1.0\" ?>\n<status>\n");
	pool_each(p, xml_line);
	if (full)
		buf_add_str(p->out, "<processes>\n");
	for (uint32_t i = 0; full && i < p->status->child_count; i++) {
		buf_add_str(p->out, "<process>");
		child_each(p, xml_field, &p->status->children[i]);
		buf_add_str(p->out, "</process>\n");
	}
	buf_add_str(p->out, full ? "</processes>\n</status>" : "</status>");
}

/* -- json -- */

static void json_field(struct page *p, const struct field *f, const void *base, bool first)
{
	const char *quote = is_text(f) ? "\"" : "";

	buf_printf(p->out, "%s\"%s\":%s", first ? "" : ",", f->name, quote);
	put_value(p, f, base);
	buf_add_str(p->out, quote);
}

static void json_page(struct page *p, bool full)
{
	p->epoch = true;
	buf_add_str(p->out, "{");
	pool_each(p, json_field);
	if (full)
		buf_add_str(p->out, ", \"processes\":[");
	for (uint32_t i = 0; full && i < p->status->child_count; i++) {
		buf_add_str(p->out, i == 0 ? "{" : ",{");
		child_each(p, json_field, &p->status->children[i]);
		buf_add_str(p->out, "}");
	}
	buf_add_str(p->out, full ? "]}" : "}");
}

/* -- openmetrics -- */

static void put_seconds(struct page *p, uint64_t us)
{
	buf_printf(p->out, "%llu.%06u", (unsigned long long)(us / 1000000), (unsigned)(us % 1000000));
}

/* php-fpm's own counters end without "_total", and one has its TYPE before its HELP; ours are as OpenMetrics says. */
static void metric(struct page *p, const struct field *f)
{
	bool ours = strncmp(f->metric, "weir_", 5) == 0;
	bool type_first = strcmp(f->metric, "phpfpm_listen_queue_length") == 0;
	const char *tail = ours && strcmp(f->type, "counter") == 0 ? "_total" : "";

	if (type_first)
		buf_printf(p->out, "# TYPE %s %s\n", f->metric, f->type);
	buf_printf(p->out, "# HELP %s %s\n", f->metric, f->help);
	if (!type_first)
		buf_printf(p->out, "# TYPE %s %s\n", f->metric, f->type);
	buf_printf(p->out, "%s%s ", f->metric, tail);
	if (f->kind == KIND_US)
		put_seconds(p, number_at(p->status, f->at));
	else
		buf_printf(p->out, "%llu", (unsigned long long)number_of(p, f, p->status));
	buf_add_str(p->out, "\n");
}

/* Buckets count all that is below their bound. */
static void histogram(struct page *p, const struct histogram *h)
{
	const struct status_times *t = (const void *)((const char *)p->status + h->at);
	uint64_t below = 0;

	buf_printf(p->out, "# HELP %s %s\n# TYPE %s histogram\n# UNIT %s seconds\n", h->metric, h->help, h->metric,
	    h->metric);
	for (int i = 0; i + 1 < STATUS_BUCKETS; i++) {
		below += t->counts[i];
		buf_printf(p->out, "%s_bucket{le=\"%.9g\"} %llu\n", h->metric,
		    (double)p->status->dispatch.bucket_us[i] / 1e6, (unsigned long long)below);
	}
	buf_printf(p->out, "%s_bucket{le=\"+Inf\"} %llu\n%s_count %llu\n%s_sum ", h->metric,
	    (unsigned long long)t->count, h->metric, (unsigned long long)t->count, h->metric);
	put_seconds(p, t->sum_us);
	buf_add_str(p->out, "\n");
}

static void dispatch_metrics(struct page *p)
{
	for (size_t i = 0; i < ARRAY_LEN(dispatch_fields); i++)
		if (dispatch_fields[i].metric)
			metric(p, &dispatch_fields[i]);
	for (size_t i = 0; i < ARRAY_LEN(histograms); i++)
		histogram(p, &histograms[i]);
}

static void openmetrics_page(struct page *p, bool full)
{
	(void)full;
	buf_add_str(p->out, "# HELP phpfpm_up Could pool ");
	p->escape(p->out, p->status->pool);
	buf_printf(p->out, " using a %s PM on PHP-FPM be reached?\n# TYPE phpfpm_up gauge\nphpfpm_up 1\n",
	    p->status->pm);
	for (size_t i = 0; i < ARRAY_LEN(pool_fields); i++)
		if (pool_fields[i].metric)
			metric(p, &pool_fields[i]);
	if (p->status->has_dispatch)
		dispatch_metrics(p);
	buf_add_str(p->out, "# HELP weir_ended_requests The number of requests that Weir itself refused or ended.\n"
	    "# TYPE weir_ended_requests counter\n");
	for (int r = REASON_NONE + 1; r < REASON_COUNT; r++)
		buf_printf(p->out, "weir_ended_requests_total{reason=\"%s\"} %llu\n", reason_name((enum reason)r),
		    (unsigned long long)p->status->reasons[r]);
	buf_add_str(p->out, "# EOF\n");
}

/* -- all of them -- */

static const struct format {
	const char *word;               /* in the query */
	const char *type;               /* its header line */
	status_escape_fn *escape;
	void (*write)(struct page *p, bool full);
} formats[STATUS_FORMATS] = {
	[STATUS_TEXT] = { NULL, "Content-type: text/plain;charset=UTF-8", status_escape_text, text_page },
	[STATUS_HTML] = { "html", "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
			  "Content-type: text/html;charset=UTF-8", status_escape_markup, html_page },
	[STATUS_XML] = { "xml", "Content-type: text/xml;charset=UTF-8", status_escape_markup, xml_page },
	[STATUS_JSON] = { "json", "Content-Type: application/json", status_escape_json, json_page },
	[STATUS_OPENMETRICS] = { "openmetrics",
				 "Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8",
				 status_escape_openmetrics, openmetrics_page },
};

void status_page_head(struct buf *out, const struct status_query *query)
{
	buf_printf(out, NO_CACHE NO_SNIFF "%s\r\n\r\n", formats[query->format].type);
}

void status_page(struct buf *out, const struct status_query *query, const struct status *status)
{
	const struct format *format = &formats[query->format];
	struct page p = { .status = status, .out = out, .escape = format->escape };

	format->write(&p, query->full);
}

void status_ping_head(struct buf *out)
{
	buf_add_str(out, "Content-type: text/plain;charset=UTF-8\r\n" NO_CACHE NO_SNIFF "\r\n");
}

void status_not_found(struct buf *out)
{
	buf_add_str(out, "Status: 404 Not Found\r\nContent-type: text/html; charset=UTF-8\r\n\r\nFile not found.\n");
}

static int hex(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* Is the key at p, up to '=', '&' or '[', the beginning of word? At least one character. */
static bool key_begins(const char *p, const char *word)
{
	size_t len = 0;

	while (*p == ' ' || *p == '+')
		p++;
	for (; *p && !strchr("=&[", *p); p++, len++) {
		char c = *p;

		if (c == '%' && isxdigit((unsigned char)p[1]) && isxdigit((unsigned char)p[2])) {
			c = (char)(hex(p[1]) << 4 | hex(p[2]));
			p += 2;
		}
		if (!word[len] || word[len] != c)
			return false;
	}
	return len > 0;
}

static bool asks_for(const char *query, const char *word)
{
	for (;;) {
		if (key_begins(query, word))
			return true;
		query = strchr(query, '&');
		if (!query)
			return false;
		query++;
	}
}

struct status_query status_query_read(const char *query)
{
	struct status_query q = { .full = asks_for(query, "full") };

	for (int f = STATUS_TEXT + 1; f < STATUS_FORMATS && q.format == STATUS_TEXT; f++)
		if (asks_for(query, formats[f].word))
			q.format = (enum status_format)f;
	return q;
}
