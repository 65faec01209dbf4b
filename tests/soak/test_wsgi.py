"""sapi = wsgi over time: requests that sleep overlap, memory does not grow, tracebacks are taken under load."""
import os
import sys
import threading
import time

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "wsgi"))

import apps                 # noqa: E402

APP = """
import sys, time
def deep(n):
    return deep(n - 1) if n else time.sleep(0.0005)
def application(environ, start_response):
    what = environ["QUERY_STRING"]
    if what == "sleep":
        time.sleep(0.1)
    if what == "busy":
        end = time.monotonic() + 1.3
        n = 0
        while time.monotonic() < end:
            deep(n % 40)
            n += 1
            exec("def made():\\n    return %d\\nmade()" % n, {})
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["wsgi.input"].read() or b"ok"]
"""
WORKER = "mpm = worker\npm.max_children = 2\nmpm.threads_per_child = 25\n"


def at_once(pool, count, uri):
    """So many requests at once: their statuses, and how long all took."""
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(apps.ask(pool, uri).status)) for _ in range(count)]
    began = time.monotonic()
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return replies, time.monotonic() - began


def test_fifty_that_sleep_take_as_long_as_one(weir):
    """On 2 children of 25 threads; a child takes a new one when it has a free slot, so none waits."""
    pool = apps.pool(weir, APP, WORKER)
    weir.start()
    at_once(pool, 50, "/?")
    took = []
    for _ in range(5):
        replies, seconds = at_once(pool, 50, "/?sleep")
        assert replies == [200] * 50
        took.append(seconds)
    assert min(took) < 0.25, took           # 50 in turns would take 5 s


def private_kib(pool):
    total = 0
    for pid in pool.children():
        with open("/proc/%d/smaps_rollup" % pid) as f:
            total += sum(int(x.split()[1]) for x in f if x.startswith("Private_Dirty"))
    return total


@pytest.mark.plain
def test_memory_does_not_grow(weir):
    pool = apps.pool(weir, APP, "pm.max_children = 1")
    weir.start()

    def some(count):
        with pool.connect() as c:
            for i in range(count):
                body = b"x" * (i % 3000)
                data = pool.request("/?", body, keep=True, **{"HTTP_X_%d" % (i % 7): "v" * (i % 500)})
                assert c.send(data).reply().body in (body, b"ok")
    some(3000)
    before = private_kib(pool)
    some(20000)
    assert private_kib(pool) < before + 512


@pytest.mark.plain
@pytest.mark.seconds(300)
def test_tracebacks_under_load(weir):
    """What is copied changes all the time: the copy may die of it, the child never."""
    pool = apps.pool(weir, APP, WORKER + "slowlog = %s\nrequest_slowlog_timeout = 1" % weir.path("slow.log"))
    weir.start()
    for _ in range(15):
        replies, _ = at_once(pool, 6, "/?busy")
        assert replies == [200] * 6
    assert weir.log_lines("signal|exited on") == []
    assert weir.file("slow.log").count("script_filename") >= 10
    assert weir.file("slow.log").count("deep() ") > 20
