/* php_path.h -- which script a request means, and how the CGI variables that speak of it must read.
 * Pure: no PHP, no globals; the file system is seen through one callback. All strings carry their length;
 * a length is never made by subtracting the lengths of two values that a peer sent. */
#ifndef WEIR_SAPI_PHP_PATH_H
#define WEIR_SAPI_PHP_PATH_H

#include <stdbool.h>
#include <stddef.h>

struct php_slice {
	const char *p;                  /* NULL: absent. A NUL stands behind the last byte */
	size_t len;
};

enum php_file { PHP_FILE_NONE, PHP_FILE_REGULAR, PHP_FILE_OTHER };

/* The parameters of a request that take part; absent ones are { NULL, 0 }. */
struct php_path_in {
	struct php_slice script_filename;
	struct php_slice path_translated;
	struct php_slice path_info;
	struct php_slice script_name;
	struct php_slice redirect_url;
	struct php_slice document_root;
	struct php_slice server_software;
	const char *doc_root;           /* the ini entry doc_root, or NULL */
	bool fix_pathinfo;              /* cgi.fix_pathinfo */
	bool discard_path;              /* cgi.discard_path */
	enum php_file (*probe)(void *arg, const char *path);
	void *arg;
};

/* A variable that reads differently from what the front end sent; value NULL: the script must not see it. */
struct php_var {
	const char *name;
	struct php_slice value;
};

#define PHP_PATH_VARS 16
#define PHP_PATH_OWNED 8

struct php_path {
	struct php_slice script;        /* the file to run; absent: there is none (404) */
	bool missing;                   /* a path was sent, and no file is found along it */
	struct php_slice uri;           /* script's own part of the URI (SG(request_info).request_uri); may be absent */
	struct php_var vars[PHP_PATH_VARS];
	size_t var_count;
	char *owned[PHP_PATH_OWNED];
	size_t owned_count;
};

/* Fill *out, which borrows from *in and owns what it made; php_path_free gives that back. */
void php_path_resolve(const struct php_path_in *in, struct php_path *out);
void php_path_free(struct php_path *path);

/* May a script of this name run under security.limit_extensions? list: suffixes divided by blanks; an empty
 * list allows all. Byte for byte; a name must be longer than the suffix. */
bool php_path_allowed(struct php_slice script, const char *list);

/* The value that *path changed, through *out (absent: unset). false: the front end's own value holds. */
bool php_path_var(const struct php_path *path, const char *name, size_t len, struct php_slice *out);

#endif
