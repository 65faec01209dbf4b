"""Processes that hang are found, and others take their place: the bounds in time of pool/pool_overdue.c."""
import os
import shutil
import signal
import time

import pytest

from weirtest import HOLD, Strace, until
from weirtest.server import AS_ROOT


def took(fact, what, seconds):
    begin = time.monotonic()
    until(fact, what, seconds)
    return time.monotonic() - begin


@pytest.fixture
def two(weir):
    www = weir.pool()
    www.write("pid.php", "echo getmypid();")
    www.write("hold.php", HOLD + "echo 'done';")
    weir.start()
    return www


def replaced(www, zygote):
    """The zygote that hangs is found in time; then all is as before, with another."""
    weir = www.weir
    line = r"ERROR: \[pool www\] zygote %d has not answered for 10 s: it is killed" % zygote
    seconds = took(lambda: weir.log_lines(line), "the zygote that hangs is found", 30)
    until(lambda: weir.pids("zygote", "www") and weir.one("zygote") != zygote and len(www.children()) == 2,
          "another zygote, and two children")
    print("\nfound after %.1f s" % seconds)
    assert 9 < seconds < 15
    assert len(weir.log_lines("has not answered")) == 1


def test_a_stopped_zygote_that_is_to_tell_of_a_death(two):
    weir, zygote = two.weir, two.weir.one("zygote")
    running = two.open("/hold.php")
    two.busy()
    holds = int(next(n for n in os.listdir(two.root) if n.startswith("held-"))[5:])
    weir.kill(zygote, signal.SIGSTOP)
    os.kill(next(p for p in two.children() if p != holds), signal.SIGKILL)
    replaced(two, zygote)
    two.release()
    assert running.reply().text == "done"


def test_a_stopped_zygote_that_is_to_fork(weir):
    www = weir.pool("pm = dynamic\n pm.start_servers = 1\n pm.min_spare_servers = 1\n pm.max_spare_servers = 1")
    www.write("hold.php", HOLD + "echo 'done';")
    weir.start()
    zygote = weir.one("zygote")
    weir.kill(zygote, signal.SIGSTOP)
    running = [www.open("/hold.php") for _ in range(2)]
    replaced(www, zygote)
    www.release()
    assert [c.reply().text for c in running] == ["done"] * 2


@pytest.mark.seconds(200)
@pytest.mark.skipif(not AS_ROOT or not shutil.which("strace"), reason="needs root and strace")
def test_a_child_that_never_becomes_ready(two):
    """Its start is held up in a call that comes before READY."""
    weir, first = two.weir, two.children()[0]
    held_up = Strace(weir, weir.one("zygote"), "-f", "-e", "inject=eventfd2:delay_enter=600000000")
    weir.kill(first)
    stuck = until(lambda: set(two.children()) - {first} and len(two.children()) == 2 and max(two.children()), "a birth")
    line = r"WARNING: \[pool www\] child %d is not ready after 60 s: it is killed" % stuck
    seconds = took(lambda: weir.log_lines(line), "the child that hangs is found", 90)
    assert two.get("/pid.php").status == 200
    held_up.stop()
    until(lambda: stuck not in two.children(), "it is killed")
    print("\nfound after %.1f s" % seconds)
    assert 55 < seconds < 70
    two.get("/pid.php")
