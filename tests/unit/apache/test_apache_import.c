/* test_apache_import.c -- the mapping: models and their limits, handlers, owners, PHP's values, mod_wsgi. */
#include "tests/unit/apache/apache_help.h"

#define PREFORK "<IfModule mpm_prefork_module>\n"
#define WORKER "<IfModule mpm_worker_module>\n"
#define END "</IfModule>\n"
#define PHP "<FilesMatch \"\\.php$\">\nSetHandler application/x-httpd-php\n</FilesMatch>\n"

/* Each line of lines stands in what comes of text. */
static void assert_gives_with(const char *text, apache_php_threads_fn *threads, const char *lines)
{
	char *out = import_with(text, threads), *copy = xstrdup(lines), *save = NULL;

	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		assert_line(out, line);
	free(copy);
	free(out);
}

static void assert_gives(const char *text, const char *lines)
{
	assert_gives_with(text, test_threads, lines);
}

static void prefork(void **state)
{
	(void)state;
	assert_gives(PREFORK "StartServers 4\nMinSpareServers 3\nMaxSpareServers 9\nMaxClients 40\nMaxRequestsPerChild 1000\n" END,
		     "mpm = prefork\npm = dynamic\n; MaxClients 40 (f:5)\npm.max_children = 40\npm.start_servers = 4\n"
		     "pm.min_spare_servers = 3\npm.max_spare_servers = 9\npm.max_requests = 1000\n");
	assert_gives(PREFORK END "MinSpareServers 5\n",
		     "; MaxRequestWorkers 256: Apache's default\npm.max_children = 256\n; StartServers 5: Apache's default\n"
		     "pm.start_servers = 5\n; MaxSpareServers 10: Apache's default\npm.max_spare_servers = 10\n");
}

static void prefork_within_limits(void **state)
{
	(void)state;
	assert_gives(PREFORK "ServerLimit 8\nMaxRequestWorkers 20\nMinSpareServers 12\nMaxSpareServers 30\nStartServers 100\n" END,
		     "; MaxRequestWorkers 20 (f:3): 8: ServerLimit allows no more\npm.max_children = 8\npm.min_spare_servers = 8\n"
		     "pm.max_spare_servers = 8\npm.start_servers = 8\n");
	assert_gives(PREFORK "MinSpareServers 0\nMaxSpareServers 0\nStartServers 0\nMaxRequestWorkers 0\n" END,
		     "pm.max_children = 1\npm.min_spare_servers = 1\npm.max_spare_servers = 1\npm.start_servers = 1\n");
}

static void worker(void **state)
{
	(void)state;
	assert_gives(WORKER "StartServers 2\nMinSpareThreads 20\nMaxSpareThreads 60\nThreadsPerChild 10\nMaxRequestWorkers 95\n" END,
		     "mpm = worker\nmpm.threads_per_child = 10\npm.max_children = 9\n"
		     "; MaxRequestWorkers 95 (f:6): 90: whole children of 10 threads\nmpm.max_request_workers = 90\n"
		     "pm.start_servers = 2\nmpm.min_spare_threads = 20\nmpm.max_spare_threads = 60\n");
	assert_gives(WORKER "ThreadsPerChild 25\n" END,
		     "pm.max_children = 16\nmpm.max_request_workers = 400\npm.start_servers = 3\nmpm.min_spare_threads = 75\n"
		     "mpm.max_spare_threads = 250\n");
	assert_gives(WORKER "ThreadsPerChild 200\nMaxRequestWorkers 10\nMinSpareThreads 900\nMaxSpareThreads 1\n" END,
		     "; ThreadsPerChild 200 (f:2): 64: ThreadLimit allows no more\nmpm.threads_per_child = 64\n"
		     "mpm.max_request_workers = 64\npm.max_children = 1\nmpm.min_spare_threads = 64\nmpm.max_spare_threads = 128\n");
}

static void event_is_worker(void **state)
{
	(void)state;
	assert_gives("LoadModule mpm_event_module x\nAsyncRequestWorkerFactor 2\nThreadStackSize 65536\n", "mpm = worker\n; mpm_event\n"
		     "; AsyncRequestWorkerFactor 2 (f:2): no equal: kept connections are parked outside the children, so none needs "
		     "a share of their threads\n");
}

static void threads_that_php_may_not_have(void **state)
{
	(void)state;
	assert_gives_with(WORKER "ThreadsPerChild 10\nMaxRequestWorkers 40\nStartServers 2\nMinSpareThreads 5\nMaxSpareThreads 30\n" END
			  "ProxyPassMatch ^/(.*\\.php)$ fcgi://127.0.0.1:9000/srv/$1\n", test_no_threads,
			  "mpm = prefork\n;mpm = worker\n;mpm.threads_per_child = 10\n;pm.max_children = 4\npm.max_children = 40\n"
			  "pm.start_servers = 20\npm.min_spare_servers = 5\npm.max_spare_servers = 30\n");
	assert_gives_with(WORKER "ThreadsPerChild 10\nMaxRequestWorkers 40\n" END, test_no_threads,
			  "mpm = worker\nmpm.threads_per_child = 1\npm.max_children = 40\n;mpm.threads_per_child = 10\n");
}

static void which_model_of_several(void **state)
{
	static const char all[] = PREFORK "MaxRequestWorkers 1\n" END WORKER "MaxRequestWorkers 50\n" END
				  "<IfModule mpm_event_module>\nMaxRequestWorkers 75\n" END;
	char *with_php = xasprintf("%s%s", all, PHP);
	(void)state;

	assert_gives(all, "mpm.max_request_workers = 75\n; MaxRequestWorkers 1 (f:2): not taken: it counts under mpm_prefork, "
		     "and this is mpm_event\n");
	assert_gives(with_php, "pm.max_children = 1\n");
	free(with_php);
}

static void mod_php_and_its_hosts(void **state)
{
	static const char text[] = "User 1000\nGroup #1001\nphp_value memory_limit 64M\n" PHP
		"<VirtualHost *:80>\nServerName Plain.example:80\n</VirtualHost>\n"
		"<VirtualHost *:80>\nServerName own.example\nAssignUserID 1002 1003\nMaxClientsVHost 7\n"
		"php_admin_value open_basedir \"/srv/own:/tmp\"\nphp_value memory_limit 128M\nphp_flag short_open_tag On\n"
		"<Directory /elsewhere>\nphp_admin_flag allow_url_fopen off\n</Directory>\n</VirtualHost>\n";
	char *out = import_with(text, test_threads);
	(void)state;

	assert_line(out, "[own.example]");
	assert_line(out, "[www]");
	assert_no_line(out, "[plain.example]");
	assert_line(out, "user = 1002");
	assert_line(out, "group = 1003");
	assert_line(out, "user = 1000");
	assert_line(out, "group = 1001");
	assert_line(out, "pm.max_children = 7");
	assert_line(out, "php_admin_value[open_basedir] = /srv/own:/tmp");
	assert_line(out, "php_value[memory_limit] = \"128M\"");
	assert_line(out, "php_value[memory_limit] = \"64M\"");
	assert_line(out, "php_flag[short_open_tag] = \"on\"");
	assert_line(out, "; php_admin_flag[allow_url_fopen] = off");
	assert_line(out, "security.limit_extensions = .php");
	assert_line(out, "process.max = 256");
	free(out);
}

static void fastcgi_addresses(void **state)
{
	static const struct { const char *text, *address; bool remote; } cases[] = {
		{ "proxy:unix:/run/x.sock|fcgi://localhost/", "/run/x.sock", false },
		{ "unix:/run/x.sock|fcgi://localhost", "/run/x.sock", false },
		{ "fcgi://127.0.0.1:9000/srv/$1", "127.0.0.1:9000", false },
		{ "fcgi://localhost:9000", "127.0.0.1:9000", false },
		{ "fcgi://[::1]:9000/", "[::1]:9000", false },
		{ "fcgi://localhost", "127.0.0.1:8000", false },
		{ "fcgi://10.0.0.5:9000/", "127.0.0.1:9000", true },
		{ "fcgi://127.0.0.1:99999/", NULL, false },
		{ "fcgi://127.0.0.1:x/", NULL, false },
		{ "fcgi://", NULL, false },
		{ "fcgi://[", NULL, false },
		{ "unix:relative|fcgi://x", NULL, false },
		{ "unix:/run/x.sock|http://x", NULL, false },
		{ "http://127.0.0.1:9000", NULL, false },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool remote;
		char *address = apache_proxy_address(cases[i].text, &remote);

		assert_int_equal(address != NULL, cases[i].address != NULL);
		if (address)
			assert_string_equal(address, cases[i].address);
		if (address)
			assert_int_equal(remote, cases[i].remote);
		free(address);
	}
}

static void one_pool_for_one_address(void **state)
{
	char *out = import_with("<FilesMatch x>\nSetHandler \"proxy:unix:/tmp/blog.sock|fcgi://a\"\n</FilesMatch>\n"
				"ProxyPass /b unix:/tmp/blog.sock|fcgi://b\nProxyPass /c fcgi://[::1]:9001\n", test_threads);
	(void)state;

	assert_line(out, "[blog]");
	assert_line(out, "listen = /tmp/blog.sock");
	assert_line(out, "[fcgi-9001]");
	assert_line(out, "listen = \"[::1]:9001\"");
	assert_no_line(out, "[blog-2]");
	free(out);
}

static void extensions(void **state)
{
	static const struct { const char *lines, *found; } cases[] = {
		{ "<FilesMatch \".+\\.ph(?:ar|p|tml)$\">\nSetHandler application/x-httpd-php\n</FilesMatch>\n", ".phar .php .phtml" },
		{ "<FilesMatch \\.(php|phtml)$>\nSetHandler application/x-httpd-php\n</FilesMatch>\n", ".php .phtml" },
		{ "<Files *.php>\nSetHandler application/x-httpd-php\n</Files>\n", ".php" },
		{ "AddHandler application/x-httpd-php .php5 php\n", ".php5 .php" },
		{ "<FilesMatch \\.php[345]?$>\nSetHandler application/x-httpd-php\n</FilesMatch>\n", NULL },
		{ "SetHandler application/x-httpd-php\n", NULL },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct apache_conf conf = read_text(cases[i].lines);
		struct buf out = { 0 };

		assert_int_equal(apache_extensions(&conf.at[0], &out), cases[i].found != NULL);
		if (cases[i].found)
			assert_string_equal(buf_str(&out), cases[i].found);
		buf_free(&out);
		apache_conf_free(&conf);
	}
}

static void wsgi_in_daemons(void **state)
{
	assert_gives("WSGIDaemonProcess site user=1000 group=1000 processes=3 threads=10 python-home=/opt/env "
		     "python-path=/srv/a:/srv/b home=/tmp maximum-requests=500 request-timeout=30 display-name=%{GROUP}\n"
		     "<VirtualHost *:80>\nWSGIProcessGroup site\nWSGIScriptAlias /app /srv/site/app.wsgi\n</VirtualHost>\n",
		     "[site]\nuser = 1000\nsapi = wsgi\nwsgi.application = /srv/site/app.wsgi\nwsgi.mount = /app\nmpm = worker\n"
		     "mpm.threads_per_child = 10\npm = static\npm.max_children = 3\nwsgi.virtualenv = /opt/env\n"
		     "wsgi.pythonpath = /srv/a:/srv/b\nchdir = /tmp\npm.max_requests = 500\nrequest_terminate_timeout = 30\n"
		     "; display-name=%{GROUP}: no equal: processes show as 'weir: child POOL'\n");
	assert_gives("WSGIDaemonProcess d threads=1\nWSGIScriptAlias / /srv/a.wsgi process-group=d callable-object=app\n",
		     "mpm = prefork\npm.max_children = 1\nwsgi.application = /srv/a.wsgi:app\n");
	(void)state;
}

static void wsgi_inside_apache(void **state)
{
	(void)state;
	assert_gives_with(WORKER "ThreadsPerChild 5\nMaxRequestWorkers 10\n" END "WSGIPythonHome /opt/e\nWSGIScriptAlias / /srv/a.wsgi\n",
			  test_no_threads, "[wsgi]\nmpm = worker\nmpm.threads_per_child = 5\npm.max_children = 2\n"
			  "wsgi.virtualenv = /opt/e\n");
}

static void hostile_text_stays_in_its_place(void **state)
{
	char *out = import_with(PHP "php_value a.b \"x\\\" ; y $z ${w}\"\nphp_value \"evil]\\\nlisten\" 1\nServerName \"a\r[evil]\"\n"
				"ErrorLog\x01" "x \"a\rb\"\n", test_threads);
	(void)state;

	assert_line(out, "php_value[a.b] = \"x\\\" ; y \\$z \\${w}\"");
	for (const char *c = out; *c; c++)
		assert_true(*c == '\n' || (unsigned char)*c >= 0x20);
	free(out);
}

static void not_a_number(void **state)
{
	struct apache_conf conf = read_text("MaxRequestWorkers many\n");
	struct buf out = { 0 };
	(void)state;

	apache_import_write(&out, &conf, test_threads);
	assert_true(conf.errors > 0);
	assert_string_equal(buf_str(&conf.words), "f:1: error: MaxRequestWorkers many: a number is expected\n");
	buf_free(&out);
	apache_conf_free(&conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefork),
		cmocka_unit_test(prefork_within_limits),
		cmocka_unit_test(worker),
		cmocka_unit_test(event_is_worker),
		cmocka_unit_test(threads_that_php_may_not_have),
		cmocka_unit_test(which_model_of_several),
		cmocka_unit_test(mod_php_and_its_hosts),
		cmocka_unit_test(fastcgi_addresses),
		cmocka_unit_test(one_pool_for_one_address),
		cmocka_unit_test(extensions),
		cmocka_unit_test(wsgi_in_daemons),
		cmocka_unit_test(wsgi_inside_apache),
		cmocka_unit_test(hostile_text_stays_in_its_place),
		cmocka_unit_test(not_a_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
