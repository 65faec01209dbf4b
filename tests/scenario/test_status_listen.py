"""pm.status_listen: the pool process answers status and ping itself, whatever its children do."""
import json
import os
import signal

import pytest

from weirtest import HOLD, fcgi, free_port, never_within, proc, until

pytestmark = pytest.mark.event

STUCK = "touch(__DIR__ . '/held-' . getmypid()); while (true) { }"


@pytest.fixture
def pool(weir):
    p = weir.pool("ping.path = /ping\n pm.status_listen = %s" % weir.path("run", "status.sock"))
    p.write("stuck.php", STUCK)
    p.write("hold.php", HOLD)
    return p


def connect(pool):
    return pool.weir.own(fcgi.Connection(pool.last("pm.status_listen").replace("$pool", pool.name)))


def ask(pool, uri, **more):
    c = connect(pool).send(pool.request(uri, **more))
    reply = c.reply()
    assert c.at_end() == "eof"
    c.close()
    return reply


def status(pool, query="json&full"):
    return json.loads(ask(pool, "/?" + query).text)


def test_it_answers_while_every_child_is_stuck(pool):
    pool.weir.start()
    for _ in range(2):
        pool.open("/stuck.php")
    pool.busy(2)
    page = status(pool)
    assert (page["active processes"], page["idle processes"], page["max children"]) == (2, 0, 2)
    assert [r["state"] for r in page["processes"]] == ["Running", "Running"]
    assert all(r["request uri"] == "/stuck.php" for r in page["processes"])
    assert ask(pool, "/ping").text == "pong"
    pool.weir.send_signal(signal.SIGINT)
    assert pool.weir.ended() == 0


@pytest.mark.not_event("they wait in the pool process: test_event_queue.py")
@pytest.mark.parametrize("kind", ["path", "abstract", "tcp4", "tcp6"])
def test_it_tells_how_many_wait(pool, kind):
    port = free_port()
    where = {"path": pool.socket, "abstract": "@weir-queue-%d" % port, "tcp4": "127.0.0.1:%d" % port,
             "tcp6": "[::1]:%d" % port}[kind]
    pool.also("listen = %s\n listen.backlog = 100" % where)
    pool.weir.start()
    busy = [pool.open("/hold.php") for _ in range(2)]
    pool.busy(2)
    page = status(pool)
    assert (page["listen queue"], page["listen queue len"]) == (0, 100)
    waiting = [pool.open("/hold.php") for _ in range(7)]
    page = status(pool)
    assert (page["listen queue"], page["max listen queue"], page["active processes"]) == (7, 7, 2)
    pool.release()
    assert all(c.reply().status == 200 for c in busy + waiting)
    until(lambda: status(pool)["listen queue"] == 0, "nobody waits any more")
    assert status(pool)["max listen queue"] == 7


@pytest.mark.not_event("the pool process counts each that it queues")
def test_the_longest_queue_is_seen_without_anybody_asking(pool):
    pool.also("pm.status_path = /status")
    pool.weir.start()
    busy = [pool.open("/hold.php") for _ in range(6)]
    pool.busy(2)
    process = pool.weir.one("pool")
    before = wakes(process)
    until(lambda: wakes(process) >= before + 3, "the pool process has looked")
    pool.release()
    assert all(c.reply().status == 200 for c in busy)
    c = connect(pool).send(pool.request("/status?json"))
    assert 1 <= json.loads(c.reply().text)["max listen queue"] <= 4


def wakes(pid):
    return int(proc.status(pid, "voluntary_ctxt_switches"))


@pytest.mark.not_event("the status is no request of a child")
def test_only_status_and_ping(pool):
    pool.weir.start()
    for uri in ("/hold.php", "/", "/status", "/ping/", "/pin"):
        reply = ask(pool, uri)
        assert reply.status == (200 if uri == "/" else 404), uri
    assert pool.get("/").status == 404          # on the pool's own socket "/" is the application's
    assert pool.get("/ping").text == "pong"
    assert status(pool)["accepted conn"] == 2
    head = ask(pool, "/?xml", REQUEST_METHOD="HEAD")
    assert (head.status, head.body, head.header("Content-type")) == (200, b"", "text/xml;charset=UTF-8")
    assert ask(pool, "/ping", body=b"x" * 200000).text == "pong"


def test_one_connection_for_many_requests(pool):
    pool.weir.start()
    c = connect(pool)
    for id in range(1, 20):
        c.send(pool.request("/ping", id=id, keep=True))
        assert c.reply(id).text == "pong"
    c.send(fcgi.get_values("FCGI_MPXS_CONNS"))
    assert c.record().type == fcgi.GET_VALUES_RESULT
    c.send(fcgi.begin(7, keep=True), fcgi.abort(7))
    assert c.reply(7).ended
    c.send(fcgi.begin(3, role=fcgi.AUTHORIZER, keep=True))
    assert c.reply(3).protocol_status == fcgi.UNKNOWN_ROLE
    c.send_cut(pool.request("/ping", id=5, keep=True), 3, 8, 11, 17, 40)
    assert c.reply(5).text == "pong"
    c.send(pool.request("/ping"))
    assert c.reply().text == "pong" and c.at_end() == "eof"


def test_nonsense_closes_and_many_silent_ones_are_no_harm(pool):
    pool.weir.start()
    assert connect(pool).send(b"GET / HTTP/1.1\r\n\r\n" * 10).at_end() in ("eof", "reset")
    assert connect(pool).send(fcgi.begin(), fcgi.params(b"\xff" * 200)).at_end() in ("eof", "reset")
    silent = [connect(pool) for _ in range(100)]
    half = [connect(pool).send(pool.request("/ping")[:30]) for _ in range(100)]
    assert ask(pool, "/ping").text == "pong"
    assert silent[0].at_end() == "eof"
    assert half[-1].silent()
    assert len(proc.descriptors(pool.weir.one("pool"))) < 130


def test_who_does_not_read_blocks_nobody(pool):
    pool.weir.start()
    greedy = connect(pool)
    greedy.sock.setblocking(False)
    try:
        for _ in range(20000):
            greedy.sock.send(pool.request("/?json&full", keep=True))
    except BlockingIOError:
        pass
    else:
        raise AssertionError("all of it was taken")
    assert ask(pool, "/ping").text == "pong"


def test_allowed_clients(weir):
    port = free_port()
    p = weir.pool("pm.status_listen = 127.0.0.1:%d\n listen.allowed_clients = 127.0.0.2" % port)
    weir.start()
    assert connect(p).send(p.request("/")).at_end() in ("eof", "reset")
    weir.wait_log("IP address '127.0.0.1' has been dropped at pm.status_listen")
    p.also("listen.allowed_clients = 127.0.0.1")
    weir.configure()
    weir.send_signal(signal.SIGUSR2)
    weir.wait_log("ready to handle", 2)
    until(lambda: connect(p).send(p.request("/")).reply().status == 200, "the new list holds")


# ---- the socket

def test_its_rights_are_the_pools(pool):
    pool.also("listen.mode = 0600")
    pool.weir.start()
    socket = pool.last("pm.status_listen")
    assert os.stat(socket).st_mode & 0o777 == 0o600
    before = os.stat(socket).st_ino
    pool.also("listen.mode = 0640")
    pool.weir.configure()
    pool.weir.send_signal(signal.SIGUSR2)
    pool.weir.wait_log("ready to handle", 2)
    assert os.stat(socket).st_ino == before and os.stat(socket).st_mode & 0o777 == 0o640
    assert status(pool)["pool"] == "www"


def test_it_goes_and_comes_with_a_reload(pool):
    lines = list(pool.lines)
    pool.lines = [x for x in lines if "status_listen" not in x]
    pool.weir.start()
    socket = pool.weir.path("run", "status.sock")
    assert not os.path.exists(socket)
    for count, now in ((2, lines), (3, [x for x in lines if "status_listen" not in x])):
        pool.lines = now
        pool.weir.configure()
        pool.weir.send_signal(signal.SIGUSR2)
        pool.weir.wait_log("ready to handle", count)
        until(lambda: os.path.exists(socket) == (now is lines), "the socket is as configured")


def test_no_request_is_lost_over_reloads(pool):
    pool.weir.start()
    for count in range(2, 5):
        pool.weir.send_signal(signal.SIGUSR2)
        while len(pool.weir.log_lines("ready to handle")) < count:
            assert status(pool)["active processes"] <= 2


def test_an_address_that_is_taken(pool):
    other = pool.weir.pool("listen = %s" % pool.last("pm.status_listen"), name="other")
    assert other.socket
    result = pool.weir.run("-t")
    assert result.returncode == 78 and "already used in another pool" in result.stderr


def test_at_the_end_it_says_503(pool):
    pool.weir.start()
    busy = pool.open("/hold.php")
    pool.busy()
    pool.weir.send_signal(signal.SIGTERM)
    until(lambda: ask(pool, "/ping").status == 503, "ping says so")
    reply = ask(pool, "/?json")
    assert reply.status == 503 and "draining" in reply.text
    pool.release()
    assert busy.reply().status == 200
    assert pool.weir.ended() == 0 and not os.path.exists(pool.last("pm.status_listen"))


# ---- a pool at rest

@pytest.fixture
def rest(pool):
    pool.also("pm = ondemand\n pm.process_idle_timeout = 1s")
    pool.write("pid.php", "echo getmypid();")
    return pool


def at_rest(weir):
    until(lambda: weir.tree() == [weir.master], lambda: "the pool is at rest: " + weir.describe())


def test_a_pool_at_rest_answers_without_its_application(rest):
    weir = rest.weir.start()
    c = connect(rest).send(rest.request("/?json", keep=True))
    page = json.loads(c.reply().text)
    assert (page["total processes"], page["process manager"], page["accepted conn"]) == (0, "ondemand", 0)
    assert [len(weir.pids(kind, "www")) for kind in ("pool", "zygote", "child")] == [1, 0, 0]
    assert json.loads(c.send(rest.request("/?json", keep=True)).reply().text)["total processes"] == 0
    assert int(rest.get("/pid.php").text) in rest.children()
    assert json.loads(c.send(rest.request("/?json")).reply().text)["total processes"] == 1
    at_rest(weir)
    assert ask(rest, "/ping").text == "pong"
    at_rest(weir)
    assert rest.get("/pid.php").status == 200
    assert not weir.log_lines("WARNING|ERROR")


def test_a_rest_loses_no_figure(rest):
    weir = rest.weir.start()
    busy = rest.open("/hold.php")
    rest.busy()
    rest.get("/pid.php")
    before = status(rest)
    rest.release()
    busy.reply()
    busy.close()
    at_rest(weir)
    after = status(rest)
    assert (after["accepted conn"], after["served requests"], after["total processes"]) == (2, 2, 0)
    for name in ("start time", "max active processes"):
        assert after[name] == before[name], name
    at_rest(weir)
    rest.get("/pid.php")
    assert status(rest)["accepted conn"] == 3


def test_a_status_request_forks_no_child(rest):
    weir = rest.weir.start()
    assert rest.get("/pid.php").status == 200
    until(lambda: not rest.children(), "the idle child ends")
    c = connect(rest)
    until(lambda: json.loads(c.send(rest.request("/?json", keep=True)).reply().text)["total processes"] == 0,
          "the pool process has heard of it")
    never_within(rest.children, 0.2, "a child was forked")
    c.close()
    at_rest(weir)


def test_the_end_of_a_pool_that_was_woken_for_its_status(rest):
    weir = rest.weir.start()
    c = connect(rest).send(rest.request("/ping", keep=True))
    assert c.reply().text == "pong"
    assert weir.stop() == 0
    assert c.at_end() in ("eof", "reset")
    assert not os.path.exists(rest.last("pm.status_listen"))


def test_a_reload_while_it_is_awake_for_its_status(rest):
    weir = rest.weir.start()
    c = connect(rest).send(rest.request("/ping", keep=True))
    assert c.reply().text == "pong"
    weir.send_signal(signal.SIGUSR2)
    weir.wait_log("ready to handle", 2)
    c.close()
    assert rest.get("/pid.php").status == 200 and ask(rest, "/ping").text == "pong"
    at_rest(weir)


# ---- under fire; the long version stands in tests/soak

def test_every_figure_is_possible_while_children_are_killed(pool):
    weir = pool.weir.start()
    pool.write("hello.php", "echo 'hello';")
    for _ in range(30):
        until(pool.children, "a child")
        os.kill(pool.children()[0], signal.SIGKILL)
        load = [pool.open("/hello.php") for _ in range(3)]
        for _ in range(5):
            page = status(pool)
            assert page["active processes"] <= page["max active processes"] <= 2
            assert page["total processes"] == len(page["processes"]) <= 2
        for c in load:
            c.reply()
            c.close()
    assert weir.pids("pool", "www")
