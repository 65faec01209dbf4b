"""Who owns a connection, and for how long: given away by a script, dripped by a client, left over by a refusal,
met by the end of the server or by the death of the zygote -- it is answered, and it holds up nobody else."""
import os
import select
import signal
import threading

import pytest

from weirtest import HOLD, fcgi, free_port, never_within, proc, until

pytestmark = pytest.mark.event


def refused(reply):
    return reply.status, reply.header("X-Weir-Reason"), reply.ended


@pytest.fixture
def one(weir):
    """A pool with one child only; more lines may follow before it starts."""
    www = weir.pool("pm.max_children = 1\n security.reason_header = yes")
    www.write("pid.php", "echo getmypid();")
    return www


def test_a_connection_given_away_is_answered_although_its_old_child_owns_another(one):
    one.weir.start()
    one.write("finish.php", "echo 'x'; fastcgi_finish_request();")
    given = one.open("/pid.php", keep=True)
    assert given.reply().ended
    given.send(one.request("/finish.php", keep=True))
    assert given.reply().ended                  # the child gave it away while it went on with the script
    silent = one.open("/pid.php", keep=True)
    assert silent.reply().ended                 # now the child's own
    until(lambda: all(proc.sleeping(p) for p in one.children()), "the child waits for the silent one")
    for _ in range(3):
        given.send(one.request("/pid.php", keep=True))
        assert int(given.reply().text) in one.children()
    assert silent.silent()


def drip(c, data):
    """Send a byte at a time, until all is sent or something comes back."""
    for i in range(len(data)):
        if select.select([c.sock], [], [], 0.1)[0]:
            return
        c.send(data[i:i + 1])


@pytest.mark.parametrize("at_once,told", [(16, (408, "header_timeout", True)), (0, (None, None, False))])
def test_a_dripped_head_is_ended_by_the_header_timeout(one, at_once, told):
    one.also("request.header_timeout = 1s")
    one.weir.start()
    data = one.request("/pid.php")              # whole, it would be answered with 200
    c = one.connect().send(data[:at_once])      # without a whole BEGIN_REQUEST there is no request to answer
    drip(c, data[at_once:])
    assert refused(c.reply()) == told and c.at_end() == "eof"
    assert one.get("/pid.php").status == 200


def test_a_trickled_body_that_nobody_reads_starves_no_other_client(one):
    one.also("request.max_body = 10\n request.body_timeout = 600s")
    one.weir.start()
    p = one.params("/pid.php", b"", CONTENT_LENGTH="100000000")
    c = one.connect().send(fcgi.begin(keep=True), fcgi.params(p), fcgi.stdin(b"x" * 100, end=False))
    assert refused(c.reply()) == (413, "body_too_large", True)
    over = threading.Event()

    def trickle():
        while not over.wait(0.02):
            c.send(fcgi.stdin(b"x", end=False))
    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        assert one.get("/pid.php").status == 200
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("keep", [False, True])
def test_parameters_are_still_there_after_finish_request(one, keep):
    one.weir.start()
    # In a file of its own, so that $_SERVER is made only when the client has its answer.
    one.write("after.php", "file_put_contents(__DIR__ . '/seen.new', getenv('QUERY_STRING') . ' ' "
              ". $_SERVER['QUERY_STRING'] . ' ' . $_SERVER['REQUEST_METHOD']);"
              "rename(__DIR__ . '/seen.new', __DIR__ . '/seen');")
    one.write("finish.php", "echo 'x'; fastcgi_finish_request(); include __DIR__ . '/after.php';")
    c = None
    for query in ("q=1", "q=2"):
        c = c if c and keep else one.connect()
        assert c.send(one.request("/finish.php?" + query, keep=keep)).reply().text == "x"
        until(lambda: os.path.exists(one.root + "/seen"), "the script went on after its answer")
        assert one.weir.file("www", "seen") == "%s %s GET" % (query, query)
        os.unlink(one.root + "/seen")


def test_get_values_amid_a_body_does_not_land_inside_the_page(one):
    one.also("php_admin_value[output_buffering] = 0")
    one.weir.start()
    one.write("put.php", "echo 'aaa'; $b = file_get_contents('php://input'); echo 'bbb', strlen($b);")
    p = one.params("/put.php", b"x" * 20, CONTENT_TYPE="application/octet-stream", REQUEST_METHOD="PUT")
    half = fcgi.stdin(b"x" * 10, end=False)
    c = one.connect().send(fcgi.begin(), fcgi.params(p), half, fcgi.get_values("FCGI_MPXS_CONNS"), half, fcgi.stdin())
    reply = c.reply()
    assert (reply.text, reply.ended) == ("aaabbb20", True)
    assert c.reply(0).types == [fcgi.GET_VALUES_RESULT]


def test_late_first_requests_do_not_slow_births_down(weir):
    www = weir.pool("pm.max_children = 4\n request_terminate_timeout = 1s")
    www.write("late.php", "sleep(300);")
    weir.start()
    first = www.children()
    conns = [www.open("/late.php") for _ in range(16)]
    assert [c.reply().status for c in conns] == [504] * 16
    until(lambda: len(www.children()) == 4 and not set(first) & set(www.children()), "other children")
    assert not weir.log_lines("slowed down")


class Client(threading.Thread):
    """Asks on a new TCP connection each time, until none is to be had; .seen: what came."""

    def __init__(self, pool):
        super().__init__()
        self.pool, self.seen, self.over = pool, [], threading.Event()
        self.start()

    def run(self):
        while not self.over.is_set():
            try:
                c = fcgi.Connection(self.pool.address)
            except (ConnectionRefusedError, TimeoutError):
                return
            with c:
                self.seen.append(self.ask(c))

    def ask(self, c):
        try:
            reply = c.send(self.pool.request("/load.php")).reply()
            return 200 if reply.status == 200 and reply.ended else (reply, c.ended_by)
        except Exception as e:                  # a broken reply is what the test wants to see
            return e


def test_term_under_load_breaks_no_reply_on_tcp(weir):
    www = weir.pool("listen = 127.0.0.1:%d" % free_port())
    www.write("load.php", "usleep(2000); echo getmypid();")
    weir.start()
    clients = [Client(www) for _ in range(8)]
    try:
        until(lambda: all(len(c.seen) >= 10 for c in clients), "all clients are served")
        weir.send_signal(signal.SIGTERM)
        assert weir.ended() == 0
    finally:
        for c in clients:
            c.over.set()
            c.join()
    assert [x for c in clients for x in c.seen if x != 200] == []


def test_a_half_sent_head_does_not_delay_the_end(one):
    one.also("request.header_timeout = 600s")
    one.weir.global_("process_control_timeout = 600s")
    one.weir.start()
    c = one.connect().send(one.request("/pid.php")[:19])
    until(c.taken, "the child has read the half")
    one.weir.send_signal(signal.SIGTERM)
    assert refused(c.reply()) == (503, "draining", True)
    assert one.weir.ended() == 0


def test_orders_lost_with_a_killed_zygote_are_given_again(weir):
    www = weir.pool("pm = dynamic\n pm.max_children = 4\n pm.start_servers = 1\n pm.min_spare_servers = 1\n"
                    "pm.max_spare_servers = 4")
    www.write("hold.php", HOLD + "echo 'done';")
    weir.start()
    zygote = weir.one("zygote")
    weir.kill(zygote, signal.SIGSTOP)
    conns = [www.open("/hold.php") for _ in range(4)]
    www.busy(1)
    never_within(lambda: len(www.children()) > 1, 0.5, "a stopped zygote had a child")
    weir.kill(zygote)
    for again in (False, True):                 # the four that waited meanwhile, then four new ones
        conns = [www.open("/hold.php") for _ in range(4)] if again else conns
        www.busy(4)
        www.release()
        assert [c.reply().text for c in conns] == ["done"] * 4
        os.unlink(www.root + "/release")
    assert weir.stop() == 0
