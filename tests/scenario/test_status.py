"""Status and ping, held against the real php-fpm: the same configuration, the same requests, the same pages. What Weir adds
stands behind what php-fpm has, and is cut out here before the two are compared."""
import json
import os
import re
import shutil
import signal
import xml.etree.ElementTree as xml

import pytest

from weirtest import HOLD, Weir, until

pytestmark = pytest.mark.event

FPM = shutil.which("php-fpm8.2")
FORMATS = ["", "html", "xml", "json", "openmetrics"]
OWN = r"(?:max children|starting processes|parked connections|ready connections|served requests|reason [a-z ]+)"
OWN_HEADERS = {"x-content-type-options", "content-security-policy"}
# Differ from server to server, or are figures that php-fpm does not have on a Unix socket.
LOOSE = {"start time", "start since", "listen queue len", "pid", "request duration", "last request cpu",
         "last request memory", "script"}
STATUS = "pm.status_path = /status\n ping.path = /ping\n ping.response = po<n>g"


def configured(server, lines=STATUS, children=2):
    pool = server.pool("pm.max_children = %d\n%s" % (children, lines))
    pool.write("hello.php", "echo 'hello';")
    pool.write("hold.php", HOLD)
    server.start()
    return pool


@pytest.fixture
def pool(weir, request):
    return configured(weir, children=getattr(request, "param", 2))


@pytest.fixture
def fpm(request):
    if FPM is None:
        pytest.skip("no php-fpm8.2")
    server = Weir(FPM)
    server.exit_code = None
    yield configured(server, children=getattr(request, "param", 2))
    server.finish()


def masked(body):
    """The page without Weir's own lines; each number is N."""
    text = body.decode()
    text = re.sub(r"\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+\d{4}", "TIME", text)
    for own in (r"^%s: +\d+\n" % OWN, r"<tr><th>%s</th><td>\d+</td></tr>\n" % OWN, r',"%s":\d+' % OWN,
                r"^<%s>\d+</.*\n" % OWN.replace(" ", "-"), r"^# HELP weir_[\s\S]*(?=# EOF)"):
        text = re.sub(own, "", text, flags=re.M)
    return re.sub(r" *\d+(\.\d+)?", " N", text)


def status(pool, query="json&full", **more):
    return json.loads(pool.get("/status?" + query, **more).text)


@pytest.mark.not_event("no child makes the status: test_event_status.py")
@pytest.mark.parametrize("pool, fpm", [(1, 1)], indirect=True)
@pytest.mark.parametrize("full", ["", "&full"])
@pytest.mark.parametrize("format", FORMATS)
def test_the_same_pages(pool, fpm, format, full):
    for p in (pool, fpm):
        assert p.get("/hello.php").text == "hello"
    ours, theirs = pool.get("/status?" + format + full), fpm.get("/status?" + format + full)
    assert [h for h in ours.headers if h[0].lower() not in OWN_HEADERS] == theirs.headers
    assert ("X-Content-Type-Options", "nosniff") in ours.headers
    assert (ours.header("Content-Security-Policy") is not None) == (format == "html")
    assert masked(ours.body) == masked(theirs.body)
    assert masked(ours.body).count(" N") > 10


def figures(page):
    """What must be equal on both sides: names in their order, and values."""
    rows = sorted(page.pop("processes"), key=lambda r: (r["state"], r["request uri"]))
    own = re.compile(OWN + "$")
    return [[(k, None if k in LOOSE else v) for k, v in row.items() if not own.match(k)] for row in [page] + rows]


@pytest.mark.not_event("the status is no request of a child")
def test_the_same_figures(pool, fpm):
    seen = []
    for p in (pool, fpm):
        busy = p.open("/hold.php?a=<b>&\"'\\/%41", body=b"abc", HTTP_AUTHORIZATION="Basic YTxiOmM=")
        p.busy()
        p.get("/hello.php?x=1")
        p.get("/ping")
        page = status(p)
        seen.append(figures(page))
        p.release()
        busy.reply()
    assert seen[0] == seen[1]
    assert ("user", "a<b") in seen[0][1] + seen[0][2]
    assert ("accepted conn", 4) in seen[0][0] and ("active processes", 2) in seen[0][0]


MATCHES = [
    ("/status", {}), ("/status", {"SCRIPT_FILENAME": None}), ("/status", {"SCRIPT_FILENAME": None, "PATH_TRANSLATED": "/x"}),
    ("/status", {"body": b"json=1"}), ("/status", {"PATH_INFO": "/x"}), ("/status/", {}), ("/Status", {}),
    ("/x", {"SCRIPT_NAME": "", "PATH_INFO": "/status"}), ("/x", {"SCRIPT_NAME": "/status"}), ("/ping", {}), ("/ping?x=1", {}),
    ("/ping", {"REQUEST_METHOD": "PUT"}), ("/ping", {"SCRIPT_FILENAME": None}), ("/status?j", {}), ("/status?f&o", {}),
    ("/status?x&h", {}), ("/status?JSON", {}), ("/status?%6Ason", {}), ("/status?json[]=1", {}), ("/status?jsonx", {}),
    ("/status", {"REQUEST_METHOD": None}), ("/ping", {"REQUEST_METHOD": "HEAD"}),
]


@pytest.mark.not_event("the page says more")
def test_the_same_requests_are_meant(pool, fpm):
    for uri, more in MATCHES:
        ours, theirs = pool.get(uri, **more), fpm.get(uri, **more)
        assert ours.status == theirs.status, (uri, more)
        assert ours.header("Content-type") == theirs.header("Content-type"), (uri, more)
        assert masked(ours.body) == masked(theirs.body), (uri, more)


def test_head_has_no_body(pool):
    reply = pool.get("/status?json", REQUEST_METHOD="HEAD")
    assert (reply.status, reply.body, reply.header("Content-Type")) == (200, b"", "application/json")


@pytest.mark.not_event("the status is no request of a child")
def test_on_a_kept_connection(pool):
    c = pool.open("/status?json", keep=True)
    first = json.loads(c.reply().text)
    second = json.loads(c.send(pool.request("/status?json")).reply().text)
    assert second["accepted conn"] == first["accepted conn"] + 1
    assert pool.get("/ping").text == "po<n>g"


def test_no_child_keeps_what_it_was_told(pool):
    """With many children each of them would hold a copy about all of them."""
    c = pool.open("/status", keep=True)
    c.reply()
    assert pool.run("echo count(fpm_get_status()['procs']);").text == "2"
    for pid in pool.children():
        with open("/proc/%d/maps" % pid) as maps:
            assert "weir-status" not in maps.read()


# ---- whatever clients send

HOSTILE = bytes(range(1, 256)).replace(b"?", b"") + "é€😀".encode()


@pytest.fixture
def hostile(weir):
    p = configured(weir, STATUS + "\n pm.status_listen = %s" % weir.path("run", "status.sock"))
    busy = p.open("/hold.php", SCRIPT_NAME=HOSTILE, REQUEST_URI=b"/" + HOSTILE, QUERY_STRING=HOSTILE,
                  REQUEST_METHOD=b"<\"&>\xff\n\x01'", HTTP_AUTHORIZATION="Basic PCI+JwofOmM=")
    p.busy()
    yield p
    p.release()
    busy.reply()


def test_any_byte_gives_good_json(hostile):
    rows = status(hostile)["processes"]
    uri = [r["request uri"] for r in rows if r["request method"][0] == "<"][0]
    assert uri == "/" + HOSTILE.decode(errors="ignore")
    assert '<">\'\n\x1f' in [r["user"] for r in rows]


@pytest.mark.not_event("the status is no request of a child")
def test_any_byte_gives_good_markup(hostile):
    page = xml.fromstring(hostile.get("/status?xml&full").body)
    methods = [e.text for e in page.iter("request-method")]
    assert sorted(methods) == sorted(["GET", "<\"&>\ufffd\n\ufffd'"])
    html = hostile.get("/status?html&full").body
    assert xml.fromstring(html.split(b"\n", 1)[1]) is not None
    quiet = set(re.findall(rb"<[^>]*>", html))
    assert all(re.fullmatch(rb'</?[a-zA-Z]+( [a-z:]+="[^"<>]*")*>|<!DOCTYPE[^<>]*>', tag) for tag in quiet), quiet


def test_any_byte_keeps_lines_whole(hostile):
    for line in hostile.get("/status?full").body.decode().split("\n"):
        assert re.fullmatch(r"|\*{24}|[A-Za-z ]{3,30}: +\S.*", line), line


# ---- OpenMetrics

def check_openmetrics(text):
    """Names, HELP and TYPE of each family together, samples behind them, one end."""
    assert text.endswith("\n# EOF\n") and text.count("# EOF") == 1
    families, now, samples = set(), None, 0
    for line in text.split("\n")[:-2]:
        about = re.fullmatch(r"# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)", line)
        if about:
            if about[2] != now:
                assert about[2] not in families, "two families of one name: " + line
                families.add(about[2])
                now, kind = about[2], None
            if about[1] == "TYPE":
                kind = about[3]
                assert kind in ("gauge", "counter")
            continue
        sample = re.fullmatch(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{[a-z]+="[^"\\\n]*"\})? \d+', line)
        assert sample and kind, line
        tail = "_total" if kind == "counter" and now.startswith("weir_") else ""    # php-fpm's own have none
        assert sample[1] == now + tail, line
        samples += 1
    return families, samples


@pytest.mark.not_event("it has figures of its own: test_event_status.py")
def test_openmetrics_is_well_formed(pool):
    families, samples = check_openmetrics(pool.get("/status?openmetrics").text)
    assert len(families) == 18 and samples > 30
    assert {"phpfpm_up", "phpfpm_slow_requests", "weir_parked_connections", "weir_requests"} <= families


# ---- truth

@pytest.mark.not_event("no child makes the status: test_event_status.py")
@pytest.mark.parametrize("pool", [1], indirect=True)
def test_a_parked_connection_is_not_active(pool):
    c = pool.open("/hello.php", keep=True)
    assert c.reply().ended
    page = status(pool)             # the only child hands its idle connection over for this one
    assert (page["parked connections"], page["active processes"]) == (1, 1)


@pytest.mark.not_event("half a head is answered")
def test_a_reason_is_counted(pool):
    c = pool.connect().send(pool.request("/hello.php")[:20]).shut()
    assert c.at_end() == "eof"
    until(lambda: status(pool)["reason client gone"] == 1, "it is counted")


@pytest.mark.not_event("the status is no request of a child")
def test_a_death_takes_no_figure_along(pool):
    for _ in range(5):
        pool.get("/hello.php")
    for child in pool.children():
        pool.weir.kill(child)
    page = status(pool)
    assert page["accepted conn"] == 6
    assert page["active processes"] == 1 and page["total processes"] <= 2
    assert status(pool)["accepted conn"] == 7


@pytest.mark.not_event("nothing is served while it is stopped")
def test_no_status_without_the_pool_process(pool):
    """It is stopped, not dead: the child does not wait for ever."""
    process = pool.weir.one("pool")
    os.kill(process, signal.SIGSTOP)
    try:
        assert pool.get("/ping").status == 200
        reply = pool.get("/status")
        assert reply.status == 503 and "status_late" in reply.text
    finally:
        os.kill(process, signal.SIGCONT)
    assert status(pool)["reason status late"] == 1


def test_at_the_end_both_say_503(pool):
    busy = pool.open("/hold.php")
    pool.busy()
    pool.weir.send_signal(signal.SIGTERM)
    pool.weir.wait_log("Terminating")
    until(lambda: pool.get("/ping").status == 503, "ping says so")
    reply = pool.get("/status?json")
    assert reply.status == 503 and "draining" in reply.text
    pool.release()
    assert busy.reply().status == 200
    assert pool.weir.ended() == 0


def test_it_works_for_every_sapi(weir):
    p = weir.pool("sapi = echo\n" + STATUS)
    weir.start()
    assert p.get("/ping").text == "po<n>g"
    assert status(p)["accepted conn"] == 2
    assert "po<n>g" not in p.get("/pong").text


def test_neither_key_is_set(www):
    assert www.get("/status").status == www.get("/ping").status == 404
