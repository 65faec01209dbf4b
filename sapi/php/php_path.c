/* php_path.c -- from the variables of a request to the script that it means: Apache's proxy: forms, IIS' PATH_INFO,
 * PATH_INFO split off the script's path (cgi.fix_pathinfo), and what $_SERVER must show afterwards.
 * Runs in the child. It opens nothing and trusts nothing: every value here came from outside, so an offset into
 * one value is only ever made from a length of that same value, and compared before it is used. */
#include "sapi/php/php_path.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "src/base/mem.h"

static const struct php_slice absent;

/* What is worked with on the way: current values beside those that the front end sent. */
struct work {
	const struct php_path_in *in;
	struct php_path *out;
	struct php_slice script;
	struct php_slice script_filename;       /* without Apache's prefix */
	struct php_slice path_info;
	struct php_slice script_name;
	struct php_slice document_root;
	bool apache;                            /* the path stood behind proxy:fcgi:// or proxy:balancer:// */
};

static struct php_slice slice_own(struct php_path *out, char *text, size_t len)
{
	BUG_IF(out->owned_count == PHP_PATH_OWNED);
	out->owned[out->owned_count++] = text;
	return (struct php_slice){ text, len };
}

/* Values may hold NULs: no function that stops at one makes the copies. */
static char *bytes_copy(const char *p, size_t len)
{
	char *text = xcalloc(1, len + 1);

	memcpy(text, p, len);
	return text;
}

static struct php_slice slice_head(struct php_path *out, struct php_slice s, size_t len)
{
	BUG_IF(len > s.len);
	return slice_own(out, bytes_copy(s.p, len), len);
}

static struct php_slice slice_tail(struct php_slice s, size_t from)
{
	BUG_IF(from > s.len);
	return (struct php_slice){ s.p + from, s.len - from };
}

static struct php_slice slice_join(struct php_path *out, struct php_slice a, struct php_slice b)
{
	char *text = xcalloc(1, a.len + b.len + 1);

	if (a.len)
		memcpy(text, a.p, a.len);
	if (b.len)
		memcpy(text + a.len, b.p, b.len);
	return slice_own(out, text, a.len + b.len);
}

static bool slice_equal(struct php_slice a, struct php_slice b)
{
	return a.p && b.p && a.len == b.len && !memcmp(a.p, b.p, a.len);
}

static bool slice_ends_with(struct php_slice s, struct php_slice end)
{
	return s.p && end.p && s.len > end.len && !memcmp(s.p + (s.len - end.len), end.p, end.len);
}

static bool slice_begins_with(struct php_slice s, const char *head, size_t len)
{
	return s.p && s.len >= len && !memcmp(s.p, head, len);
}

static void var_set(struct php_path *out, const char *name, struct php_slice value)
{
	for (size_t i = 0; i < out->var_count; i++)
		if (!strcmp(out->vars[i].name, name)) {
			out->vars[i].value = value;
			return;
		}
	BUG_IF(out->var_count == PHP_PATH_VARS);
	out->vars[out->var_count++] = (struct php_var){ name, value };
}

/* The value that the front end sent is kept under another name before it is changed; one not sent is not. */
static void var_keep(struct php_path *out, const char *orig_name, struct php_slice value)
{
	if (value.p)
		var_set(out, orig_name, value);
}

static void script_name_change(struct work *w, struct php_slice value)
{
	var_keep(w->out, "ORIG_SCRIPT_NAME", w->in->script_name);
	var_set(w->out, "SCRIPT_NAME", value);
	w->out->uri = value;
}

/* IIS sends SCRIPT_NAME in front of PATH_INFO. */
static void fix_iis(struct work *w)
{
	static const char iis[] = "Microsoft-IIS";
	struct php_slice name = w->in->script_name;

	if (!slice_begins_with(w->in->server_software, iis, sizeof(iis) - 1) || !name.p || !w->path_info.p ||
	    !slice_begins_with(w->path_info, name.p, name.len))
		return;
	var_keep(w->out, "ORIG_PATH_INFO", w->path_info);
	w->path_info = w->path_info.len > name.len ? slice_tail(w->path_info, name.len) : absent;
	var_set(w->out, "PATH_INFO", w->path_info);
}

/* proxy:fcgi://HOST:PORT/PATH?QUERY, as mod_proxy_fcgi builds SCRIPT_FILENAME, means /PATH. */
static void fix_apache(struct work *w)
{
	static const char *const prefixes[] = { "proxy:fcgi://", "proxy:balancer://" };
	struct php_slice name = w->script_filename;

	for (size_t i = 0; name.p && i < ARRAY_LEN(prefixes); i++) {
		size_t from = strlen(prefixes[i]), end;

		if (name.len < from || strncasecmp(name.p, prefixes[i], from))
			continue;
		while (from < name.len && name.p[from] != '/')
			from++;
		w->apache = from < name.len;
		if (!w->apache)
			from = 0;
		for (end = from; end < name.len && name.p[end] != '?'; end++)
			;
		w->script_filename = slice_head(w->out, slice_tail(name, from), end - from);
		var_set(w->out, "SCRIPT_FILENAME", w->script_filename);
		return;
	}
}

static bool is_file_at(const struct work *w, char *path, size_t len, char cut)
{
	path[len] = '\0';
	bool found = len && len < PATH_MAX && w->in->probe(w->in->arg, path) == PHP_FILE_REGULAR;
	path[len] = cut;
	return found;
}

/* Length of the longest prefix of the script's path, ending before a slash, that is a regular file; 0: none.
 * Backslashes divide only what has no slash left, as php-fpm has it. */
static size_t split_find(const struct work *w)
{
	char *path = bytes_copy(w->script.p, w->script.len);
	size_t len = w->script.len, found = 0;

	for (const char *mark = "/\\"; *mark && !found; mark++)
		for (size_t i = len; i-- > 0 && !found;)
			if (path[i] == *mark) {
				len = i;
				found = is_file_at(w, path, i, *mark) ? i : 0;
			}
	free(path);
	return found;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static struct php_slice slice_decoded(struct php_path *out, struct php_slice s)
{
	char *text = xcalloc(1, s.len + 1);
	size_t to = 0;

	for (size_t i = 0; i < s.len; i++) {
		bool coded = s.p[i] == '%' && s.len - i > 2 &&
			     hex_digit(s.p[i + 1]) >= 0 && hex_digit(s.p[i + 2]) >= 0;

		text[to++] = coded ? (char)(hex_digit(s.p[i + 1]) << 4 | hex_digit(s.p[i + 2])) : s.p[i];
		i += coded ? 2 : 0;
	}
	return slice_own(out, text, to);
}

/* Apache with ProxyPass sends no PATH_INFO: what was stripped stands at the end of SCRIPT_NAME too, raw or decoded. */
static void split_apache_name(struct work *w, struct php_slice tail)
{
	struct php_slice name = w->script_name;

	if (!slice_ends_with(name, tail)) {
		if (!memchr(tail.p, '%', tail.len))
			return;
		tail = slice_decoded(w->out, tail);
		if (!slice_ends_with(name, tail))
			return;
	}
	w->script_name = slice_head(w->out, name, name.len - tail.len);
	script_name_change(w, w->script_name);
}

static void split_path_info(struct work *w, struct php_slice tail)
{
	struct php_slice sent = w->path_info, info, head;

	if (w->apache) {
		if (slice_equal(sent, tail))
			return;
		info = tail;
		head = sent;
	} else {
		if (!sent.p || sent.len <= tail.len)
			return;
		info = slice_tail(sent, sent.len - tail.len);
		head = slice_head(w->out, sent, sent.len - tail.len);
	}
	w->path_info = info;
	var_set(w->out, "PATH_INFO", info);
	if (!sent.p) {
		split_apache_name(w, tail);
		return;
	}
	var_set(w->out, "ORIG_PATH_INFO", sent);
	if (slice_equal(w->in->script_name, head))
		w->out->uri = w->in->script_name;
	else
		script_name_change(w, head);
}

/* PATH_TRANSLATED = the document root, known or found out, + PATH_INFO. */
static void split_translated(struct work *w)
{
	struct php_slice root = w->document_root;

	if (root.p) {
		if (root.len && root.p[root.len - 1] == '/')
			root.len--;
	} else {
		const char *at = w->script_name.p ? strstr(w->script.p, w->script_name.p) : NULL;

		if (!at || w->script_name.len > w->script.len)
			return;
		root = (struct php_slice){ w->script.p, w->script.len - w->script_name.len };
	}
	var_keep(w->out, "ORIG_PATH_TRANSLATED", w->in->path_translated);
	var_set(w->out, "PATH_TRANSLATED", slice_join(w->out, root, w->path_info));
}

static void script_filename_change(struct work *w)
{
	if (slice_equal(w->script_filename, w->script))
		return;
	var_keep(w->out, "ORIG_SCRIPT_FILENAME", w->script_filename);
	var_set(w->out, "SCRIPT_FILENAME", w->script);
}

static void split_script(struct work *w)
{
	struct php_slice whole = w->script;
	size_t len = split_find(w);

	if (len) {
		w->script = slice_head(w->out, whole, len);
		split_path_info(w, slice_tail(whole, len));
		script_filename_change(w);
		split_translated(w);
	} else {
		w->script = absent;
		w->out->missing = true;
		script_filename_change(w);
	}
	if (w->out->uri.p)
		return;
	if (w->script_name.p && !slice_equal(w->in->script_name, w->script_name))
		script_name_change(w, w->script_name);
	else
		w->out->uri = w->in->script_name;
}

static void whole_script(struct work *w)
{
	script_filename_change(w);
	if (!w->apache && w->in->redirect_url.p) {
		var_keep(w->out, "ORIG_PATH_INFO", w->path_info);
		var_keep(w->out, "ORIG_PATH_TRANSLATED", w->in->path_translated);
		var_set(w->out, "PATH_INFO", absent);
		var_set(w->out, "PATH_TRANSLATED", absent);
	}
	if (w->script_name.p == w->in->script_name.p)
		w->out->uri = w->script_name;
	else
		script_name_change(w, w->script_name);
}

static void resolve_fixed(struct work *w)
{
	const struct php_path_in *in = w->in;

	w->document_root = in->document_root;
	if (!in->document_root.p && in->doc_root) {
		w->document_root = (struct php_slice){ in->doc_root, strlen(in->doc_root) };
		var_set(w->out, "DOCUMENT_ROOT", w->document_root);
	}
	/* Apache's Action: SCRIPT_FILENAME names the handler, PATH_TRANSLATED the page. */
	if (!w->apache && in->path_translated.p && in->redirect_url.p &&
	    !slice_equal(in->path_translated, w->script)) {
		w->script = in->path_translated;
		w->script_name = in->redirect_url;
	}
	if (w->script.len && (w->script.p[w->script.len - 1] == '/' ||
			      in->probe(in->arg, w->script.p) == PHP_FILE_NONE))
		split_script(w);
	else
		whole_script(w);
}

static void resolve_plain(struct work *w)
{
	w->out->uri = w->path_info.p ? w->path_info : w->script_name;
	if (!w->in->discard_path && w->in->path_translated.p)
		w->script = w->in->path_translated;
}

/* A name that climbs, or that C would read shorter than it is, names no script. An empty one does, for php-fpm: one
 * whose extension is not allowed. */
static bool is_sound(struct php_slice path)
{
	if (!path.p || memchr(path.p, '\0', path.len))
		return false;
	for (size_t i = 0; i + 1 < path.len; i++)
		if (path.p[i] == '.' && path.p[i + 1] == '.' && (i == 0 || path.p[i - 1] == '/') &&
		    (i + 2 == path.len || path.p[i + 2] == '/'))
			return false;
	return true;
}

void php_path_resolve(const struct php_path_in *in, struct php_path *out)
{
	struct work w = {
		.in = in,
		.out = out,
		.script_filename = in->script_filename,
		.path_info = in->path_info,
		.script_name = in->script_name,
	};

	memset(out, 0, sizeof(*out));
	if (!in->script_filename.p && !in->path_translated.p)
		return;
	fix_iis(&w);
	fix_apache(&w);
	w.script = w.script_filename.p ? w.script_filename : in->path_translated;
	if (in->fix_pathinfo)
		resolve_fixed(&w);
	else
		resolve_plain(&w);
	if (is_sound(w.script))
		out->script = w.script;
}

void php_path_free(struct php_path *path)
{
	while (path->owned_count)
		free(path->owned[--path->owned_count]);
	path->var_count = 0;
	path->script = path->uri = absent;
}

bool php_path_allowed(struct php_slice script, const char *list)
{
	bool empty = true;

	while (*list) {
		size_t len = strcspn(list, " \t");

		if (len) {
			empty = false;
			if (slice_ends_with(script, (struct php_slice){ list, len }))
				return true;
		}
		list += len;
		list += strspn(list, " \t");
	}
	return empty;
}

bool php_path_var(const struct php_path *path, const char *name, size_t len, struct php_slice *out)
{
	for (size_t i = 0; i < path->var_count; i++)
		if (!strncmp(path->vars[i].name, name, len) && !path->vars[i].name[len]) {
			*out = path->vars[i].value;
			return true;
		}
	return false;
}
