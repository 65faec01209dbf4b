"""mpm = event: many requests at once on one connection, by a raw client and by HAProxy."""
import hashlib
import os
import random

import pytest

from weirtest import event, fcgi, until
from weirtest.event import at, figures, go, queued, started
from weirtest import MultiplexingHAProxy

MIB = 1 << 20


def test_three_requests_of_one_connection_run_at_the_same_time(weir):
    www = started(weir, 3)
    c = www.connect()
    ids = (1, 300, 65535)
    for id in ids:
        c.send(www.request("/gate.php?n=%d" % id, id=id, keep=True))
    assert len({at(www, id) for id in ids}) == 3
    for id in reversed(ids):
        go(www, id)
        reply = c.reply(id)
        assert (reply.text, reply.app_status, reply.protocol_status) == (str(id), 0, fcgi.COMPLETE)
    c.send(www.request("/pid.php", id=2))
    assert c.reply(2).status == 200 and c.at_end() == "eof"


def test_more_requests_than_children_wait_in_the_queue(weir):
    www = started(weir, 2)
    c = www.connect()
    for id in range(1, 11):
        c.send(www.request("/gate.php?n=%d" % id, id=id, keep=True))
    queued(www, 8)
    go(www, *range(1, 11))
    assert [c.reply(id).text for id in range(1, 11)] == [str(id) for id in range(1, 11)]


def split(data, id):
    """A request as records of a few bytes."""
    p = fcgi.pairs(data)
    pieces = [fcgi.record(fcgi.PARAMS, id, p[i:i + 7], padding=i % 5) for i in range(0, len(p), 7)]
    return pieces + [fcgi.record(fcgi.PARAMS, id)]


@pytest.mark.parametrize("seed", range(3))
def test_records_of_many_requests_in_any_order(weir, seed):
    www = started(weir, 2)
    order = random.Random(seed)
    streams, bodies = [], {}
    for id in order.sample(range(1, 65536), 20):
        body = order.randbytes(order.randrange(3000))
        bodies[id] = body
        records = [fcgi.begin(id, keep=True)] + split(www.params("/echo.php", body, **event.PUT), id)
        records += [fcgi.stdin(body[i:i + 100], id, end=False) for i in range(0, len(body), 100)]
        records += [fcgi.record(fcgi.STDIN, id)]
        streams.append(records)
    out = []
    while streams:
        stream = order.choice(streams)
        out.append(stream.pop(0))
        if not stream:
            streams.remove(stream)
    c = www.connect().send(*out)
    for id, body in bodies.items():
        assert c.reply(id).text == "%d %s PUT" % (len(body), hashlib.md5(body).hexdigest())


def test_one_ends_the_connection_only_when_all_are_answered(weir):
    """Without FCGI_KEEP_CONN the web server's side closes too: but not before the others have theirs."""
    www = started(weir, 3)
    c = www.connect()
    c.send(www.request("/gate.php?n=1", id=1, keep=True), www.request("/pid.php", id=2, keep=False))
    assert c.reply(2).status == 200
    go(www, 1)
    assert c.reply(1).text == "1" and c.at_end() == "eof"


def test_a_crash_ends_only_its_request(weir):
    www = started(weir, 3)
    www.write("crash.php", "posix_kill(getmypid(), 9);")
    c = www.connect()
    c.send(www.request("/gate.php?n=1", id=1, keep=True), www.request("/crash.php", b"x", id=2, keep=True))
    assert event.refused(c.reply(2)) == (502, "child_died", True)
    go(www, 1)
    assert c.reply(1).text == "1"
    c.send(www.request("/pid.php", id=2))
    assert c.reply(2).status == 200


def test_get_values_says_what_holds(weir):
    www = started(weir, 3, "queue.max = 17\n event.max_connections = 99")
    c = www.connect().send(www.request("/gate.php?n=1", id=1, keep=True))
    at(www, 1)
    c.send(fcgi.get_values("FCGI_MAX_CONNS", "FCGI_MAX_REQS", "FCGI_MPXS_CONNS", "X"))
    assert c.record().pairs() == {"FCGI_MAX_CONNS": "99", "FCGI_MAX_REQS": "20", "FCGI_MPXS_CONNS": "1"}
    go(www, 1)
    assert c.reply(1).text == "1"


def test_an_unknown_role_is_told_beside_others(weir):
    www = started(weir, 2)
    c = www.connect().send(www.request("/gate.php?n=1", id=1, keep=True))
    at(www, 1)
    c.send(fcgi.begin(2, role=9, keep=True), fcgi.params({"A": "b"}, 2), fcgi.stdin(b"", 2))
    reply = c.reply(2)
    assert reply.protocol_status == fcgi.UNKNOWN_ROLE
    go(www, 1)
    assert c.reply(1).text == "1"


def test_a_short_reply_passes_long_ones(weir):
    """Eight long replies wait on the connection when a short one joins them: of none more than a MiB comes before it."""
    www = event.event_pool(weir, 9)
    www.write("large.php", "for ($i = 0; $i < 320; $i++) { echo str_repeat('x', 65536); }")
    www.write("short.php", "echo str_repeat('s', 1024);")
    weir.start()
    c = www.connect()
    for id in range(1, 9):
        c.send(www.request("/large.php", id=id, keep=True))
    until(lambda: figures(www)["idle processes"] == 9, "all have said all", 60)
    c.send(www.request("/short.php", id=9, keep=True))
    until(lambda: figures(www)["accepted conn"] >= 9 and figures(www)["idle processes"] == 9, "so has the short one")
    before = dict.fromkeys(range(1, 9), 0)
    total = dict.fromkeys(range(1, 9), 0)
    short = fcgi.Reply(9)
    ended = set()
    while len(ended) < 9:
        rec = c.record()
        if rec.type == fcgi.END:
            ended.add(rec.id)
        if rec.id == 9:
            short.add(rec)
        elif rec.type == fcgi.STDOUT:
            total[rec.id] += len(rec.content)
            before[rec.id] += 0 if short.ended else len(rec.content)
    assert len(short.body) == 1024
    assert max(before.values()) < MIB, before
    assert min(total.values()) >= 20 * MIB


# ---- HAProxy

@pytest.fixture
def haproxy():
    started_ = []

    def start(pool, **how):
        started_.append(MultiplexingHAProxy(pool, **how))
        return started_[-1]
    yield start
    for h in started_:
        h.stop()


def test_haproxy_sends_many_requests_over_one_connection(weir, haproxy):
    www = event.event_pool(weir, 8)
    www.write("meet.php", """
touch(__DIR__ . '/here-' . getmypid());
for ($i = 0; $i < 5000 && count(glob(__DIR__ . '/here-*')) < 8; $i++) { usleep(2000); }
echo $i < 5000 ? 'met' : 'alone';
""")
    weir.start()
    web = haproxy(www)
    answers = web.many("/meet.php", clients=8)
    assert [(getattr(a, "status", a), getattr(a, "text", "")) for a in answers] == [(200, "met")] * 8
    pool_sockets = len(event.inodes(weir.one("pool")))
    answers = web.many("/pid.php", clients=32, each=10)
    assert [a for a in answers if getattr(a, "status", 0) != 200] == [] and len(answers) == 320
    assert {int(a.text) for a in answers} <= set(www.children())
    assert len(event.inodes(weir.one("pool"))) <= pool_sockets + 4, "it opened a connection for each"


def test_haproxy_with_large_replies_on_one_connection(weir, haproxy):
    www = event.event_pool(weir, 4)
    www.write("large.php", "for ($i = 0; $i < 64; $i++) { echo str_repeat(chr(65 + $i % 26), 65536); }")
    weir.start()
    web = haproxy(www)
    large = b"".join(bytes([65 + i % 26]) * 65536 for i in range(64))
    assert web.at_once([lambda: web.get("/large.php").body == large, lambda: web.get("/pid.php").status == 200] * 8) == [True] * 16


def test_haproxy_with_bodies_beside_other_requests(weir, haproxy):
    """One at a time on a connection: up to HAProxy 2.9 a head that finds no room behind a body is its own error 500."""
    www = event.event_pool(weir, 4)
    www.write("large.php", "for ($i = 0; $i < 64; $i++) { echo str_repeat(chr(65 + $i % 26), 65536); }")
    weir.start()
    web = haproxy(www, reqs=1)
    data = bytes(range(256)) * 2048
    kind = {"Content-Type": "application/octet-stream"}
    large = b"".join(bytes([65 + i % 26]) * 65536 for i in range(64))
    work = [lambda: web.ask("PUT", "/echo.php", data, kind).text == "%d %s PUT" % (len(data), hashlib.md5(data).hexdigest()),
            lambda: web.get("/large.php").body == large, lambda: web.get("/pid.php").status == 200]
    assert web.at_once(work * 8) == [True] * 24


def test_haproxy_loses_nothing_when_children_die_and_are_replaced(weir, haproxy):
    www = event.event_pool(weir, 4, "pm.max_requests = 20")
    www.write("work.php", "usleep(1000); echo getmypid();")
    weir.start()
    web = haproxy(www)
    answers = web.many("/work.php", clients=16, each=25)
    assert [a for a in answers if getattr(a, "status", 0) != 200] == []
    assert len({a.text for a in answers}) >= 10
