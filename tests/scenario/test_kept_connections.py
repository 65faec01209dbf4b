"""Kept connections: none holds a child while it is idle, and none waits while a child is free."""
import os
import shutil

import pytest

from weirtest import HOLD, PID, Script, Weir, meet, proc, until

MODELS = True

PHP_FPM = shutil.which("php-fpm8.2") or "/usr/sbin/php-fpm8.2"


def kept(www, uri="/pid.php", count=1):
    """Connections opened one at a time, each kept after one request."""
    out = []
    for _ in range(count):
        out.append(www.open(uri, keep=True))
        assert out[-1].reply().ended
    return out


@pytest.fixture
def pids(www):
    www.write("pid.php", PID)
    return www


def test_idle_kept_connections_hold_no_child(pids):
    kept(pids, count=10)                        # the pool has two children
    assert int(pids.get("/pid.php").text) in pids.children()


def test_kept_connections_take_turns_on_one_child(weir):
    www = weir.pool("pm.max_children = 1")
    www.write("pid.php", PID)
    weir.start()
    conns = kept(www, count=5)
    for _ in range(3):
        for c in conns:
            c.send(www.request("/pid.php", keep=True))
            assert int(c.reply().text) in www.children()


def test_a_kept_connection_sends_while_its_last_child_is_busy(pids):
    pids.write("hold.php", HOLD)
    first = kept(pids, count=4)
    busy = first.pop().send(pids.request("/hold.php", keep=True))
    pids.busy(1)
    for c in first:
        c.send(pids.request("/pid.php", keep=True))
        assert c.reply().ended
    pids.release()
    assert busy.reply().ended


def test_eight_kept_connections_use_eight_children_at_once(weir):
    www = weir.pool("pm.max_children = 8")
    www.write("pid.php", PID)
    www.write("meet.php", meet(8))
    weir.start()
    conns = kept(www, count=8)
    for c in conns:
        c.send(www.request("/meet.php", keep=True))
    assert sorted(int(c.reply().text) for c in conns) == sorted(www.slots())


def test_requests_beyond_the_children_wait_and_are_served(pids):
    pids.write("hold.php", Script(HOLD + "echo 'held';", "hold print=held"))
    conns = kept(pids, count=6)
    for c in conns:
        c.send(pids.request("/hold.php", keep=True))
    pids.busy(2)
    assert conns[0].silent() or conns[1].silent()
    pids.release()
    assert [c.reply().text for c in conns] == ["held"] * 6


def test_new_and_kept_connections_are_served_beside_each_other(pids):
    conns = kept(pids, count=4)
    for _ in range(10):
        for c in conns:
            c.send(pids.request("/pid.php", keep=True))
        assert pids.get("/pid.php").status == 200
        assert all(c.reply().status == 200 for c in conns)


def test_a_kept_connection_outlives_the_child_that_served_it(weir):
    www = weir.pool("pm.max_children = 1\n pm.max_requests = 3")
    www.write("pid.php", PID)
    weir.start()
    c = www.connect()
    seen = []
    for _ in range(10):
        c.send(www.request("/pid.php", keep=True))
        reply = c.reply()
        assert reply.ended, "the request that met max_requests was lost"
        seen.append(reply.text)
    assert len(set(seen)) == 4 and max(seen.count(p) for p in seen) == 3


def test_a_parked_connection_that_the_client_closes_is_let_go(pids):
    def count():
        return sum(x.startswith("socket:") for p in pids.weir.tree() for x in proc.descriptors(p))
    pids.get("/pid.php")
    before = count()
    for c in kept(pids, count=20):
        c.close()
    until(lambda: count() <= before, "the sockets of closed connections are closed")
    assert pids.get("/pid.php").status == 200


def test_garbage_on_a_parked_connection_ends_only_that_one(pids):
    bad, good = kept(pids, count=2)
    bad.send(b"\0" * 64)
    assert bad.reply().stdout == b"" and bad.ended_by
    good.send(pids.request("/pid.php", keep=True))
    assert good.reply().ended


def test_half_a_request_on_a_parked_connection_then_the_rest(pids):
    c = kept(pids)[0]
    data = pids.request("/pid.php", keep=True)
    c.send_cut(data, 1, 8, 20)
    assert int(c.reply().text) in pids.children()


def test_a_kept_connection_survives_the_deadline_of_requests(weir):
    www = weir.pool("request_terminate_timeout = 1s\n pm.max_children = 1")
    www.write("pid.php", PID)
    www.write("sleep.php", Script("usleep(1300000); echo 'never';", "ms=1300 print=never"))
    weir.start()
    c = kept(www)[0]
    assert www.get("/sleep.php").status == 504          # over a second has passed for certain
    c.send(www.request("/pid.php", keep=True))
    assert int(c.reply().text) in www.children()


def test_idle_connections_are_closed_after_keepalive_timeout(weir):
    www = weir.pool("keepalive_timeout = 1s\n pm.max_children = 2")
    www.write("pid.php", PID)
    weir.start()
    for c in kept(www, count=6):                        # children hold some, the pool process the others
        assert c.at_end() == "eof"
    assert www.get("/pid.php").status == 200


def test_keepalive_timeout_closes_none_that_has_spoken(weir):
    www = weir.pool("keepalive_timeout = 1s\n pm.max_children = 2")
    www.write("pid.php", PID)
    www.write("hold.php", HOLD)
    weir.start()
    conns = kept(www, count=5)
    waits, half, idle = conns[:3], conns[3], conns[4]
    data = www.request("/pid.php", keep=True)
    half.send(data[:5])                                 # a child has it, and waits for the rest
    waits[0].send(www.request("/hold.php", keep=True))
    www.busy(1)
    for c in waits[1:]:
        c.send(data)                                    # nobody reads it yet
    assert idle.at_end() == "eof"
    half.send(data[5:])
    www.release()
    assert all(c.reply().ended for c in waits + [half])


NGINX_POOL = "pm.max_children = 4"


def test_nginx_with_fewer_children_than_clients_loses_nothing(weir, nginx):
    www = weir.pool(NGINX_POOL)
    www.write("pid.php", "usleep(2000); echo getmypid();")
    weir.start()
    web = nginx(www, keepalive=4)
    answers = web.many("/pid.php", clients=50, each=4)
    assert [a for a in answers if getattr(a, "status", 0) != 200] == []
    assert len(answers) == 200 and {int(a.text) for a in answers} <= set(www.children())
    assert "[error]" not in web.log()


@pytest.mark.skipif(not os.path.exists(PHP_FPM), reason="needs php-fpm beside it")
def test_php_fpm_leaves_such_requests_unanswered(nginx, request):
    fpm = Weir(PHP_FPM)
    try:
        www = fpm.pool(NGINX_POOL)
        www.write("pid.php", "usleep(2000); echo getmypid();")
        fpm.start()
        web = nginx(www, keepalive=4, extra="fastcgi_read_timeout 3s;")
        answers = web.many("/pid.php", clients=50, each=4)
        assert [a for a in answers if getattr(a, "status", 0) != 200]
        web.stop()
    finally:
        fpm.finish()


def test_nginx_keeps_connections_over_max_requests(weir, nginx):
    www = weir.pool("pm.max_requests = 5")
    www.write("pid.php", PID)
    weir.start()
    web = nginx(www, keepalive=4)
    answers = web.many("/pid.php", clients=8, each=25)
    assert [getattr(a, "status", a) for a in answers] == [200] * 200
    assert len({a.text for a in answers}) >= 30
