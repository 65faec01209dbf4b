"""Logs under mpm = event: of each request exactly one line in the access log, whoever answered it; and in the error log
one line a second for each reason."""
import json
import re

from weirtest import HOLD, fcgi, never_within, until


def logged(weir, more="", format='"%m %r%Q%q %s %w %{HTTP_X}e"'):
    www = weir.pool("mpm = event\n access.log = %s\n access.format = %s\n pm.max_children = 1\n%s"
                    % (weir.path("access.log"), format, more))
    www.write("hello.php", "echo 'hello';")
    www.write("hold.php", HOLD)
    www.write("die.php", "posix_kill(getmypid(), 9);")
    return www


def lines(weir, count):
    until(lambda: weir.file("access.log").count("\n") >= count,
          lambda: "%d lines in:\n%s" % (count, weir.file("access.log")))
    return weir.file("access.log").splitlines()


def hold(www):
    busy = www.open("/hold.php")
    www.busy(1)
    return busy


def test_what_the_dispatcher_refuses(weir):
    www = logged(weir, """queue.max = 1
                          request.max_body = 10
                          request.max_params = 4096
                          request.header_timeout = 1s
                          request.body_timeout = 1s""")
    weir.start()
    assert www.open("/hello.php", body=b"x" * 11, HTTP_X="x").reply().status == 413
    assert lines(weir, 1)[-1] == "POST /hello.php 413 body_too_large x"
    assert www.open("/hello.php", HTTP_X="x" * 9000).reply().status == 431
    assert lines(weir, 2)[-1] == "-  431 params_too_large -"
    assert www.connect().send(fcgi.begin() + fcgi.params({"A": "b"})[:10]).reply().status == 408
    assert lines(weir, 3)[-1] == "-  408 header_timeout -"
    head = fcgi.begin() + fcgi.params(www.params("/hello.php", b"12345", HTTP_X="y"))
    assert www.connect().send(head).reply().status == 408
    assert lines(weir, 4)[-1] == "POST /hello.php 408 body_timeout y"
    busy = hold(www)
    queued = www.open("/hello.php?n=1")
    assert www.open("/hello.php?n=2", HTTP_X="z").reply().status == 503
    assert lines(weir, 5)[-1] == "GET /hello.php?n=2 503 queue_full z"
    www.release()
    assert busy.reply().status == queued.reply().status == 200
    assert sorted(lines(weir, 7)[5:]) == ["GET /hello.php?n=1 200 - -", "GET /hold.php 200 - -"]
    assert len(lines(weir, 7)) == 7


def test_how_long_it_had_waited(weir):
    www = logged(weir, "queue.timeout = 1s", "json")
    weir.start()
    busy = hold(www)
    assert www.open("/hello.php", HTTP_X_REQUEST_ID="late-1").reply().status == 503
    late = json.loads(lines(weir, 1)[0])
    assert {n: late[n] for n in ("id", "method", "uri", "status", "reason", "script", "pid")} == {
        "id": "late-1", "method": "GET", "uri": "/hello.php", "status": 503, "reason": "queue_timeout",
        "script": www.root + "/hello.php", "pid": weir.one("pool")}
    assert late["queue_ms"] >= 1000 > 500 > late["duration_us"] / 1000
    www.release()
    assert busy.reply().status == 200


def test_one_that_had_waited_and_was_ended(weir):
    """Its child has answered, and died: the pool process makes the line."""
    www = logged(weir, "request_terminate_timeout = 1s", '"%r %s %w %{mili}W"')
    www.write("first.php", "usleep(300000);")
    weir.start()
    first = www.open("/first.php")
    assert www.open("/hold.php").reply().status == 504
    assert first.reply().status == 200
    line = re.fullmatch(r"/hold.php 504 request_timeout (\d+)\.\d+", lines(weir, 2)[1])
    assert int(line[1]) > 0
    assert len(lines(weir, 2)) == 2
    www.release()


def test_status_and_ping(weir):
    www = logged(weir, """pm.status_path = /status
                          ping.path = /ping
                          access.suppress_path[] = /ping""", '"%m %r%Q%q %s %w %{Cache-Control}o"')
    weir.start()
    assert www.get("/ping").text == "pong"
    assert www.get("/status?json", HTTP_X="x").status == 200
    assert www.get("/ping", QUERY_STRING="a=1").text == "pong"
    cache = "no-cache, no-store, must-revalidate, max-age=0"
    assert lines(weir, 2) == ["GET /status?json 200 - " + cache, "GET /ping?a=1 200 - " + cache]


def test_a_child_that_dies(weir):
    www = logged(weir)
    www.write("once.php", """if (!file_exists(__DIR__ . '/died')) { touch(__DIR__ . '/died'); posix_kill(getmypid(), 9); }
                             echo 'second';""")
    www.write("half.php", "echo str_repeat('x', 100000); flush(); posix_kill(getmypid(), 9);")
    weir.start()
    assert www.get("/once.php").text == "second"
    assert lines(weir, 1) == ["GET /once.php 200 - -"]
    assert www.open("/die.php", HTTP_X="x").reply().status == 502
    assert lines(weir, 2)[1] == "GET /die.php 502 child_died x"
    assert www.post("/die.php", b"12345").status == 502
    assert lines(weir, 3)[2] == "POST /die.php 502 child_died -"
    with www.open("/half.php") as c:
        while c.record():
            pass
    assert lines(weir, 4)[3] == "GET /half.php 502 child_died -"
    assert www.get("/hello.php").text == "hello"
    assert len(lines(weir, 5)) == 5
    weir.stop()
    assert re.search(r"child_died 3\b", weir.log())


def test_who_went_while_it_waited(weir):
    www = logged(weir)
    weir.start()
    busy = hold(www)
    www.open("/hello.php?gone", HTTP_X="x").close()
    assert lines(weir, 1) == ["GET /hello.php?gone 499 client_gone x"]
    www.connect().send(fcgi.begin() + fcgi.params({"A": "b"})[:10]).close()
    www.release()
    assert busy.reply().status == 200
    assert lines(weir, 2)[1] == "GET /hold.php 200 - -"


def test_lines_of_the_error_log(weir):
    """The others are told of though no further one follows."""
    www = logged(weir, "queue.max = 1")
    weir.start()
    busy = hold(www)
    queued = www.open("/hello.php")
    for i in range(5):
        assert www.open("/hello.php?n=%d" % i, HTTP_X_REQUEST_ID="over-%d" % i).reply().status == 503
    first = weir.wait_log(r'request over-0 "GET /hello.php\?n=0", script \'(.*)\': queue_full: .*raise.*queue\.max')
    assert first[1] == www.root + "/hello.php"
    assert int(weir.wait_log(r"(\d+) other requests since the last such line: queue_full: ")[1]) == 4
    never_within(lambda: len(weir.log_lines("queue_full")) != 2, 0.2, "a third line")
    assert len(lines(weir, 5)) == 5
    www.release()
    assert busy.reply().status == queued.reply().status == 200


def test_an_upload_that_stops_when_a_child_has_it(weir):
    """The client is told by the pool process, the line is its child's."""
    www = logged(weir, "event.request_buffering = no\n request.body_timeout = 1s")
    www.write("body.php", "echo strlen(file_get_contents('php://input'));")
    weir.start()
    head = fcgi.begin() + fcgi.params(www.params("/body.php", b"12345", HTTP_X="y")) + fcgi.stdin(b"123", end=False)
    assert www.connect().send(head).reply().status == 408
    assert re.fullmatch(r"POST /body.php \d+ client_gone y", lines(weir, 1)[0])
    assert www.get("/hello.php").text == "hello"
    assert lines(weir, 2)[1:] == ["GET /hello.php 200 - -"]
