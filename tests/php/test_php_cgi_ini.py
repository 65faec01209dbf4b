"""The ini entries cgi.* and fastcgi.* at work: the header block, and what the front end's error log gets, compared with
the real php-fpm's byte for byte."""
import itertools
import re

import pytest

from env_pair import EnvPair, needs_fpm
from weirtest import PHP_ZTS, fcgi

pytestmark = needs_fpm

INIS = {
    "plain": "", "rfc": "cgi.rfc2616_headers=1", "nph": "cgi.nph=1", "both": "cgi.rfc2616_headers=1\ncgi.nph=1",
    "silent": "fastcgi.logging=0", "header": "fastcgi.error_header=HTTP/1.1 550 Server Made Big Boo",
    "status": "fastcgi.error_header=Status: 551 Worse", "shown": "display_errors=1\nlog_errors=1\nhtml_errors=0",
    "hidden": "display_errors=0\nlog_errors=1", "unlogged": "display_errors=0\nlog_errors=0",
    "redirect": "cgi.force_redirect=1\ncgi.redirect_status_env=NOT_SENT", "open": "cgi.force_redirect=0",
    "nowhere": "fpm.config=/nowhere", "extra": "error_prepend_string=<b>\nerror_append_string=</b>",
    "small": "post_max_size=1K", "quiet": "post_max_size=1K\ndisplay_startup_errors=0",
    "limits": "log_errors_max_len=20\nignore_repeated_errors=1",
}

HEADERS = [
    "", "http_response_code(201);", "http_response_code(299);", "http_response_code(999);",
    "header('Status: 404 Gone Away');", "header('Status: 404');", "header('status:200 Fine');",
    "header('HTTP/1.1 404 Nope');", "header('HTTP/1.0 200 Good');", "header('HTTP/1.1 200');",
    "header('HTTP/1.1  404  X');", "header('HTTP/2 503');", "header('HTTP/3.1 204 ');", "header('Location: /x');",
    "header('Location: http://x/', true, 301);", "header('X: 1', true, 404);", "http_response_code(304);",
    "http_response_code(304); header('Content-Type: a/b'); header('Content-Length: 3');", "http_response_code(204);",
    "header('HTTP/1.1 404 Nope'); header('Status: 500 Other');", "header('Status: 1'); header('Status: 2', false);",
    "header('HTTP/1.1 404 ' . str_repeat('x', 2000));", "header('Status: ' . str_repeat('y', 3000));",
    "header('A:b'); header('a: c');", "header('A: 1'); header('A: 2', false); header_remove('A'); header('B:');",
    "header('Content-Type: text/plain');", "header('Content-type: text/html; charset=x');",
    "ini_set('default_charset', '');", "ini_set('default_mimetype', '');", "header_remove();",
    "header_remove('X-Powered-By');", "header('WWW-Authenticate: Basic');",
    "setcookie('a', 'b'); setcookie('c', 'd');", "header('HTTP/1.1 404 Nope', true, 302);",
    "header('X: 1', true, 200);", "header('HTTP/x 404');", "header('HTTP');",
    "ini_set('cgi.rfc2616_headers', 1); header('HTTP/1.1 404 Mine');", "ini_set('cgi.nph', '1');",
    "flush(); http_response_code(404);",
    "header('Connection: close'); header('Transfer-Encoding: x'); header('Date: y');", "exit(3);", "exit(255);",
]
ERRORS = [
    "error_log('one');", "error_log('one'); error_log('two');", "error_log(\"a\\nb\\n\");", "error_log('');",
    "error_log(str_repeat('x', 9000));", "error_log(str_repeat('long ', 20000));", "trigger_error('notice');",
    "trigger_error('w', E_USER_WARNING); echo $undefined;", "trigger_error('f', E_USER_ERROR);", "echo 1 / 0;",
    "throw new Exception(\"two\\nlines\");", "nosuch();", "syntax error", "trigger_error('d', E_USER_DEPRECATED);",
    "echo 'out'; flush(); trigger_error('late');", "register_shutdown_function(fn() => error_log('end'));",
    "@trigger_error('quiet');", "for ($i = 0; $i < 3; $i++) trigger_error('again');", "error_log('4', 4);",
    "error_log('x', 0, 'y');", "fastcgi_finish_request(); error_log('after');",
    "error_log('before'); fastcgi_finish_request(); error_log('after');",
    "file_put_contents('php://stderr', 'to stderr');", "error_log(\"\\0\\x01\\xff\");",
    "new class { function __destruct() { error_log('d'); } };",
    "set_error_handler(fn() => false); trigger_error('handled');",
    "ini_set('error_log', '/dev/null'); error_log('away');", "ini_set('log_errors', '0'); trigger_error('not');",
    "ini_set('fastcgi.logging', '0'); error_log('still');", "ini_set('display_errors', '1'); echo $x;",
    "ini_set('display_errors', 'stderr'); echo $x;", "assert(false);", "syslog(LOG_ERR, 'x');",
    "ini_set('memory_limit', '4M'); str_repeat('x', 99999999);", "http_response_code(404); throw new Error('x');",
    "echo 'x'; throw new Error('x');", "echo 'x'; flush(); throw new Error('x');", "header('X: 1'); nosuch();",
    "exit('bye');",
]

CUT = 1000              # php-fpm: 1024 bytes at the most, "..." included


@pytest.fixture(scope="module")
def pair():
    p = EnvPair()
    for name, text in INIS.items():
        p.pool("".join("php_admin_value[%s] = \"%s\"\n" % tuple(line.split("=", 1)) for line in text.splitlines() if line),
               name=name)
    yield p.start("-n", "-d", "expose_php=0")
    p.finish()


def answer(pool, uri, **more):
    """All of it, as bytes; of a long text for the error log, which php-fpm cuts, what both have. How much memory was
    asked for at the end depends on how PHP was built."""
    body = more.pop("body", None)
    with pool.connect() as c:
        params = dict(pool.params("/x.php", body), SCRIPT_FILENAME=uri, **more)
        reply = c.send(fcgi.begin(), fcgi.params(params), fcgi.stdin(body or b"")).reply()
    out, error = bytes(reply.stdout), bytes(reply.stderr)
    if PHP_ZTS:
        out, error = (re.sub(rb"allocate \d+", b"allocate some", text) for text in (out, error))
    return out, error[:CUT], reply.app_status, reply.protocol_status


def check(pair, ini, codes, **more):
    found = []
    for n, code in enumerate(codes):
        uri = pair.write("%s-%d-%d.php" % (ini, n, len(code)), code)
        ours, theirs = (answer(side, uri, **more) for side in pair.pools[ini])
        if ours != theirs:
            found.append("%.80s %r\n   Weir    %.300r\n   php-fpm %.300r" % (code, more, ours, theirs))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("ini", ["plain", "rfc", "nph", "both", "redirect", "open", "nowhere"])
def test_the_header_block(pair, ini):
    check(pair, ini, [code + " echo 'body';" for code in HEADERS])
    check(pair, ini, HEADERS, REQUEST_METHOD="HEAD")


@pytest.mark.parametrize("ini", ["plain", "silent", "header", "status", "shown", "hidden", "unlogged", "extra", "limits"])
def test_the_front_end_s_error_log(pair, ini):
    check(pair, ini, ERRORS)


@pytest.mark.parametrize("ini", ["plain", "shown", "hidden", "extra", "small", "quiet"])
def test_what_php_says_before_the_script(pair, ini):
    check(pair, ini, ["echo 'more';"], body=b"&".join(b"a%d=1" % i for i in range(1100)))
    check(pair, ini, ["echo 'data';"], body=b"x", CONTENT_TYPE="multipart/form-data")


def test_two_of_them(pair):
    """Each joined with each."""
    few = [code for code in ERRORS if len(code) < 32]
    check(pair, "plain", [a + b for a, b in itertools.product(few, few)])
