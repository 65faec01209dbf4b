/* php_script.c -- one request: which script, may it run, run it, and end it so that nothing is left. Runs in the
 * child, in the slot's thread. It writes no answer of its own but php-fpm's short texts for scripts that there
 * are not; whatever a script does, serve returns. */
#include "sapi/php/php_priv.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#include "ext/standard/basic_functions.h"
#include "src/base/mem.h"

PHP_THREAD struct php_slot php_slot;
struct php_settings php_settings;

static char base_folder[PATH_MAX] = "/";        /* the child's working directory before any script */

void php_script_child_init(void)
{
	if (!getcwd(base_folder, sizeof(base_folder)))
		memcpy(base_folder, "/", sizeof("/"));
}

/* Scripts seen as regular files in the second that is written beside them. opcache looks at a file's time stamp
 * in a second's first request at the earliest: looking once per second is enough to miss no script that went. */
#define SEEN_MAX 64
static PHP_THREAD struct seen { char *path; time_t second; } seen[SEEN_MAX];

static struct seen *seen_find(const char *path)
{
	size_t hash = 5381;

	for (const char *c = path; *c; c++)
		hash = hash * 33 + (unsigned char)*c;
	return &seen[hash % SEEN_MAX];
}

static void seen_note(struct seen *s, const char *path, time_t second)
{
	if (!s->path || strcmp(s->path, path)) {
		free(s->path);
		s->path = xstrdup(path);
	}
	s->second = second;
}

void php_script_forget(void)
{
	for (size_t i = 0; i < SEEN_MAX; i++) {
		free(seen[i].path);
		seen[i] = (struct seen){ NULL, 0 };
	}
}

static enum php_file script_probe(void *arg, const char *path)
{
	time_t second = ((struct php_slot *)arg)->started.tv_sec;
	struct seen *s = seen_find(path);
	struct stat st;

	if (s->second == second && s->path && !strcmp(s->path, path))
		return PHP_FILE_REGULAR;
	if (stat(path, &st) < 0)
		return PHP_FILE_NONE;
	if (!S_ISREG(st.st_mode))
		return PHP_FILE_OTHER;
	if (*path == '/')
		seen_note(s, path, second);
	return PHP_FILE_REGULAR;
}

static bool is_relative(struct php_slice path)
{
	return path.len && path.p[0] != '/';
}

/* Where a process has several threads its working directory is nobody's: PHP keeps each thread's. */
static int folder_enter(const char *folder)
{
#ifdef VIRTUAL_DIR
	virtual_cwd_activate();
#endif
	return VCWD_CHDIR(folder);
}

static void enter(const char *folder)
{
	if (folder_enter(folder) < 0 && folder_enter(base_folder) < 0)
		log_warning("cannot enter %s, nor %s: %s", folder, base_folder, strerror(errno));
}

/* The script's folder becomes the working directory: one system call, and none back. Without a script it is the
 * child's own: not that of the request before. */
static void enter_folder(const char *script)
{
	const char *slash = script ? strrchr(script, '/') : NULL;
	char folder[PATH_MAX];
	size_t len;

	if (!slash || (len = (size_t)(slash - script)) >= sizeof(folder)) {
		enter(base_folder);
		return;
	}
	if (len == 0)
		len = 1;
	memcpy(folder, script, len);
	folder[len] = '\0';
	enter(folder);
}

static void script_find(struct php_slot *slot)
{
	const struct php_slice *param = slot->param;
	struct php_path_in in = {
		.script_filename = param[PARAM_SCRIPT_FILENAME],
		.path_translated = param[PARAM_PATH_TRANSLATED],
		.path_info = param[PARAM_PATH_INFO],
		.script_name = param[PARAM_SCRIPT_NAME],
		.redirect_url = param[PARAM_REDIRECT_URL],
		.document_root = param[PARAM_DOCUMENT_ROOT],
		.server_software = param[PARAM_SERVER_SOFTWARE],
		.doc_root = PG(doc_root),
		.fix_pathinfo = CGI(fix_pathinfo),
		.discard_path = CGI(discard_path),
		.probe = script_probe,
		.arg = slot,
	};

	if (is_relative(in.script_filename) || is_relative(in.path_translated))
		enter(base_folder);
	php_path_resolve(&in, &slot->path);
	slot->script = slot->path.script.p;
	slot->relative = NULL;
	if (is_relative(slot->path.script))
		slot->script = slot->relative = xasprintf("%s/%s", base_folder, slot->script);
	enter_folder(slot->script);
}

static void request_info_fill(struct php_slot *slot)
{
	const struct php_slice *param = slot->param;

	SG(server_context) = slot->req;
	SG(sapi_headers).http_response_code = slot->path.missing ? 404 : 200;
	SG(request_info).proto_num = 1000;
	SG(request_info).request_method = param[PARAM_REQUEST_METHOD].p;
	SG(request_info).query_string = (char *)param[PARAM_QUERY_STRING].p;
	SG(request_info).content_type = param[PARAM_CONTENT_TYPE].p ? param[PARAM_CONTENT_TYPE].p : "";
	SG(request_info).request_uri = (char *)slot->path.uri.p;
	SG(request_info).path_translated = slot->script ? estrdup(slot->script) : NULL;
	slot->req->ops->script(slot->req, slot->script ? slot->script : "");
	slot->req->ops->uri(slot->req, slot->path.uri.p ? slot->path.uri.p : "");
	php_handle_auth_data(param[PARAM_HTTP_AUTHORIZATION].p);
	if (SG(request_info).auth_user)
		slot->req->ops->user(slot->req, SG(request_info).auth_user);
	php_body_begin(slot);
}

static void request_begin(struct sapi_ctx *ctx, struct request *req)
{
	struct php_slot *slot = &php_slot;

	slot->ctx = ctx;
	slot->req = req;
	atomic_store_explicit(&slot->served, req, memory_order_relaxed);
	slot->over = slot->spoken = slot->finished = slot->input_time_aside = false;
	atomic_store(&slot->interrupted, false);
	gettimeofday(&slot->started, NULL);
	php_params_read(slot);
	php_values_set(slot);   /* first: cgi.fix_pathinfo and others decide which script it is */
	script_find(slot);
	request_info_fill(slot);
	EG(exit_status) = 0;
}

/* A short answer in a script's place. */
static void answer(int code, const char *text)
{
	SG(sapi_headers).http_response_code = code;
	PUTS(text);
}

static bool is_allowed(const char *path)
{
	struct php_slice name = { path, strlen(path) };

	if (php_path_allowed(name, php_settings.limit_extensions))
		return true;
	php_log_request(LOG_LEVEL_NOTICE,
	    "Access to the script '%s' has been denied (see security.limit_extensions)", path);
	answer(403, "Access denied.\n");
	return false;
}

static void answer_unopened(const char *path, int why)
{
	php_log_request(LOG_LEVEL_ERROR, "Unable to open primary script: %s (%s)", path, strerror(why ? why : ENOENT));
	if (why == EACCES)
		answer(403, "Access denied.\n");
	else
		answer(404, "No input file specified.\n");
}

/* The ini entries doc_root and user_dir make PHP open another file than the one that was looked at. */
static bool opened_other(const struct php_slot *slot, const zend_file_handle *file)
{
	if (!file->filename || !strcmp(ZSTR_VAL(file->filename), slot->script))
		return false;
	enter_folder(ZSTR_VAL(file->filename));
	slot->req->ops->script(slot->req, ZSTR_VAL(file->filename));
	return true;
}

/* opcache, where it knows the script, opens nothing here. */
static void script_execute(struct php_slot *slot)
{
	zend_file_handle file;

	errno = 0;
	if (php_fopen_primary_script(&file) == FAILURE) {
		int why = errno;

		answer_unopened(slot->path.script.p, script_probe(slot, slot->script) == PHP_FILE_OTHER ? EISDIR : why);
		return;
	}
	if (!opened_other(slot, &file) || is_allowed(ZSTR_VAL(file.filename)))
		php_execute_script(&file);
	zend_destroy_file_handle(&file);
}

static void request_run(struct php_slot *slot)
{
	if (!SG(request_info).request_method || slot->body_failed)
		return;
	if (!slot->script) {
		php_log_request(LOG_LEVEL_DEBUG, "Primary script unknown");
		answer(404, "File not found.\n");
	} else if (is_allowed(slot->path.script.p)) {
		script_execute(slot);
	}
}

static void request_run_caught(struct php_slot *slot)
{
	zend_try {
		request_run(slot);
	} zend_end_try();
}

static void error_header(void)
{
	sapi_header_line line = { .line = CGI(error_header) };

	if (EG(exit_status) != 255 || !line.line || !*line.line || SG(headers_sent))
		return;
	line.line_len = strlen(line.line);
	sapi_header_op(SAPI_HEADER_REPLACE, &line);
}

static void input_time_put_back(struct php_slot *slot)
{
	if (slot->input_time_aside)
		PG(max_input_time) = slot->input_time;
	slot->input_time_aside = false;
}

/* false: the process should serve no other. */
static bool request_end(struct php_slot *slot)
{
	input_time_put_back(slot);
	zend_try {
		error_header();
	} zend_end_try();
	slot->over = true;
	slot->req->ops->ended(slot->req);
	slot->req->peak_memory = zend_memory_peak_usage(1);
	if (slot->body_failed)
		SG(headers_sent) = SG(request_info).no_headers = 1;
	php_request_shutdown(NULL);
	return php_values_undo();
}

static void slot_clear(struct php_slot *slot)
{
	SG(server_context) = NULL;
	SG(request_info).path_translated = NULL;        /* PHP's memory, gone with the request */
	SG(request_info).request_method = NULL;
	SG(request_info).query_string = SG(request_info).request_uri = SG(request_info).cookie_data = NULL;
	SG(request_info).content_type = NULL;
	slot->req = NULL;
	slot->script = NULL;
	php_path_free(&slot->path);
	free(slot->relative);
	slot->relative = NULL;
	if (slot->head.cap > 65536)
		buf_free(&slot->head);
}

enum sapi_end php_script_serve(struct sapi_ctx *ctx, struct request *req)
{
	struct php_slot *slot = &php_slot;
	bool started, undone;

	request_begin(ctx, req);
	started = php_request_startup() == SUCCESS;
	if (started) {
		php_interrupt_arm(slot);
		request_run_caught(slot);
	} else if (!SG(headers_sent)) {
		SG(sapi_headers).http_response_code = 500;
	}
	undone = request_end(slot);
	req->app_status = 0;
	slot_clear(slot);
	/* PHP half started is good for the end of this request, not for another. */
	return php_reset() == SAPI_END_OK && started && undone ? SAPI_END_OK : SAPI_END_LEAVE;
}
