"""Nothing of one request reaches the next."""
import re

import pytest

from sapi_driver import EVAL, HELLO, STATE, Php, form, multipart


DIRT = {
    "ini": "ini_set('precision', 3); ini_set('display_errors', 'stderr'); ini_set('memory_limit', '999M');"
           "ini_set('include_path', '/x'); error_reporting(1); ini_set('default_charset', 'x'); gc_disable();",
    "putenv": "putenv('WEIR_X=1'); putenv('TZ=Asia/Tokyo'); putenv('PATH=/'); date('H');",
    "cwd": "chdir('/usr');",
    "umask": "umask(0);",
    "locale": "setlocale(LC_ALL, 'C'); setlocale(LC_ALL, 'C.UTF-8'); setlocale(LC_NUMERIC, 'de_DE.UTF-8');",
    "timezone": "date_default_timezone_set('Asia/Tokyo');",
    "time_limit": "set_time_limit(1); ini_set('max_execution_time', 2);",
    "mask": "pcntl_sigprocmask(SIG_BLOCK, [SIGTERM, SIGUSR1, SIGCHLD, SIGALRM]);",
    "handlers": "pcntl_async_signals(true); pcntl_signal(SIGTERM, fn() => exit); pcntl_signal(SIGCHLD, SIG_IGN);"
                "pcntl_signal(SIGALRM, fn() => exit); pcntl_signal(SIGHUP, SIG_IGN); pcntl_alarm(100);",
    "handlers_closure": "$f = Closure::fromCallable('pcntl_signal'); $f(SIGCHLD, SIG_IGN);"
                        "array_map('pcntl_signal', [SIGHUP], [SIG_DFL]);",
    "headers": "header('X-A: 1'); http_response_code(503); header_register_callback(fn() => header('X-B: 1'));",
    "headers_exit": "header('HTTP/1.1 599 X'); header('Content-Type: x/y'); echo 1; exit(255);",
    "buffers": "ob_start(); ob_start(fn($b) => $b . 'z'); output_add_rewrite_var('a', 'b');"
               "ob_implicit_flush(true); echo 'x';",
    "buffers_fatal": "ob_start(); ob_start(fn($b) => $b . 'z'); echo 'x'; undefined_function();",
    "streams": "stream_wrapper_unregister('http'); class W { public $context; } stream_wrapper_register('w', 'W');"
               "stream_context_set_default(['http' => ['method' => 'POST']]); $GLOBALS['f'] = fopen('/dev/null', 'r');",
    "functions": "function left() {} class Left {} define('LEFT', 1); $GLOBALS['left'] = 1; static $s = 3;",
    "handlers_php": "set_error_handler(fn() => true); set_exception_handler(fn() => true);"
                    "spl_autoload_register(fn() => 1); register_shutdown_function(fn() => 1);"
                    "register_tick_function(fn() => 1); declare(ticks=1);",
    "abort": "ignore_user_abort(true);",
    "session": "if (function_exists('session_start')) { session_id('abc'); @session_start(); $_SESSION['a'] = 1; }",
    "memory": "ini_set('memory_limit', '8M'); $a = str_repeat('x', 1 << 28);",
    "fatal_in_class": "class A1 { static $x = []; } A1::$x[] = new DateTime; throw new Exception('x');",
    "stack": "function r($n) { return $n ? r($n - 1) . 'x' : 'y'; } r(20000);",
    "finish": "echo 'x'; fastcgi_finish_request(); header('X: y'); echo 'z';",
    "superglobals": "$_SERVER['WEIR_X'] = 1; $_POST['a'] = 1; $_FILES['a'] = 1; $_GET = 5; unset($GLOBALS['_ENV']);",
    "domain": "textdomain('other');",
    "closelog": "openlog('x', LOG_PID, LOG_LOCAL1);",
    "random": "mt_srand(5); srand(5);",
    "uninterned": "ini_set('date.timezone', 'Asia/' . strrev('oykoT')); ini_set('user_agent', str_repeat('x', 999));",
}


@pytest.mark.parametrize("opcache", [False, True])
@pytest.mark.parametrize("name", DIRT)
def test_nothing_reaches_the_next_request(name, opcache):
    settings = [("-d", "extension", "gettext"), ("php_value", "session.save_path", "/tmp"),
                ("php_value", "display_errors", "0")]
    php = Php(*settings, *([("-d", "zend_extension", "opcache")] if opcache else []))
    php.request(STATE).request(STATE).do("state")
    php.run(DIRT[name], HTTP_AUTHORIZATION="Basic dXNlcjpwdw==").do("state", "signal 15", "signal 10", "signal 1")
    php.request(STATE).run(DIRT[name]).run(DIRT[name]).request(STATE).do("state", "state")
    result = php.result()
    assert result.status == 0, (result.rest, result.stderr)
    fresh = result[1].json
    for reply in (result[3], result[6]):
        assert reply.json == fresh and reply.headers == result[1].headers and reply.end == 0
    without_cwd = [re.sub(r"cwd=\S+", "", line) for line in result.state]
    assert without_cwd == without_cwd[:1] * 4


def test_dirty_requests_of_other_kinds(tmp_path):
    php = Php(("php_value", "upload_tmp_dir", tmp_path), ("php_value", "display_errors", "0"))
    php.request(STATE)
    body = multipart([(b'name="f"; filename="x"', b"data"), (b'name="v"', b"1")])
    php.request(EVAL, method="POST", body=body, CONTENT_LENGTH=len(body), HTTP_COOKIE="a=b",
                CONTENT_TYPE="multipart/form-data; boundary=XyZ", CODE="exit(255);", QUERY_STRING="q=1",
                HTTP_AUTHORIZATION="Digest x=1")
    php.request(STATE)
    php.request(EVAL, method="HEAD", CODE="http_response_code(404);").request(STATE)
    php.request(None, method=None).request(STATE)
    php.request("/no/a.php", **form(), body="a=1").request(STATE)
    php.request(EVAL, CODE="echo 'x';", driver=["gone"]).request(STATE)
    result = php.result()
    for reply in result.replies[2::2]:
        assert reply.json == result[0].json and reply.headers == result[0].headers
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_undone_replaces_the_process():
    php = Php(("-d", "extension", "posix")).run("posix_setsid(); proc_nice(1);").request(HELLO)
    result = php.result()
    assert [reply.end for reply in result.replies] == [1, 0]


def test_a_forked_script_answers_once():
    php = Php().run("$pid = pcntl_fork(); echo $pid ? 'parent' : 'child';"
                    "if ($pid) { pcntl_waitpid($pid, $status); echo pcntl_wexitstatus($status); } else exit(5);")
    result = php.request(HELLO).result()
    assert [reply.body for reply in result.replies] == [b"parent5", b"hello\n"]


def test_each_request_has_its_own_random_seed():
    php = Php()
    for _ in range(2):
        php.run("mt_srand(5);").run("echo mt_rand();")
    result = php.result()
    assert result[1].body != result[3].body
