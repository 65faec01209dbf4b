"""No state of one request reaches the next: each kind with requests that alternate on one child."""
import json
import os

import pytest

from weirtest import PHP_ZTS, fcgi, proc

SHOW = """
$locale = setlocale(LC_ALL, 0);
echo json_encode(['ini' => ini_get('precision'), 'env' => getenv('LEAK'), 'cwd' => basename(getcwd()),
  'umask' => umask(), 'locale' => $locale, 'zone' => date_default_timezone_get(),
  'limit' => ini_get('max_execution_time'),
  'level' => ob_get_level(), 'post' => $_POST, 'files' => $_FILES, 'cookie' => $_COOKIE, 'get' => $_GET,
  'auth' => [$_SERVER['PHP_AUTH_USER'] ?? null, $_SERVER['REMOTE_USER'] ?? null, $_SERVER['PHP_AUTH_DIGEST'] ?? null],
  'globals' => array_keys(array_diff_key($GLOBALS, array_flip(['_GET', '_POST', '_COOKIE', '_FILES', 'locale']))),
  'class' => class_exists('Leak', false), 'function' => function_exists('leak'), 'const' => defined('LEAK'),
  'handler' => set_error_handler(null), 'wrappers' => in_array('leak', stream_get_wrappers()),
  'aborted' => [connection_status(), ignore_user_abort()], 'errors' => error_reporting(), 'last' => error_get_last(),
  'stdin' => strlen(file_get_contents('php://input')), 'include' => get_include_path(),
  'status' => http_response_code(),
  'autoload' => count(spl_autoload_functions()), 'headers' => headers_list(), 'assert' => ini_get('zend.assertions'),
  'mb' => function_exists('mb_internal_encoding') ? mb_internal_encoding() : 0, 'gc' => gc_enabled(),
  'libxml' => function_exists('libxml_use_internal_errors') ? libxml_use_internal_errors() : 0,
  'rand' => getrandmax(), 'tick' => 0]);
"""

DIRT = {
    "ini": "ini_set('precision', 3);",
    "putenv": "putenv('LEAK=1'); putenv('TZ=Asia/Tokyo'); putenv('LC_ALL=C.UTF-8');",
    "cwd": "chdir('/');",
    "umask": "umask(0777);",
    "locale": "setlocale(LC_ALL, 'C.UTF-8', 'C.utf8', 'POSIX'); setlocale(LC_CTYPE, 'C.UTF-8');",
    "timezone": "date_default_timezone_set('Asia/Tokyo');",
    "time limit": "set_time_limit(1);",
    "handlers": "set_error_handler(fn () => true); set_exception_handler(fn () => 1);"
                "spl_autoload_register(fn () => 1);",
    "ticks": "register_tick_function(fn () => 1);",
    "headers": "header('X-Leak: 1'); http_response_code(418); setcookie('leak', '1');"
               "header_register_callback(fn () => 1);",
    "buffers": "ob_start(); ob_start(fn ($x) => 'leak'); echo 'pending';",
    "streams": "stream_wrapper_register('leak', 'stdClass');"
               "stream_context_set_default(['http' => ['method' => 'LEAK']]);"
               "$GLOBALS['f'] = fopen('php://temp', 'w'); fwrite($GLOBALS['f'], str_repeat('x', 100000));",
    "names": "class Leak {} function leak() {} define('LEAK', 1); $leak = 1;",
    "user abort": "ignore_user_abort(true);",
    "errors": "error_reporting(0); @trigger_error('leak'); gc_disable();"
              "if (function_exists('libxml_use_internal_errors')) libxml_use_internal_errors(true);",
    "include path": "set_include_path('/leak'); ini_set('zend.assertions', 0);",
    "fatal": "no_such_function();",
    "exit inside a buffer": "ob_start(); echo 'x'; exit(3);",
    "finish request": "echo 'x'; fastcgi_finish_request(); echo 'lost';",
    "a session": "session_save_path(__DIR__); session_start(); $_SESSION['leak'] = 1;",
    "memory": "ini_set('memory_limit', '16M'); $x = str_repeat('x', 20 << 20);",
    "shutdown": "register_shutdown_function(function () { putenv('LEAK=2'); chdir('/'); umask(0); echo 'late'; });",
    "stderr": "fwrite(fopen('php://stderr', 'w'), 'word'); error_log('word');",
}


@pytest.fixture
def one(weir):
    www = weir.pool("pm.max_children = 1")
    www.write("show.php", SHOW)
    weir.start()
    return www


@pytest.mark.parametrize("name", DIRT)
def test_after(one, name):
    clean = one.get("/show.php")
    dirty = one.script(DIRT[name])
    for _ in range(2):
        one.get(dirty)
        after = one.get("/show.php")
        assert json.loads(after.text) == json.loads(clean.text)
        assert (after.status, after.headers) == (200, clean.headers)


def test_parameters_of_one_request_are_not_those_of_the_next(one):
    clean = one.get("/show.php?a=1").text
    body = b'--XX\r\nContent-Disposition: form-data; name="f"; filename="n"\r\n\r\ndata\r\n--XX--\r\n'
    one.get("/show.php", HTTP_AUTHORIZATION="Basic am9lOng=", REMOTE_USER="joe", HTTP_COOKIE="a=b")
    assert one.get("/show.php?a=1").text == clean
    one.get("/show.php", body=body, CONTENT_TYPE="multipart/form-data; boundary=XX")
    assert one.get("/show.php?a=1").text == clean
    one.get("/show.php", body=b"p=1", HTTP_AUTHORIZATION='Digest username="x"')
    assert one.get("/show.php?a=1").text == clean


def test_an_empty_request_after_an_authorised_one(one):
    for _ in range(5):
        one.get("/show.php", HTTP_AUTHORIZATION="Basic am9lOng=")
        with one.connect() as c:
            c.send(fcgi.begin(), fcgi.params({}), fcgi.stdin()).reply()
    assert json.loads(one.get("/show.php").text)["auth"] == [None, None, None]


def test_an_aborted_request_leaves_nothing(one):
    clean = one.get("/show.php").text
    for size in (10, 200, 600):
        data = one.request("/show.php", b"left=over", HTTP_COOKIE="left=over")
        one.connect().send(data[:size]).close()
        assert one.get("/show.php").text == clean


def test_the_child_s_signals_are_as_they_were(one):
    def signals():
        with open("/proc/%d/status" % one.children()[0]) as f:
            return [x for x in f.read().splitlines() if x.startswith(("SigBlk", "SigIgn", "SigCgt"))]
    one.get("/show.php")
    clean = signals()
    for code in ("set_time_limit(1); usleep(1000);", "exec('true');", "proc_close(proc_open('true', [], $p));",
                 "no_such_function();", "sleep(0);"):
        one.run(code)
        one.get("/show.php")
        assert signals() == clean, code


def test_descriptors_of_a_script_are_closed(one):
    one.get("/show.php")
    child, = one.children()
    before = os.listdir("/proc/%d/fd" % child)
    one.run("for ($i = 0; $i < 20; $i++) { $f[] = fopen(__FILE__, 'r');"
            "$f[] = stream_socket_server('tcp://127.0.0.1:0'); } exit;")
    one.get("/show.php")
    assert os.listdir("/proc/%d/fd" % child) == before


def test_memory_does_not_grow(one):
    page = one.script("$x = []; for ($i = 0; $i < 1000; $i++) { $x[] = str_repeat('x', 1000); }"
                      "header('X-A: b'); echo 'ok';")
    for _ in range(100):
        one.get(page, body=b"a=b")
    child, = one.children()
    before = proc.private_kib(child)
    for _ in range(400):
        one.get(page, body=b"a=b")
    assert proc.private_kib(child) - before < (4096 if PHP_ZTS else 1024)   # a slot may have its first request late
