"""mpm = event: what waits for a child does so in the pool process: first in, first out, bounded in number and time; and
what becomes of those whose clients have gone."""
import signal

import pytest

from weirtest import fcgi, free_port, until
from weirtest.event import at, figures, gate, go, queued, ran, refused, started


def line_up(www, count, first=1, **more):
    """So many requests behind the one that runs, each in the queue before the next is sent."""
    conns = []
    for n in range(first, first + count):
        conns.append(gate(www, n, **more))
        queued(www, n)
    return conns


def order(www):
    return [int(n) for n in www.weir.file("www", "order").split()]


def test_first_in_first_out(weir):
    www = started(weir)
    conns = [gate(www, 0)]
    at(www, 0)
    conns += line_up(www, 8)
    go(www, *range(9))
    assert [c.reply().text for c in conns] == [str(n) for n in range(9)]
    assert order(www) == list(range(9))


def test_kept_and_new_connections_stand_in_one_queue(weir):
    www = started(weir)
    kept = [www.open("/pid.php", keep=True) for _ in range(3)]
    for c in kept:
        assert c.reply().ended
    conns = [gate(www, 0)]
    at(www, 0)
    for n in range(1, 7):
        if n % 2:
            conns.append(kept.pop().send(www.request("/gate.php?n=%d" % n, keep=True)))
        else:
            conns.append(gate(www, n))
        queued(www, n)
    go(www, *range(7))
    assert [c.reply().text for c in conns] == [str(n) for n in range(7)]
    assert order(www) == list(range(7))


def test_more_than_queue_max_is_refused_at_once(weir):
    www = started(weir, lines="queue.max = 2")
    conns = [gate(www, 0)]
    at(www, 0)
    conns += line_up(www, 2)
    for keep in (False, True):
        late = gate(www, 9, keep=keep)
        reply = late.reply()
        assert refused(reply) == (503, "queue_full", True)
        assert reply.header("Retry-After") == "1" and reply.protocol_status == fcgi.COMPLETE
        assert late.at_end() == "eof" if not keep else late.silent()
    late.send(www.request("/ping"))             # such a connection goes on
    assert late.reply().text == "pong"
    assert weir.wait_log(r'"GET /gate.php\?n=9", script \S+: queue_full: ')
    assert figures(www)["reason queue full"] == 2
    go(www, 0, 1, 2)
    assert [c.reply().text for c in conns] == ["0", "1", "2"]
    assert not ran(www, 9)


def test_queue_max_0_refuses_what_no_child_is_free_for(weir):
    www = started(weir, lines="queue.max = 0")
    assert www.get("/pid.php").status == 200
    busy = gate(www, 0)
    at(www, 0)
    assert refused(www.get("/pid.php")) == (503, "queue_full", True)
    head = www.get("/pid.php", REQUEST_METHOD="HEAD")
    assert head.status == 503 and head.body == b"" and head.ended
    go(www, 0)
    assert busy.reply().text == "0" and www.get("/pid.php").status == 200


def test_who_waits_too_long_is_refused(weir):
    www = started(weir, lines="queue.timeout = 1s\n queue.retry_after = 7s")
    busy = gate(www, 0)
    at(www, 0)
    late = line_up(www, 2, keep=True)
    for c in late:
        reply = c.reply()
        assert refused(reply) == (503, "queue_timeout", True) and reply.header("Retry-After") == "7"
    assert weir.wait_log(r'"GET /gate.php\?n=1", script \S+: queue_timeout: ')
    until(lambda: figures(www)["reason queue timeout"] == 2, "both are counted")
    go(www, 0, 5)
    assert busy.reply().text == "0"
    assert late[0].send(www.request("/gate.php?n=5")).reply().text == "5"
    assert not ran(www, 1) and not ran(www, 2)


def test_retry_after_may_be_left_out(weir):
    www = started(weir, lines="queue.max = 0\n queue.retry_after = 0")
    busy = gate(www, 0)
    at(www, 0)
    assert www.get("/pid.php").header("Retry-After") is None
    go(www, 0)
    assert busy.reply().ended


DROPPED = {"drop-safe": {"GET", "HEAD", "OPTIONS"}, "drop": {"GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"}, "run": set()}
ALL = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE"]


@pytest.mark.parametrize("tcp", [False, True])
@pytest.mark.parametrize("value", list(DROPPED))
def test_a_closed_client_in_the_queue(weir, value, tcp):
    listen = "listen = 127.0.0.1:%d\n" % free_port() if tcp else ""
    www = started(weir, lines=listen + "queue.abandoned = " + value)
    busy = gate(www, 0)
    at(www, 0)
    conns = line_up(www, len(ALL), REQUEST_METHOD="PATCH")
    for c in conns:
        c.close()
    queued(www, 0 if value == "drop" else len(ALL))
    left = 0 if value == "drop" else len(ALL)
    for n, method in enumerate(ALL):
        gate(www, 10 + n, REQUEST_METHOD=method).close()
        left += method not in DROPPED[value]
        queued(www, left)
    go(www, *range(20))
    assert busy.reply().text == "0"
    assert www.get("/pid.php").status == 200
    expected = list(range(1, len(ALL) + 1)) if value != "drop" else []
    expected += [10 + n for n, method in enumerate(ALL) if method not in DROPPED[value]]
    assert order(www) == [0] + expected
    assert bool(weir.log_lines("client_gone")) == (value != "run")


@pytest.mark.parametrize("value", list(DROPPED))
def test_an_abort_in_the_queue_is_answered(weir, value):
    www = started(weir, lines="queue.abandoned = " + value)
    busy = gate(www, 0)
    at(www, 0)
    get, post = gate(www, 1, keep=True), gate(www, 2, keep=True, REQUEST_METHOD="POST")
    queued(www, 2)
    for c, method in ((get, "GET"), (post, "POST")):
        c.send(fcgi.abort())
        if method in DROPPED[value]:
            reply = c.reply()
            assert reply.ended and reply.types == [fcgi.END]
            c.send(www.request("/ping", keep=True))
            assert c.reply().text == "pong"
    queued(www, 2 - len({"GET", "POST"} & DROPPED[value]))
    go(www, 0, 1, 2)
    assert busy.reply().text == "0"
    if value != "drop":
        assert post.reply().ended
    if value == "run":
        assert get.reply().ended
    assert www.get("/pid.php").status == 200
    assert order(www) == [0] + ([1] if value == "run" else []) + ([2] if value != "drop" else [])


def test_a_half_closed_unix_client_still_reads(weir):
    """shutdown(SHUT_WR) of a Unix socket is no sign of leaving."""
    www = started(weir)
    busy = gate(www, 0)
    at(www, 0)
    c = line_up(www, 1)[0].shut()
    go(www, 0, 1)
    assert c.reply().text == "1" and busy.reply().text == "0"


def test_what_waits_is_served_by_a_child_that_comes_late(weir):
    """No child is there: all have just died; the queue waits for the next."""
    www = started(weir, 2)
    for pid in www.children():
        weir.kill(pid, signal.SIGSTOP)
    stopped = www.children()
    conns = [www.open("/echo.php", b"%d" % n) for n in range(10)]
    queued(www, 8)
    for pid in stopped:
        weir.kill(pid)
    assert [c.reply().status for c in conns] == [200] * 10
    assert not set(stopped) & set(www.children())


def test_who_became_idle_last_is_taken_first(weir):
    """So that caches stay warm, and spare children stay spare."""
    www = started(weir, 4)
    busy = [gate(www, n) for n in range(4)]
    pids = [at(www, n) for n in range(4)]
    for n in (2, 0, 3, 1):
        go(www, n)
        assert busy[n].reply().ended
    assert {int(www.get("/pid.php").text) for _ in range(10)} == {pids[1]}
