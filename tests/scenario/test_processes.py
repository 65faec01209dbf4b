"""Deaths: each kind of process is killed in its turn, and the service comes back; nothing is left behind."""
import os
import re
import signal

import pytest

from weirtest import HOLD, PHP_EVENT, until

pytestmark = pytest.mark.event

CRASH = "echo 'lost'; posix_kill(getmypid(), %s); sleep(60);"


@pytest.fixture
def ok(weir):
    www = weir.pool()
    www.write("ok.php", "echo 'ok';")
    www.write("pid.php", "echo getmypid();")
    www.write("hold.php", HOLD + "echo 'whole';")
    weir.start()
    return www


def test_a_killed_child_is_replaced(ok):
    victim = ok.children()[0]
    ok.weir.kill(victim)
    until(lambda: len(ok.children()) == 2 and victim not in ok.children(), "a new child")
    assert [ok.get("/ok.php").text for _ in range(4)] == ["ok"] * 4
    line = ok.weir.wait_log(r"\[pool www\] child %d exited on signal 9" % victim).string
    assert "WARNING" in line and "SIGKILL" in line


def test_all_children_killed_at_once(ok):
    victims = ok.children()
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    assert ok.get("/ok.php").text == "ok"
    until(lambda: len(ok.children()) == 2, "both are back")
    assert not set(victims) & set(ok.children())


def test_a_killed_zygote_is_replaced_with_its_children(ok):
    victim, before = ok.weir.one("zygote"), ok.children()
    ok.weir.kill(victim)
    assert ok.get("/ok.php").text == "ok"
    until(lambda: len(ok.children()) == 2 and not set(before) & set(ok.children()), "a generation of its own opcache")
    assert ok.weir.one("zygote") != victim


def test_a_request_in_hand_outlives_its_zygote(ok):
    c = ok.open("/hold.php")
    ok.busy()
    ok.weir.kill(ok.weir.one("zygote"))
    assert ok.get("/ok.php").text == "ok"
    ok.release()
    assert c.reply().text == "whole"


def test_a_killed_pool_process_is_replaced(ok):
    victim = ok.weir.one("pool")
    ok.weir.kill(victim)
    assert ok.get("/ok.php").text == "ok"
    until(lambda: ok.weir.pids("pool", "www") not in ([], [victim]), "a new pool process")
    until(lambda: len(ok.children()) == 2, "its children")
    assert ok.get("/ok.php").text == "ok"


@pytest.mark.not_event("connections belong to the pool process")
def test_a_request_in_hand_outlives_its_pool_process(ok):
    c = ok.open("/hold.php")
    ok.busy()
    ok.weir.kill(ok.weir.one("pool"))
    assert ok.get("/ok.php").text == "ok"
    ok.release()
    assert c.reply().text == "whole"


@pytest.mark.parametrize("kind", ["pool", "zygote", "child"])
def test_other_pools_do_not_notice(weir, kind):
    a, b = weir.pool(name="a"), weir.pool(name="b")
    b.write("ok.php", "echo 'ok';")
    weir.start()
    before = [weir.pids(k, "b") for k in ("pool", "zygote", "child")]
    old = weir.pids(kind, "a")
    weir.kill(old[0])
    assert b.get("/ok.php").text == "ok" and a.run("echo 'a';").text == "a"
    until(lambda: len(weir.pids(kind, "a")) == len(old), "a is whole again")
    assert [weir.pids(k, "b") for k in ("pool", "zygote", "child")] == before


def test_again_and_again(ok):
    for kind in ("zygote", "pool", "child", "pool", "zygote"):
        ok.weir.kill(ok.weir.one(kind) if kind != "child" else ok.children()[0])
        assert ok.get("/ok.php").text == "ok", kind
    until(lambda: len(ok.children()) == 2, "all are back")


# ---- the master

def test_a_killed_master_leaves_nothing(ok):
    ok.weir.exit_code = -signal.SIGKILL
    ok.get("/ok.php")
    ok.weir.kill(ok.weir.master)
    assert ok.weir.ended() == -signal.SIGKILL
    until(lambda: ok.weir.tree() == [], "nothing is left")


def test_a_killed_master_with_a_request_in_hand(ok):
    ok.weir.exit_code = -signal.SIGKILL
    c = ok.open("/hold.php")
    kept = ok.open("/ok.php", keep=True)
    assert kept.reply().ended
    ok.busy()
    ok.weir.kill(ok.weir.master)
    ok.weir.ended()
    if not PHP_EVENT:                           # there its connection keeps the pool process
        until(lambda: len(ok.weir.tree()) == 1, "only the busy child is left")
    ok.release()
    assert c.reply().text == "whole"
    until(lambda: ok.weir.tree() == [], "nothing is left")


def test_a_start_after_a_killed_master_replaces_what_it_left(ok):
    weir = ok.weir
    weir.kill(weir.master)
    weir.ended()
    until(lambda: weir.tree() == [], "nothing is left")
    assert sorted(os.listdir(weir.path("run"))) == ["weir.pid", "www.sock"]
    weir.start()
    assert ok.get("/ok.php").text == "ok"
    assert weir.file("run", "weir.pid") == str(weir.master)


def test_a_start_beside_the_old_master_s_last_child(ok):
    weir = ok.weir
    c = ok.open("/hold.php")
    ok.busy()
    weir.kill(weir.master)
    weir.ended()
    weir.start()
    assert ok.get("/ok.php").text == "ok"
    ok.release()
    assert c.reply().text == "whole"


# ---- crashes

@pytest.mark.parametrize("number, name", [(6, "SIGABRT"), (9, "SIGKILL"), (11, "SIGSEGV")])
def test_a_crash_closes_its_connection_and_is_told(weir, number, name):
    weir.env["ASAN_OPTIONS"] = "detect_leaks=0:handle_segv=0:allow_user_segv_handler=1"
    www = weir.pool()
    www.write("crash.php", CRASH % number)
    if PHP_EVENT:
        www.also("event.retry_max = 0")
    weir.start()
    c = www.open("/crash.php?now", HTTP_X_REQUEST_ID="crash-4711")
    reply = c.reply()
    assert reply.status == 502 if PHP_EVENT else not reply.ended
    assert c.at_end()
    line = weir.wait_log(r"exited on signal %d" % number).string
    assert name in line and re.search(r"\[pool www\] child \d+ ", line)
    told = weir.wait_log("child_died").string
    assert "crash-4711" in told and "/crash.php" in told and "pool www" in told
    until(lambda: len(www.children()) == 2, "a new child")
    assert www.run("echo 'ok';").text == "ok"


def test_a_crash_takes_only_its_own_request(ok):
    ok.write("crash.php", CRASH % 9)
    c = ok.open("/hold.php")
    ok.busy()
    assert ok.open("/crash.php").reply().status == (502 if PHP_EVENT else None)
    ok.release()
    assert c.reply().text == "whole"


def test_a_crash_through_nginx_is_a_502(ok, nginx):
    ok.write("crash.php", CRASH % 9)
    web = nginx(ok, keepalive=2)
    assert web.get("/crash.php").status == 502
    assert web.get("/ok.php").text == "ok"


@pytest.mark.parametrize("code", ["posix_kill(getmypid(), SIGTERM);", "posix_kill(getmypid(), SIGQUIT);",
                                  "posix_kill(getmypid(), SIGUSR1);", "posix_kill(getmypid(), SIGHUP);",
                                  "posix_kill(getmypid(), SIGINT);", "posix_kill(getmypid(), SIGUSR2);"])
def test_signals_to_a_child_are_harmless(ok, code):
    code = code.replace("SIGTERM", "15").replace("SIGQUIT", "3").replace("SIGUSR1", "10").replace("SIGHUP", "1")
    reply = ok.run(code.replace("SIGINT", "2").replace("SIGUSR2", "12") + "echo 'alive';")
    assert reply.text == "alive"
    assert ok.get("/ok.php").text == "ok"


@pytest.mark.parametrize("kind", ["pool", "zygote", "child"])
@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2,
                                 signal.SIGHUP])
def test_signals_from_outside_are_harmless_too(ok, kind, sig):
    before = [ok.weir.pids(k, "www") for k in ("pool", "zygote", "child")]
    for pid in ok.weir.pids(kind, "www"):
        os.kill(pid, sig)
    assert [ok.get("/ok.php").text for _ in range(4)] == ["ok"] * 4
    assert [ok.weir.pids(k, "www") for k in ("pool", "zygote", "child")] == before


def test_instant_deaths_back_off(weir):
    weir.env["ASAN_OPTIONS"] = "detect_leaks=0:handle_abort=0"
    www = weir.pool("pm.max_children = 1")
    other = weir.pool(name="other")
    other.write("ok.php", "echo 'ok';")
    weir.start()
    seen = set()

    def shoot():
        for pid in www.children():
            seen.add(pid)
            os.kill(pid, signal.SIGABRT)
        return len(seen) >= 40
    with pytest.raises(AssertionError):
        until(shoot, "it forks like mad", 4)
    assert len(seen) <= 8, "%d children within four seconds" % len(seen)
    assert other.get("/ok.php").text == "ok"
    assert len(weir.log_lines(r"\[pool www\]")) < 40
    assert www.run("echo 'back';").text == "back"


def test_a_pool_whose_application_cannot_load_harms_no_other(weir):
    bad, good = weir.pool(name="bad"), weir.pool(name="good")
    bad.also("php_admin_value[opcache.preload] = " + bad.write("preload.php", "no_such_function();"))
    done = weir.run("-t")
    if done.returncode == 78:                           # refused before anything starts: as good
        assert "preload" in done.stderr
        return
    weir.start()
    assert good.run("echo 'ok';").text == "ok"
    assert weir.wait_log(r"\[pool bad\]")
