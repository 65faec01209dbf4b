"""Requests that are too large, too slow or never whole: 408, 413, 431, and the child is free again."""
import pytest

from weirtest import fcgi, never_within

pytestmark = pytest.mark.event


@pytest.fixture
def pool(weir):
    """A pool with one child only: what holds it, holds everybody."""
    www = weir.pool("pm.max_children = 1\n security.reason_header = yes")
    www.write("ok.php", "echo 'ok ', strlen(file_get_contents('php://input'));")
    return www


def refused(pool, reply, status, reason, key):
    """The client is told, the log names reason and key, and the child serves on."""
    assert (reply.status, reply.header("X-Weir-Reason"), reply.ended) == (status, reason, True)
    line = pool.weir.wait_log(reason).string
    assert key in line and "pool www" in line
    assert pool.get("/ok.php").text == "ok 0"


def test_a_head_that_does_not_come(pool):
    pool.also("request.header_timeout = 1s")
    pool.weir.start()
    c = pool.connect().send(pool.request("/ok.php")[:100])
    refused(pool, c.reply(), 408, "header_timeout", "request.header_timeout")
    assert c.at_end() == "eof"


def test_a_connection_that_stays_silent_holds_no_child(pool):
    pool.also("request.header_timeout = 1s")
    pool.weir.start()
    silent = pool.connect()
    assert pool.get("/ok.php").text == "ok 0"
    assert silent.reply().stdout == b"" and silent.ended_by == "eof"


def test_a_body_that_stops(pool):
    pool.also("request.body_timeout = 1s")
    pool.weir.start()
    c = pool.connect().send(pool.request("/ok.php", b"x" * 100)[:-60])
    refused(pool, c.reply(), 408, "body_timeout", "request.body_timeout")


def test_a_slow_body_that_makes_progress_is_served(pool):
    pool.also("request.body_timeout = 1s")
    pool.weir.start()
    data = pool.request("/ok.php", b"x" * 5)
    c = pool.connect().send(data[:-13])
    for i in range(-13, -8):                    # five bytes, 0.4 s apart: twice the limit altogether
        never_within(lambda: not c.silent(), 0.4, "an answer before the body was whole")
        c.send(data[i:i + 1])
    c.send(data[-8:])
    assert c.reply().text == "ok 5"


def test_a_kept_connection_may_be_idle_longer_than_a_head_may_take(pool):
    pool.also("request.header_timeout = 1s")
    pool.weir.start()
    c = pool.connect().send(pool.request("/ok.php", keep=True))
    assert c.reply().text == "ok 0"
    never_within(lambda: not c.silent(), 2, "an idle kept connection was closed")
    c.send(pool.request("/ok.php"))
    assert c.reply().text == "ok 0"


def test_a_body_said_to_be_too_large(pool):
    pool.also("request.max_body = 1000")
    pool.weir.start()
    c = pool.connect().send(pool.request("/ok.php", b"x" * 1001)[:-500])
    refused(pool, c.reply(), 413, "body_too_large", "request.max_body")


def test_a_body_without_length_that_grows_too_large(pool):
    pool.also("request.max_body = 1000")
    pool.weir.start()
    c = pool.connect().send(pool.request("/ok.php", b"x" * 5000, CONTENT_LENGTH=None, REQUEST_METHOD="PUT"))
    refused(pool, c.reply(), 413, "body_too_large", "request.max_body")


def test_a_body_of_just_the_size_is_served(pool):
    pool.also("request.max_body = 1000")
    pool.weir.start()
    assert pool.get("/ok.php", body=b"x" * 1000, REQUEST_METHOD="PUT").text == "ok 1000"


def test_params_that_are_too_large(pool):
    pool.also("request.max_params = 4096")
    pool.weir.start()
    c = pool.connect().send(pool.request("/ok.php", HTTP_COOKIE="c" * 4096))
    refused(pool, c.reply(), 431, "params_too_large", "request.max_params")


def test_params_of_almost_a_mebibyte_are_served_by_default(pool):
    pool.write("len.php", "echo strlen($_SERVER['BIG']);")
    pool.weir.start()
    assert pool.get("/len.php", BIG="b" * 1000000).text == "1000000"
    c = pool.connect().send(pool.request("/len.php", BIG="b" * (1 << 20)))
    assert c.reply().status == 431


def test_more_body_than_announced_is_not_the_next_request(pool):
    pool.weir.start()
    p = pool.params("/ok.php", b"1234567890", REQUEST_METHOD="PUT", CONTENT_LENGTH="4")
    smuggled = pool.request("/ok.php", id=7)
    c = pool.connect().send(fcgi.begin(keep=True), fcgi.params(p), fcgi.stdin(b"1234" + smuggled))
    reply = c.reply()
    assert reply.ended and 7 not in c.replies
    assert reply.status == 400 or reply.text == "ok 4"


def test_less_body_than_announced_does_not_hang(pool):
    pool.weir.start()
    p = pool.params("/ok.php", b"1234", REQUEST_METHOD="PUT", CONTENT_LENGTH="100")
    c = pool.connect().send(fcgi.begin(), fcgi.params(p), fcgi.stdin(b"1234"))
    reply = c.reply()
    assert reply.status == 400 or reply.text == "ok 4" or c.ended_by
    assert pool.get("/ok.php").text == "ok 0"


def test_many_half_sent_requests_leave_the_pool_working(pool):
    pool.also("request.header_timeout = 1s\n pm.max_children = 2")
    pool.weir.start()
    half = [pool.connect().send(pool.request("/ok.php")[:50]) for _ in range(4)]
    assert pool.get("/ok.php").text == "ok 0"
    assert all(c.reply().status in (408, None) for c in half)
