/* weirbench_plan.c -- the requests that weirbench sends. Default parameters are those of a usual front end
 * (nginx's fastcgi_params), so that an application sees what it sees in service; -p replaces or adds. One
 * request is encoded once and for all; those of a replay are encoded as they are sent, so that a long file
 * costs its own size only. Sends nothing by itself. */
#include <errno.h>
#include <fastcgi.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "src/base/fd.h"
#include "src/base/mem.h"
#include "src/fcgi/fcgi_encode.h"
#include "src/tools/weirbench_plan.h"

#define BODY_CHUNK 65528                /* the largest multiple of 8 that a record holds */
#define MAX_FILE (UINT64_C(1) << 30)

struct plan {
	const struct bench_opts *opts;
	struct buf text;                /* the replay file; its lines NUL-terminated */
	char **uris;                    /* into text, or opts->uri */
	size_t uri_count;
	size_t body_bytes;
	struct buf body;                /* records */
	struct buf only;                /* the one request's head, when there is one */
	char *script_dir;               /* folder of opts->script */
	const char *script_name;        /* "/index.php" */
};

/* A URI cut into what the parameters want. */
struct uri_parts {
	char *path;                     /* decoded, without query */
	const char *query;
	const char *info;               /* PATH_INFO: what follows "x.php" in the path */
	size_t script_len;              /* bytes of path before info */
};

static int read_file(const char *option, const char *path, struct buf *out, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	if (fd < 0)
		return err_sys(err, "--%s: cannot open %s", option, path);
	do {
		buf_reserve(out, 1 << 16);
		n = read(fd, out->data + out->len, 1 << 16);
		if (n > 0)
			out->len += (size_t)n;
	} while (n > 0 && out->len <= MAX_FILE);
	if (n < 0)
		err_sys(err, "--%s: cannot read %s", option, path);
	else if (n > 0)
		err_set(err, "--%s: %s is larger than 1G", option, path);
	fd_close(&fd);
	return n == 0 ? 0 : -1;
}

/* "http://host/x" becomes "/x", as access logs of proxies write it; NULL when the line is no URI. */
static char *uri_of_line(char *line)
{
	char *host;

	line[strcspn(line, " \t\r#")] = '\0';      /* no client sends the fragment */
	if (line[0] == '/')
		return line;
	if (strncmp(line, "http://", 7) != 0 && strncmp(line, "https://", 8) != 0)
		return NULL;
	host = strstr(line, "//") + 2;
	return strchr(host, '/');
}

static void add_uri(struct plan *p, const char *uri)
{
	if ((p->uri_count & (p->uri_count - 1)) == 0)   /* full at each power of two */
		p->uris = xrealloc(p->uris, (p->uri_count ? 2 * p->uri_count : 1) * sizeof(*p->uris));
	p->uris[p->uri_count++] = (char *)uri;
}

static int load_replay(struct plan *p, const char *path, struct err *err)
{
	size_t number = 0;
	char *next, *uri;

	if (read_file("replay", path, &p->text, err) < 0)
		return -1;
	buf_add(&p->text, "", 1);
	for (char *line = (char *)p->text.data; line; line = next) {
		number++;
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (line[strspn(line, " \t\r")] == '\0' || line[0] == '#')
			continue;
		uri = uri_of_line(line);
		if (!uri)
			return err_set(err, "--replay: %s, line %zu: a URI begins with / or http://, "
			    "not \"%.40s\"", path, number, line);
		add_uri(p, uri);
	}
	return p->uri_count ? 0 : err_set(err, "--replay: %s holds no URI", path);
}

static void add_body_bytes(struct plan *p, const uint8_t *data, size_t len)
{
	size_t part;

	p->body_bytes += len;
	for (; len > 0; data += part, len -= part) {
		part = len < BODY_CHUNK ? len : BODY_CHUNK;
		fcgi_add_stream(&p->body, FCGI_STDIN, PLAN_REQUEST_ID, data, part);
	}
}

static void make_body(struct plan *p, size_t size)
{
	uint8_t chunk[BODY_CHUNK];
	size_t part;

	memset(chunk, 'w', sizeof(chunk));
	buf_reserve(&p->body, size + size / BODY_CHUNK * FCGI_HEADER_LEN + 4 * FCGI_HEADER_LEN);
	for (; size > 0; size -= part) {
		part = size < BODY_CHUNK ? size : BODY_CHUNK;
		add_body_bytes(p, chunk, part);
	}
}

static int load_body(struct plan *p, struct err *err)
{
	struct buf file = { 0 };

	if (p->opts->body_size)
		make_body(p, p->opts->body_size);
	if (p->opts->body_file) {
		if (read_file("body", p->opts->body_file, &file, err) < 0) {
			buf_free(&file);
			return -1;
		}
		add_body_bytes(p, file.data, file.len);
		buf_free(&file);
	}
	if (p->body_bytes)
		fcgi_add_stream_end(&p->body, FCGI_STDIN, PLAN_REQUEST_ID);
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void percent_decode(char *s)
{
	char *out = s;
	int high, low;

	for (; *s; s++) {
		high = *s == '%' ? hex_digit(s[1]) : -1;
		low = high >= 0 ? hex_digit(s[2]) : -1;
		if (low < 0 || (high == 0 && low == 0)) {
			*out++ = *s;
			continue;
		}
		*out++ = (char)(high << 4 | low);
		s += 2;
	}
	*out = '\0';
}

static void uri_cut(const char *uri, struct uri_parts *u)
{
	size_t len = strcspn(uri, "?");
	const char *php;

	u->query = uri[len] == '?' ? uri + len + 1 : "";
	u->path = xstrndup(uri, len);
	percent_decode(u->path);
	php = strstr(u->path, ".php/");
	u->info = php ? php + 4 : u->path + strlen(u->path);
	u->script_len = (size_t)(u->info - u->path);
}

static bool is_overridden(const struct plan *p, const char *name)
{
	for (size_t i = 0; i < p->opts->param_count; i++)
		if (strcmp(p->opts->params[i].name, name) == 0)
			return true;
	return false;
}

static void add_pair(const struct plan *p, struct buf *pairs, const char *name, const char *value)
{
	if (!is_overridden(p, name))
		fcgi_add_pair(pairs, name, strlen(name), value, strlen(value));
}

/* SCRIPT_FILENAME and its kin: of --script, or looked up below --docroot as a front end does. */
static void add_script_pairs(const struct plan *p, struct buf *pairs, const struct uri_parts *u)
{
	const struct bench_opts *o = p->opts;
	const char *root = o->docroot ? o->docroot : p->script_dir ? p->script_dir : "/";
	struct buf file = { 0 };

	if (o->script) {
		buf_add_str(&file, p->script_name);
	} else {
		buf_add(&file, u->path, u->script_len);
		if (u->script_len && u->path[u->script_len - 1] == '/')
			buf_add_str(&file, "index.php");
	}
	add_pair(p, pairs, "SCRIPT_NAME", buf_str(&file));
	if (!o->script && u->info[0]) {
		add_pair(p, pairs, "PATH_INFO", u->info);
		add_pair(p, pairs, "DOCUMENT_URI", u->path);
	} else {
		add_pair(p, pairs, "DOCUMENT_URI", buf_str(&file));
	}
	add_pair(p, pairs, "DOCUMENT_ROOT", root);
	if (o->script)
		add_pair(p, pairs, "SCRIPT_FILENAME", o->script);
	if (!o->script) {
		buf_clear(&file);
		buf_printf(&file, "%s%.*s%s", root, (int)u->script_len, u->path,
		    u->script_len && u->path[u->script_len - 1] == '/' ? "index.php" : "");
		add_pair(p, pairs, "SCRIPT_FILENAME", buf_str(&file));
	}
	buf_free(&file);
}

static void add_fixed_pairs(const struct plan *p, struct buf *pairs)
{
	static const struct { const char *name, *value; } fixed[] = {
		{ "SERVER_PROTOCOL", "HTTP/1.1" }, { "REQUEST_SCHEME", "http" },
		{ "GATEWAY_INTERFACE", "CGI/1.1" }, { "SERVER_SOFTWARE", "weirbench/" WEIR_VERSION },
		{ "REMOTE_ADDR", "127.0.0.1" },
		{ "REMOTE_PORT", "40000" }, { "SERVER_ADDR", "127.0.0.1" }, { "SERVER_PORT", "80" },
		{ "SERVER_NAME", "localhost" }, { "REDIRECT_STATUS", "200" }, { "HTTP_HOST", "localhost" },
		{ "HTTP_USER_AGENT", "weirbench/" WEIR_VERSION }, { "HTTP_ACCEPT", "*/*" },
	};

	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		add_pair(p, pairs, fixed[i].name, fixed[i].value);
	for (size_t i = 0; i < p->opts->param_count; i++)
		fcgi_add_pair(pairs, p->opts->params[i].name, strlen(p->opts->params[i].name),
		    p->opts->params[i].value, strlen(p->opts->params[i].value));
}

static void add_body_pairs(const struct plan *p, struct buf *pairs)
{
	char length[24] = "";

	if (p->body_bytes)
		snprintf(length, sizeof(length), "%zu", p->body_bytes);
	add_pair(p, pairs, "CONTENT_TYPE", !p->body_bytes ? "" :
	    p->opts->body_file ? "application/x-www-form-urlencoded" : "application/octet-stream");
	add_pair(p, pairs, "CONTENT_LENGTH", length);
}

static void encode_head(const struct plan *p, const char *uri, struct buf *out)
{
	struct buf pairs = { 0 };
	struct uri_parts u;

	uri_cut(uri, &u);
	add_pair(p, &pairs, "QUERY_STRING", u.query);
	add_pair(p, &pairs, "REQUEST_METHOD", p->opts->method);
	add_body_pairs(p, &pairs);
	add_pair(p, &pairs, "REQUEST_URI", uri);
	add_script_pairs(p, &pairs, &u);
	add_fixed_pairs(p, &pairs);
	fcgi_add_begin(out, PLAN_REQUEST_ID, FCGI_RESPONDER, p->opts->keep ? FCGI_KEEP_CONN : 0);
	fcgi_add_stream(out, FCGI_PARAMS, PLAN_REQUEST_ID, pairs.data, pairs.len);
	fcgi_add_stream_end(out, FCGI_PARAMS, PLAN_REQUEST_ID);
	if (!p->body_bytes)
		fcgi_add_stream_end(out, FCGI_STDIN, PLAN_REQUEST_ID);
	free(u.path);
	buf_free(&pairs);
}

struct plan *plan_new(const struct bench_opts *opts, struct err *err)
{
	struct plan *p = xcalloc(1, sizeof(*p));
	const char *slash = opts->script ? strrchr(opts->script, '/') : NULL;

	p->opts = opts;
	p->script_name = slash ? slash : "/";
	p->script_dir = slash ? xstrndup(opts->script, (size_t)(slash - opts->script)) : NULL;
	if (slash && opts->docroot && strncmp(opts->script, opts->docroot, strlen(opts->docroot)) == 0 &&
	    opts->script[strlen(opts->docroot)] == '/')
		p->script_name = opts->script + strlen(opts->docroot);
	if (load_body(p, err) < 0 || (opts->replay && load_replay(p, opts->replay, err) < 0)) {
		plan_free(&p);
		return NULL;
	}
	if (!opts->replay)
		add_uri(p, opts->uri ? opts->uri : p->script_name);
	if (p->uri_count == 1)
		encode_head(p, p->uris[0], &p->only);
	return p;
}

void plan_free(struct plan **plan)
{
	struct plan *p = *plan;

	if (!p)
		return;
	buf_free(&p->only);
	buf_free(&p->body);
	buf_free(&p->text);
	free(p->uris);
	free(p->script_dir);
	free(p);
	*plan = NULL;
}

size_t plan_count(const struct plan *p)
{
	return p->uri_count;
}

const uint8_t *plan_head(const struct plan *p, uint64_t index, struct buf *scratch, size_t *len_out)
{
	const struct buf *b = &p->only;

	if (p->uri_count > 1) {
		buf_clear(scratch);
		encode_head(p, p->uris[index % p->uri_count], scratch);
		b = scratch;
	}
	*len_out = b->len;
	return b->data;
}

const uint8_t *plan_body(const struct plan *p, size_t *len_out)
{
	*len_out = p->body.len;
	return p->body.len ? p->body.data : (const uint8_t *)"";
}
