<?php
// What a script sees of its request, as JSON.
$files = [];
foreach ($_FILES as $name => $file) {
	$files[$name] = [
		'name' => $file['name'], 'type' => $file['type'], 'size' => $file['size'], 'error' => $file['error'],
		'sha1' => $file['error'] === UPLOAD_ERR_OK ? sha1_file($file['tmp_name']) : null,
		'uploaded' => is_uploaded_file($file['tmp_name']),
	];
}
$input = fopen('php://input', 'r');
$hash = hash_init('sha1');
$length = hash_update_stream($hash, $input);
header('Content-Type: application/json');
echo json_encode([
	'get' => $_GET, 'post' => $_POST, 'cookie' => $_COOKIE, 'request' => $_REQUEST, 'files' => $files,
	'server' => $_SERVER, 'input_length' => $length, 'input_sha1' => hash_final($hash),
	'cwd' => getcwd(), 'sapi' => PHP_SAPI, 'script' => __FILE__,
	'headers' => getallheaders(), 'apache' => apache_request_headers(),
	'memory' => memory_get_peak_usage(),
]);
