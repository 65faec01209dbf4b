"""Random kills under load: what was not on a killed process succeeds, and everything comes back."""
import os
import random
import signal
import time

import pytest

import soak_pools
from load import Load, for_seconds
from weirtest import fcgi, proc, until

PAGE = soak_pools.PHP["page.php"]


@pytest.fixture(params=soak_pools.KINDS)
def served(request, weir):
    """The application of soak_pools, in four children."""
    pool = request.param(weir, "pm.max_children = 4\n request.header_timeout = 1s")
    weir.start()
    return pool


def check_lost(load, killed, most):
    """No more were lost than can have been, and each on a child that was killed."""
    assert len(load.good) > 100 and all(r.text.endswith("whole") for r in load.good)
    assert len(load.bad) <= most, "%d requests lost by %d kills" % (len(load.bad), len(killed))
    for name, reply in load.bad.items():
        shown = getattr(reply, "text", "").split()
        assert not shown or int(shown[0]) in killed, "lost on a living child: %s %r" % (name, reply)


@pytest.mark.parametrize("keep", [False, True], ids=["new", "kept"])
def test_random_kills_of_children_for_20_seconds(served, keep):
    www = served
    dice, killed = random.Random(20), set()

    def shoot():
        time.sleep(dice.uniform(0.02, 0.2))
        pid = dice.choice(www.children() or [None])
        if pid:
            killed.add(pid)
            os.kill(pid, signal.SIGKILL)
    with Load(www, "/page.php", clients=6, keep=keep) as load:
        for_seconds(20, shoot)
    check_lost(load, killed, len(killed) * www.threads)
    until(lambda: len(www.children()) == 4, "all children are back")


@pytest.mark.parametrize("kind", ["zygote", "pool"])
def test_random_kills_of_zygotes_and_pool_processes_lose_nothing(served, kind):
    """But for the connections that the pool process has, under event."""
    www, weir = served, served.weir
    dice = random.Random(21)

    def shoot():
        time.sleep(dice.uniform(0.3, 1))
        for pid in weir.pids(kind, "www")[-1:]:
            os.kill(pid, signal.SIGKILL)
    with Load(www, "/page.php", clients=4) as load:
        kills = for_seconds(10, shoot)
    assert kills >= 5 and len(load.good) > 100
    at_once = 4 if kind == "pool" and "mpm = event" in www.text() else 0
    assert len(load.bad) <= kills * at_once, load.bad
    until(lambda: len(www.children()) == 4 and weir.pids("pool", "www") and weir.pids("zygote", "www"), "all are back")


@pytest.mark.seconds(300)
def test_kills_of_every_kind_in_random_order_leave_nothing(weir):
    www = weir.pool("pm.max_children = 3")
    www.write("page.php", PAGE)
    dice = random.Random(22)
    for _ in range(8):
        weir.start()
        for kind in dice.choices(["pool", "zygote", "child", "master"], k=5):
            for pid in weir.pids(kind, "www" if kind != "master" else "")[-1:]:
                weir.kill(pid)
            if kind == "master":
                break
            assert www.get("/page.php").text.endswith("whole")
        if weir.proc.poll() is None:
            weir.kill(weir.master)
        weir.ended()
        until(lambda: weir.tree() == [], lambda: "nothing is left; there are: " + weir.describe())
    weir.exit_code = -signal.SIGKILL


@pytest.mark.seconds(300)
def test_reloads_under_load_lose_nothing(served):
    www, weir = served, served.weir
    with Load(www, "/page.php", clients=4) as load:
        for n in range(1, 11):
            weir.send_signal(signal.SIGUSR2)
            weir.wait_log("Reloading in progress", count=n)
            for_seconds(0.5, lambda: time.sleep(0.05))
    assert len(load.good) > 100 and load.bad == {}


def test_max_requests_under_load_loses_nothing(weir, nginx):
    www = weir.pool("pm.max_children = 4\n pm.max_requests = 10")
    www.write("page.php", "echo getmypid();")
    weir.start()
    web = nginx(www, keepalive=4)
    answers = web.many("/page.php", clients=16, each=250)
    assert [a for a in answers if getattr(a, "status", 0) != 200] == []
    assert len({a.text for a in answers}) >= 300


def test_half_sent_requests_beside_a_load(served):
    www = served
    half = [www.connect().send(www.request("/page.php")[:40]) for _ in range(3)]
    with Load(www, "/page.php", clients=2) as load:
        for_seconds(5, lambda: half.append(www.connect().send(www.request("/page.php")[:40])) or time.sleep(0.5))
    assert len(load.good) > 100 and load.bad == {}


class Storm:
    """What bad clients, and a bad day, do to a pool."""

    def __init__(self, www, seed):
        self.www, self.dice = www, random.Random(seed)
        self.killed, self.open, self.reloads = set(), [], 0

    def kill(self):
        for pid in self.dice.sample(self.www.children(), 1):
            self.killed.add(pid)
            os.kill(pid, signal.SIGKILL)

    def reload(self):
        self.reloads += 1
        self.www.weir.send_signal(signal.SIGUSR2)
        self.www.weir.wait_log("Reloading in progress", count=self.reloads)

    def gone(self):
        """Closed while the reply comes."""
        with self.www.open("/give.php?blocks=100") as c:
            c.read_some()

    def abort(self):
        with self.www.open("/give.php?blocks=100", keep=True) as c:
            c.read_some()
            c.send(fcgi.abort())
            c.reply()

    def half(self):
        """A body that breaks off."""
        params = fcgi.params(self.www.params("/take.php", b"", CONTENT_LENGTH="100000"))
        self.www.connect().send(fcgi.begin(), params, fcgi.stdin(b"x" * 30000, end=False)).close()

    def slow(self):
        """Takes a little of a large reply, then nothing; the last few stay."""
        self.open.append(self.www.open("/give.php?blocks=200"))
        self.open[-1].read_some()
        if len(self.open) > 3:
            self.open.pop(0).close()

    def once(self):
        what = self.dice.choices([self.kill, self.reload, self.gone, self.abort, self.half, self.slow],
                                 [3, 1, 8, 8, 8, 8])[0]
        try:
            what()
        except OSError:                 # its child was killed
            pass
        time.sleep(self.dice.uniform(0.01, 0.1))


@pytest.mark.seconds(300)
def test_kills_reloads_aborts_and_slow_clients_at_once(served):
    storm = Storm(served, 24)
    served.weir.wait_log("ready to handle connections")
    with Load(served, "/page.php", clients=4, keep=True) as kept, Load(served, "/page.php", clients=4) as new:
        for_seconds(20, storm.once)
    assert len(storm.killed) >= 5 and storm.reloads >= 2
    check_lost(new, storm.killed, len(storm.killed) * served.threads)
    check_lost(kept, storm.killed, (len(storm.killed) + storm.reloads) * 4)     # an idle connection ends with its child
    for c in storm.open:
        c.close()
    until(lambda: len(served.children()) == 4, lambda: "four children: " + served.weir.describe())
    assert served.weir.log_lines("ALERT|BUG") == []


def test_descriptors_and_memory_after_a_storm(served):
    www, weir = served, served.weir

    def sizes():
        return {p: (len(os.listdir("/proc/%d/fd" % p)), proc.private_kib(p)) for p in weir.tree()}
    with Load(www, "/page.php", clients=16, keep=True):
        for_seconds(3, lambda: time.sleep(0.1))
    until(lambda: weir.pids("pool", "www"), "it is quiet")
    before = sizes()
    for _ in range(3):
        with Load(www, "/page.php", clients=16, keep=True):
            for_seconds(3, lambda: time.sleep(0.1))
    after = sizes()
    assert set(after) == set(before)
    for pid in after:
        assert after[pid][0] <= before[pid][0] + 2 and after[pid][1] - before[pid][1] < 2048, (before[pid], after[pid])
