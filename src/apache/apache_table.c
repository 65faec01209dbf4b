/* apache_table.c -- the table itself (see apache_table.h). Pure data. */
#include "src/apache/apache_table.h"

#include <stdbool.h>
#include <strings.h>
#include "src/base/mem.h"

static const struct apache_row rows[] = {
	{ "mpm_prefork", "mpm = prefork", "one request at a time in each child; pm = dynamic" },
	{ "mpm_worker", "mpm = worker", "needs an application that is safe for threads" },
	{ "mpm_event", "mpm = worker",
	  "what event adds, kept connections that hold no thread, Weir does under each model: it parks them; mpm = event with "
	  "the same threads parks slow clients as well" },
	{ "StartServers", "pm.start_servers", "within the spare limits and pm.max_children" },
	{ "MinSpareServers", "pm.min_spare_servers", "at most pm.max_children" },
	{ "MaxSpareServers", "pm.max_spare_servers", "at most pm.max_children" },
	{ "ServerLimit", NULL, "pm.max_children changes at a reload and needs no second limit; it bounds MaxRequestWorkers here" },
	{ "ThreadLimit", NULL, "mpm.threads_per_child changes at a reload; it bounds ThreadsPerChild here" },
	{ "MaxRequestWorkers", "pm.max_children; under worker mpm.max_request_workers",
	  "under worker in whole children, and pm.max_children is it divided by ThreadsPerChild" },
	{ "MaxClients", "as MaxRequestWorkers", "its name before Apache 2.4" },
	{ "MinSpareThreads", "mpm.min_spare_threads", "at most mpm.max_request_workers" },
	{ "MaxSpareThreads", "mpm.max_spare_threads", "at least mpm.min_spare_threads plus mpm.threads_per_child" },
	{ "ThreadsPerChild", "mpm.threads_per_child", "at most 1000" },
	{ "MaxConnectionsPerChild", "pm.max_requests", "counts requests, not connections; pm.max_requests_jitter spreads the ends" },
	{ "MaxRequestsPerChild", "pm.max_requests", "the name of MaxConnectionsPerChild before Apache 2.4" },
	{ "AsyncRequestWorkerFactor", NULL, "kept connections are parked outside the children, so none needs a share of their threads" },
	{ "ThreadStackSize", NULL, "threads have the system's stack size: ulimit -s, LimitSTACK= of the service's unit" },
	{ "ListenBackLog", "listen.backlog", "of the pool's own socket" },
	{ "GracefulShutdownTimeout", "process_control_timeout", "0 is no limit in Apache, and at once in Weir: then it is not set" },
	{ "User", "user, listen.owner", "of the pool, and of the socket that Apache connects to" },
	{ "Group", "group, listen.group", "likewise" },
	{ "AssignUserID", "user, group", "of mpm-itk: the virtual host becomes a pool of its own" },
	{ "MaxClientsVHost", "pm.max_children", "of mpm-itk, in that pool" },
	{ "Timeout", NULL, "of clients, and stays in Apache; request.body_timeout, request_terminate_timeout are the pool's own" },
	{ "ProxyTimeout", NULL, "stays in Apache; a request_terminate_timeout below it lets Weir answer first, with a reason in its log" },
	{ "SetHandler application/x-httpd-php", "sapi = php", "mod_php becomes a pool; also AddHandler, AddType" },
	{ "SetHandler \"proxy:unix:PATH|fcgi://...\"", "listen", "the pool takes the address over; also ProxyPass, ProxyPassMatch, "
	  "BalancerMember; unix: or fcgi://HOST:PORT" },
	{ "php_value", "php_value[NAME]", "of the server and of a whole virtual host; others stand as comments" },
	{ "php_flag", "php_flag[NAME]", "likewise" },
	{ "php_admin_value", "php_admin_value[NAME]", "likewise" },
	{ "php_admin_flag", "php_admin_flag[NAME]", "likewise" },
	{ "PHPINIDir", NULL, "-c PATH on Weir's command line, for all pools" },
	{ "WSGIScriptAlias", "sapi = wsgi, wsgi.application, wsgi.mount", "each application is a pool" },
	{ "WSGIScriptAliasMatch", NULL, "a pattern of paths: write a pool for each application" },
	{ "WSGICallableObject", "wsgi.application", "behind a colon" },
	{ "WSGIPythonHome", "wsgi.virtualenv", "for applications without a python-home= of their own" },
	{ "WSGIPythonPath", "wsgi.pythonpath", "likewise" },
	{ "WSGIPythonOptimize", "wsgi.python_optimize", "" },
	{ "WSGIProcessGroup", "the pool", "names the daemon process group whose numbers the pool takes" },
	{ "WSGIApplicationGroup", NULL, "each pool has interpreters of its own, and each child one: as %{GLOBAL}" },
	{ "WSGIImportScript", NULL, "the application is loaded before the first request; wsgi.preload loads it once for all children" },
	{ "WSGIScriptReloading", NULL, "a reload (USR2) takes the new code, without losing a request" },
	{ "WSGIPassAuthorization", NULL, "stays in Apache: CGIPassAuth On passes the header on over FastCGI" },
	{ "WSGIChunkedRequest", NULL, "a body without a length always reaches the application whole" },
	{ "WSGISocketPrefix", NULL, "the pool's socket is listen" },
	{ "WSGIRestrictEmbedded", NULL, "no application runs inside the web server" },
	{ "WSGILazyInitialization", NULL, "the zygote starts Python, never the master" },
	{ "WSGIDaemonProcess", "a pool", "for each application that names it" },
	{ "user=", "user", "else Apache's User" },
	{ "group=", "group", "else Apache's Group" },
	{ "processes=", "pm.max_children", "1 where it is not given; pm = static" },
	{ "threads=", "mpm.threads_per_child", "15 where it is not given; with 1 mpm = prefork, else worker" },
	{ "home=", "chdir", "where that folder exists" },
	{ "python-home=", "wsgi.virtualenv", "" },
	{ "python-path=", "wsgi.pythonpath", "" },
	{ "maximum-requests=", "pm.max_requests", "" },
	{ "request-timeout=", "request_terminate_timeout", "in mod_wsgi for all threads on an average, here for each request" },
	{ "listen-backlog=", "listen.backlog", "" },
	{ "cpu-priority=", "process.priority", "" },
	{ "socket-user=", "listen.owner", "" },
	{ "lang=", "env[LANG]", "" },
	{ "locale=", "env[LC_ALL]", "" },
	{ "chroot=", "chroot", "where that folder exists" },
	{ "display-name=", NULL, "processes show as 'weir: child POOL'" },
	{ "umask=", NULL, "of the service: UMask= of its unit" },
	{ "stack-size=", NULL, "as ThreadStackSize" },
	{ "memory-limit=", NULL, "MemoryMax= of the service's unit; pm.max_requests replaces children that grow" },
	{ "virtual-memory-limit=", NULL, "likewise" },
	{ "cpu-time-limit=", NULL, "request_terminate_timeout limits each request instead" },
	{ "inactivity-timeout=", NULL, "pm = ondemand with pm.process_idle_timeout has no process at rest" },
	{ "deadlock-timeout=", NULL, "request_terminate_timeout ends what hangs" },
	{ "queue-timeout=", NULL, "of the front end: ProxyTimeout" },
	{ "connect-timeout=", NULL, "of the front end" },
	{ "socket-timeout=", NULL, "of the front end; request.body_timeout is the pool's own" },
	{ "graceful-timeout=", NULL, "requests in flight are never cut by a replacement" },
	{ "eviction-timeout=", NULL, "likewise" },
	{ "restart-interval=", NULL, "pm.max_requests replaces children" },
	{ "shutdown-timeout=", NULL, "process_control_timeout, for all pools" },
	{ "startup-timeout=", NULL, "an application that does not load is tried again, and the log says why" },
	{ "supplementary-groups=", NULL, "the groups of the user count" },
	{ "python-eggs=", NULL, "env[PYTHON_EGG_CACHE] does it" },
};

const struct apache_row *apache_row_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (!strcasecmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

void apache_table_markdown(struct buf *out)
{
	bool options = false;

	buf_add_str(out, "| Apache httpd | Weir | |\n|---|---|---|\n");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct apache_row *row = &rows[i];

		buf_printf(out, "| %s`", options ? "its " : "");
		for (const char *c = row->name; *c; c++)
			buf_printf(out, *c == '|' ? "\\%c" : "%c", *c);
		buf_add_str(out, "` | ");
		if (row->key)
			buf_printf(out, "`%s`", row->key);
		else
			buf_add_str(out, "no equal");
		buf_printf(out, " | %s |\n", row->note);
		options = options || !strcasecmp(row->name, "WSGIDaemonProcess");
	}
}
