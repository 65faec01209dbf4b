"""mpm = event: children that die with a request. Who had not begun it gives it back whatever it is; who had begun a GET and
said nothing, too; all others are told."""
import glob
import hashlib
import os
import signal
import threading

import pytest

from weirtest import event, until
from weirtest.event import at, figures, gate, go, queued, refused, started


def kill_and_next(www, n, tries):
    """Kill the child that runs request n, for the tries-th time."""
    pid = at(www, n, tries)
    www.weir.kill(pid)
    return pid


def test_a_get_that_was_begun_is_given_to_another(weir):
    www = started(weir)
    c = gate(www, 0)
    first = kill_and_next(www, 0, 1)
    second = at(www, 0, 2)
    go(www, 0)
    assert c.reply().text == "0" and first != second
    assert weir.wait_log(r"child %d exited on signal 9" % first)


def test_it_stands_in_front_of_the_queue(weir):
    www = started(weir)
    conns = [gate(www, 0)]
    at(www, 0)
    for n in (1, 2):
        conns.append(gate(www, n))
        queued(www, n)
    kill_and_next(www, 0, 1)
    at(www, 0, 2)
    go(www, 0, 1, 2)
    assert [c.reply().text for c in conns] == ["0", "1", "2"]
    assert weir.file("www", "order") == "0\n1\n2\n"


@pytest.mark.parametrize("most", [0, 1, 3])
def test_not_more_often_than_retry_max(weir, most):
    www = started(weir, lines="event.retry_max = %d" % most)
    c = gate(www, 0, keep=True)
    for n in range(most + 1):
        kill_and_next(www, 0, n + 1)
    assert refused(c.reply()) == (502, "child_died", True)
    c.send(www.request("/pid.php"))
    assert c.reply().status == 200
    assert len(glob.glob(www.root + "/at-0-*")) == most + 1


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_others_that_were_begun_are_told(weir, method):
    www = started(weir)
    c = gate(www, 0, keep=True, REQUEST_METHOD=method)
    kill_and_next(www, 0, 1)
    assert refused(c.reply()) == (502, "child_died", True)
    c.send(www.request("/pid.php"))
    assert c.reply().status == 200
    assert len(glob.glob(www.root + "/at-0-*")) == 1


@pytest.mark.parametrize("size", [10, 40000, 300000])
def test_with_retry_all_a_post_goes_on_with_its_body(weir, size):
    www = event.event_pool(weir, 1, "event.retry = all\n event.request_buffering = yes")
    www.write("both.php", "$b = file_get_contents('php://input');" + event.GATE + "echo ' ', strlen($b), ' ', md5($b);")
    weir.start()
    body = os.urandom(size)
    c = www.open("/both.php?n=0", body, CONTENT_TYPE="application/octet-stream")
    kill_and_next(www, 0, 1)
    at(www, 0, 2)
    go(www, 0)
    assert c.reply().text == "0 %d %s" % (size, hashlib.md5(body).hexdigest())


def test_after_output_nothing_is_said_twice(weir):
    """The connection ends: nothing else says that the rest is missing."""
    www = event.event_pool(weir)
    www.write("half.php", "while (ob_get_level()) { ob_end_clean(); } echo 'half'; flush();" + event.GATE)
    weir.start()
    c = www.open("/half.php?n=0", keep=True)
    assert c.read_some().endswith(b"half")
    kill_and_next(www, 0, 1)
    reply = c.reply()
    assert not reply.ended and c.ended_by in ("eof", "reset")
    assert www.get("/pid.php").status == 200
    assert len(glob.glob(www.root + "/at-0-*")) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("size", [0, 1000, 300000])
def test_what_no_child_had_begun_goes_on_whatever_it_is(weir, method, size):
    www = started(weir, lines="event.retry_max = 0\n event.request_buffering = yes")
    child = www.children()[0]
    os.kill(child, signal.SIGSTOP)
    body = b"y" * size
    c = www.open("/echo.php", body, REQUEST_METHOD=method, CONTENT_TYPE="application/octet-stream")
    until(c.taken, "the pool process has all of it")
    assert figures(www)["ready connections"] == 0, "it was given to the child that is stopped"
    weir.kill(child)
    assert c.reply().text.split()[0] == str(size)
    assert child not in www.children()


@pytest.mark.parametrize("sig", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_a_post_that_kills_its_child_kills_no_other(weir, sig):
    weir.env["ASAN_OPTIONS"] = "detect_leaks=0:handle_segv=0:allow_user_segv_handler=1"
    www = started(weir)
    www.write("die.php", "touch(__DIR__ . '/tried-' . getmypid()); posix_kill(getmypid(), %d);" % sig)
    reply = www.post("/die.php", b"x=1")
    assert refused(reply) == (502, "child_died", True)
    assert www.get("/pid.php").status == 200
    assert len(glob.glob(www.root + "/tried-*")) == 1


# ---- its time

def test_a_whole_answer_outlives_its_child(weir):
    """What a slow reader has kept the pool process from reading, the end of it too, was said before the child died."""
    www = event.event_pool(weir, 1, "event.response_memory = 64K\n event.response_max = 64K")
    www.write("die.php", "echo str_repeat('x', 400000); fastcgi_finish_request(); posix_kill(getmypid(), SIGKILL);")
    weir.start()
    slow = www.open("/die.php")
    assert weir.wait_log(r"child \d+ exited on signal 9")
    reply = slow.reply()
    assert reply.ended and len(reply.body) == 400000
    assert slow.at_end() == "eof"


def test_504_past_its_time_and_nobody_else_gets_it(weir):
    www = started(weir, 2, "request_terminate_timeout = 1s\n event.retry = all")
    c = gate(www, 0, keep=True)
    child = at(www, 0)
    assert refused(c.reply()) == (504, "request_timeout", True)
    weir.gone(child)
    assert weir.wait_log(r"child %d, script .*execution timed out" % child)
    until(lambda: len(www.children()) == 2, "another child")
    c.send(www.request("/pid.php"))
    assert c.reply().status == 200
    assert glob.glob(www.root + "/at-0-*") == ["%s/at-0-%d" % (www.root, child)]


@pytest.mark.threads
def test_504_of_one_thread_and_the_others_finish(weir):
    www = weir.pool("sapi = echo\n security.limit_extensions =\n mpm = event\n mpm.threads_per_child = 3\n"
                    "pm.max_children = 1\n security.reason_header = yes\n request_terminate_timeout = 1s")
    weir.start()
    child = www.children()[0]
    late = www.open("/x", ECHO_DO="hold", ECHO_FOLDER=www.root)
    www.busy(1)
    young = www.open("/x", ECHO_DO="ms=700 print=done")         # runs while the other's second passes
    assert refused(late.reply()) == (504, "request_timeout", True)
    assert young.reply().text == "done"
    assert int(www.get("/x", ECHO_DO="pid").text) != child
    weir.gone(child)


@pytest.mark.threads
def test_a_crash_of_one_thread_costs_the_others_no_get(weir):
    www = weir.pool("sapi = echo\n security.limit_extensions =\n mpm = event\n mpm.threads_per_child = 3\n"
                    "pm.max_children = 1\n security.reason_header = yes")
    weir.start()
    conns = [www.open("/x", ECHO_DO="hold print=done", ECHO_FOLDER=www.root) for _ in range(2)]
    www.busy(2)
    crash = www.open("/x", ECHO_CRASH="9", REQUEST_METHOD="POST")
    assert refused(crash.reply()) == (502, "child_died", True)
    www.release()
    assert [c.reply().text for c in conns] == ["done"] * 2


def test_children_killed_under_load_cost_no_get(weir):
    www = started(weir, 4)
    www.write("work.php", "usleep(300); echo 'ok';")
    over, seen = threading.Event(), []

    def client(keep):
        c = www.connect()
        while not over.is_set():
            c.send(www.request("/work.php", keep=keep))
            reply = c.reply()
            seen.append(reply.text if reply.ended else reply)
            if not keep:
                c = www.connect()
    threads = [threading.Thread(target=client, args=(n % 2 == 0,)) for n in range(6)]
    for t in threads:
        t.start()
    try:
        for n in range(25):
            count = len(seen)
            until(lambda: len(seen) > count + 20, "requests are served")
            weir.kill(until(www.children, "a child")[n % len(www.children())])
    finally:
        over.set()
        for t in threads:
            t.join()
    assert [x for x in seen if x != "ok"] == []
