/* access_line.h -- one line of an access log from what is known of a request. Pure: a child tells of its own requests,
 * the pool process of those that a child took along. */
#ifndef WEIR_ACCESS_LINE_H
#define WEIR_ACCESS_LINE_H

#include <stdint.h>
#include <sys/types.h>
#include "src/base/buf.h"
#include "src/base/reason.h"
#include "src/conf/conf_access.h"

/* Texts are never NULL; "" is not known. */
struct access_facts {
	const char *pool;
	pid_t pid, parent;
	const char *id, *remote, *user, *method, *uri, *query, *script;
	uint64_t length;                /* of the body, as announced */
	int status;
	enum reason reason;
	uint64_t begun_us, ended_us;    /* since 1970 */
	uint64_t duration_us, cpu_user_us, cpu_system_us;
	uint64_t queued_us;             /* before it began: the wait for a slot, under mpm = event */
	uint64_t memory;                /* bytes at the peak */
	const char *head;               /* the reply's header block */
	size_t head_len;
	/* A FastCGI parameter, or NULL. param itself may be NULL: none is known. */
	const char *(*param)(const void *arg, const char *name);
	const void *arg;
};

/* Append the line, without a newline. Control characters of what the request holds stand as \xNN (in JSON as \u00NN):
 * those that are in it come from access.format itself. */
void access_line_put(const struct conf_access *access, const struct access_facts *facts, struct buf *out);
/* The value of the first header of that name, which must fit with its case, up to the end of its line; NULL: none. */
const char *access_header(const char *head, size_t head_len, const char *name, size_t *len_out);
/* The number of the status that Weir's own answer for this reason has; 0: there is no such answer. */
int access_own_status(enum reason reason);
#define ACCESS_STATUS_GONE 499          /* the client went before there was an answer: nginx's number for it */
/* The status that a header block means; 200 where it names none. */
int access_status(const char *head, size_t head_len);
/* Does access.suppress_path take this one out? */
bool access_suppressed(const struct conf_pool *conf, const struct access_facts *facts);
/* A peer's address as logs show it: an IPv4 one of an IPv6 socket as what it is. */
const char *access_remote(const char *peer);
/* Is this request id of a front end harmless in a line, and no longer than the scoreboard's? */
bool access_id_fits(const char *sent);

#endif
