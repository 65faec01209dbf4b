"""The master's listening sockets and files: every kind of address, rights, and who holds them."""
import os
import pwd
import socket
import stat

import pytest

from weirtest import fcgi, free_port, proc
from weirtest.server import AS_ROOT, POOL_USER

needs_root = pytest.mark.skipif(not AS_ROOT, reason="needs root")


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def listener(path):
    """The listening socket of a path, as /proc/PID/fd shows it."""
    with open("/proc/net/unix") as f:
        rows = [line.split() for line in f]
    return "socket:[%s]" % [r[6] for r in rows if r[-1] == path and r[3] == "00010000"][0]


def test_nothing_is_open_to_others(www):
    assert mode(www.socket) == 0o660
    assert mode(www.weir.path("weir.log")) == 0o600
    assert mode(www.weir.path("run", "weir.pid")) == 0o644
    assert int(www.weir.file("run", "weir.pid")) == www.weir.master


def test_the_mode_is_taken_as_written(weir):
    www = weir.pool("listen.mode = 0600")
    weir.start()
    assert mode(www.socket) == 0o600


@needs_root
def test_owner_and_group_are_given(weir):
    www = weir.pool("listen.owner = %s\n listen.group = nogroup\n listen.mode = 0640" % POOL_USER)
    weir.start()
    st = os.stat(www.socket)
    assert (st.st_uid, st.st_gid) == (pwd.getpwnam(POOL_USER).pw_uid, pwd.getpwnam("nobody").pw_gid)
    assert mode(www.socket) == 0o640


@pytest.mark.parametrize("address", ["127.0.0.1:%d", "localhost:%d", "[::1]:%d", "@weirtest-%d"])
def test_kinds_of_addresses(weir, address):
    port = free_port(socket.AF_INET6 if "::" in address else socket.AF_INET)
    www = weir.pool("listen = " + address % port)
    www.write("ok.php", "echo 'ok';")
    weir.start()
    assert www.get("/ok.php").text == "ok"


def test_a_bare_port_is_every_address_of_both_families(weir):
    port = free_port()
    www = weir.pool("listen = %d\n listen.allowed_clients = 127.0.0.1,::1" % port)
    www.write("ok.php", "echo 'ok';")
    weir.start()
    for host in ("127.0.0.1", "[::1]"):
        with fcgi.Connection("%s:%d" % (host, port)) as c:
            assert c.send(www.request("/ok.php")).reply().text == "ok"


def test_a_socket_that_nobody_listens_on_is_replaced(weir):
    www = weir.pool()
    www.write("ok.php", "echo 'ok';")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(www.socket)
    weir.start()
    assert www.get("/ok.php").text == "ok"


@needs_root
def test_no_process_holds_another_pools_socket(weir):
    pools = [weir.pool(name="one"), weir.pool(name="two")]
    weir.start()
    for pool in pools:
        own = [p for kind in ("pool", "zygote", "child") for p in weir.pids(kind, pool.name)]
        sock = listener(pool.socket)
        holders = [p for p in weir.tree() if sock in proc.descriptors(p)]
        assert weir.master in holders and set(holders) <= set(own + [weir.master])


@needs_root
def test_only_the_master_keeps_roots_rights(www):
    weir = www.weir
    user = pwd.getpwnam(POOL_USER).pw_uid
    assert proc.uid(weir.master) == 0
    assert [proc.uid(p) for p in weir.pids("zygote", "www") + weir.pids("child", "www")] == [user] * 3
    of_pool = weir.one("pool")
    assert proc.uid(of_pool) not in (0, user)
    for p in weir.tree():
        assert p == weir.master or int(proc.status(p, "CapEff"), 16) == int(proc.status(p, "CapPrm"), 16) == 0
