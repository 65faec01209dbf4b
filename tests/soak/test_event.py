"""mpm = event for longer: random deaths cost no GET, thousands of useless connections cost nothing, no child idles while a
request waits, and a slow reader of a gibibyte costs the pool process no memory."""
import json
import os
import random
import signal
import socket
import threading
import time

import pytest

import soak_load
from load import Load, for_seconds
from weirtest import event, fcgi, proc, until

MIB, GIB = 1 << 20, 1 << 30
IDLE_MS = 50            # so long may a child be idle while a request waits


def working(weir, children, lines="", us=2000):
    www = event.event_pool(weir, children, lines)
    www.write("work.php", "usleep(%d); echo 'whole';" % us)
    weir.start()
    return www


def kill_one(www, dice, sig=signal.SIGKILL):
    pids = www.children()
    if not pids:
        return None
    pid = dice.choice(pids)
    try:
        os.kill(pid, sig)
    except ProcessLookupError:
        return None
    return pid


@pytest.mark.parametrize("keep", [False, True], ids=["new", "kept"])
def test_a_random_child_killed_each_100_ms_costs_no_get(weir, keep):
    www = working(weir, 8)
    dice = random.Random(5)
    with Load(www, "/work.php", clients=8, keep=keep) as load:
        kills = for_seconds(20, lambda: (kill_one(www, dice), time.sleep(0.1)))
    assert kills > 100 and len(load.good) > 1000
    assert load.bad == {}
    until(lambda: len(www.children()) == 8, "all children are back")


def test_posts_killed_with_their_child_are_told(weir):
    """Each gets an answer: 200, or 502 when its child had begun."""
    www = working(weir, 4, us=20000)
    dice = random.Random(6)
    with Load(www, "/work.php", clients=8, keep=True, body=b"x=1") as load:
        for_seconds(10, lambda: (kill_one(www, dice), time.sleep(0.1)))
    assert len(load.good) > 100 and load.bad, "no kill met a request"
    assert {(getattr(r, "status", r), getattr(r, "ended", None)) for r in load.bad.values()} == {(502, True)}


class Sampler(threading.Thread):
    """Watches the status page: the longest time that a request waited while a child was idle, by what the page says of
    four looks or more in a row."""

    def __init__(self, www):
        super().__init__()
        self.www = www
        self.over, self.longest_ms, self.looks, self.queued = threading.Event(), 0.0, 0, 0

    def unfair(self, c):
        page = c.send(self.www.request("/status?json", keep=True)).reply()
        page = json.loads(page.text)
        self.looks += 1
        self.queued += page["queued requests"] > 0
        given = page["running requests"] + page["finishing requests"]       # a child may not know of it yet
        return page["queued requests"] > 0 and page["total processes"] - page["starting processes"] > given

    def run(self):
        c, since, looks = self.www.connect(), None, 0
        while not self.over.is_set():
            began = time.monotonic()
            if not self.unfair(c):
                since, looks = None, 0
                continue
            since, looks = since or began, looks + 1
            if looks >= 4:
                self.longest_ms = max(self.longest_ms, (time.monotonic() - since) * 1000)
            time.sleep(0.002)


def test_no_child_is_idle_while_a_request_waits(weir):
    www = working(weir, 6, "request.on_abort = kill")
    dice, stopped = random.Random(7), set()

    def stop():
        pid = kill_one(www, dice, signal.SIGSTOP)
        if pid:
            stopped.add(pid)

    def resume():
        for pid in list(stopped):
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass
            until(lambda: proc.stat(pid) is None or proc.stat(pid)[0] != "T", "it goes on")
            time.sleep(0.01)
            stopped.discard(pid)

    def abort():
        with www.open("/work.php", keep=True) as c:
            c.send(fcgi.abort())

    def act():
        dice.choice([lambda: kill_one(www, dice), stop, resume, abort, abort, lambda: www.open("/work.php").close()])()
        if len(stopped) > 3:
            resume()
        time.sleep(dice.uniform(0.01, 0.1))
    sampler = Sampler(www)
    with Load(www, "/work.php", clients=12, keep=True) as load:
        sampler.start()
        for_seconds(20, act)
        sampler.over.set()
        sampler.join()
        resume()
    print("\n%d looks, in %d something waited; the longest beside an idle child: %.1f ms"
          % (sampler.looks, sampler.queued, sampler.longest_ms))
    assert load.bad == {} and len(load.good) > 1000
    assert sampler.looks > 1000 and sampler.queued > 100
    assert sampler.longest_ms <= IDLE_MS


@pytest.mark.plain
@pytest.mark.seconds(300)
def test_2000_useless_connections_cost_live_ones_nothing(weir):
    """A thousand say nothing, a thousand a byte a minute each."""
    www = event.event_pool(weir, 4, "request.header_timeout = 600s")
    weir.start()
    data = www.request("/pid.php")
    over = threading.Event()

    def rate():
        got = soak_load.load(www, "/pid.php", "-c", 8, "-k", "-t", 3)
        assert soak_load.failures(got) == {}
        return got["requests_per_s"]

    def drip(conns):
        for n in range(len(data) - 1):
            for c in conns:
                c.send(data[n:n + 1])
                if over.wait(60 / len(conns)):
                    return
    alone, beside = [rate()], []
    for _ in range(3):
        useless = [www.connect() for _ in range(2000)]
        over.clear()
        thread = threading.Thread(target=drip, args=(useless[:1000],))
        thread.start()
        beside.append(rate())
        over.set()
        thread.join()
        for c in useless:
            c.close()
        alone.append(rate())
    print("\nalone %s, beside them %s requests/s" % ([round(x) for x in alone], [round(x) for x in beside]))
    assert max(beside) >= 0.95 * max(alone)


@pytest.mark.plain
@pytest.mark.seconds(300)
def test_a_gibibyte_for_a_slow_reader_costs_no_memory(weir):
    folder = event.own_folder(weir)
    www = event.event_pool(weir, 1, "event.body_dir = %s\n event.response_max = 2G" % folder)
    www.write("large.php", "$x = str_repeat('x', 1 << 20); for ($i = 0; $i < $_GET['mib']; $i++) { echo $x; }")
    weir.start()
    pool = weir.one("pool")

    def slow(mib):
        c = www.open("/large.php?mib=%d" % mib)
        assert www.get("/pid.php").status == 200            # the child is free
        got = 0
        for rec in iter(c.record, None):
            got += len(rec.content) if rec.type == fcgi.STDOUT else 0
        return got
    assert slow(10) > 10 * MIB
    with open("/proc/%d/clear_refs" % pool, "w") as f:
        f.write("5")
    before = proc.rss_kib(pool)
    assert slow(1024) > GIB
    grown = int(proc.status(pool, "VmHWM").split()[0]) - before
    print("\nthe pool process grew by at most %d KiB" % grown)
    assert grown <= 1024


def test_thousands_of_parked_connections_take_turns(weir):
    www = event.event_pool(weir, 4, "event.max_connections = 4000\n queue.max = 4000")
    weir.start()
    conns = [www.connect(timeout=120) for _ in range(3000)]
    for _ in range(3):
        for c in conns:
            c.send(www.request("/pid.php", keep=True))
        assert {c.reply().status for c in conns} == {200}
    event.parked(www, 3000)


def upload_until(sock, chunk, sent, over):
    while not over.is_set():
        try:
            sock.sendall(chunk)
        except OSError:
            return
        sent.append(len(chunk))


def test_an_upload_without_a_pause_holds_up_no_reply_on_its_connection(weir):
    """What is sent while a reply of 4 MiB comes: there is always something to read."""
    www = event.event_pool(weir, 2, "event.request_buffering = yes")
    www.write("large.php", "echo str_repeat('x', 4 << 20);")
    weir.start()
    worst = 0
    for _ in range(20):
        c = www.connect().send(www.request("/large.php", id=1, keep=True))
        until(lambda: event.figures(www)["writing requests"] == 1, "the rest of the reply waits")
        c.send(fcgi.begin(2, keep=True), fcgi.params(www.params("/echo.php", REQUEST_METHOD="PUT"), 2))
        sent, over = [], threading.Event()
        args = (c.sock, fcgi.stdin(b"b" * 65535, 2, end=False) * 8, sent, over)
        upload = threading.Thread(target=upload_until, args=args)
        upload.start()
        got = 0
        while got < 4 * MIB:
            got += len(c.sock.recv(1 << 18))
        worst = max(worst, sum(sent))
        over.set()
        c.sock.shutdown(socket.SHUT_RDWR)
        upload.join()
        c.close()
    print("most that was sent meanwhile: %d KiB" % (worst // 1024))
    assert worst < 16 * MIB
