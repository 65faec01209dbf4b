/* wsgi_path.h -- SCRIPT_NAME and PATH_INFO as an application expects them. Pure: knows neither Python nor a request. */
#ifndef WEIR_WSGI_PATH_H
#define WEIR_WSGI_PATH_H

#include <stdbool.h>
#include <stddef.h>

struct wsgi_text {
	const char *at;                 /* NULL: was not sent */
	size_t len;
};

struct wsgi_path_in {
	struct wsgi_text mount;         /* "" or "/app": never with a slash at its end */
	bool mount_given;               /* by the administrator: then it wins over what the front end says */
	struct wsgi_text script, info, uri;     /* SCRIPT_NAME, PATH_INFO, REQUEST_URI as sent */
};

struct wsgi_path_out {
	struct wsgi_text script, info;  /* point into what was given, or into space */
	char *space;                    /* the caller's, uri.len bytes at least */
};

/* The mount point as a file says it, without the slashes at its end. */
struct wsgi_text wsgi_path_mount(const char *said);
void wsgi_path_split(const struct wsgi_path_in *in, struct wsgi_path_out *out);

#endif
