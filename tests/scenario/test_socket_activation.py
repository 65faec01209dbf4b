"""LISTEN_FDS: the sockets that a service manager keeps, by address or by name; and --ready-fd."""
import fcntl
import os
import select
import shutil
import signal
import socket
import subprocess

import pytest

from weirtest import HOLD, PHP_EVENT, fcgi, until

pytestmark = pytest.mark.event

ACTIVATE = shutil.which("systemd-socket-activate")
FDS = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


class Activation:
    """The service manager: opens sockets, keeps them, and passes them from descriptor 3 on."""

    def __init__(self, weir, pid="$$"):
        self.weir, self.pid, self.sockets, self.names, self.files = weir, pid, [], [], []
        command = weir.command
        weir.command = lambda *args: ["bash", "-c", self.script(), "bash"] + command(*args)

    def script(self):
        """What becomes the server: its pid is known here first."""
        moved = " ".join("%d<&%d %d<&-" % (i + 3, fd, fd) for i, fd in enumerate(self.weir.pass_fds))
        return 'export LISTEN_PID=%s; exec "$@" %s' % (self.pid, moved)

    def add(self, s, name=None):
        self.sockets.append(s)
        self.names.append(name)
        self.weir.pass_fds += (fcntl.fcntl(s.fileno(), fcntl.F_DUPFD, 100),)
        self.weir.env["LISTEN_FDS"] = str(len(self.names))
        if any(self.names):
            self.weir.env["LISTEN_FDNAMES"] = ":".join(x or "unknown" for x in self.names)
        return s

    def listen(self, address, name=None, mode=0o600):
        s = socket.socket(socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX)
        if isinstance(address, tuple):
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(address)
        s.listen(64)
        if isinstance(address, str) and address[0] == "/":
            self.files.append(address)
            os.chmod(address, mode)
        return self.add(s, name)

    def accepting(self):
        return [s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) for s in self.sockets]

    def close(self):
        for fd in self.weir.pass_fds:
            os.close(fd)
        for s in self.sockets:
            s.close()
        for path in self.files:
            if os.path.lexists(path):
                os.unlink(path)


@pytest.fixture
def activation(weir):
    activation = Activation(weir)
    weir.exit_code = 0
    yield activation
    if weir.proc and weir.proc.poll() is None:
        assert weir.stop() == 0
    activation.close()


def identity(path):
    st = os.stat(path)
    return st.st_ino, st.st_mode, st.st_uid, st.st_gid


def test_sockets_are_found_by_their_addresses(weir, activation):
    www = weir.pool("listen.mode = 0666\nclear_env = no")
    activation.listen(www.socket, mode=0o640)
    port = activation.listen(("127.0.0.1", 0)).getsockname()[1]
    tcp = weir.pool("listen = 127.0.0.1:%d" % port, name="tcp")
    activation.listen("\0" + weir.folder)
    abstract = weir.pool("listen = @" + weir.folder, name="abstract")
    before = identity(www.socket)
    waiting = www.open(www.script("echo 'waited';"))
    weir.start()
    assert waiting.reply().text == "waited"
    weir.send_signal(signal.SIGUSR2)
    weir.wait_log("ready to handle connections", 2)
    for pool in (www, tcp, abstract):
        assert pool.run("echo 'ok';").text == "ok"
    assert identity(www.socket) == before              # rights are the manager's business
    assert weir.stop() == 0
    assert identity(www.socket) == before and activation.accepting() == [1, 1, 1]
    for address in (www.socket, ("127.0.0.1", port), "\0" + weir.folder) * 3:      # nor is it closed to others
        with socket.socket(socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX) as s:
            s.settimeout(20)
            s.connect(address)
    assert not weir.log_lines("ERROR")


def test_another_spelling_of_the_path(weir, activation):
    os.symlink(weir.path("run"), weir.path("also-run"))
    www = weir.pool("listen = " + weir.path("also-run", "www.sock"))
    activation.listen(weir.path("run", "www.sock"))
    before = identity(www.address)
    weir.start()
    assert www.run("echo 'ok';").text == "ok" and identity(www.address) == before


def test_a_port_alone(weir, activation):
    s = socket.socket(socket.AF_INET6)
    s.bind(("::", 0))
    s.listen(8)
    activation.add(s)
    four = activation.listen(("0.0.0.0", 0))
    both = weir.pool("listen = %d" % s.getsockname()[1], name="both")
    only = weir.pool("listen = %d" % four.getsockname()[1], name="only")
    weir.start()
    for pool, family in ((both, "[::1]"), (only, "127.0.0.1")):
        with fcgi.Connection("%s:%s" % (family, pool.address)) as c:
            assert c.send(pool.request(pool.script("echo 'ok';"))).reply().text == "ok"


def test_a_name_counts_where_no_address_does(weir, activation):
    www, other = weir.pool(), weir.pool(name="other")
    activation.listen(weir.path("elsewhere.sock"), "www", mode=0o666)
    activation.listen(other.socket, "www", mode=0o666)
    weir.start()
    weir.wait_log(r"NOTICE: \[pool www\] listen = %s: .* is served instead: %s$" % (www.socket, weir.path("elsewhere.sock")))
    assert not os.path.exists(www.socket)
    with fcgi.Connection(weir.path("elsewhere.sock")) as c:
        assert c.send(www.request(www.script("echo 'ok';"))).reply().text == "ok"
    assert other.run("echo 'ok';").text == "ok"
    weir.send_signal(signal.SIGUSR2)
    weir.wait_log("ready to handle connections", 2)
    assert not os.path.exists(www.socket)
    with fcgi.Connection(weir.path("elsewhere.sock")) as c:
        assert c.send(www.request(www.script("echo 'ok';"))).reply().text == "ok"


def test_unwanted_ones_are_closed(weir, activation):
    www = weir.pool()
    unwanted = weir.path("unwanted.sock")
    activation.listen(unwanted, "nobody")
    weir.start()
    weir.wait_log('NOTICE: inherited socket fd=3, "%s" is wanted by no pool: closed$' % unwanted)
    inode = "socket:[%d]" % os.fstat(activation.sockets[0].fileno()).st_ino
    fds = "/proc/%d/fd" % weir.master
    assert inode not in [os.readlink(os.path.join(fds, fd)) for fd in os.listdir(fds)]
    assert os.path.exists(unwanted) and www.run("echo 'ok';").text == "ok"


def test_a_pool_may_go_and_come_back(weir, activation):
    www, other = weir.pool(), weir.pool(name="other")
    activation.listen(www.socket, mode=0o666)
    before = identity(www.socket)
    weir.start()
    weir.pools.remove(www)
    weir.configure()
    weir.send_signal(signal.SIGUSR2)
    weir.wait_log("ready to handle connections", 2)
    until(lambda: not weir.pids("pool", "www"), "the pool goes")
    waiting = www.open(www.script("echo 'waited';"))
    weir.pools.append(www)
    weir.configure()
    weir.send_signal(signal.SIGUSR2)
    weir.wait_log("ready to handle connections", 3)
    assert waiting.reply().text == "waited" and other.run("echo 'ok';").text == "ok"
    assert identity(www.socket) == before


@pytest.mark.parametrize("pm", ["static", "ondemand"])
def test_a_restart_loses_nobody(weir, activation, pm):
    """Who comes during the end waits for the next server, which serves him."""
    www = weir.pool("pm = " + pm)
    activation.listen(www.socket)
    weir.start()
    held = www.open(www.script(HOLD + "echo 'whole';"))
    www.busy()
    kept = www.open(www.script("echo 'kept';"), keep=PHP_EVENT)
    assert kept.reply().text == "kept"
    weir.send_signal(signal.SIGTERM)
    if PHP_EVENT:                                       # until nobody accepts any more
        assert kept.at_end() == "eof"
    else:
        until(lambda: len(www.children()) == 1, "the idle child has gone")
    late = [www.open(www.script("echo 'late';")) for _ in range(8)]
    www.release()
    assert held.reply().text == "whole"
    assert weir.ended() == 0
    assert not select.select([c.sock for c in late], [], [], 0)[0]
    weir.start()
    for c in late:
        assert c.reply().text == "late"


def test_no_variable_reaches_a_child(weir, activation):
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(weir.path("notify"))
    www = weir.pool("clear_env = no")
    activation.listen(www.socket, "www")
    weir.env.update(NOTIFY_SOCKET=weir.path("notify"), WATCHDOG_USEC="60000000", WEIR_TEST="here")
    weir.start()
    names = FDS + ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "WEIR_TEST")
    code = "foreach (%s as $n) echo getenv($n) === false ? '-' : getenv($n), ' ';" % (list(names),)
    assert www.run(code).text.split() == ["-"] * 6 + ["here"]
    manager.close()


def test_sockets_for_another_process_are_left_alone(weir):
    activation = Activation(weir, pid="1")
    www = weir.pool()
    activation.listen(weir.path("other.sock"), "www")
    weir.start()
    weir.wait_log(r"WARNING: LISTEN_FDS is for process 1 \(LISTEN_PID\), not for %d" % weir.master)
    assert www.run("echo 'ok';").text == "ok"
    assert weir.stop() == 0
    activation.close()


def test_what_is_no_listening_stream_socket(weir, activation):
    www = weir.pool()
    activation.add(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), "datagram")
    activation.listen(www.socket)
    activation.weir.env["LISTEN_FDS"] = "40"            # more than there are: nothing of the server's own is touched
    weir.start()
    weir.wait_log(r"WARNING: LISTEN_FDS: fd=3 \(datagram\) is no listening stream socket: it is left alone")
    weir.wait_log(r"WARNING: LISTEN_FDS: fd=42 \(without a name\) is no listening")
    assert www.run("echo 'ok';").text == "ok"


@pytest.mark.parametrize("count", ["many", "-1", "", "3x", "99999999999"])
def test_a_count_that_is_none(weir, activation, count):
    www = weir.pool()
    activation.weir.env["LISTEN_FDS"] = count
    weir.start()
    weir.wait_log("WARNING: LISTEN_FDS = '%s' is no number of sockets" % count)
    assert www.run("echo 'ok';").text == "ok"


def test_in_the_background(weir, activation):
    """LISTEN_PID is the process that was started, not the one that goes on."""
    www = weir.pool()
    activation.listen(www.socket)
    before = identity(www.socket)
    done = subprocess.run(weir.command("-D") if weir.configure() else [], env=weir.environment(), cwd="/", timeout=60,
                          pass_fds=weir.pass_fds, stdin=subprocess.DEVNULL, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert www.run("echo 'ok';").text == "ok" and identity(www.socket) == before
    os.kill(int(weir.file("run", "weir.pid")), signal.SIGTERM)
    until(lambda: not weir.tree(), "it ends")
    assert identity(www.socket) == before


@pytest.mark.skipif(ACTIVATE is None, reason="no systemd-socket-activate")
def test_systemd_itself_lends_a_socket(weir):
    www = weir.pool()
    weir.configure()
    keep = [x for name in weir.environment() if name.endswith("SAN_OPTIONS") for x in ("-E", name)]
    command = [ACTIVATE, "-l", www.socket, "--fdname=www"] + keep + weir.command("-F")
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=weir.environment(), cwd="/") as p:
        try:
            until(lambda: os.path.exists(www.socket), "it listens")
            os.chmod(www.socket, 0o666)
            assert www.run("echo 'ok';").text == "ok"       # the first connection starts it
            weir.wait_log("using inherited socket fd=3")
        finally:
            p.terminate()
    assert p.returncode == 0 and os.path.exists(www.socket)
    os.unlink(www.socket)


# ---- s6

def ready_fd(weir, *args):
    ours, its = os.pipe()
    weir.pass_fds = (its,)
    weir.args += ["--ready-fd", str(its)]
    weir.start(*args)
    os.close(its)
    with open(ours, "rb") as f:
        return f.read()                                 # to its end: all others have closed it


def test_a_line_tells_that_it_is_ready(weir):
    www = weir.pool("clear_env = no")
    assert ready_fd(weir) == b"\n"
    weir.send_signal(signal.SIGUSR2)                    # the number is free by now, and stays untouched
    weir.wait_log("ready to handle connections", 2)
    assert www.run("echo 'ok';").text == "ok"
    assert not weir.log_lines("ready-fd")


def test_a_start_that_fails_tells_nothing(weir):
    ours, its = os.pipe()
    done = subprocess.run(weir.command("-F", "--ready-fd=%d" % its), env=weir.environment(), cwd="/", timeout=60,
                          pass_fds=(its,), stdin=subprocess.DEVNULL, capture_output=True)
    os.close(its)
    with open(ours, "rb") as f:
        assert f.read() == b"" and done.returncode == 78


@pytest.mark.parametrize("number", ["2", "-1", "x", "3x", "987654", "99999999999"])
def test_a_descriptor_that_is_none(weir, number):
    weir.pool()
    done = weir.run("-F", "--ready-fd=" + number)
    assert done.returncode == 64
    assert "option --ready-fd: '%s' is no open descriptor above 2\n" % number in done.stderr
