"""The scripts of the probes: what applications do, in small. None shows what differs from run to run."""

STATE = """<?php
header('Content-Type: text/plain');
foreach (['memory_limit', 'upload_max_filesize', 'post_max_size', 'display_errors', 'log_errors',
          'disable_functions', 'date.timezone', 'short_open_tag', 'upload_tmp_dir', 'open_basedir',
          'session.save_handler', 'error_reporting', 'variables_order', 'cgi.fix_pathinfo', 'fastcgi.logging',
          'opcache.enable', 'html_errors', 'implicit_flush', 'max_execution_time', 'max_input_time',
          'output_buffering', 'auto_globals_jit', 'user_ini.filename', 'expose_php', 'report_memleaks',
          'zend.assertions', 'register_argc_argv'] as $name) {
    $now = ini_get($name);
    echo "$name=", var_export($now, true), ' settable=', var_export(@ini_set($name, (string)$now) !== false, true), "\\n";
}
echo PHP_SAPI, ' ', php_sapi_name(), ' ', PHP_VERSION, ' ', getcwd(), ' ', __FILE__, "\\n";
echo 'ini=', php_ini_loaded_file(), ' ', md5((string)php_ini_scanned_files()), "\\n";
echo 'ext=', implode(',', get_loaded_extensions()), "\\n";
echo 'zend=', implode(',', get_loaded_extensions(true)), "\\n";
echo 'functions=', implode(',', array_filter(['fastcgi_finish_request', 'apache_request_headers', 'getallheaders',
     'fpm_get_status', 'cli_set_process_title', 'dl', 'apache_response_headers', 'system'], 'function_exists')), "\\n";
echo 'user=', function_exists('posix_getuid') ? implode(',', [posix_getuid(), posix_geteuid(), posix_getgid()]) : '', "\\n";
echo 'nofile=', implode(',', array_intersect_key(posix_getrlimit(), ['soft openfiles' => 1, 'hard openfiles' => 1])), "\\n";
echo 'opcache=', var_export(function_exists('opcache_get_status') && opcache_get_status(false)['opcache_enabled'], true), "\\n";
echo 'modules=', implode(',', array_slice(array_map('ini_get', ['extension_dir', 'include_path', 'sys_temp_dir']), 0)), "\\n";
"""

ENVIRONMENT = """<?php
header('Content-Type: text/plain');
$hide = ['REQUEST_TIME' => 1, 'REQUEST_TIME_FLOAT' => 1];
$show = function ($title, $all) use ($hide) {
    $all = array_diff_key($all, $hide);
    ksort($all);
    foreach ($all as $name => $value)
        echo "$title $name=", is_array($value) ? json_encode($value) : $value, "\\n";
};
$show('SERVER', $_SERVER);
$show('getenv', getenv());
$show('GET', $_GET);
$show('POST', $_POST);
$show('COOKIE', $_COOKIE);
$show('FILES', array_map(fn($f) => [$f['name'], $f['type'], $f['size'], $f['error']], $_FILES));
$show('headers', getallheaders());
echo 'input ', strlen(file_get_contents('php://input')), ' ', md5(file_get_contents('php://input')), "\\n";
"""

SCRIPTS = {
    "/hello.php": "<?php echo 'Hello';\n",
    "/state.php": STATE,
    "/env.php": ENVIRONMENT,
    "/headers.php": """<?php
header('X-One: 1'); header('X-Two: 2'); header('X-Two: 3', false); header('Content-Type: application/json');
setcookie('name', 'va lue', 0, '/'); setcookie('other', '1'); header('Cache-Control: no-store'); header_remove('X-One');
http_response_code(201); echo '{}';
""",
    "/redirect.php": "<?php header('Location: http://example.test/next'); exit;\n",
    "/status.php": "<?php header('HTTP/1.1 418 I am a teapot'); echo 'tea';\n",
    "/status2.php": "<?php header('Status: 503 Wait'); header('Retry-After: 7'); echo 'wait';\n",
    "/304.php": "<?php http_response_code(304); header('ETag: \"x\"');\n",
    "/empty.php": "",
    "/nophp.php": "plain text\n",
    "/warning.php": "<?php echo 'before'; echo $undefined; trigger_error('mine', E_USER_WARNING); echo 'after';\n",
    "/fatal.php": "<?php echo 'out'; no_such_function();\n",
    "/fatal2.php": "<?php no_such_function();\n",
    "/parse.php": "<?php this is no php (;\n",
    "/memory.php": "<?php $x = str_repeat('x', 1 << 30); echo 'never';\n",
    "/log.php": "<?php error_log('to the log'); echo 'logged';\n",
    "/stderr.php": "<?php fwrite(fopen('php://stderr', 'w'), \"on stderr\\n\"); "
                   "fwrite(fopen('php://stdout', 'w'), \"on stdout\\n\"); echo 'said';\n",
    "/exit.php": "<?php register_shutdown_function(function () { echo ' bye'; }); echo 'hi'; exit(3);\n",
    "/finish.php": "<?php echo 'early'; var_dump(fastcgi_finish_request()); echo 'late'; "
                   "touch(sys_get_temp_dir() . '/none');\n",
    "/big.php": "<?php for ($i = 0; $i < 3000; $i++) { echo str_repeat(chr(97 + $i % 26), 1000), \"\\n\"; }\n",
    "/flush.php": "<?php echo 'a'; flush(); header('X-Late: 1'); echo 'b'; flush(); echo 'c';\n",
    "/buffer.php": "<?php ob_start(fn($x) => strtoupper($x)); echo 'loud'; ob_end_flush(); echo ' quiet';\n",
    "/session.php": "<?php session_id('probe'); @session_start(); $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1; "
                    "echo $_SESSION['n'] > 0 ? 'session' : 'none'; session_destroy();\n",
    "/ini_set.php": "<?php ini_set('precision', '5'); echo 1/3, ' ', var_export(ini_set('memory_limit', '1G'), true);\n",
    "/precision.php": "<?php echo 1/3;\n",
    "/slow.php": "<?php function deep($n) { if ($n) { deep($n - 1); return; } "
                 "$t = microtime(true); while (microtime(true) - $t < 1.9) { usleep(20000); } }\ndeep(2);\necho 'slow';\n",
    "/too_slow.php": "<?php echo str_repeat(' ', 10); while (true) { usleep(20000); }\n",
    "/abort.php": "<?php posix_kill(getmypid(), 9); usleep(5000000);\n",
    "/segv.php": "<?php posix_kill(getmypid(), 11); usleep(5000000);\n",
    "/hold.php": "<?php touch(__DIR__ . '/held'); while (!file_exists(__DIR__ . '/go')) { usleep(2000); clearstatcache(); }"
                 "echo 'held';\n",
    "/fpm_status.php": """<?php
$s = fpm_get_status();
$s['procs'] = [array_keys($s['procs'][0])];
foreach (['start-time', 'start-since', 'accepted-conn', 'idle-processes', 'active-processes', 'total-processes',
          'max-active-processes'] as $k) { $s[$k] = gettype($s[$k]); }
echo json_encode($s);
""",
    "/text.txt": "text\n",
    "/readme.html": "<p>\n",
}
