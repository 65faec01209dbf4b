"""mpm = event: connections belong to the pool process. Idle ones, silent ones and half requests hold no child, none is
lost, and whoever is too many goes in order."""
import signal

import pytest

from weirtest import event, fcgi, free_port, proc, until
from weirtest.event import at, gate, go, held, parked, started


def kept(pool, count):
    out = []
    for _ in range(count):
        out.append(pool.open("/pid.php", keep=True))
        assert out[-1].reply().ended
    return out


def test_kept_connections_hold_no_child(weir):
    www = started(weir)
    conns = kept(www, 50)
    parked(www, 50)
    assert www.get("/pid.php").text == str(www.children()[0])
    for c in conns:
        c.send(www.request("/pid.php", keep=True))
    assert {c.reply().text for c in conns} == {str(www.children()[0])}
    parked(www, 50)


def test_silent_connections_and_half_heads_hold_no_child(weir):
    www = started(weir)
    data = www.request("/pid.php")
    silent = [www.connect() for _ in range(50)]
    half = [www.connect().send(data[:60]) for _ in range(50)]
    assert www.get("/pid.php").status == 200
    for c in silent:
        c.send(data)
    for c in half:
        c.send(data[60:])
    assert {c.reply().status for c in silent + half} == {200}


def test_when_full_the_longest_parked_goes(weir):
    www = started(weir, lines="event.max_connections = 10")
    conns = kept(www, 10)
    conns[0].send(www.request("/pid.php", keep=True))
    assert conns[0].reply().ended               # now the second has been silent for longest
    assert www.get("/pid.php").status == 200
    assert conns[1].at_end() == "eof"
    assert www.get("/pid.php").status == 200    # the place that the first new one left
    for c in conns[:1] + conns[2:]:
        c.send(www.request("/pid.php", keep=True))
        assert c.reply().status == 200


@pytest.mark.parametrize("keep", [False, True])
def test_when_full_of_requests_the_next_waits_for_a_place(weir, keep):
    """A connection makes it that ends, and one whose request ends."""
    www = started(weir, 2, "event.max_connections = 2")
    first = []
    for n in range(2):
        first.append(gate(www, n, keep=keep))
        at(www, n)
    late = www.open("/pid.php")
    assert late.silent()
    go(www, 0)
    assert first[0].reply().text == "0"
    assert late.reply().status == 200
    go(www, 1)
    assert first[1].reply().text == "1"
    assert first[0].at_end() == "eof"


def test_the_pool_process_may_have_as_many_descriptors(weir):
    started(weir, lines="event.max_connections = 9000")
    soft, hard = proc.limit(weir.one("pool"), "Max open files")
    assert int(soft) >= 9000


def test_thousand_connections_more_than_select_could_bear(weir):
    www = started(weir, lines="event.max_connections = 1500")
    conns = [www.connect() for _ in range(1200)]
    until(lambda: len(event.inodes(weir.one("pool"))) >= 1200, "it has accepted all")
    conns[-1].send(www.request("/pid.php"))
    assert conns[-1].reply().status == 200 and www.get("/pid.php").status == 200


def test_the_time_of_requests_touches_no_parked_and_no_reading_connection(weir):
    www = started(weir, lines="request_terminate_timeout = 1s")
    www.write("late.php", "usleep(1300000); echo 'never';")
    idle = kept(www, 1)[0]
    data = www.request("/echo.php", b"x" * 1000, **event.PUT)
    slow = www.connect().send(data[:-500])
    assert www.get("/late.php").status == 504   # over a second has passed for certain
    slow.send(data[-500:])
    assert slow.reply().text.startswith("1000 ")
    idle.send(www.request("/pid.php", keep=True))
    assert idle.reply().status == 200


def test_keepalive_timeout_ends_idle_ones_and_none_with_a_request(weir):
    www = started(weir, lines="keepalive_timeout = 1s")
    conns = kept(www, 4)
    conns[0].send(www.request("/gate.php?n=0", keep=True))
    at(www, 0)
    conns[1].send(www.request("/pid.php", keep=True))           # queued
    for c in conns[2:]:
        assert c.at_end() == "eof"
    go(www, 0)
    assert conns[0].reply().text == "0" and conns[1].reply().status == 200
    assert conns[0].at_end() == conns[1].at_end() == "eof"


def listening(path):
    """Inodes of the listening sockets of this path."""
    with open("/proc/net/unix") as f:
        lines = [x.split() for x in f]
    return {x[6] for x in lines if x[-1] == path and int(x[3], 16) & 0x10000}


def test_no_listening_socket_but_in_master_and_pool_process(weir):
    www = started(weir, 2)
    sockets = listening(www.socket)
    assert len(sockets) == 1
    for pid in [weir.one("zygote")] + www.children():
        assert not event.inodes(pid) & sockets, proc.cmdline(pid)
    assert event.inodes(weir.one("pool")) & sockets and event.inodes(weir.master) & sockets


def test_a_child_has_no_connection_of_a_client(weir):
    www = started(weir, 2)
    before = {p: event.inodes(p) for p in www.children()}
    conns = kept(www, 5) + held(www, 1)
    for pid, had in before.items():
        assert event.inodes(pid) <= had
    go(www, 0)
    assert conns[-1].reply().ended


def test_a_client_that_is_not_allowed_is_named_and_dropped(weir):
    www = event.event_pool(weir, lines="listen = 127.0.0.1:%d\n listen.allowed_clients = 127.0.0.7" % free_port())
    weir.start()
    c = www.open("/pid.php")
    assert c.at_end() in ("eof", "reset")
    assert weir.wait_log("'127.0.0.1' has been dropped")


@pytest.mark.parametrize("bad", [b"\0" * 64, fcgi.begin() + fcgi.record(fcgi.PARAMS, 1, b"\xff\xff\xff\xff\xff\xff") +
                                 fcgi.record(fcgi.PARAMS, 1)])
def test_garbage_ends_only_its_connection(weir, bad):
    www = started(weir)
    good, evil = kept(www, 2)
    evil.send(bad)
    evil.reply()
    assert evil.at_end() in ("eof", "reset")
    good.send(www.request("/pid.php", keep=True))
    assert good.reply().status == 200


def test_pools_of_every_model_under_one_master(weir):
    """Each serves, and the death of a child or a reload of all harms none of the others."""
    def echo(name, mpm, lines=""):
        return weir.pool("sapi = echo\n security.limit_extensions =\n mpm = %s\n%s" % (mpm, lines), name=name)
    php = {n: weir.pool("mpm = " + m, name=n) for n, m in (("pre", "prefork"), ("eve", "event"))}
    for p in php.values():
        p.write("pid.php", "echo getmypid();")
    others = [echo("work", "worker", "mpm.threads_per_child = 3"),
              echo("evth", "event", "mpm.threads_per_child = 3"), echo("ev1", "event")]
    weir.start()

    def all_serve():
        for p in list(php.values()) + others:
            c = p.connect()
            for _ in range(3):
                c.send(p.request("/pid.php", keep=True, ECHO_DO="pid"))
                assert int(c.reply().text) in p.children(), p.name
            c.close()
    all_serve()
    for p in list(php.values()) + others:
        weir.kill(p.children()[0])
    until(lambda: all(len(p.children()) == 2 for p in list(php.values()) + others), "all children again")
    all_serve()
    weir.send_signal(signal.SIGUSR2)
    weir.wait_log("ready to handle connections", 2)
    until(weir.whole, "all children")
    all_serve()
