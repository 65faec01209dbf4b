"""sapi = wsgi under mpm = worker: requests that wait do so at the same time, and each thread is found when it is slow."""
import glob
import os
import re
import threading

import pytest

import apps
from weirtest import never_within, until

WORKER = "mpm = worker\npm.max_children = %d\nmpm.threads_per_child = %d"
APP = """
import os, sys, threading, time
root = %r
lock = threading.Lock()
def hold():
    mark = "%%s/held-%%d-%%d" %% (root, os.getpid(), threading.get_native_id())
    open(mark, "w").close()
    while not os.path.exists(root + "/release"):
        time.sleep(0.002)
    os.unlink(mark)
def stuck():
    os.read(os.open(root + "/fifo", os.O_RDONLY), 1)
def deep(n):
    return hold() if n == 0 else deep(n - 1)
class Loop:
    def spin(self):
        open(root + "/held-spin", "w").close()
        while not os.path.exists(root + "/release"):
            pass
spin = Loop().spin
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    for call in environ["QUERY_STRING"].split(","):
        if call:
            eval(call)
    yield b"%%d %%d" %% (os.getpid(), threading.get_native_id())
"""


def start(weir, children, threads, lines=""):
    p = apps.pool(weir, APP % weir.path("www"), WORKER % (children, threads) + "\n" + lines)
    weir.start()
    return p


def hold(pool, count, call="hold()", here=0):
    """So many more than are here already."""
    conns = [pool.open("/?" + call, SCRIPT_NAME="/") for _ in range(count)]
    until(lambda: len(glob.glob(pool.root + "/held-*")) >= here + count, "%d of them run at once" % (here + count))
    return conns


def test_fifty_requests_at_once_on_two_children(weir):
    """No clock: each waits until all fifty have come."""
    pool = start(weir, 2, 25)
    conns = hold(pool, 50)
    pool.release()
    seen = {tuple(map(int, c.reply().text.split())) for c in conns}
    assert len(seen) == 50 and len({pid for pid, _ in seen}) == 2


def test_a_slow_client_holds_no_other(weir):
    """One thread waits for a body, one for a reader of its reply: neither has the GIL."""
    pool = start(weir, 1, 3)
    slow = pool.connect().send(pool.request("/?hold()", SCRIPT_NAME="/"))
    until(lambda: glob.glob(pool.root + "/held-*"), "it runs")
    assert apps.ask(pool).status == 200
    pool.release()
    assert slow.reply().status == 200


def test_a_body_that_is_waited_for_holds_no_other(weir):
    from weirtest import fcgi
    pool = apps.pool(weir, "def application(e, s):\n    s('200 OK', [])\n    return [e['wsgi.input'].read()]\n", WORKER % (1, 2))
    weir.start()
    params = pool.params("/", None, REQUEST_METHOD="POST", CONTENT_LENGTH="4")
    slow = pool.connect().send(fcgi.begin(), fcgi.params(params), fcgi.stdin(b"ab", end=False))
    until(slow.taken, "it reads")
    assert apps.ask(pool, body=b"xyz").text == "xyz"
    slow.send(fcgi.stdin(b"cd"))
    assert slow.reply().text == "abcd"


def test_a_reply_that_nobody_takes_holds_no_other(weir):
    pool = apps.pool(weir, "def application(e, s):\n    s('200 OK', [])\n    return [b'x' * int(e['QUERY_STRING'])]\n",
                     WORKER % (1, 2))
    weir.start()
    full = pool.open("/?30000000", SCRIPT_NAME="/")
    assert full.read_some()
    for _ in range(5):
        assert apps.ask(pool, "/?5").text == "xxxxx"
    assert len(full.reply().stdout) > 29000000


def test_many_requests_on_kept_connections(weir):
    pool = start(weir, 2, 8)
    lost = []

    def client():
        with pool.connect() as c:
            for _ in range(50):
                reply = c.send(pool.request("/?", keep=True, SCRIPT_NAME="/")).reply()
                if reply.status != 200:
                    lost.append(reply)
    threads = [threading.Thread(target=client) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert lost == []


def test_threads_end_in_order(weir):
    pool = start(weir, 2, 4, "pm.max_requests = 5")
    for _ in range(30):
        assert apps.ask(pool, "/?").status == 200
    assert weir.log_lines("signal|exited on") == []


def test_a_gone_client_ends_its_iteration(weir):
    text = ("import os, time\nroot = %r\nclass Stream:\n    def __iter__(self): return self\n    def __next__(self):\n"
            "        open(root + '/held-1', 'w').close()\n        time.sleep(0.001)\n        return b'x' * 50000\n"
            "    def close(self): open(root + '/closed', 'w').close()\n"
            "def application(e, s):\n    s('200 OK', [])\n    return Stream()\n") % weir.path("www")
    pool = apps.pool(weir, text)
    weir.start()
    with pool.open("/") as c:
        assert c.read_some()
    until(lambda: os.path.exists(pool.root + "/closed"), "close() is called")
    assert weir.log_lines("Traceback") == []


# ---- the slow log

CALL = re.compile(r"\[0x([0-9a-f]{16})\] (.*)\(\) (.*):(\d+)")


def entries(weir):
    """[[(thread, function, file, line)]] of the slow log."""
    text = weir.file("slow.log")
    return [[m.groups() for m in map(CALL.fullmatch, e.splitlines()) if m] for e in text.split("\n\n") if e.strip()]


SLOW = "slowlog = %s\nrequest_slowlog_timeout = 1"


@pytest.mark.parametrize("call, functions", [("hold()", ["hold"]), ("deep(5)", ["hold"] + ["deep"] * 6),
                                             ("spin()", ["spin"])])
def test_slow_log(weir, call, functions):
    pool = start(weir, 1, 4, SLOW % weir.path("slow.log"))
    conns = hold(pool, 1, call)
    got = [x for x in until(lambda: entries(weir), "an entry")[0] if x[1] not in ("exists", "sleep")]
    assert [f for _, f, _, _ in got][:len(functions)] == functions
    assert got[len(functions)][1] == "<module>" and got[len(functions) + 1][1] == "application"
    assert all(f.endswith("/apps/www.py") for _, f2, f, _ in got if f2 in functions)
    pool.release()
    assert conns[0].reply().status == 200
    assert weir.log_lines("signal|exited on") == []


def test_slow_log_has_every_thread(weir):
    pool = start(weir, 1, 4, SLOW % weir.path("slow.log"))
    conns = hold(pool, 2) + hold(pool, 3, "deep(1)")[:1]
    got = until(lambda: entries(weir), "an entry")[0]
    assert len({thread for thread, f, _, _ in got if f == "hold"}) >= 2
    assert weir.file("slow.log").count("-- another thread --") >= 1
    pool.release()
    assert [c.reply().status for c in conns] == [200] * 3


def test_slow_log_of_a_process_without_threads(weir):
    p = apps.pool(weir, APP % weir.path("www"), SLOW % weir.path("slow.log"))
    weir.start()
    conns = hold(p, 1)
    got = until(lambda: entries(weir), "an entry")[0]
    assert "hold" in [f for _, f, _, _ in got][:2]          # in exists(), maybe
    assert "script_filename = %s:application" % weir.path("apps", "www.py") in weir.file("slow.log")
    p.release()
    assert conns[0].reply().status == 200


def test_looking_is_seen_by_nobody(weir):
    """The copy that is looked into is no child that the application could find."""
    text = APP % weir.path("www") + """
import signal
seen = []
signal.signal(signal.SIGCHLD, lambda *a: seen.append(a))
def quiet():
    hold()
    try:
        os.waitpid(-1, os.WNOHANG)
        raise AssertionError("a child")
    except ChildProcessError:
        assert not seen
"""
    pool = apps.pool(weir, text, "pm.max_children = 1\nwsgi.preload = no\n" + SLOW % weir.path("slow.log"))
    weir.start()
    conns = hold(pool, 1, "quiet()")
    until(lambda: entries(weir), "an entry")
    pool.release()
    assert conns[0].reply().app_status == 0


def test_a_late_request_leaves_with_its_process(weir):
    pool = start(weir, 1, 2, "request_terminate_timeout = 1")
    late = hold(pool, 1)[0]
    assert late.reply().status == 504
    assert apps.ask(pool, "/?").status == 200


def test_a_late_request_leaves_when_the_others_of_its_process_are_done(weir):
    """These have begun when half of its time was over."""
    pool = start(weir, 1, 4, "request_terminate_timeout = 4")
    child, late = pool.children()[0], hold(pool, 1)[0]
    never_within(lambda: not late.silent(), 2, "an answer")
    others = hold(pool, 2, here=1)
    assert late.reply().status == 504
    assert apps.ask(pool, "/?").text.split()[0] != str(child)   # it takes no more
    assert child in pool.children()
    pool.release()
    assert {c.reply().text.split()[0] for c in others} == {str(child)}
    weir.gone(child)
