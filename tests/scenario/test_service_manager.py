"""What the service manager is told over NOTIFY_SOCKET, beside php-fpm; and nothing when there is none."""
import os
import re
import shutil
import signal
import socket

import pytest

from weirtest import Weir, until
from weirtest.server import HOLD

FPM = shutil.which("php-fpm8.2")
STATUS = r"STATUS=Processes active: (\d+), idle: (\d+), Requests: (\d+), slow: (\d+), Traffic: \d+\.\d\dreq/sec$"


class Manager:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, weir, abstract=False):
        self.heard = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + weir.folder if abstract else weir.path("notify"))
        self.socket.settimeout(20)
        weir.env["NOTIFY_SOCKET"] = "@" + weir.folder if abstract else weir.path("notify")

    def wait(self, regex):
        """The next message that matches."""
        while True:
            self.heard.append(self.socket.recv(4096).decode())
            found = re.search(regex, self.heard[-1], re.M)
            if found:
                return found

    def close(self):
        self.socket.close()


@pytest.fixture
def manager(weir):
    manager = Manager(weir)
    yield manager
    manager.close()


@pytest.mark.parametrize("abstract", [False, True])
def test_ready_reload_and_end(weir, abstract):
    manager = Manager(weir, abstract)
    weir.pool()
    weir.start()
    assert manager.wait("READY=1") and manager.heard == [
        "READY=1\nSTATUS=Ready to handle connections\nMAINPID=%d" % weir.master]
    weir.wait_log("NOTICE: systemd monitor interval set to 10000ms")
    weir.send_signal(signal.SIGUSR2)
    assert manager.wait(r"\ARELOADING=1\nMONOTONIC_USEC=\d+$")
    assert manager.wait(r"\AREADY=1$")
    weir.stop()
    assert manager.wait(r"\ASTOPPING=1$")
    manager.close()


def test_a_refused_reload_is_over_too(weir, manager):
    weir.pool()
    weir.start()
    manager.wait("READY=1")
    weir.configure("nonsense\n")
    weir.send_signal(signal.SIGUSR2)
    manager.wait("RELOADING=1")
    assert manager.wait("READY=1")


def test_ready_comes_from_the_daemon(weir, manager):
    weir.pool()
    done = weir.run("-D")
    assert done.returncode == 0
    pid = int(manager.wait(r"^MAINPID=(\d+)")[1])
    assert pid == int(weir.file("run", "weir.pid"))
    os.kill(pid, signal.SIGTERM)
    until(lambda: not weir.tree(), "it ends")


def test_figures(weir, manager):
    weir.global_("systemd_interval = 1")
    www, other = weir.pool("pm.max_children = 3"), weir.pool("pm = ondemand", name="other")
    weir.start()
    for _ in range(5):
        www.run("echo 1;")
    held = www.open(www.script(HOLD))
    www.busy()
    assert other.run("echo 1;").text == "1"
    while manager.wait(STATUS).groups() != ("1", "3", "6", "0"):
        pass
    www.release()
    held.reply()
    weir.send_signal(signal.SIGUSR2)        # what is replaced takes no request out of the sum
    manager.wait("READY=1")
    while manager.wait(STATUS)[3] != "7":
        pass


def test_a_pool_process_that_does_not_answer_stops_nothing(weir, manager):
    weir.global_("systemd_interval = 1")
    weir.pool()
    weir.env["WATCHDOG_USEC"] = "400000"
    weir.start()
    pool = weir.one("pool")
    os.kill(pool, signal.SIGSTOP)
    try:
        for _ in range(3):
            manager.wait(r"\AWATCHDOG=1$")
            manager.wait(STATUS)
    finally:
        os.kill(pool, signal.SIGCONT)
    weir.wait_log("WARNING: systemd_interval option ignored")
    weir.wait_log("NOTICE: systemd watchdog configured to 0.2sec")
    weir.wait_log("NOTICE: systemd monitor interval set to 200ms")


def test_the_watchdog_is_answered_in_a_drain_too(weir, manager):
    weir.global_("process_control_timeout = 100")
    www = weir.pool()
    weir.env["WATCHDOG_USEC"] = "100000"
    weir.start()
    held = www.open(www.script(HOLD + "echo 'whole';"))
    www.busy()
    weir.send_signal(signal.SIGTERM)
    assert int(manager.wait(r"\ASTOPPING=1\nEXTEND_TIMEOUT_USEC=(\d+)\nSTATUS=Ending$")[1]) > 100e6
    for _ in range(3):
        assert manager.wait("")[0] == "" and manager.heard[-1] == "WATCHDOG=1"
    www.release()
    assert held.reply().text == "whole" and weir.ended() == 0


def test_the_watchdog_of_another_process(weir, manager):
    weir.env.update(WATCHDOG_USEC="100000", WATCHDOG_PID="1")
    weir.global_("systemd_interval = 1")
    weir.pool()
    weir.start()
    manager.wait(STATUS)
    assert "WATCHDOG=1" not in manager.heard and not weir.log_lines("watchdog")


@pytest.mark.skipif(FPM is None, reason="no php-fpm8.2")
def test_beside_php_fpm():
    told, said = [], []
    for binary in (FPM, None):
        server = Weir(binary)
        manager = Manager(server)
        server.global_("systemd_interval = 1")
        server.env["WATCHDOG_USEC"] = "3000000"
        server.pool()
        server.wait_whole = not server.fpm
        server.start()
        manager.wait("MAINPID")
        manager.wait(STATUS)
        told.append({re.sub(r"=\d+$", "=N", x) for m in manager.heard for x in m.split("\n")})
        said.append([re.sub(r"^.*?\] |: the unit.*", "", x) for x in server.log_lines("systemd") if "weir.log" not in x])
        server.finish()
        manager.close()
    assert told[0] == told[1]
    assert [x for x in said[0] if x in said[1]] == list(dict.fromkeys(said[0])) or set(said[0]) == set(said[1])


def test_nobody_is_there(weir):
    weir.env["NOTIFY_SOCKET"] = weir.path("nobody")
    www = weir.pool()
    weir.start()
    weir.wait_log("WARNING: failed to notify systemd: No such file")
    assert www.run("echo 'ok';").text == "ok"


def test_an_address_that_is_none(weir):
    weir.env["NOTIFY_SOCKET"] = "vsock:2:1234"
    weir.pool()
    weir.start()
    weir.wait_log("WARNING: NOTIFY_SOCKET = 'vsock:2:1234' cannot be used")


def test_without_a_manager_nothing_is_said(weir):
    weir.pool()
    weir.start()
    assert not weir.log_lines("systemd")
