"""FPM_SOCKETS: listening sockets of a php-fpm or supervisor before us, taken over and served."""
import os
import shutil
import signal
import socket

import pytest

from weirtest import Weir, find_module_dir, proc, until

pytestmark = pytest.mark.event

FPM = shutil.which("php-fpm8.2")


def listening(address):
    s = socket.socket(socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX)
    s.bind(address)
    s.listen(7)
    s.set_inheritable(True)
    return s


def start(weir, pairs, variables=1):
    """Start it with these sockets at the numbers that they have here."""
    for n in range(variables):
        name = "FPM_SOCKETS_%d" % n if n else "FPM_SOCKETS"
        weir.env[name] = ",".join("%s=%d" % (name, s.fileno()) for name, s in pairs[n::variables])
    weir.pass_fds = tuple(s.fileno() for _, s in pairs)
    weir.start()
    for _, s in pairs:
        s.close()


def test_they_are_served_and_unwanted_ones_closed(weir):
    www = weir.pool()
    path, unwanted = www.socket, weir.path("run", "unwanted.sock")
    sockets = [listening(path), listening(unwanted), listening(("127.0.0.1", 0))]
    tcp = weir.pool("listen = 127.0.0.1:%d" % sockets[2].getsockname()[1], name="tcp")
    inode = os.stat(path).st_ino
    waiting = www.open(www.script("echo 'waited';"))        # connected to the old server's queue
    start(weir, list(zip((path, unwanted, tcp.address), sockets)))
    assert waiting.reply().text == "waited"
    assert [p.run("echo 'ok';").text for p in (www, tcp)] == ["ok", "ok"]
    assert os.stat(path).st_ino == inode and os.stat(path).st_mode & 0o777 == 0o660
    assert not os.path.exists(unwanted)
    for name in (path, unwanted, tcp.address):
        assert len(weir.log_lines('NOTICE: using inherited socket fd=\\d+, "%s"' % name, of=weir.file("weir.log"))) == 1
    weir.send_signal(12)
    weir.wait_log("ready to handle connections", 2)
    assert [p.run("echo 'ok';").text for p in (www, tcp)] == ["ok", "ok"]
    weir.stop()
    assert not os.path.exists(path)


def test_the_variable_reaches_no_child(weir):
    www = weir.pool("clear_env = no")
    start(weir, [(www.socket, listening(www.socket))])
    assert www.run("echo json_encode(getenv('FPM_SOCKETS'));").text == "false"


def test_what_is_no_listening_socket_is_named(weir):
    www = weir.pool()
    weir.env["FPM_SOCKETS"] = "/x=1,nonsense,/y=77,/z=9x,=,"
    weir.start()
    for pair in ("/x=1", "nonsense", "/y=77", "/z=9x", "="):
        weir.wait_log("WARNING: FPM_SOCKETS: '%s' names no listening socket" % pair)
    assert www.run("echo 'ok';").text == "ok"


def test_a_second_variable_counts_too(weir):
    pools = [weir.pool(name=name) for name in "ab"]
    pairs = [(p.socket, listening(p.socket)) for p in pools]
    inodes = [os.stat(p.socket).st_ino for p in pools]
    start(weir, pairs, variables=2)
    assert [os.stat(p.socket).st_ino for p in pools] == inodes
    assert [p.run("echo 'ok';").text for p in pools] == ["ok", "ok"]


@pytest.mark.skipif(FPM is None or find_module_dir(), reason="needs php-fpm8.2, and plug-ins that weir finds by itself")
def test_a_running_php_fpm_becomes_weir():
    """Its command is another program by the time of its reload: no connection is lost, the pid stays."""
    server, weir = Weir(FPM), Weir()
    name = server.path("php-fpm-x")
    os.symlink(FPM, name)
    www = server.pool()
    server.command = lambda *args: [name, "-y", server.conf] + list(args)
    server.start()
    inode = os.stat(www.socket).st_ino
    assert www.run("echo 'ok';").text == "ok"
    os.unlink(name)
    os.symlink(weir.binary, name)
    server.send_signal(signal.SIGUSR2)
    server.wait_log('NOTICE: using inherited socket fd=\\d+, "%s"' % www.socket)
    server.wait_log("ready to handle connections", 2)
    assert os.path.samefile("/proc/%d/exe" % server.master, weir.binary)
    assert www.run("echo php_sapi_name();").text == "fpm-fcgi" and os.stat(www.socket).st_ino == inode
    assert proc.cmdline(server.master) == "php-fpm: master process (%s)" % server.conf
    until(lambda: server.file("run", "weir.pid") == str(server.master), "the pid file")
    server.finish()
    weir.finish()
