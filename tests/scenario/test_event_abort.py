"""mpm = event: clients that go, or abort, while their request runs: request.on_abort says what becomes of it."""
import os

import pytest

from weirtest import event, fcgi, free_port, never_within, until
from weirtest.event import at, gate, go, held, queued, ran

NOTE = """
function note($what) { file_put_contents(__DIR__ . '/note', $what . ' ' . connection_status() . "\\n", FILE_APPEND); }
register_shutdown_function('note', 'end');
while (ob_get_level()) { ob_end_clean(); }
note('begin');
"""
WAIT = """while (!file_exists(__DIR__ . '/go-x')) {
    usleep(1000); clearstatcache();
    if (connection_status()) { touch(__DIR__ . '/told'); }
}"""
# What the script does, and what it notes when its client leaves in the middle.
CONTINUE = NOTE + WAIT + "note('still'); for (;;) { echo 'x'; flush(); usleep(1000); }"
NOTIFY = NOTE + "while (!connection_aborted()) { usleep(1000); } note('seen'); echo 'x'; flush(); note('not reached');"
KILL = NOTE + "for (;;) { usleep(1000); }"


def leaves(www, c, how):
    if how == "abort":
        c.send(fcgi.abort())
    else:
        c.close()


@pytest.fixture(params=["unix", "tcp"])
def one(weir, request):
    """A pool of one child; start(value) starts it with request.on_abort."""
    lines = "listen = 127.0.0.1:%d" % free_port() if request.param == "tcp" else ""
    www = event.event_pool(weir, 1, lines)

    def start(value, script):
        if value:
            www.also("request.on_abort = " + value)
        www.write("leave.php", script)
        weir.start()
        c = www.open("/leave.php", keep=True)
        until(lambda: weir.file("www", "note"), "the script runs")
        return c
    www.start = start
    return www


@pytest.mark.parametrize("how", ["close", "abort"])
@pytest.mark.parametrize("value", ["", "continue"])
def test_continue_runs_on_until_its_next_output(one, value, how):
    c = one.start(value, CONTINUE)
    leaves(one, c, how)
    later = gate(one, 1)
    queued(one, 1)
    never_within(lambda: os.path.exists(one.root + "/told"), 0.3, "it was told without any output")
    go(one, "x", 1)
    assert later.reply().text == "1"
    assert one.weir.file("www", "note") == "begin 0\nstill 0\nend 1\n"
    if how == "abort":
        assert c.reply().ended


@pytest.mark.parametrize("how", ["close", "abort"])
def test_notify_tells_the_script_at_once(one, how):
    c = one.start("notify", NOTIFY)
    leaves(one, c, how)
    assert one.get("/pid.php").status == 200
    assert one.weir.file("www", "note") == "begin 0\nseen 1\nend 1\n"
    if how == "abort":
        assert c.reply().ended


@pytest.mark.parametrize("how", ["close", "abort"])
def test_kill_ends_the_child(one, how):
    c = one.start("kill", KILL)
    child = one.children()[0]
    leaves(one, c, how)
    one.weir.gone(child)
    assert one.get("/pid.php").text == str(one.children()[0])
    assert one.weir.file("www", "note") == "begin 0\n"
    if how == "abort":
        reply = c.reply()
        assert reply.ended and reply.types == [fcgi.END]


def test_kill_does_not_give_it_to_another(weir):
    www = event.event_pool(weir, 2, "request.on_abort = kill")
    weir.start()
    c = gate(www, 0)
    child = at(www, 0)
    c.close()
    weir.gone(child)
    until(lambda: len(www.children()) == 2, "two children again")
    for _ in range(4):
        assert www.get("/pid.php").status == 200
    assert [f for f in os.listdir(www.root) if f.startswith("at-0")] == ["at-0-%d" % child]


@pytest.mark.threads
def test_kill_spares_the_other_requests_of_a_child_with_threads(weir):
    """What cannot be ended alone runs on."""
    www = weir.pool("sapi = echo\n security.limit_extensions =\n mpm = event\n mpm.threads_per_child = 3\n"
                    "pm.max_children = 1\n request.on_abort = kill")
    weir.start()
    child = www.children()[0]
    conns = [www.open("/x", ECHO_DO="hold print=done", ECHO_FOLDER=www.root) for _ in range(2)]
    www.busy(2)
    conns[0].close()
    assert www.get("/x", ECHO_DO="pid").text == str(child)
    www.release()
    assert conns[1].reply().text == "done"
    assert www.get("/x", ECHO_DO="pid").text == str(child)


@pytest.mark.threads
def test_notify_with_threads(weir):
    www = weir.pool("sapi = echo\n security.limit_extensions =\n mpm = event\n mpm.threads_per_child = 3\n"
                    "pm.max_children = 1\n request.on_abort = notify")
    weir.start()
    c = www.open("/x", ECHO_DO="print=begun flush until-gone", ECHO_FOLDER=www.root)
    assert c.read_some().endswith(b"begun")
    other = www.open("/x", ECHO_DO="hold print=done", ECHO_FOLDER=www.root)
    www.busy(1)
    c.send(fcgi.abort())
    assert c.reply().ended
    www.release()
    assert other.reply().text == "done"


def test_an_abort_of_one_of_many_requests_on_a_connection(weir):
    www = event.event_pool(weir, 3, "request.on_abort = notify")
    www.write("leave.php", NOTIFY)
    weir.start()
    c = www.connect()
    for n in (1, 2):
        c.send(www.request("/gate.php?n=%d" % n, id=n, keep=True))
        at(www, n)
    c.send(www.request("/leave.php", id=3, keep=True))
    until(lambda: weir.file("www", "note"), "the script runs")
    c.send(fcgi.abort(3))
    assert c.reply(3).ended
    go(www, 1, 2)
    assert c.reply(1).text == "1" and c.reply(2).text == "2"
    assert weir.file("www", "note") == "begin 0\nseen 1\nend 1\n"


def test_an_abort_for_an_unknown_id_is_nothing(weir):
    www = event.event_pool(weir, 1)
    weir.start()
    c = held(www, 1)[0].send(fcgi.abort(7), fcgi.get_values("FCGI_MPXS_CONNS"))
    assert c.record().type == fcgi.GET_VALUES_RESULT            # so the abort was read
    go(www, 0)
    assert c.reply().text == "0" and ran(www, 0)


def test_an_abort_in_the_middle_of_a_head_or_a_body(weir):
    www = event.event_pool(weir, 1)
    weir.start()
    p = www.params("/echo.php", b"x" * 100, **event.PUT)
    c = www.connect()
    c.send(fcgi.begin(1, keep=True), fcgi.params(p, 1, end=False), fcgi.abort(1))
    assert c.reply(1).types == [fcgi.END]
    c.send(fcgi.begin(2, keep=True), fcgi.params(p, 2), fcgi.stdin(b"x" * 10, 2, end=False), fcgi.abort(2))
    assert c.reply(2).types == [fcgi.END]
    c.send(www.request("/pid.php", id=3))
    assert c.reply(3).status == 200
