"""sapi = wsgi: PEP 3333 clause by clause, under wsgiref's validator wherever that allows what is tested."""
import pytest

import apps
from weirtest import Weir, fcgi

APP = apps.HEAD + '''
import os, tempfile
def respond(environ, start_response, text, status="200 OK", headers=()):
    start_response(status, [("Content-Type", "text/plain")] + list(headers))
    return [text if isinstance(text, bytes) else repr(text).encode("latin-1", "backslashreplace")]

def show(environ, start_response):
    names = environ["QUERY_STRING"].split(",")
    return respond(environ, start_response, {n: environ.get(n) for n in names})

def model(environ, start_response):
    return respond(environ, start_response, [environ["wsgi." + n] for n in ("multithread", "multiprocess", "run_once",
                                                                           "version", "url_scheme")])

def generator(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    def pieces():
        for i in range(3):
            yield b"piece %d\\n" % i
    return pieces()

def late_start(environ, start_response):
    def pieces():
        start_response("201 Created", [("Content-Type", "text/plain")])
        yield b"late"
    return pieces()

def empty_first(environ, start_response):
    state = []
    def pieces():
        yield b""
        state.append(start_response("200 OK", [("Content-Type", "text/plain")]))
        yield b""
        yield b"x"
    return pieces()

class Closing:
    closed = 0
    def __init__(self, pieces): self.pieces = iter(pieces)
    def __iter__(self): return self
    def __next__(self):
        piece = next(self.pieces)
        if isinstance(piece, Exception): raise piece
        return piece
    def close(self): Closing.closed += 1

def closing(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return Closing([b"a", b"b"])
def closing_fails(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return Closing([b"a", KeyError("in the middle")])
def closed(environ, start_response):
    return respond(environ, start_response, Closing.closed)
def close_fails(environ, start_response):
    class Bad(Closing):
        def close(self): raise KeyError("in close")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return Bad([b"whole"])

def writes(environ, start_response):
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    write(b"one ")
    write(b"two ")
    return [b"three"]
def write_too_much(environ, start_response):
    write = start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "3")])
    write(b"four")
def write_text(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])("text")
def too_long(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "3")])
    def pieces():
        yield b"12"
        yield b"345"
        raise AssertionError("asked for more than Content-Length")
    return pieces()
def too_short(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "9")])
    return [b"abc"]

def replaced(environ, start_response):
    start_response("200 OK", [("X-First", "1"), ("Content-Type", "text/plain")])
    try:
        raise ValueError("x")
    except ValueError:
        start_response("503 Later", [("Content-Type", "text/plain")], sys.exc_info())
    return [b"replaced"]
def too_late(environ, start_response):
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    write(b"sent ")
    try:
        raise ValueError("comes too late")
    except ValueError:
        start_response("500 Oops", [("Content-Type", "text/plain")], exc_info=sys.exc_info())
    return [b"never"]
def twice(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b""]
def no_start(environ, start_response):
    return [b"x"]
def no_start_no_body(environ, start_response):
    return []
def raises(environ, start_response):
    raise KeyError("on purpose")
def exits(environ, start_response):
    sys.exit(3)
def text_body(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["text"]
def bare_bytes(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return b"text"
def none(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])

@validator
def strict(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [(environ["REQUEST_METHOD"] + ", " + (environ["QUERY_STRING"] or "no query")).encode()]
def head(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "100")])
    return []
def no_content(environ, start_response):
    start_response("204 No Content", [])
    return []
def cookies(environ, start_response):
    return respond(environ, start_response, b"", headers=[("Set-Cookie", "a=1"), ("Set-Cookie", "b=\\xfc"),
                                                          ("Connection", "close"), ("Transfer-Encoding", "x")])
def large(environ, start_response):
    return respond(environ, start_response, b"x" * 3000000)
def many(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"0123456789" for _ in range(20000)]

STATUS = {"ok": "200 OK", "bare": "200", "short": "20", "word": "OK", "newline": "200 OK\\r\\nX: y", "bytes": b"200 OK",
          "wide": "200 \\u20ac", "zero": "099 X", "joined": "200OK"}
def status(environ, start_response):
    start_response(STATUS[environ["QUERY_STRING"]], [("Content-Type", "text/plain")])
    return [b"taken"]
HEADERS = {"tuple": (("A", "b"),), "list": [["A", "b"]], "three": [("A", "b", "c")], "bytes": [(b"A", "b")],
           "value": [("A", b"b")], "crlf": [("A", "b\\r\\nX: y")], "lf": [("A", "b\\nX: y")], "nul": [("A", "b\\0")],
           "name": [("A B", "b")], "name2": [("A\\r\\nB", "b")], "empty": [("", "b")], "colon": [("A:", "b")],
           "wide": [("A", "\\u20ac")], "umlaut": [("\\xe4", "b")], "status": [("Status", "404 X")],
           "length": [("Content-Length", "x")], "none": None, "good": [("X-Y_z.1", "a\\tb \\xe4")]}
def headers(environ, start_response):
    start_response("200 OK", HEADERS[environ["QUERY_STRING"]])
    return [b"taken"]

class Sub(list):
    pass
def subclasses(environ, start_response):
    start_response("200 OK", Sub([("Content-Type", "text/plain")]))
    return Sub([b"a", b"b"])
def after(environ, start_response):
    """What is left of a request that is over."""
    if "kept" in globals():
        said = []
        for call in (lambda: kept[0]["wsgi.input"].read(), lambda: kept[1]("200 OK", []), lambda: kept[2](b"x")):
            try:
                said.append(repr(call()))
            except Exception as e:
                said.append(str(e))
        return respond(environ, start_response, said)
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    globals()["kept"] = (environ, start_response, write)
    return [b"first"]

STRICT = {f.__name__: validator(f) for f in (show, model, generator, late_start, closing, closed, writes, replaced,
                                             too_late, no_content, cookies, large, many)}
def application(environ, start_response):
    name = environ["PATH_INFO"].strip("/")
    return STRICT.get(name, globals()[name])(environ, start_response)
'''


@pytest.fixture(scope="module")
def www():
    weir = Weir()
    pool = apps.pool(weir, APP, "pm.max_children = 1")
    weir.start()
    yield pool
    weir.finish()


@pytest.fixture
def get(www):
    return lambda uri, **how: apps.ask(www, uri, **how)


def logged(www, reply, regex):
    """The request failed before anything was sent, and its one record says so."""
    assert reply.status == 500 and reply.app_status == 1 and "Internal Server Error" in reply.text
    www.weir.wait_log(regex)


def test_environ(get):
    text = get("/show?REQUEST_METHOD,SERVER_NAME,SERVER_PORT,HTTP_HOST,HTTP_CONTENT_TYPE,HTTP_CONTENT_LENGTH,CONTENT_TYPE",
               HTTP_CONTENT_TYPE="a/b", HTTP_CONTENT_LENGTH="1", CONTENT_TYPE="a/b").text
    assert eval(text) == {"REQUEST_METHOD": "GET", "SERVER_NAME": "example.test", "SERVER_PORT": "80", "CONTENT_TYPE": "a/b",
                          "HTTP_HOST": "example.test", "HTTP_CONTENT_TYPE": None, "HTTP_CONTENT_LENGTH": None}


def test_environ_is_latin_1_and_whole(get):
    reply = get("/show?HTTP_X,HTTP_Y,HTTP_LONG", HTTP_X="ä".encode("latin-1"), HTTP_Y="€", HTTP_LONG="v" * 70000)
    got = eval(reply.body.decode("latin-1"))
    assert (got["HTTP_X"], got["HTTP_Y"], len(got["HTTP_LONG"])) == ("ä", "€".encode().decode("latin-1"), 70000)


def test_environ_of_many_strange_names(get):
    for round in range(3):
        more = {"HTTP_N%d_%d" % (round, i): str(i) for i in range(300)}
        more["HTTP_" + "L" * 200] = "long name"
        got = eval(get("/show?HTTP_N%d_299,HTTP_N%d_0,HTTP_%s" % (round, round, "L" * 200), **more).text)
        assert list(got.values()) == ["299", "0", "long name"]


def test_values_do_not_stay(get):
    for value in ("one", "two", "", "two", None, "three"):
        assert eval(get("/show?CONTENT_TYPE,REMOTE_USER", REMOTE_USER=value).text)["REMOTE_USER"] == value


def test_a_front_end_cannot_make_wsgi_keys(get):
    assert "'http'" in get("/show?wsgi.url_scheme", **{"wsgi.url_scheme": "evil"}).text


@pytest.mark.parametrize("sent, scheme", [({}, "http"), ({"HTTPS": "on"}, "https"), ({"HTTPS": "off"}, "http"), ({"HTTPS": ""}, "http"),
                                          ({"HTTPS": "1"}, "https"), ({"REQUEST_SCHEME": "https"}, "https")])
def test_url_scheme(get, sent, scheme):
    assert eval(get("/model", **sent).text)[4] == scheme


def test_thrifty_front_end(www):
    with www.connect() as c:
        reply = c.send(fcgi.begin(), fcgi.params({"REQUEST_URI": "/strict"}), fcgi.stdin()).reply()
    assert (reply.status, reply.text) == (200, "GET, no query")


def test_iterables(get):
    assert get("/generator").text == "piece 0\npiece 1\npiece 2\n"
    assert (get("/late_start").status, get("/late_start").text) == (201, "late")
    assert get("/empty_first").text == "x"
    assert get("/many").text == "0123456789" * 20000
    assert get("/large").body == b"x" * 3000000
    assert get("/subclasses").text == "ab"


def test_close_is_called(get, www):
    before = int(get("/closed").text)
    assert get("/closing").text == "ab"
    cut = get("/closing_fails")
    assert (cut.status, cut.text, cut.app_status) == (200, "a", 1)
    assert int(get("/closed").text) == before + 2
    assert get("/close_fails").text == "whole"
    www.weir.wait_log("KeyError: 'in close'")


def test_write(get, www):
    assert get("/writes").text == "one two three"
    logged(www, get("/write_too_much"), "more bytes than Content-Length")
    logged(www, get("/write_text"), "write\\(\\) takes bytes, not str")


def test_content_length_is_kept_to(get, www):
    assert (get("/too_long").text, get("/too_long").app_status) == ("123", 0)
    assert get("/too_short").app_status == 1
    www.weir.wait_log("sent less than its Content-Length")


def test_exc_info(get, www):
    reply = get("/replaced")
    assert (reply.status, reply.text, reply.header("X-First")) == (503, "replaced", None)
    assert get("/too_late").text == "sent "
    www.weir.wait_log("ValueError: comes too late")


def test_what_an_application_must_not_do(get, www):
    logged(www, get("/twice"), "start_response\\(\\) was called already")
    logged(www, get("/no_start"), "sends a body before it calls start_response")
    logged(www, get("/no_start_no_body"), "without a call of start_response")
    logged(www, get("/raises"), r"request \S+: Traceback .*\\x0A.* in raises\\x0A.*KeyError: 'on purpose'$")
    logged(www, get("/exits"), "SystemExit: 3")
    logged(www, get("/text_body"), "must give bytes, not str")
    logged(www, get("/bare_bytes"), "must give bytes, not int")
    logged(www, get("/none"), "'NoneType' object is not iterable")
    assert www.weir.log_lines("exited") == []


def test_no_body(get, www):
    reply = get("/head", REQUEST_METHOD="HEAD")
    assert (reply.body, reply.app_status, reply.header("Content-Length")) == (b"", 0, "100")
    for uri in ("/show?A", "/generator", "/writes", "/closing"):
        reply, whole = get(uri, REQUEST_METHOD="HEAD"), get(uri)
        assert (reply.headers, reply.body, reply.app_status) == (whole.headers, b"", 0)
    assert get("/raises", REQUEST_METHOD="HEAD").stdout == get("/raises").stdout[:-len("Internal Server Error\n")]
    assert (get("/no_content").status, get("/no_content").body) == (204, b"")


def test_headers_as_given(get, www):
    reply = get("/cookies")
    assert [v for n, v in reply.headers if n == "Set-Cookie"] == ["a=1", "b=\xfc"]
    assert reply.header("Connection") is None and reply.header("Transfer-Encoding") is None
    www.weir.wait_log("sends the header Connection")
    assert get("/headers?good").header("X-Y_z.1") == "a\tb \xe4"
    assert get("/status?bare").text == "taken"


@pytest.mark.parametrize("what", ["short", "word", "newline", "bytes", "wide", "zero", "joined"])
def test_bad_status(get, www, what):
    logged(www, get("/status?" + what), "(TypeError|ValueError): the status ")


@pytest.mark.parametrize("what", ["tuple", "list", "three", "bytes", "value", "crlf", "lf", "nul", "name", "name2", "empty",
                                  "colon", "wide", "umlaut", "status", "length", "none"])
def test_bad_headers(get, www, what):
    reply = get("/headers?" + what)
    logged(www, reply, "(TypeError|ValueError): .*(header|Content-Length)")
    assert b"X: y" not in reply.stdout


def test_nothing_of_a_request_outlives_it(get, www):
    assert get("/after").text == "first"
    assert eval(get("/after").text) == ["this request is over"] * 3


def test_pieces_go_out_before_the_next_is_made(weir):
    """The second piece is made only when the client has told that it has the first."""
    pool = apps.pool(weir, apps.body("""
        import os
        fifo = %r
        start_response("200 OK", [("Content-Type", "text/plain")])
        def pieces():
            yield b"first"
            open(fifo).read()
            yield b"second"
        return pieces()
        """ % weir.path("www", "fifo")))
    import os
    os.mkfifo(weir.path("www", "fifo"))
    os.chmod(weir.path("www", "fifo"), 0o666)
    weir.start()
    with pool.open("/") as c:
        assert c.read_some().endswith(b"first")
        open(weir.path("www", "fifo"), "w").close()
        assert c.reply().stdout == b"second"


@pytest.mark.parametrize("lines, expected", [
    ("pm.max_children = 1", [False, False, False]), ("pm.max_children = 2", [False, True, False]),
    ("pm.max_children = 1\nmpm = worker\nmpm.threads_per_child = 2", [True, False, False]),
    ("pm.max_children = 2\nmpm = worker", [True, True, False]),
    ("pm.max_children = 1\npm.max_requests = 1", [False, False, True]),
])
def test_the_model_is_told(weir, lines, expected):
    pool = apps.pool(weir, APP, lines)
    weir.start()
    assert eval(apps.ask(pool, "/model").text)[:4] == expected + [(1, 0)]
