<?php
// All that one request could have left to the next, as JSON: equal texts mean that nothing was left.
function signals(): array
{
	$got = [];
	if (function_exists('pcntl_sigprocmask')) {
		pcntl_sigprocmask(SIG_BLOCK, [], $mask);
		$got['mask'] = $mask;
		foreach ([SIGTERM, SIGUSR1, SIGCHLD, SIGALRM, SIGHUP] as $number)
			$got["handler $number"] = pcntl_signal_get_handler($number);
		$got['async'] = pcntl_async_signals();
		$got['alarm'] = pcntl_alarm(0);
	}
	// Whether SIGCHLD is ignored shows in how a program's end is told.
	$process = proc_open(['true'], [], $pipes);
	$got['exit status'] = proc_close($process);
	return $got;
}

$umask = umask();
$error = error_get_last();
echo json_encode([
	'ini' => ini_get_all(null, false),
	'env' => [getenv('WEIR_X'), getenv('TZ'), getenv('PATH'), $_SERVER['WEIR_X'] ?? null],
	'cwd' => getcwd(),
	'umask' => $umask,
	'locale' => setlocale(LC_ALL, 0),
	'number' => sprintf('%.1f', 1.5),
	'timezone' => date_default_timezone_get(),
	'hour' => date('H', 0),
	'headers' => headers_list(),
	'status' => http_response_code(),
	'sent' => headers_sent(),
	'buffers' => ob_get_status(true),
	'files' => $_FILES,
	'post' => $_POST,
	'auth' => array_intersect_key($_SERVER, ['PHP_AUTH_USER' => 1, 'PHP_AUTH_PW' => 1, 'PHP_AUTH_DIGEST' => 1]),
	'wrappers' => stream_get_wrappers(),
	'filters' => stream_get_filters(),
	'context' => stream_context_get_options(stream_context_get_default()),
	'error' => $error,
	'ignore abort' => ignore_user_abort(),
	'connection' => connection_status(),
	'included' => get_included_files(),
	'functions' => get_defined_functions()['user'],
	'classes' => array_slice(get_declared_classes(), -1),
	'constants' => get_defined_constants(true)['user'] ?? [],
	'domain' => function_exists('textdomain') ? textdomain(null) : null,
	'session' => function_exists('session_status') ? [session_status(), session_id()] : null,
	'encoding' => function_exists('mb_internal_encoding') ? mb_internal_encoding() : null,
	'autoload' => count(spl_autoload_functions()),
	'handlers' => [set_error_handler(null) === null, set_exception_handler(null) === null],
	'signals' => signals(),
	'input' => file_get_contents('php://input'),
]);
