/* wsgi_path.c -- runs in a child: which part of the URL is the mount point and which the application's. Front ends
 * differ: some send both parts, nginx with Debian's parameters sends the whole path as SCRIPT_NAME and no PATH_INFO.
 * REQUEST_URI is as the client wrote it: dots are resolved as the front end does, so that what it forbids by path is
 * not reached by another spelling. */
#include "sapi/wsgi/wsgi_path.h"

#include <string.h>

struct wsgi_text wsgi_path_mount(const char *said)
{
	size_t len = strlen(said);

	while (len > 0 && said[len - 1] == '/')
		len--;
	return (struct wsgi_text){ said, len };
}

/* Without "http://host" in front and the query behind. */
static struct wsgi_text path_of(struct wsgi_text uri)
{
	const char *at = uri.at, *end = at + uri.len, *stop;

	if (uri.len > 0 && *at != '/') {
		const char *host = memmem(at, uri.len, "://", 3);
		const char *slash = host ? memchr(host + 3, '/', (size_t)(end - host - 3)) : NULL;

		if (!slash)
			return (struct wsgi_text){ "/", 1 };
		at = slash;
	}
	stop = memchr(at, '?', (size_t)(end - at));
	return (struct wsgi_text){ at, (size_t)((stop ? stop : end) - at) };
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What is no %XX stays as it is. */
static size_t decode(char *to, struct wsgi_text from)
{
	const char *at = from.at, *end = at + from.len;
	char *start = to;

	while (at < end) {
		int high = *at == '%' && end - at > 2 ? hex(at[1]) : -1, low = high >= 0 ? hex(at[2]) : -1;

		*to++ = low >= 0 ? (char)(high << 4 | low) : *at;
		at += low >= 0 ? 3 : 1;
	}
	return (size_t)(to - start);
}

/* How many bytes at a segment's start are a "." or ".." that fills it. */
static size_t dots_at(const char *at, const char *end)
{
	size_t n = 0;

	while (n < 3 && at + n < end && at[n] == '.')
		n++;
	return n < 3 && (at + n == end || at[n] == '/') ? n : 0;
}

static bool has_dots(struct wsgi_text path)
{
	const char *end = path.at + path.len, *at = path.at;

	while ((at = memchr(at, '/', (size_t)(end - at))) != NULL)
		if (dots_at(++at, end) > 0)
			return true;
	return false;
}

/* In place: "." and ".." go, and so do empty segments, which ".." would otherwise count. */
static size_t resolve(char *path, size_t len)
{
	const char *at = path, *end = path + len;
	char *to = path;

	while (at < end) {
		size_t dots;

		while (at < end && *at == '/')
			at++;
		dots = dots_at(at, end);
		if (dots == 2 && to > path)
			while (*--to != '/')
				continue;
		at += dots;
		if (dots > 0 && at < end)
			continue;
		*to++ = '/';
		while (at < end && *at != '/')
			*to++ = *at++;
	}
	return (size_t)(to - path);
}

static bool below(struct wsgi_text path, struct wsgi_text mount)
{
	return path.len >= mount.len && !memcmp(path.at, mount.at, mount.len)
	    && (path.len == mount.len || mount.len == 0 || path.at[mount.len] == '/');
}

/* The whole path: the client's, or where that is not sent the front end's. */
static struct wsgi_text whole_path(const struct wsgi_path_in *in, struct wsgi_path_out *out)
{
	struct wsgi_text path = in->script;

	if (in->uri.at && in->uri.len > 0)
		path = path_of(in->uri);
	if (!path.at || path.len == 0)
		return (struct wsgi_text){ "/", 1 };
	if (path.at == in->script.at || (!memchr(path.at, '%', path.len) && !has_dots(path)))
		return path;
	path = (struct wsgi_text){ out->space, decode(out->space, path) };
	if (has_dots(path))
		path.len = resolve(out->space, path.len);
	return path;
}

static bool try_mount(struct wsgi_text path, struct wsgi_text mount, struct wsgi_path_out *out)
{
	if (!below(path, mount))
		return false;
	out->script = mount;
	out->info = (struct wsgi_text){ path.at + mount.len, path.len - mount.len };
	return true;
}

void wsgi_path_split(const struct wsgi_path_in *in, struct wsgi_path_out *out)
{
	bool is_split = in->info.at && in->info.len > 0;
	struct wsgi_text path;

	if (is_split && !in->mount_given) {
		out->script = in->script.at ? in->script : (struct wsgi_text){ "", 0 };
		out->info = in->info;
	} else {
		path = whole_path(in, out);
		/* The front end may have rewritten the path: then its own word may lie below the mount point. */
		if (!try_mount(path, in->mount, out) && (!in->script.at || !try_mount(in->script, in->mount, out))) {
			out->script = is_split && in->script.at ? in->script : (struct wsgi_text){ "", 0 };
			out->info = is_split ? in->info : path;
		}
	}
	if (out->script.len == 1 && *out->script.at == '/')
		out->script.len = 0;
}
