"""Why Weir itself ended a request: one code in the log and, when asked, in X-Weir-Reason."""
import pytest

from weirtest import HOLD, until

pytestmark = pytest.mark.event


@pytest.fixture
def timed(weir):
    www = weir.pool("request_terminate_timeout = 1s\n pm.max_children = 1\n security.reason_header = yes")
    www.write("ok.php", "echo 'ok';")
    weir.start()
    return www


@pytest.mark.parametrize("code", [HOLD, "sleep(300);", "for (;;) { }", "for (;;) { usleep(100); }",
                                  "$p = stream_socket_pair(1, 1, 0); fread($p[0], 1);", "exec('sleep 5');"])
def test_a_request_past_its_time_is_a_whole_504(timed, code):
    reply = timed.run(code)
    assert (reply.status, reply.header("X-Weir-Reason"), reply.ended) == (504, "request_timeout", True)
    assert reply.body and reply.header("Content-Type")
    line = timed.weir.wait_log("request_timeout").string
    assert "request_terminate_timeout" in line and ".php" in line
    assert timed.get("/ok.php").text == "ok"


def test_a_504_on_a_kept_connection(timed):
    timed.write("hold.php", HOLD)
    c = timed.open("/hold.php", keep=True)
    assert c.reply().status == 504
    assert timed.get("/ok.php").text == "ok"


def test_a_504_to_head_has_no_body(timed):
    """HAProxy would make a 502 of it."""
    timed.write("hold.php", HOLD)
    reply = timed.get("/hold.php", REQUEST_METHOD="HEAD")
    assert (reply.status, reply.header("X-Weir-Reason"), reply.body) == (504, "request_timeout", b"")


def test_a_504_through_nginx(timed, nginx):
    timed.write("hold.php", HOLD)
    web = nginx(timed, keepalive=1)
    answer = web.get("/hold.php")
    assert (answer.status, answer.headers["X-Weir-Reason"]) == (504, "request_timeout")
    assert web.get("/ok.php").text == "ok"


def test_a_reply_that_has_begun_is_cut_and_not_followed_by_a_504(timed):
    timed.write("part.php", "while (ob_get_level()) { ob_end_flush(); } echo 'part'; flush();" + HOLD)
    c = timed.open("/part.php")
    reply = c.reply()
    assert (reply.status, reply.text, reply.ended) == (200, "part", False)
    assert c.ended_by
    assert timed.weir.wait_log("request_timeout")


def test_a_shutdown_function_that_loops_is_ended_where_it_is_asked_for(weir):
    timed = weir.pool("request_terminate_timeout = 1s\n request_terminate_timeout_track_finished = yes")
    timed.write("ok.php", "echo 'ok';")
    weir.start()
    reply = timed.run("register_shutdown_function(function () { for (;;) { usleep(100); } }); echo 'x';")
    assert reply.status in (504, 200)
    assert timed.get("/ok.php").text == "ok"


def test_a_child_that_hangs_is_replaced(timed):
    before = timed.children()
    timed.run("for (;;) { }")
    until(lambda: timed.children() and timed.children() != before, "another child")


def test_requests_of_other_children_go_on(weir):
    www = weir.pool("request_terminate_timeout = 2s\n pm.max_children = 2")
    www.write("loop.php", "for (;;) { }")
    www.write("ok.php", "echo 'ok';")
    weir.start()
    late = www.open("/loop.php")
    while late.silent():
        assert www.get("/ok.php").text == "ok"
    assert late.reply().status == 504


@pytest.mark.parametrize("lines, code", [("", "no_such_function();"), ("security.reason_header = yes", "echo 'ok';")])
def test_replies_of_the_application_bear_no_reason(weir, lines, code):
    www = weir.pool(lines)
    weir.start()
    assert www.run(code).header("X-Weir-Reason") is None


def test_the_header_is_off_by_default(weir):
    www = weir.pool("request_terminate_timeout = 1s")
    weir.start()
    reply = www.run("sleep(100);")
    assert (reply.status, reply.header("X-Weir-Reason")) == (504, None)


def test_without_the_key_a_long_request_is_served(www):
    assert www.run("usleep(1200000); echo 'late';").text == "late"


def test_time_in_the_queue_does_not_count(weir):
    www = weir.pool("request_terminate_timeout = 2s\n pm.max_children = 1")
    www.write("work.php", "usleep(900000); echo 'done';")
    weir.start()
    conns = [www.open("/work.php") for _ in range(4)]
    assert [c.reply().text for c in conns] == ["done"] * 4
