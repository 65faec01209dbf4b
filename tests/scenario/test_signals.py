"""What the master does on its signals, and what becomes of requests in hand."""
import os
import signal

import pytest

from weirtest import HOLD, never_within, until

pytestmark = pytest.mark.event


@pytest.fixture
def ok(weir):
    www = weir.pool()
    www.write("ok.php", "echo 'ok';")
    www.write("pid.php", "echo getmypid();")
    www.write("hold.php", HOLD + "echo 'whole';")
    weir.start()
    return www


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGQUIT, signal.SIGINT])
def test_an_idle_server_ends_at_once_and_in_order(ok, sig):
    assert ok.weir.stop(sig) == 0
    assert ok.weir.log_lines("NOTICE: exiting, bye-bye!")
    assert os.listdir(ok.weir.path("run")) == []


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGQUIT])
def test_a_request_in_hand_is_finished(ok, sig):
    c = ok.open("/hold.php")
    ok.busy()
    ok.weir.send_signal(sig)
    never_within(lambda: not c.silent() or ok.weir.proc.poll() is not None, 0.5, "it did not wait for the request")
    ok.release()
    assert c.reply().text == "whole"
    assert ok.weir.ended() == 0


def test_while_it_drains_it_serves(ok):
    c = ok.open("/hold.php")
    ok.busy()
    ok.weir.send_signal(signal.SIGTERM)
    ok.weir.wait_log("Finishing|Terminating|[Dd]raining")
    assert [ok.get("/ok.php").text for _ in range(5)] == ["ok"] * 5
    late = ok.open("/ok.php", keep=True)
    assert late.reply().text == "ok" and late.at_end() == "eof"
    ok.release()
    assert c.reply().text == "whole"


def test_requests_that_wait_in_the_queue_are_served_too(ok):
    held = [ok.open("/hold.php") for _ in range(2)]
    ok.busy(2)
    queued = [ok.open("/ok.php") for _ in range(10)]
    ok.weir.send_signal(signal.SIGTERM)
    ok.weir.wait_log("Finishing|Terminating|[Dd]raining")
    ok.release()
    assert [c.reply().text for c in held + queued] == ["whole"] * 2 + ["ok"] * 10


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGQUIT])
def test_an_idle_kept_connection_delays_nothing(ok, sig):
    kept = [ok.open("/ok.php", keep=True) for _ in range(4)]
    assert all(c.reply().text == "ok" for c in kept)
    ok.weir.send_signal(sig)
    assert ok.weir.ended(10) == 0               # the time for requests in hand would be 20 s
    assert [c.at_end() for c in kept] == ["eof"] * 4


def test_a_silent_connection_delays_nothing(ok):
    ok.connect()
    ok.get("/ok.php")
    ok.weir.send_signal(signal.SIGTERM)
    assert ok.weir.ended(10) == 0


def test_int_ends_at_once_with_a_request_in_hand(ok):
    c = ok.open("/hold.php")
    ok.busy()
    ok.weir.send_signal(signal.SIGINT)
    assert ok.weir.ended(10) == 0
    assert not c.reply().ended


def test_a_second_term_ends_at_once(ok):
    c = ok.open("/hold.php")
    ok.busy()
    ok.weir.send_signal(signal.SIGTERM)
    ok.weir.wait_log("Finishing|Terminating|[Dd]raining")
    ok.weir.send_signal(signal.SIGTERM)
    assert ok.weir.ended(10) == 0
    assert not c.reply().ended


def test_process_control_timeout_bounds_the_wait(weir):
    weir.global_("process_control_timeout = 1s")
    www = weir.pool()
    www.write("hold.php", HOLD)
    weir.start()
    c = www.open("/hold.php")
    www.busy()
    weir.send_signal(signal.SIGTERM)
    assert weir.ended(15) == 0
    reply = c.reply()
    assert reply.status in (503, None) and "draining" in weir.wait_log("draining").string


def test_term_to_every_process_is_term_to_the_master(ok):
    c = ok.open("/hold.php")
    ok.busy()
    for pid in ok.weir.tree():
        os.kill(pid, signal.SIGTERM)
    never_within(lambda: not c.silent(), 0.3, "the request was cut")
    ok.release()
    assert c.reply().text == "whole"
    assert ok.weir.ended() == 0


def test_usr1_opens_the_log_again_and_replaces_no_child(ok):
    weir, before = ok.weir, ok.weir.tree()
    os.rename(weir.path("weir.log"), weir.path("old.log"))
    weir.send_signal(signal.SIGUSR1)
    weir.wait_log("error log file re-opened")
    assert ok.get("/ok.php").text == "ok"
    assert weir.tree() == before
    weir.kill(ok.children()[0])
    weir.wait_log("exited on signal 9")         # the pool process writes to the new file too


@pytest.mark.parametrize("sig", [signal.SIGUSR2, signal.SIGHUP])
def test_usr2_and_hup_restart_the_pools(ok, sig):
    weir = ok.weir
    master, before = weir.master, set(ok.children())
    weir.send_signal(sig)
    weir.wait_log("NOTICE: Reloading in progress")
    until(lambda: len(ok.children()) == 2 and not before & set(ok.children()), "new children")
    assert ok.get("/ok.php").text == "ok"
    assert weir.pids("master") == [master] and weir.proc.poll() is None


def test_a_reload_takes_the_new_configuration(ok):
    weir = ok.weir
    ok.also("pm.max_children = 4\n php_value[precision] = 3")
    other = weir.pool(name="second")
    weir.configure()
    weir.send_signal(signal.SIGUSR2)
    until(lambda: len(ok.children()) == 4, "four children")
    until(lambda: ok.run("echo ini_get('precision');").text == "3", "the new value")
    until(lambda: other.children(), "the new pool")
    assert other.run("echo 'two';").text == "two"


def test_a_reload_ends_a_pool_that_is_no_more(weir):
    a, b = weir.pool(name="a"), weir.pool(name="b")
    weir.start()
    weir.pools.remove(b)
    weir.configure()
    weir.send_signal(signal.SIGUSR2)
    until(lambda: not any(weir.pids(k, "b") for k in ("pool", "zygote", "child")), "b ends")
    assert a.run("echo 'a';").text == "a"
    assert not os.path.exists(b.socket)


def test_a_reload_with_a_bad_file_changes_nothing(ok):
    weir, before = ok.weir, ok.weir.tree()
    weir.configure(weir.text() + "pm.max_childen = 3\n")
    weir.send_signal(signal.SIGUSR2)
    assert "pm.max_childen" in weir.wait_log("ERROR").string
    assert ok.get("/ok.php").text == "ok"
    assert weir.tree() == before


def test_a_request_in_hand_outlives_a_reload(ok):
    c = ok.open("/hold.php")
    ok.busy()
    ok.weir.send_signal(signal.SIGUSR2)
    ok.weir.wait_log("Reloading in progress")
    assert ok.get("/ok.php").text == "ok"
    ok.release()
    assert c.reply().text == "whole"


def test_many_reloads(ok):
    for n in range(1, 6):
        before = set(ok.children())
        ok.weir.send_signal(signal.SIGUSR2)
        ok.weir.wait_log("Reloading in progress", count=n)
        until(lambda: len(ok.children()) == 2 and not before & set(ok.children()), "new children")
        assert ok.get("/ok.php").text == "ok"


def test_pipe_and_winch_are_nothing(ok):
    before = ok.weir.tree()
    for sig in (signal.SIGPIPE, signal.SIGWINCH):
        ok.weir.send_signal(sig)
    assert ok.get("/ok.php").text == "ok" and ok.weir.tree() == before
