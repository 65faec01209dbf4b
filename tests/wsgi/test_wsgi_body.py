"""sapi = wsgi: wsgi.input, wsgi.errors, wsgi.file_wrapper."""
import os

import pytest

import apps
from weirtest import Weir, fcgi

APP = apps.HEAD + '''
import io, logging, os, tempfile, threading, traceback

class Reader:
    """The same calls on a BytesIO must give the same."""
    def __init__(self, stream): self.stream, self.out = stream, []
    def run(self, text):
        for step in text.split(";"):
            name, _, size = step.partition(":")
            call = getattr(self, name, None) or getattr(self.stream, name)
            self.out.append(call(*([int(size)] if size else [])))
        return self.out
    def iterate(self): return list(self.stream)
    def next(self): return next(iter(self.stream), None)

def calls(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [repr(Reader(environ["wsgi.input"]).run(environ["QUERY_STRING"])).encode()]

def strict(environ, start_response):
    data = environ["wsgi.input"].read(10) + environ["wsgi.input"].readline() + b"".join(environ["wsgi.input"])
    environ["wsgi.errors"].write("strict\\n")
    environ["wsgi.errors"].flush()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d" % len(data)]

def echo(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return iter(lambda: environ["wsgi.input"].read(10000), b"")

def count(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d" % sum(map(len, iter(lambda: environ["wsgi.input"].read(65536), b"")))]

def unread(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"unread"]

def fails(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d" % len(environ["wsgi.input"].read())]

def thread(environ, start_response):
    got = []
    t = threading.Thread(target=lambda: got.append(environ["wsgi.input"].read()))
    t.start()
    t.join()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return got

def errors(environ, start_response):
    out = environ["wsgi.errors"]
    try:
        {}["missing"]
    except KeyError:
        traceback.print_exc(file=out)
    out.flush()
    out.writelines(["two ", "parts \\u20ac \\x01\\n"])
    out.flush()
    print("printed", file=out)
    logging.getLogger().addHandler(logging.StreamHandler(out))
    start_response("200 OK", [("Content-Type", "text/plain")])
    logging.getLogger().warning("by logging")
    t = threading.Thread(target=lambda: out.write("from a thread\\n"))
    t.start(); t.join()
    out.write("no newline, no flush")
    return [b"ok"]

def opened(environ, start_response):
    kind, _, size = environ["QUERY_STRING"].partition(":")
    path = environ["FILE"]
    made = {"buffered": lambda: open(path, "rb"), "raw": lambda: open(path, "rb", 0), "memory": lambda: io.BytesIO(open(path, "rb").read()),
            "text": lambda: open(path), "temporary": lambda: Temporary(path), "pipe": lambda: os.popen("cat " + path).buffer,
            "read": lambda: Only(path)}[kind]()
    if size:
        made.read(int(size))
    start_response("200 OK", [("Content-Type", "text/plain")])
    globals()["last"] = made
    return environ["wsgi.file_wrapper"](made, 1000)

class Only:
    def __init__(self, path): self.file = open(path, "rb")
    def read(self, size): return self.file.read(size)
class Temporary:
    def __new__(cls, path):
        t = tempfile.NamedTemporaryFile()
        t.write(open(path, "rb").read())
        t.seek(0)
        return t

def was_closed(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [repr(last.closed).encode()]
def in_list(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return environ["wsgi.file_wrapper"](open(environ["FILE"], "rb"))
def by_hand(environ, start_response):
    """A wrapper that middleware iterates over."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    wrapper = environ["wsgi.file_wrapper"](open(environ["FILE"], "rb"), 7)
    return [b"%d" % len(piece) for piece in wrapper]
def peak(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [[x for x in open("/proc/self/status") if x.startswith("VmHWM")][0].split()[1].encode()]

STRICT = {f.__name__: validator(f) for f in (strict, unread, errors)}
def application(environ, start_response):
    name = environ["PATH_INFO"].strip("/")
    return STRICT.get(name, globals()[name])(environ, start_response)
'''


@pytest.fixture(scope="module")
def www():
    weir = Weir()
    pool = apps.pool(weir, APP, "pm.max_children = 1\nrequest.max_body = 40M\nrequest.body_timeout = 2")
    weir.start()
    yield pool
    weir.finish()


LINES = b"first line\nsecond\n\n" + b"x" * 20000 + b"\nno end"


@pytest.mark.parametrize("body", [b"", LINES, b"\n", b"\n\n\nabc", bytes(range(256)) * 500])
@pytest.mark.parametrize("calls", [
    "read", "read:5;read;read", "read:0;read:100000000;read:1", "readline;readline;readline;readline;readline;readline",
    "readline:5;readline:100;readline:1;readline:0;read:3;readline;read", "readlines", "readlines:12;readlines",
    "iterate", "next;next;read", "read:-1;read:-1", "readline:-1;readlines:-1", "read:3;iterate", "read:70000;read:70000",
    "readline:9000;read:65536;read:65536;read:1",
])
def test_input_is_as_a_file(www, calls, body):
    import io
    scope = {}
    exec(APP[APP.index("class Reader"):APP.index("def calls")], scope)
    assert eval(apps.ask(www, "/calls?" + calls, body=body).text) == scope["Reader"](io.BytesIO(body)).run(calls)


def test_input_under_the_validator(www):
    assert apps.ask(www, "/strict", body=b"a\n" * 1000).text == "2000"


@pytest.mark.parametrize("length", [None, "", "-1", "many"])
def test_a_body_without_a_length(www, length):
    """And with what is none; Caddy's is -1."""
    data = os.urandom(60000)
    params = www.params("/echo", None, REQUEST_METHOD="POST", SCRIPT_NAME="/echo", CONTENT_LENGTH=length)
    with www.connect() as c:
        c.send(fcgi.begin(), fcgi.params(params), fcgi.stdin(data, cut=3000))
        assert c.reply().body == data


def test_a_body_is_streamed(www):
    """What was sent so far comes back before the rest is sent."""
    params = www.params("/echo", None, REQUEST_METHOD="POST", SCRIPT_NAME="/echo", CONTENT_LENGTH="20000")
    with www.connect() as c:
        c.send(fcgi.begin(), fcgi.params(params), fcgi.stdin(b"a" * 10000, end=False))
        assert c.read_some().endswith(b"a" * 1000)
        c.send(fcgi.stdin(b"b" * 10000))
        assert c.reply().stdout.endswith(b"b" * 10000)


def test_a_body_that_nobody_reads(www):
    with www.connect() as c:
        for _ in range(3):
            assert c.send(www.request("/unread", b"x" * 500000, keep=True, SCRIPT_NAME="/unread")).reply().text == "unread"


def test_a_body_that_does_not_come(www):
    params = www.params("/fails", None, REQUEST_METHOD="POST", SCRIPT_NAME="/fails", CONTENT_LENGTH="100")
    with www.connect() as c:
        c.send(fcgi.begin(), fcgi.params(params), fcgi.stdin(b"half", end=False))
        assert c.reply().status == 408
    assert www.weir.log_lines("Traceback.*does not come") == []


def test_a_body_that_is_too_large(www):
    assert apps.ask(www, "/fails", body=b"x", CONTENT_LENGTH="99999999").status == 413


def test_input_from_another_thread(www):
    assert apps.ask(www, "/thread", body=LINES).body == LINES


def test_errors(www):
    log = www.weir
    assert apps.ask(www, "/errors", HTTP_X_REQUEST_ID="err-1").text == "ok"
    log.wait_log(r"WARNING: .*request err-1: Traceback \(most recent call last\):\\x0A  File .*KeyError: 'missing'$")
    log.wait_log(r"request err-1: two parts € \\x01$")
    log.wait_log(r"request err-1: printed\\x0Aby logging$|request err-1: printed$")
    log.wait_log(r"from a thread$")
    log.wait_log(r"request err-1: no newline, no flush$")


@pytest.fixture
def file(www):
    path = www.weir.path("www", "data")
    with open(path, "wb") as f:
        f.write(b"0123456789" * 30000)
    return path


@pytest.mark.parametrize("kind", ["buffered", "raw", "memory", "temporary", "pipe", "read"])
def test_file_wrapper(www, file, kind):
    assert apps.ask(www, "/opened?" + kind, FILE=file).body == b"0123456789" * 30000
    if kind != "read":
        assert apps.ask(www, "/was_closed").text == "True"


@pytest.mark.parametrize("kind", ["buffered:3", "raw:3", "memory:3", "temporary:3"])
def test_file_wrapper_sends_from_where_the_file_stands(www, file, kind):
    assert apps.ask(www, "/opened?" + kind, FILE=file).body == (b"0123456789" * 30000)[3:]


def test_file_wrapper_has_bounds(www, file):
    assert apps.ask(www, "/in_list", FILE=file).text == "01234"
    assert apps.ask(www, "/by_hand", FILE=file).text == "7" * 42857 + "1"
    assert apps.ask(www, "/opened?text", FILE=file).status == 500


@pytest.mark.plain
def test_large_bodies_take_constant_memory(www):
    path = www.weir.path("www", "large")
    with open(path, "wb") as f:
        f.truncate(200 << 20)
    before = int(apps.ask(www, "/peak").text)
    for kind in ("buffered", "raw", "read"):
        assert len(apps.ask(www, "/opened?" + kind, FILE=path).body) == 200 << 20
    assert apps.ask(www, "/count", body=b"x" * (32 << 20)).text == str(32 << 20)
    assert int(apps.ask(www, "/peak").text) < before + 8192
