/* test_conf_dump.c -- the dump of -tt, whole. */
#include "tests/unit/conf/conf_help.h"

static const char text[] =
	"[global]\npid = /run/x.pid\nlog_level = warn\nprocess_control_timeout = 1m\npool_process_user = nobody\n"
	"[www]\nlisten = /run/x.sock\npm = ondemand\npm.max_children = 3\nrlimit_core = unlimited\nenv[A] = $HOME\n"
	"env[B] = 2\nphp_flag[x] = on\nphp_admin_value[y] = z\nrequest.max_body = 1K\naccess.suppress_path[] = /ping\n"
	"env.pass[] = APP_*\nphp.version = 8.2\n";

static const char wanted[] =
	"[global]\n"
	"\tpid = /run/x.pid\n"
	"\terror_log = /var/log/php-fpm.log\n"
	"\tsyslog.ident = php-fpm\n"
	"\tsyslog.facility = 24\n"
	"\tlog_buffering = yes\n"
	"\tlog_level = WARNING\n"
	"\tlog_limit = 1049600\n"
	"\temergency_restart_interval = 0s\n"
	"\temergency_restart_threshold = 0\n"
	"\tprocess_control_timeout = 60s\n"
	"\tprocess.max = 0\n"
	"\tprocess.priority = undefined\n"
	"\tdaemonize = yes\n"
	"\trlimit_files = 0\n"
	"\trlimit_core = 0\n"
	"\tevents.mechanism = epoll\n"
	"\tsystemd_interval = 10s\n"
	"\tlog_format = text\n"
	"\tpool_process_user = nobody\n"
	" \n"
	"[www]\n"
	"\tprefix = undefined\n"
	"\tuser = undefined\n"
	"\tgroup = undefined\n"
	"\tlisten = /run/x.sock\n"
	"\tlisten.backlog = -1\n"
	"\tlisten.acl_users = undefined\n"
	"\tlisten.acl_groups = undefined\n"
	"\tlisten.owner = undefined\n"
	"\tlisten.group = undefined\n"
	"\tlisten.mode = 0660\n"
	"\tlisten.allowed_clients = undefined\n"
	"\tprocess.priority = undefined\n"
	"\tprocess.dumpable = no\n"
	"\tpm = ondemand\n"
	"\tpm.max_children = 3\n"
	"\tpm.start_servers = 0\n"
	"\tpm.min_spare_servers = 0\n"
	"\tpm.max_spare_servers = 0\n"
	"\tpm.max_spawn_rate = 32\n"
	"\tpm.process_idle_timeout = 10\n"
	"\tpm.max_requests = 0\n"
	"\tpm.status_path = undefined\n"
	"\tpm.status_listen = undefined\n"
	"\tping.path = undefined\n"
	"\tping.response = undefined\n"
	"\taccess.log = undefined\n"
	"\taccess.format = undefined\n"
	"\taccess.suppress_path[] = /ping\n"
	"\tslowlog = undefined\n"
	"\trequest_slowlog_timeout = 0s\n"
	"\trequest_slowlog_trace_depth = 20\n"
	"\trequest_terminate_timeout = 0s\n"
	"\trequest_terminate_timeout_track_finished = no\n"
	"\trlimit_files = 0\n"
	"\trlimit_core = -1\n"
	"\tchroot = undefined\n"
	"\tchdir = undefined\n"
	"\tcatch_workers_output = no\n"
	"\tdecorate_workers_output = yes\n"
	"\tclear_env = yes\n"
	"\tsecurity.limit_extensions = .php .phar\n"
	"\tenv[B] = 2\n"
	"\tenv[A] = $HOME\n"
	"\tphp_value[x] = 1\n"
	"\tphp_admin_value[y] = z\n"
	"\tpm.max_requests_jitter = 0\n"
	"\tenv.pass[] = APP_*\n"
	"\tsapi = php\n"
	"\tphp.version = 8.2\n"
	"\tmpm = prefork\n"
	"\tmpm.threads_per_child = 1\n"
	"\tmpm.min_spare_threads = 0\n"
	"\tmpm.max_spare_threads = 0\n"
	"\tmpm.max_request_workers = 0\n"
	"\trequest.max_params = 1048576\n"
	"\trequest.max_body = 1024\n"
	"\trequest.header_timeout = 60s\n"
	"\trequest.body_timeout = 60s\n"
	"\trequest.on_abort = continue\n"
	"\tkeepalive_timeout = 0s\n"
	"\tevent.max_connections = 16384\n"
	"\tevent.body_memory = 65536\n"
	"\tevent.body_dir = /var/tmp\n"
	"\tevent.request_buffering = auto\n"
	"\tevent.response_memory = 262144\n"
	"\tevent.response_max = 1073741824\n"
	"\tevent.retry = safe\n"
	"\tevent.retry_max = 2\n"
	"\tqueue.max = 1000\n"
	"\tqueue.timeout = 30s\n"
	"\tqueue.retry_after = 1s\n"
	"\tqueue.abandoned = drop-safe\n"
	"\tsecurity.strict = no\n"
	"\tsecurity.php_value_params = yes\n"
	"\tsecurity.reason_header = no\n"
	" \n";

static void whole_dump(void **state)
{
	struct loaded l = load(text);
	struct buf out = { 0 };

	(void)state;
	assert_good(&l);
	conf_dump(l.conf, &out);
	assert_string_equal(buf_str(&out), wanted);
	buf_free(&out);
	unload(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_dump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
