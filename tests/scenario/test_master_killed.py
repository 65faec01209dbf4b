"""kill -9 of the master: nobody stays behind, and the next start finds its way through what it left."""
import os
import signal
import socket

import pytest

from weirtest import HOLD, proc, until

pytestmark = pytest.mark.event


@pytest.fixture
def pools(weir):
    out = [weir.pool(), weir.pool("pm = ondemand", name="rest")]
    out[0].write("pid.php", "echo getmypid();")
    out[0].write("hold.php", HOLD + "echo 'done';")
    weir.start()
    until(lambda: len(out[0].children()) == 2, "all children are there")
    weir.exit_code = -signal.SIGKILL
    return out


def kill_master(weir):
    weir.kill(weir.master)
    assert weir.ended() == -signal.SIGKILL


def listens(path):
    with socket.socket(socket.AF_UNIX) as s:
        return s.connect_ex(path) == 0


def test_all_processes_end(pools):
    weir = pools[0].weir
    pools[1].get("/pid.php")
    everybody = weir.tree()
    assert len(everybody) >= 8
    kill_master(weir)
    weir.gone(*everybody)
    weir.wait_log(r"\[pool www\] the master has gone: this pool ends")


def test_the_requests_in_hand_finish(pools):
    www = pools[0]
    c = www.open("/hold.php")
    kept = www.open("/pid.php", keep=True)
    assert kept.reply().ended
    www.busy()
    kill_master(www.weir)
    assert kept.at_end() == "eof"
    www.release()
    assert c.reply().text == "done"


def test_a_stopped_child_ends_when_it_goes_on(pools):
    weir = pools[0].weir
    child = pools[0].children()[0]
    weir.kill(child, signal.SIGSTOP)
    kill_master(weir)
    until(lambda: weir.tree() == [child], lambda: "the others end: " + weir.describe())
    weir.kill(child, signal.SIGCONT)
    weir.gone(child)


def test_the_next_start_replaces_socket_and_pid_file(pools):
    weir = pools[0].weir
    old = pools[0].get("/pid.php").text
    kill_master(weir)
    until(lambda: not weir.tree(), "all have ended")
    assert os.path.exists(pools[0].socket) and os.path.exists(weir.path("run", "weir.pid"))
    weir.exit_code = 0
    weir.start()
    assert pools[0].get("/pid.php").text != old and pools[1].get("/pid.php").status == 200
    assert int(weir.file("run", "weir.pid")) == weir.master


def test_a_start_beside_a_request_in_hand_of_the_old_one(pools):
    www = pools[0]
    weir = www.weir
    c = www.open("/hold.php")
    www.busy()
    kill_master(weir)
    until(lambda: not listens(www.socket), "the child that still serves has let go of the socket")
    weir.exit_code = 0
    weir.start()
    assert www.get("/pid.php").status == 200
    www.release()
    assert c.reply().text == "done"


def test_a_second_instance_is_refused_and_hurts_nobody(pools):
    www = pools[0]
    weir = www.weir
    weir.exit_code = 0
    tree = weir.tree()
    second = weir.run("-F")
    assert second.returncode == 78
    assert "Another FPM instance seems to already listen on " + www.socket in second.stderr
    assert www.get("/pid.php").status == 200 and weir.tree() == tree
    assert int(weir.file("run", "weir.pid")) == weir.master
    assert all(proc.alive(p) for p in tree)
