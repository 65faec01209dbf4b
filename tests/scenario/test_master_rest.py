"""A pool at rest is a socket in the master: no process, until somebody connects."""
import os
import shutil
import signal
import subprocess

import pytest

from weirtest import HOLD, proc, until
from weirtest.server import AS_ROOT

pytestmark = pytest.mark.event


@pytest.fixture
def rest(weir):
    pool = weir.pool("pm = ondemand\n pm.process_idle_timeout = 1s", name="rest")
    pool.write("pid.php", "echo getmypid();")
    pool.write("hold.php", HOLD + "echo 'done';")
    return pool


def at_rest(weir):
    until(lambda: weir.tree() == [weir.master], lambda: "the pool is at rest: " + weir.describe())


def test_no_process_before_the_first_connection(rest):
    weir = rest.weir.start()
    assert weir.tree() == [weir.master] and os.path.exists(rest.socket)
    assert int(rest.get("/pid.php").text) in rest.children()


def test_idleness_ends_all_of_them_and_the_next_starts_anew(rest):
    weir = rest.weir.start()
    before = len(proc.descriptors(weir.master))
    first = rest.get("/pid.php").text
    at_rest(weir)
    assert len(proc.descriptors(weir.master)) == before
    assert rest.get("/pid.php").text != first
    at_rest(weir)
    assert not weir.log_lines("WARNING|ERROR")


def test_a_kept_connection_holds_the_pool_awake(rest):
    weir = rest.weir.start()
    c = rest.open("/pid.php", keep=True)
    assert c.reply().ended
    awake = weir.one("pool", "rest")
    until(lambda: not rest.children(), "the idle child ends")
    assert c.send(rest.request("/pid.php", keep=True)).reply().ended
    assert weir.pids("pool", "rest") == [awake]
    c.close()
    at_rest(weir)


def test_the_end_of_a_pool_at_rest(rest):
    weir = rest.weir.start()
    assert weir.stop() == 0 and not os.path.exists(rest.socket)


def test_whoever_waits_at_the_end_is_served(rest):
    weir = rest.weir.start()
    weir.send_signal(signal.SIGSTOP)
    until(lambda: proc.stat(weir.master)[0] == "T", "the master is stopped")
    c = rest.open("/pid.php")
    weir.send_signal(signal.SIGTERM)
    weir.send_signal(signal.SIGCONT)
    assert c.reply().status == 200
    assert weir.ended() == 0


def test_a_reload_starts_nothing(rest):
    weir = rest.weir.start()
    weir.send_signal(signal.SIGUSR2)
    weir.wait_log("ready to handle", 2)
    assert weir.tree() == [weir.master]
    assert rest.get("/pid.php").status == 200


def test_a_pool_may_begin_and_cease_to_rest_with_a_reload(rest):
    weir = rest.weir.start()
    rest.also("pm = static")
    weir.configure()
    weir.send_signal(signal.SIGUSR2)
    weir.wait_log("ready to handle", 2)
    until(lambda: len(rest.children()) == 2, "two children")
    c = rest.open("/hold.php")
    rest.busy()
    rest.also("pm = ondemand")
    weir.configure()
    weir.send_signal(signal.SIGUSR2)
    weir.wait_log("ready to handle", 3)
    rest.release()
    assert c.reply().text == "done"
    at_rest(weir)


def test_a_pool_process_killed_before_its_child_served(rest):
    weir = rest.weir.start()
    rest.get("/pid.php")
    weir.kill(weir.one("pool", "rest"))
    assert rest.get("/pid.php").status == 200
    at_rest(weir)


@pytest.mark.skipif(not AS_ROOT or not shutil.which("strace"), reason="needs root and strace")
def test_a_child_that_is_quicker_than_its_pool_process_ends_too(rest):
    weir = rest.weir.start()
    c = rest.open("/pid.php", keep=True)
    assert c.reply().ended
    pool = weir.one("pool", "rest")
    until(lambda: not rest.children(), "the idle child ends")
    slow = subprocess.Popen(["strace", "-p", str(pool), "-o", weir.path("trace"), "-e", "trace=sendmsg",
                             "-e", "inject=sendmsg:delay_exit=300000"], stderr=subprocess.PIPE, text=True)
    assert "attached" in slow.stderr.readline()
    try:
        assert c.send(rest.request("/pid.php", keep=True)).reply().ended
        until(lambda: not rest.children(), "the child ends")
    finally:
        slow.terminate()
        slow.wait()
        slow.stderr.close()
    assert "DELAYED" in weir.file("trace")
    c.close()
    at_rest(weir)
