/* apache_pools.h -- which pools an Apache configuration asks for: what is run, and from where. */
#ifndef WEIR_APACHE_POOLS_H
#define WEIR_APACHE_POOLS_H

#include "src/apache/apache_conf.h"

enum apache_runs {
	APACHE_RUNS_UNKNOWN,            /* no application is named: the numbers alone */
	APACHE_RUNS_MOD_PHP,
	APACHE_RUNS_FASTCGI,            /* behind a proxy to an address: PHP, by all likelihood */
	APACHE_RUNS_WSGI,
};

struct apache_pool {
	char *name;                     /* its section */
	enum apache_runs runs;
	char *listen;                   /* the address that Apache connects to already; NULL: a new one */
	struct apache_directive *from;  /* the directive that asks for it; NULL: none does */
	const struct apache_section *host;      /* it is this virtual host's alone; NULL: of all */
	struct apache_directive *daemon;        /* its WSGIDaemonProcess, or NULL */
};

struct apache_pools {
	struct apache_pool *at;
	size_t count;
};

/* At least one. */
struct apache_pools apache_pools_find(struct apache_conf *conf);
void apache_pools_free(struct apache_pools *pools);
/* The model that runs, or that would. */
enum apache_mpm apache_pools_mpm(const struct apache_conf *conf);

/* Does what stands in this section count for its whole virtual host, or the whole server? */
bool apache_counts_for_all(const struct apache_conf *conf, const struct apache_section *in);
/* "proxy:unix:/run/x.sock|fcgi://localhost" or "fcgi://127.0.0.1:9000/": as listen has it, in fresh memory. NULL: it is
 * no address of FastCGI. *remote_out: it is another machine's; then 127.0.0.1 stands in its place. */
char *apache_proxy_address(const char *text, bool *remote_out);
/* ".php .phtml" of the handler's own arguments or the section that it stands in, added to out; false: cannot be told. */
bool apache_extensions(const struct apache_directive *handler, struct buf *out);
/* Does WSGIScriptAlias name what Weir can run: one FILE.wsgi or FILE.py at one place of the site? */
bool apache_is_application(const struct apache_directive *alias);
/* An option "NAME=VALUE" behind the first arguments; NULL: not given. option has the "=". */
const char *apache_option(const struct apache_directive *d, const char *option);
/* The last directive of that name that counts for host (or for all, where there is none). NULL: none. */
struct apache_directive *apache_find_for(const struct apache_conf *conf, const char *name,
					 const struct apache_section *host);

#endif
