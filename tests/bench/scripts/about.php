<?php
// What the two servers must have in common, into the file that the request names.
$opcache = opcache_get_status(false);
$ini = ini_get_all(null, false);
$extensions = get_loaded_extensions();
ksort($ini);
sort($extensions);
file_put_contents($_SERVER['BENCH_ANSWER'], json_encode([
	'version' => PHP_VERSION,
	'opcache' => $opcache['opcache_enabled'] ?? false,
	'extensions' => $extensions,
	'ini' => $ini,
]));
