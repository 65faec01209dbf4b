"""mpm = event: a pool's life with connections that belong to its pool process: replaced children, reloads, the end,
scaling, and every SAPI."""
import os
import re
import signal
import threading

import pytest

from weirtest import event, fcgi, proc, until
from weirtest.event import at, figures, gate, go, held, parked, queued, refused, started

RELOAD, END = signal.SIGUSR2, signal.SIGTERM


class Load:
    """Clients that ask without a pause, each request on a connection of its own or all on one; until stop()."""

    def __init__(self, pool, uri, clients=4, keep=False):
        self.pool, self.uri, self.keep = pool, uri, keep
        self.seen, self.over = [], threading.Event()
        self.threads = [threading.Thread(target=self.client) for _ in range(clients)]
        for t in self.threads:
            t.start()

    def client(self):
        c = None
        while not self.over.is_set():
            try:
                c = c or self.pool.connect()
            except (FileNotFoundError, ConnectionRefusedError):
                return                          # the server has ended
            reply = c.send(self.pool.request(self.uri, keep=self.keep)).reply()
            self.seen.append(reply.status if reply.ended else repr(reply))
            if not self.keep or c.ended_by:
                c = None

    def more(self, count=20):
        had = len(self.seen)
        until(lambda: len(self.seen) >= had + count, "%d more are served" % count)

    def stop(self):
        self.over.set()
        for t in self.threads:
            t.join()
        return [x for x in self.seen if x != 200]


@pytest.fixture
def load():
    all_ = []

    def start(*args, **how):
        all_.append(Load(*args, **how))
        return all_[-1]
    yield start
    for x in all_:
        x.stop()


@pytest.mark.parametrize("keep", [False, True])
def test_max_requests_loses_nothing(weir, load, keep):
    www = started(weir, 2, "pm.max_requests = 3")
    work = load(www, "/pid.php", clients=6, keep=keep)
    work.more(300)
    assert work.stop() == []


def test_nginx_with_kept_connections_over_max_requests(weir, nginx):
    www = started(weir, 4, "pm.max_requests = 5")
    web = nginx(www, keepalive=8)
    answers = web.many("/pid.php", clients=16, each=25)
    assert [a for a in answers if getattr(a, "status", 0) != 200] == [] and len(answers) == 400
    assert len({a.text for a in answers}) >= 40
    assert "[error]" not in web.log()


def test_nginx_with_more_clients_than_children(weir, nginx):
    www = event.event_pool(weir, 2)
    www.write("work.php", "usleep(2000); echo getmypid();")
    weir.start()
    web = nginx(www, keepalive=50)
    answers = web.many("/work.php", clients=50, each=4)
    assert [a for a in answers if getattr(a, "status", 0) != 200] == []
    assert figures(www)["parked connections"] > 2               # more than there are children
    assert {int(a.text) for a in answers} <= set(www.children())


def test_reload_under_load_loses_nothing_on_new_connections(weir, load):
    www = started(weir, 3)
    www.write("work.php", "usleep(1000); echo getmypid();")
    work = load(www, "/work.php", clients=8)
    for n in range(3):
        work.more()
        weir.send_signal(RELOAD)
        weir.wait_log("ready to handle connections", n + 2)
    work.more()
    assert work.stop() == []


def test_reload_finishes_what_runs_and_what_waits(weir):
    www = started(weir)
    conns = [gate(www, 0, keep=True)]
    at(www, 0)
    for n in (1, 2):
        conns.append(gate(www, n, keep=True))
        queued(www, n)
    old = www.children()
    pool = weir.one("pool")
    weir.send_signal(RELOAD)
    weir.wait_log("ready to handle connections", 2)
    assert int(www.get("/pid.php").text) not in old             # the new ones serve who comes now
    go(www, 0, 1, 2)
    assert [c.reply().text for c in conns] == ["0", "1", "2"]
    assert [c.at_end() for c in conns] == ["eof"] * 3           # each answer closed its connection
    weir.gone(pool, *old)


def test_reload_takes_a_request_that_is_being_sent(weir):
    www = started(weir)
    data = www.request("/echo.php", b"x" * 1000, **event.PUT)
    half_head, half_body = www.connect().send(data[:50]), www.connect().send(data[:-300])
    silent = www.connect()
    until(lambda: half_head.taken() and half_body.taken(), "what was sent is read")
    pool = weir.one("pool")
    weir.send_signal(RELOAD)
    weir.wait_log("ready to handle connections", 2)
    half_head.send(data[50:])
    half_body.send(data[-300:])
    assert half_head.reply().text.startswith("1000 ") and half_body.reply().text.startswith("1000 ")
    silent.close()
    weir.gone(pool)


def test_reload_closes_parked_connections_and_none_with_a_request(weir):
    www = started(weir)
    conns = [www.open("/pid.php", keep=True) for _ in range(5)]
    assert {c.reply().status for c in conns} == {200}
    parked(www, 5)
    weir.send_signal(RELOAD)
    assert [c.at_end() for c in conns] == ["eof"] * 5
    weir.wait_log("ready to handle connections", 2)
    assert www.get("/pid.php").status == 200


@pytest.mark.parametrize("killed", [False, True])
def test_a_slow_reader_and_a_slow_sender_outlive_a_reload(weir, killed):
    """Even without any child, while none is needed."""
    www = event.event_pool(weir)
    www.write("large.php", "for ($i = 0; $i < 160; $i++) { echo str_repeat('x', 65536); }")
    weir.start()
    slow = www.open("/large.php", keep=True)
    data = www.request("/echo.php", b"x" * 1000, **event.PUT)
    sender = www.connect().send(data[:-300])
    old = int(www.get("/pid.php").text)
    pool = weir.one("pool")
    weir.send_signal(RELOAD)
    weir.wait_log("ready to handle connections", 2)
    if killed:
        weir.kill(old)
        weir.wait_log("child %d exited on signal 9" % old)
    assert int(www.get("/pid.php").text) != old
    reply = slow.reply()
    assert reply.ended and len(reply.body) == 160 * 65536 and slow.at_end() == "eof"
    assert sender.send(data[-300:]).reply().text.startswith("1000 ")
    weir.gone(pool)


def test_a_request_behind_a_slow_answer_is_served_after_a_reload(weir):
    """The old children have gone, and their connection has not: one more child is born for it."""
    www = started(weir)
    www.write("large.php", "for ($i = 0; $i < 160; $i++) { echo str_repeat('x', 65536); }")
    c = www.connect().send(www.request("/large.php", id=1, keep=True))
    assert www.get("/pid.php").status == 200
    child, = www.children()
    weir.send_signal(RELOAD)
    until(lambda: not proc.alive(child), "the old child has gone")
    c.send(www.request("/pid.php", id=2, keep=True))
    assert c.reply(2).status == 200
    assert len(c.reply(1).body) == 160 * 65536 and c.at_end() == "eof"


def test_a_reload_that_cannot_load_harms_nobody(weir, load):
    www = started(weir, 2)
    work = load(www, "/pid.php")
    work.more()
    with open(weir.path("preload.php"), "w") as f:
        f.write("<?php no_such_function();")
    www.also("php_admin_value[opcache.preload] = " + weir.path("preload.php"))
    weir.configure()
    weir.send_signal(RELOAD)
    weir.wait_log("the application cannot be loaded")
    work.more(50)
    assert work.stop() == []


def test_the_end_under_load_answers_all_it_has_taken(weir, load):
    www = started(weir, 2)
    www.write("work.php", "usleep(1000); echo getmypid();")
    work = load(www, "/work.php", clients=8)
    work.more()
    weir.send_signal(END)
    assert weir.ended() == 0
    assert work.stop() == []


def test_the_end_finishes_what_runs_and_waits(weir):
    www = started(weir)
    conns = [gate(www, 0, keep=True)]
    at(www, 0)
    conns.append(gate(www, 1, keep=True))
    queued(www, 1)
    idle = www.open("/ping", keep=True)
    assert idle.reply().text == "pong"
    weir.send_signal(END)
    go(www, 0, 1)
    assert [c.reply().text for c in conns] == ["0", "1"]
    assert [c.at_end() for c in conns + [idle]] == ["eof"] * 3
    assert weir.ended() == 0


def test_when_the_time_is_over_everybody_is_told(weir):
    """Who runs, who waits, who still sends its body, and who its head."""
    weir.global_("process_control_timeout = 2s")
    www = started(weir)
    runs = gate(www, 0)
    at(www, 0)
    waits = gate(www, 1)
    queued(www, 1)
    data = www.request("/echo.php", b"x" * 1000, **event.PUT)
    body, head = www.connect().send(data[:-300]), www.connect().send(data[:50])
    until(lambda: body.taken() and head.taken(), "what was sent is read")
    weir.send_signal(END)
    assert [refused(c.reply()) for c in (runs, waits, body, head)] == [(503, "draining", True)] * 4
    assert weir.ended() == 0


# ---- scaling

def test_ondemand_from_none_to_none_while_connections_stay(weir):
    www = started(weir, 3, "pm = ondemand\n pm.process_idle_timeout = 1s")
    assert www.children() == []
    conns = [gate(www, n, keep=True) for n in range(3)]
    assert len({at(www, n) for n in range(3)}) == 3
    go(www, 0, 1, 2, 3)
    assert [c.reply().text for c in conns] == ["0", "1", "2"]
    until(lambda: www.children() == [], "all have gone")
    conns[0].send(www.request("/gate.php?n=3", keep=True))
    assert conns[0].reply().text == "3"
    for c in conns:
        c.close()
    until(lambda: weir.pids("pool", "www") == [], "the pool is at rest")
    assert www.get("/pid.php").status == 200


def test_ondemand_rests_once_keepalive_timeout_has_ended_the_last_connection(weir):
    www = started(weir, 1, "pm = ondemand\n pm.process_idle_timeout = 1s\n keepalive_timeout = 4s")
    c = www.connect().send(www.request("/pid.php", keep=True))
    assert c.reply().status == 200
    assert c.at_end() == "eof"
    until(lambda: not weir.pids("pool", "www"), "the pool rests")


def test_ondemand_loses_nothing_at_the_edge_of_its_rest(weir):
    """It rests after each request that ended its child."""
    www = started(weir, 3, "pm = ondemand\n pm.max_requests = 1\n pm.process_idle_timeout = 1s")
    for _ in range(60):
        assert www.get("/pid.php").status == 200


def test_dynamic_grows_with_the_queue_and_shrinks(weir):
    www = started(weir, 5, "pm = dynamic\n pm.start_servers = 1\n pm.min_spare_servers = 1\n pm.max_spare_servers = 2")
    conns = held(www, 5)
    assert len(www.children()) == 5
    go(www, *range(5))
    assert [c.reply().text for c in conns] == [str(n) for n in range(5)]
    until(lambda: len(www.children()) <= 2, "spare ones go")
    assert www.get("/pid.php").status == 200


def test_idle_connections_bring_no_children(weir):
    www = started(weir, 5, "pm = dynamic\n pm.start_servers = 1\n pm.min_spare_servers = 1\n pm.max_spare_servers = 2")
    conns = [www.connect() for _ in range(50)]
    data = www.request("/pid.php", keep=True)
    for c in conns:
        c.send(data[:100])
    until(lambda: all(c.taken() for c in conns), "they are read")
    assert len(www.children()) <= 2 and figures(www)["total processes"] <= 2
    for c in conns:
        c.send(data[100:])
    assert {c.reply().status for c in conns} == {200}


# ---- other SAPIs

def test_wsgi_with_threads(weir, nginx):
    path = weir.path("app.py")
    with open(path, "w") as f:
        f.write("import threading\nmeet = threading.Barrier(4)\n"
                "def application(environ, start_response):\n"
                "    if environ['QUERY_STRING']:\n        meet.wait(20)\n"
                "    body = environ['wsgi.input'].read()\n"
                "    start_response('200 OK', [('Content-Type', 'text/plain')])\n"
                "    return [b'%d %d' % (len(body), threading.get_native_id())]\n")
    www = weir.pool("sapi = wsgi\n wsgi.application = %s:application\n mpm = event\n mpm.threads_per_child = 4\n"
                    "pm.max_children = 1" % path)
    weir.start()
    conns = [www.open("/?meet", b"x" * n, SCRIPT_NAME="/") for n in (0, 10, 1000, 200000)]
    seen = [c.reply().text.split() for c in conns]
    assert [int(n) for n, _ in seen] == [0, 10, 1000, 200000] and len({t for _, t in seen}) == 4
    kept = [www.open("/", keep=True, SCRIPT_NAME="/") for _ in range(20)]
    assert {c.reply().status for c in kept} == {200}


@pytest.mark.threads
def test_the_threads_of_a_child_serve_at_once_and_idle_ones_first(weir):
    www = weir.pool("sapi = echo\n security.limit_extensions =\n mpm = event\n mpm.threads_per_child = 4\n"
                    "pm.max_children = 2")
    weir.start()
    c = www.connect()
    for id in range(1, 9):
        c.send(www.request("/x", id=id, keep=True, ECHO_DO="meet=8 pid", ECHO_FOLDER=www.root))
    seen = [c.reply(id).text for id in range(1, 9)]
    assert {int(pid) for pid in seen} == set(www.children()) and len(seen) == 8


def test_a_role_that_the_application_does_not_serve(weir):
    www = started(weir)
    c = www.connect().send(fcgi.begin(3, role=fcgi.FILTER, keep=True), fcgi.params({"A": "b"}, 3), fcgi.stdin(b"", 3),
                           fcgi.record(fcgi.DATA, 3))
    assert c.reply(3).protocol_status == fcgi.UNKNOWN_ROLE
    c.send(www.request("/pid.php", id=4))
    assert c.reply(4).status == 200


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to read the pool process' descriptors")
def test_descriptors_return_to_their_number(weir, load):
    www = started(weir, 2, "pm.max_requests = 7")
    www.get("/pid.php")
    pool = weir.one("pool")

    def count():
        return len([d for d in os.listdir("/proc/%d/fd" % pool) if re.match(r"\d+", d)])
    before = count()
    work = load(www, "/pid.php", clients=6)
    work.more(300)
    assert work.stop() == []
    until(lambda: count() <= before, lambda: "%d descriptors as before; there are %d" % (before, count()))
