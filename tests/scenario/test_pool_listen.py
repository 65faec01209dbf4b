"""Where a pool listens, and who may connect."""
import grp
import os
import pwd
import socket
import stat

import pytest

from weirtest import fcgi, free_port
from weirtest.server import AS_ROOT

pytestmark = pytest.mark.event

root_only = pytest.mark.skipif(not AS_ROOT, reason="needs root")


def serves(weir, www):
    www.write("ok.php", "echo 'ok ', $_SERVER['REQUEST_METHOD'];")
    weir.start()
    return www.get("/ok.php").text == "ok GET"


def test_a_unix_socket_is_0660_by_default(weir):
    www = weir.pool()
    assert serves(weir, www)
    assert stat.S_IMODE(os.stat(www.socket).st_mode) == 0o660


def test_tcp_v4(weir):
    assert serves(weir, weir.pool("listen = 127.0.0.1:%d" % free_port()))


def test_tcp_v6(weir):
    assert serves(weir, weir.pool("listen = [::1]:%d" % free_port(socket.AF_INET6)))


def test_a_port_alone(weir):
    port = free_port()
    www = weir.pool("listen = %d\n listen.allowed_clients = 127.0.0.1" % port)
    www.write("ok.php", "echo 'ok';")
    weir.start()
    c = weir.own(fcgi.Connection("127.0.0.1:%d" % port)).send(www.request("/ok.php"))
    assert c.reply().text == "ok"


def test_a_name_in_place_of_an_address(weir):
    port = free_port()
    www = weir.pool("listen = localhost:%d" % port)
    www.write("ok.php", "echo 'ok';")
    weir.start()
    c = weir.own(fcgi.Connection("127.0.0.1:%d" % port)).send(www.request("/ok.php"))
    assert c.reply().text == "ok"


def test_an_abstract_socket(weir):
    assert serves(weir, weir.pool("listen = @weirtest-%d" % os.getpid()))


def test_pool_name_in_the_path(weir):
    www = weir.pool("listen = %s/$pool-x.sock" % weir.path("run"))
    www.write("ok.php", "echo 'ok';")
    weir.start()
    assert www.get("/ok.php").text == "ok"


@pytest.mark.parametrize("mode", ["0600", "0666", "0770", "660"])
def test_listen_mode(weir, mode):
    www = weir.pool("listen.mode = " + mode)
    assert serves(weir, www)
    assert stat.S_IMODE(os.stat(www.socket).st_mode) == int(mode, 8)


@root_only
def test_listen_owner_and_group(weir):
    www = weir.pool("listen.owner = www-data\n listen.group = daemon")
    assert serves(weir, www)
    st = os.stat(www.socket)
    assert pwd.getpwuid(st.st_uid).pw_name == "www-data" and grp.getgrgid(st.st_gid).gr_name == "daemon"


@root_only
def test_owner_by_number(weir):
    www = weir.pool("listen.owner = 4711\n listen.group = 4712")
    assert serves(weir, www)
    st = os.stat(www.socket)
    assert (st.st_uid, st.st_gid) == (4711, 4712)


def test_backlog(weir):
    www = weir.pool("listen.backlog = 3\n listen = 127.0.0.1:%d" % free_port())
    assert serves(weir, www)


def test_two_pools_of_their_own(weir):
    a, b = weir.pool(name="a"), weir.pool(name="b")
    weir.start()
    code = "echo basename(__FILE__), getmypid();"
    assert a.run(code).status == b.run(code).status == 200
    assert set(a.children()).isdisjoint(b.children())


def test_allowed_clients_let_in(weir):
    assert serves(weir, weir.pool("listen = 127.0.0.1:%d\n listen.allowed_clients = 192.0.2.1,127.0.0.1" % free_port()))


def test_others_are_refused(weir):
    www = weir.pool("listen = 127.0.0.1:%d\n listen.allowed_clients = 192.0.2.1" % free_port())
    www.write("ok.php", "echo 'ok';")
    weir.start()
    c = www.open("/ok.php")
    assert c.reply().stdout == b"" and c.ended_by
    line = weir.wait_log("denied").string
    assert "127.0.0.1" in line and "listen.allowed_clients" in line


def test_a_stale_socket_is_replaced(weir):
    www = weir.pool()
    s = socket.socket(socket.AF_UNIX)
    s.bind(www.socket)
    s.close()
    assert serves(weir, www)


def test_a_live_socket_is_not(weir):
    www = weir.pool()
    s = socket.socket(socket.AF_UNIX)
    s.bind(www.socket)
    s.listen()
    done = weir.run("-F")
    assert done.returncode != 0 and www.socket in done.stderr
    assert os.path.exists(www.socket)
    s.close()


def test_a_busy_port(weir):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        address = "127.0.0.1:%d" % s.getsockname()[1]
        weir.pool("listen = " + address)
        done = weir.run("-F")
    assert done.returncode != 0 and address in done.stderr


def test_a_socket_in_a_folder_that_is_not_there(weir):
    weir.pool("listen = %s" % weir.path("nowhere", "x.sock"))
    done = weir.run("-F")
    assert done.returncode != 0 and weir.path("nowhere") in done.stderr
