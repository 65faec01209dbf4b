"""Status under mpm = event: the pool process answers, and tells what it has in hand itself."""
import json
import re
import signal

import pytest

from weirtest import HOLD, fcgi, until

STUCK = "touch(__DIR__ . '/held-' . getmypid()); while (true) { }"
FINISH = "echo 'done'; fastcgi_finish_request();" + HOLD


@pytest.fixture
def pool(weir):
    p = weir.pool("""mpm = event
                  pm.max_children = 2
                  pm.status_path = /status
                  ping.path = /ping
                  pm.status_listen = %s""" % weir.path("run", "status.sock"))
    for name, text in (("stuck.php", STUCK), ("hold.php", HOLD), ("finish.php", FINISH), ("hello.php", "echo 'hello';")):
        p.write(name, text)
    return p


def status(pool, query="json&full"):
    return json.loads(pool.get("/status?" + query).text)


def over_there(pool, uri):
    c = pool.weir.own(fcgi.Connection(pool.last("pm.status_listen")))
    return c.send(pool.request(uri)).reply()


def test_it_answers_while_every_child_is_stuck(pool):
    pool.weir.start()
    for _ in range(2):
        pool.open("/stuck.php")
    pool.busy(2)
    waiting = pool.open("/hello.php")
    until(lambda: status(pool)["queued requests"] == 1, "one waits")
    for page in (status(pool), json.loads(over_there(pool, "/status?json&full").text)):
        assert (page["active processes"], page["running requests"], page["queued requests"]) == (2, 2, 1)
        assert (page["listen queue"], page["max listen queue"], page["max queued requests"]) == (1, 1, 1)
        assert [r["state"] for r in page["processes"]] == ["Running", "Running"]
        assert page["oldest wait"] > 0
    assert pool.get("/ping").text == over_there(pool, "/ping").text == "pong"
    waiting.close()
    pool.weir.send_signal(signal.SIGINT)
    assert pool.weir.ended() == 0


def test_what_it_has_in_hand(pool):
    pool.weir.start()
    parked = [pool.open("/hello.php", keep=True) for _ in range(3)]
    assert all(c.reply().text == "hello" for c in parked)
    half = pool.connect().send(fcgi.begin(), fcgi.params({"A": "b"})[:6])
    assert pool.get("/finish.php").text == "done"
    pool.busy(1)
    page = status(pool)
    assert (page["parked connections"], page["reading requests"], page["finishing requests"]) == (3, 2, 1)   # 2: this one
    assert sorted(r["state"] for r in page["processes"]) == ["Finishing", "Idle"]
    assert (page["open connections"], page["running requests"], page["queued requests"]) == (5, 0, 0)
    half.close()
    pool.release()
    until(lambda: status(pool)["finishing requests"] == 0, "the script is over")


def test_accepted_conn_counts_requests(pool):
    """As under other models: those for the status too, and those that a child died of once."""
    pool.write("once.php", """if (!file_exists(__DIR__ . '/died')) { touch(__DIR__ . '/died'); posix_kill(getmypid(), 9); }
                              echo 'second';""")
    pool.weir.start()
    with pool.connect() as c:
        for _ in range(3):
            assert c.send(pool.request("/hello.php", keep=True)).reply().status == 200
    assert pool.get("/once.php").text == "second"
    page = status(pool)
    assert (page["accepted conn"], page["served requests"]) == (5, 4)
    assert (page["accepted connections"], page["retried requests"], page["reason child died"]) == (3, 1, 0)
    assert [page[n + " time count"] for n in ("queue", "service", "total")] == [5, 4, 4]
    assert 0 < page["service time sum"] <= page["total time sum"]
    page = status(pool)
    assert (page["accepted conn"], page["served requests"]) == (6, 5)


def test_a_request_that_nobody_waits_for_any_more(pool):
    pool.weir.start()
    busy = [pool.open("/hold.php") for _ in range(2)]
    pool.busy(2)
    pool.open("/hello.php").close()
    until(lambda: status(pool)["abandoned requests"] == 1, "it is dropped")
    assert status(pool)["queued requests"] == 0
    pool.release()
    assert all(c.reply().status == 200 for c in busy)


def histogram(text, name):
    return [(float(le), int(n)) for le, n in re.findall(r'^%s_bucket\{le="([^"]+)"\} (\d+)$' % name, text, re.M)]


def test_openmetrics(pool):
    pool.weir.start()
    assert all(pool.get("/hello.php").text == "hello" for _ in range(5))
    text = pool.get("/status?openmetrics").text
    assert text.endswith("# EOF\n")
    for name in ("weir_queue_seconds", "weir_service_seconds", "weir_request_seconds"):
        assert "# TYPE %s histogram\n# UNIT %s seconds\n" % (name, name) in text
        bounds, counts = zip(*histogram(text, name))
        assert list(bounds) == sorted(bounds) and bounds[-1] == float("inf") and list(counts) == sorted(counts)
        assert counts[-1] == 5 == int(re.search(r"^%s_count (\d+)$" % name, text, re.M)[1])
        assert float(re.search(r"^%s_sum (\d+\.\d{6})$" % name, text, re.M)[1]) >= 0
    assert re.search(r"^weir_accepted_connections_total 6$", text, re.M)
    assert re.search(r"^weir_oldest_wait_seconds 0\.000000$", text, re.M)


@pytest.mark.parametrize("format", ["", "html", "xml", "openmetrics"])
def test_every_format_has_them_and_no_other_model(pool, format):
    other = pool.weir.pool("pm.status_path = /status\n mpm = prefork", name="other")
    pool.weir.start()
    names = {"openmetrics": ["weir_queued_requests ", "weir_queue_seconds_sum"],
             "xml": ["<queued-requests>", "<queue-time-sum>"]}.get(format, ["queued requests", "queue time sum"])
    ours, theirs = pool.get("/status?" + format).text, other.get("/status?" + format).text
    assert all(n in ours and n not in theirs for n in names)
    assert ours.index("slow") < ours.index(names[0])


def test_the_application_s_own_front_page(weir):
    """pm.status_listen alone serves the status at "/", and nowhere else."""
    p = weir.pool("mpm = event\n pm.status_listen = %s" % weir.path("run", "status.sock"))
    p.write("index.php", "echo 'front';")
    weir.start()
    front = p.request("/", SCRIPT_NAME="/", SCRIPT_FILENAME=p.root + "/index.php")
    assert weir.own(p.connect()).send(front).reply().text == "front"
    assert over_there(p, "/").text.startswith("pool:")


def test_what_a_rest_does_not_forget(weir):
    p = weir.pool("mpm = event\n pm = ondemand\n pm.process_idle_timeout = 1s\n pm.status_path = /status\n"
                  "pm.max_children = 2")
    p.write("hello.php", "echo 'hello';")
    weir.start()
    for round in range(2):
        assert p.get("/hello.php").text == "hello"
        page = status(p)
        assert (page["accepted conn"], page["served requests"]) == (2 * round + 2, 2 * round + 1)
        assert page["accepted connections"] == 2
        until(lambda: weir.tree() == [weir.master], lambda: "the pool is at rest: " + weir.describe())
