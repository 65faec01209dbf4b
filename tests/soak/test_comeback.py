"""Processes killed at random under a load of thousands of requests a second: what was not in the hands of the
killed one succeeds, the service is back within a second, and no process or descriptor is left over."""
import random
import time

import pytest
from soak_load import Load, failures, holdings

from weirtest import proc, until

SECONDS = 20
BACK = 1.0              # seconds in which the service is back after a death


@pytest.fixture
def eight(weir):
    www = weir.pool("pm.max_children = 8")
    www.write("hello.php", "echo 'Hello, world!';")
    www.write("sleep.php", "usleep(3000); echo 'slept';")
    weir.start()
    return www


def whole(www):
    return (len(www.children()) == 8 and len(www.weir.pids("pool", "www")) == 1
            and len(www.weir.pids("zygote", "www")) == 1)


def loads(www, seconds):
    """Every kind of load at once: new connections and kept ones, pages of no time and of some."""
    return [Load(www, "/hello.php", "-c", 3, "-t", seconds, "--expect-body", "Hello, world!"),
            Load(www, "/hello.php", "-c", 4, "-k", "-t", seconds, "--expect-body", "Hello, world!"),
            Load(www, "/sleep.php", "-c", 3, "-t", seconds, "--expect-body", "slept"),
            Load(www, "/sleep.php", "-c", 4, "-k", "-t", seconds, "--expect-body", "slept")]


def at_rest(www):
    """Each child serves, so that it holds what it will hold; what all of them hold when that is over."""
    assert [failures(x.result()) for x in loads(www, 1)] == [{}] * 4
    previous = []

    def settled():
        now = holdings(www.weir)
        same = now == previous
        previous[:] = now
        return same and whole(www)
    until(settled, "the server is at rest")
    return previous


def same_again(weir, before):
    """Processes and descriptors are what they were before the load."""
    until(lambda: holdings(weir) == before,
          lambda: "the server holds what it held:\n%s\nnot\n%s" % (before, holdings(weir)), 30)
    until(lambda: not proc.zombies(weir.master), "all the dead are reaped")


def test_killed_children_take_only_their_own_requests(eight):
    before, rng = at_rest(eight), random.Random(time.time_ns())
    running, kills, end = loads(eight, SECONDS), 0, time.monotonic() + SECONDS - 0.5
    while time.monotonic() < end:
        children = eight.children()
        if children:
            eight.weir.kill(rng.choice(children))
            kills += 1
        time.sleep(rng.uniform(0.02, 0.2))
    got = [x.result() for x in running]
    lost = [failures(x) for x in got]
    failed = sum(sum(x.values()) for x in lost)
    repeated = sum(x["reconnects"] for x in got)        # on a kept connection that was found closed
    print("\n%d kills, %d requests, %d failed, %d sent again: %s" % (
        kills, sum(x["requests"] for x in got), failed, repeated, lost))
    assert kills > 50 and sum(x["ok"] for x in got) > 1000
    assert failed + repeated <= kills
    assert {kind for x in lost for kind in x} <= {"closed_early"}
    same_again(eight.weir, before)


def comes_back(www):
    """Ask until it answers: after so many seconds it did."""
    begin = time.monotonic()

    def served():
        reply = www.open("/hello.php").reply()
        return reply.ended and reply.text == "Hello, world!"
    until(served, "it serves again")
    return time.monotonic() - begin


def shot(weir, kind):
    """Kill one of a kind, if there is one: after the death of another it may be about to end."""
    try:
        for pid in weir.pids(kind, "www")[:1]:
            weir.kill(pid)
            return True
    except ProcessLookupError:
        pass
    return False


@pytest.mark.parametrize("at_once", [1, 2])
def test_any_process_but_the_master_may_die(eight, at_once):
    weir, rng = eight.weir, random.Random(time.time_ns())
    before = at_rest(eight)
    took, kills, running = [], [], loads(eight, SECONDS)
    end = time.monotonic() + SECONDS - 1
    while time.monotonic() < end:
        for kind in rng.sample(["pool", "zygote", "child"], at_once):
            kills += [kind] if shot(weir, kind) else []
        took.append(comes_back(eight))
        time.sleep(rng.uniform(0, 0.5))
    got = [x.result() for x in running]
    lost = [failures(x) for x in got]
    print("\n%d kills, back after at most %.3f s, failed: %s, sent again: %s" % (
        len(kills), max(took), lost, [x["reconnects"] for x in got]))
    assert {"pool", "zygote", "child"} <= set(kills)
    assert max(took) < BACK
    assert sum(sum(x.values()) for x in lost) <= kills.count("child")
    assert {kind for x in lost for kind in x} <= {"closed_early"}
    same_again(weir, before)
