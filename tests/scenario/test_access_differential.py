"""The access log beside php-fpm's: the same formats and requests, and the same lines. Where Weir differs on purpose, the
test says so beside the case."""
import re
import shutil

import pytest

from weirtest import Weir, fcgi, free_port, until

FPM = shutil.which("php-fpm8.2")
pytestmark = pytest.mark.skipif(FPM is None, reason="no php-fpm8.2")

SCRIPTS = {
    "hello.php": "echo 'hello';",
    "status.php": "http_response_code((int) $_GET['s']); echo 'x';",
    "header.php": "header('X-One: 1'); header('X-one: 2'); header('X-Empty:'); header('X-Quote: \"a\\\\b\"'); echo 'x';",
    "type.php": "header('Content-Type: application/json'); echo '{}';",
    "redirect.php": "header('Location: /elsewhere');",
    "line.php": "header('HTTP/1.1 418 Teapot'); echo 'x';",
    "silent.php": "",
    "throw.php": "ini_set('display_errors', '0'); throw new Exception('x');",
    "body.php": "echo strlen(file_get_contents('php://input'));",
    "memory.php": "$a = str_repeat('x', 10 << 20); echo strlen($a);",
    "finish.php": "echo 'x'; fastcgi_finish_request(); echo 'y';",
    "exit.php": "exit('bye');",
    "plain.txt": "<?php echo 'no';",
    "sleep.php": "usleep(30000); echo 'x';",
}

BASIC = "dXNlcjpzZWNyZXQ="              # user:secret

# Each on both: URI, and more for weirtest's request().
REQUESTS = [
    ("/hello.php", {}),
    ("/hello.php?a=1&b=%20x", {}),
    ("/hello.php", {"REQUEST_METHOD": "HEAD"}),
    ("/hello.php", {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": "0"}),
    ("/body.php", {"body": b"a=1&b=2"}),
    ("/body.php?x=y", {"body": b"z" * 100000}),
    ("/status.php?s=201", {}),
    ("/status.php?s=404", {}),
    ("/status.php?s=503", {}),
    ("/header.php", {}),
    ("/type.php", {}),
    ("/redirect.php", {}),
    ("/line.php", {}),
    ("/silent.php", {}),
    ("/throw.php", {}),
    ("/memory.php", {}),
    ("/finish.php", {}),
    ("/exit.php", {}),
    ("/none.php", {}),
    ("/none.php?x", {}),
    ("/hello.php/some/info?q=1", {}),
    ("/hello.php/none/../x", {}),
    ("/plain.txt", {"SCRIPT_FILENAME": "{root}/plain.txt", "SCRIPT_NAME": "/plain.txt"}),
    ("/", {"SCRIPT_FILENAME": "{root}", "SCRIPT_NAME": "/"}),
    ("/hello.php", {"SCRIPT_FILENAME": None}),
    ("/hello.php", {"SCRIPT_FILENAME": None, "PATH_TRANSLATED": "{root}/hello.php"}),
    ("/hello.php", {"SCRIPT_NAME": None}),
    ("/hello.php", {"REQUEST_METHOD": None}),
    ("/hello.php", {"QUERY_STRING": None}),
    ("/hello.php", {"SCRIPT_NAME": "/other name.php", "REQUEST_URI": "/other%20name.php?x"}),
    ("/hello.php", {"SCRIPT_FILENAME": "proxy:fcgi://localhost:9000/{root}/hello.php", "SERVER_SOFTWARE": "Apache/2.4"}),
    ("/hello.php", {"HTTP_AUTHORIZATION": "Basic " + BASIC}),
    ("/hello.php", {"HTTP_AUTHORIZATION": "Basic ???"}),
    ("/hello.php", {"HTTP_AUTHORIZATION": "Bearer x"}),
    ("/hello.php", {"REMOTE_USER": "bob"}),
    ("/hello.php", {"HTTP_X_EMPTY": "", "HTTP_X_TWO": "a \"quoted\" b"}),
    ("/hello.php", {"CONTENT_LENGTH": "12x"}),
    ("/hello.php?q=\xe4%C3%A4\\x41\"", {}),
]

FORMATS = [
    None,
    "%R - %u %t \\\"%m %r\\\" %s",
    "%R|%u|%m|%r|%q|%Q|%s|%f|%l|%n|%M|%{bytes}M|%{kilo}M|%{KILOBYTES}M|%{mega}M|%{megabytes}M|%%|",
    "%r%Q%q %{REQUEST_URI}e %{HTTP_X_EMPTY}e %{HTTP_X_TWO}e %{NONE}e %{SCRIPT_NAME}e",
    "%{X-One}o %{X-one}o %{x-one}o %{X-Empty}o %{X-Quote}o %{Location}o %{X-Powered-By}o",
    "text only", "100%% %m%", "%{x}{REQUEST_METHOD}e", "%{}m",
]


@pytest.fixture
def both():
    made = []

    def start(lines):
        for w in (Weir(), Weir(FPM)):
            made.append(w)
            w.port = free_port()
            pool = w.pool("pm.max_children = 1\n access.log = %s\n" % w.path("access.log")
                          + lines.replace("PORT", str(w.port)))
            for name, code in SCRIPTS.items():
                pool.write(name, code)
        for w in made:
            w.start()
        return [w.pools[0] for w in made]
    yield start
    for w in made:                      # each looks for what is left of any
        if w.proc and w.proc.poll() is None:
            w.stop()
    for w in made:
        w.finish()


def ask(pool, uri, more):
    more = {n: v.format(root=pool.root) if isinstance(v, str) else v for n, v in more.items()}
    with pool.connect() as c:
        c.send(pool.request(uri, **more))
        return c.reply()


def lines(pool, count):
    until(lambda: pool.weir.file("access.log").count("\n") >= count,
          lambda: "%d lines in:\n%s" % (count, pool.weir.file("access.log")))
    text = pool.weir.file("access.log").replace(pool.weir.folder, "DIR")
    return re.sub(r"\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d", "TIME", text).splitlines()


def format_line(text):
    return "" if text is None else "access.format = \"%s\"" % text


@pytest.mark.parametrize("text", FORMATS)
def test_lines_are_alike(both, text):
    pools = both(format_line(text))
    for uri, more in REQUESTS:
        replies = [ask(pool, uri, more) for pool in pools]
        assert replies[0].status == replies[1].status, uri
    own, fpm = [lines(pool, len(REQUESTS)) for pool in pools]
    for (uri, more), a, b in zip(REQUESTS, own, fpm):
        assert a == b, "%s %s" % (uri, more)
    assert len(own) == len(fpm)


def test_headers_that_the_script_did_not_set(both):
    """Weir tells what was sent; php-fpm what the script has set."""
    pools = both("access.format = \"%{Content-type}o|%{Status}o\"")
    for pool in pools:
        ask(pool, "/status.php?s=404", {})
    assert [lines(pool, 1) for pool in pools] == [["text/html; charset=UTF-8|404 Not Found"], ["-|-"]]


def test_status_and_ping(both):
    """Requests that no script answers."""
    pools = both("pm.status_path = /status\nping.path = /ping\naccess.format = \"%m %r%Q%q %s %f %{Content-Type}o|%{Content-type}o %l %u\"")
    for uri, more in [("/status", {}), ("/status?json&full", {}), ("/ping", {}), ("/ping", {"REQUEST_METHOD": "HEAD"})]:
        for pool in pools:
            ask(pool, uri, {"SCRIPT_FILENAME": "{root}" + uri.partition("?")[0], "SCRIPT_NAME": uri.partition("?")[0], **more})
    own, fpm = [lines(pool, 4) for pool in pools]
    assert own == fpm


LONG = "/hello.php/" + "p" * 3000 + "?" + "q" * 9000


def test_long_texts_are_whole(both):
    """php-fpm cuts the URI to 127 bytes, the query to 511 and the line to 1024."""
    pools = both("access.format = \"%q %s\"")
    for pool in pools:
        ask(pool, LONG, {})
    own, fpm = [lines(pool, 1) for pool in pools]
    assert own == ["q" * 9000 + " 200"] and fpm == ["q" * 511 + " 200"]


def test_control_characters_are_shown(both):
    """php-fpm writes them as they come."""
    pools = both("access.format = \"%q\t%u\t%{HTTP_X}e %s\"")
    for pool in pools:
        ask(pool, "/hello.php?a\nb\tc\x1b[31m\x7f", {"HTTP_X": "\r\nforged"})
        ask(pool, "/hello.php", {})
    own, fpm = [lines(pool, 2) for pool in pools]
    assert own == ["a\\x0Ab\\x09c\\x1B[31m\\x7F\t\t\\x0D\\x0Aforged 200", "\t\t- 200"]
    assert len(fpm) > 2


@pytest.mark.parametrize("listen,client", [("127.0.0.1:%d", "127.0.0.1:%d"), ("[::1]:%d", "[::1]:%d"),
                                           ("[::]:%d", "127.0.0.1:%d")])
def test_remote(both, listen, client):
    pools = both("access.format = %R\nlisten = " + listen.replace("%d", "PORT"))
    for pool in pools:
        with pool.weir.own(fcgi.Connection(client % pool.weir.port)) as c:
            assert c.send(pool.request("/hello.php")).reply().status == 200
    own, fpm = [lines(pool, 1) for pool in pools]
    assert own == fpm


def test_times(both):
    """The forms; a request and its answer lie in the same few seconds on both."""
    pools = both("access.format = \"%t|%T|%{%Y-%m-%d}t|%{%s}t|%{%s}T|%d|%{micro}d|%{milli}d|%C|%{user}C|%p|%P\"")
    for pool in pools:
        ask(pool, "/sleep.php", {})
    own, fpm = [lines(pool, 1)[0] for pool in pools]
    form = (r"TIME ([+-]\d{4})\|TIME \1\|(\d{4}-\d\d-\d\d)\|(\d+)\|(\d+)\|(0\.\d{3})\|(\d+)\|(\d+\.\d{3})\|\d+\.\d\d"
            r"\|\d+\.\d\d\|(\d+)\|(\d+)$")
    for pool, line in zip(pools, (own, fpm)):
        got = re.match(form, line)
        assert got, line
        assert 0 <= int(got[4]) - int(got[3]) <= 60
        assert float(got[5]) >= 0.03 and int(got[6]) >= 30000 and float(got[7]) >= 30
        assert int(got[8]) == pool.children()[0]
        # The parent of Weir's child is its zygote.
        assert int(got[9]) == pool.weir.one("master" if pool.weir.fpm else "zygote")


SUPPRESS = "access.format = \"%m %r%Q%q %s\"\naccess.suppress_path[] = /hello.php\naccess.suppress_path[] = /status.php\n" \
           "access.suppress_path[] = /body.php\n"


def test_suppressed_paths(both):
    pools = both(SUPPRESS)
    asked = [("/hello.php", {}), ("/hello.php", {"REQUEST_METHOD": "HEAD"}), ("/hello.php?x", {}),
             ("/hello.php", {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": "0"}), ("/hello.php/info", {}), ("/exit.php", {}),
             ("/status.php", {"QUERY_STRING": "s=404"}), ("/body.php", {"body": b"x", "REQUEST_METHOD": "GET"}),
             ("/hello.php", {"REQUEST_METHOD": "PUT"}), ("/exit.php", {})]
    for uri, more in asked:
        for pool in pools:
            ask(pool, uri, more)
    for pool in pools:
        until(lambda: pool.weir.file("access.log").count("/exit.php") == 2, "the last line")
    own, fpm = [lines(pool, 1) for pool in pools]
    assert own == fpm and len(own) >= 5


def checks(weir, lines):
    weir.pools.clear()
    weir.pool(lines)
    weir.configure()
    done = weir.run("-t")
    return done.returncode, done.stderr


REFUSED = ["%x", "%{x}x", "%{foo} %m", "%{a}", "a long text %{unclosed", "%{foo}d", "%{x}C", "%{x}M", "%e", "%o", "%{}e", "%{}o",
           "%{a}m", "%{a}n", "%{x}%", "%{a}{b}q"]
TAKEN = ["%", "%%", "", "%{SECONDS}d", "%{mili}d", "%{miliseconds}d", "%{}d", "%{}m", "%{user}{total}C", "%{%Y}T", "%{a}{b}e"]


@pytest.mark.parametrize("text", REFUSED + TAKEN)
def test_formats_are_checked_alike(text):
    said = []
    for binary in (None, FPM):
        weir = Weir(binary)
        try:
            said.append(checks(weir, "access.log = %s\n%s" % (weir.path("access.log"), format_line(text))))
        finally:
            weir.finish()
    (own, own_said), (fpm, fpm_said) = said
    assert own == fpm == (78 if text in REFUSED else 0)
    if own:
        words = re.search(r"WARNING: (.*)", fpm_said)[1]
        assert words in own_said and "wrong format for access.format '%s'" % text in own_said


@pytest.mark.parametrize("line", ["access.suppress_path[] = x", "access.suppress_path[] =", "access.suppress_path[x] = /x",
                                  "access.log = /nowhere/at/all/access.log", "access.log = /tmp"])
def test_other_faults_in_the_same_words(line):
    said = []
    for binary in (None, FPM):
        weir = Weir(binary)
        try:
            said.append(checks(weir, line))
        finally:
            weir.finish()
    assert said[0][0] == said[1][0] == 78
    words = re.search(r"ERROR: (?:\[/.*?:\d+\] )?(.*)", said[1][1])[1]
    assert words in said[0][1]


def test_a_format_without_a_log_is_not_looked_at():
    for binary in (None, FPM):
        weir = Weir(binary)
        try:
            assert checks(weir, "access.format = %x")[0] == 0
        finally:
            weir.finish()
