"""The master survives every other process, puts a new one in its place, and slows down where that is in vain."""
import signal

import pytest

from weirtest import HOLD, PHP_EVENT, proc, until

pytestmark = pytest.mark.event


@pytest.fixture
def two(weir):
    pools = [weir.pool(name="one"), weir.pool(name="two")]
    pools[0].write("pid.php", "echo getmypid();")
    pools[0].write("hold.php", HOLD + "echo 'done';")
    return pools


def family(pool):
    return [pool.weir.pids(kind, pool.name) for kind in ("pool", "zygote", "child")]


@pytest.mark.parametrize("kind", ["pool", "zygote"])
def test_a_killed_one_is_replaced_and_the_neighbour_undisturbed(two, kind):
    one, other = two
    weir = one.weir.start()
    before, beside = family(one), family(other)
    victim = weir.one(kind, "one")
    weir.kill(victim)
    weir.wait_log(r"WARNING: \[pool one\] (pool process|zygote) %d exited on signal 9" % victim)
    until(lambda: weir.pids(kind, "one"), "another " + kind)
    until(lambda: int(one.get("/pid.php").text) not in before[2], "a new child serves")
    assert family(other) == beside
    assert kind == "pool" or weir.pids("pool", "one") == before[0]


@pytest.mark.parametrize("kind", ["pool", "zygote"])
def test_the_request_in_hand_outlives_it(two, kind):
    if PHP_EVENT and kind == "pool":
        pytest.skip("under event connections belong to the pool process")
    one = two[0]
    weir = one.weir.start()
    old = one.children()
    c = one.open("/hold.php")
    one.busy()
    weir.kill(weir.one(kind, "one"))
    until(lambda: int(one.get("/pid.php").text) not in old, "a new child serves")
    one.release()
    assert c.reply().text == "done"
    weir.gone(*old)
    until(lambda: not proc.zombies(weir.master), "the master reaps the orphans")


@pytest.mark.parametrize("kind", ["pool", "zygote"])
def test_many_deaths_one_after_the_other(two, kind):
    one = two[0]
    weir = one.weir.start()
    for _ in range(8):
        assert one.get("/pid.php").status == 200
        weir.kill(weir.one(kind, "one"))
    until(lambda: one.get("/pid.php").status == 200, "it serves")
    until(lambda: not proc.zombies(weir.master), "the master reaps them all")
    assert len(weir.pids("pool", "one")) == 1
    until(lambda: len(weir.pids("zygote", "one")) == 1, "one zygote is left")


def broken(weir):
    """A pool whose application does not load until .repair()."""
    pool = weir.pool("php_admin_value[opcache.preload] = " + weir.path("preload.php"), name="broken")
    pool.write("ok.php", "echo 'ok';")
    with open(weir.path("preload.php"), "w") as f:
        f.write("<?php no_such_function();")
    pool.repair = lambda: open(weir.path("preload.php"), "w").close()
    return pool


def test_deaths_in_a_row_are_slowed_down_and_told_once(weir):
    bad, good = broken(weir), weir.pool()
    weir.start()
    good.write("ok.php", "echo 'ok';")
    for _ in range(6):
        weir.kill(weir.one("pool", "broken"))
    weir.wait_log(r"ERROR: \[pool broken\] its pool process dies at once, again and again")
    assert good.get("/ok.php").text == "ok"
    bad.repair()
    until(lambda: bad.get("/ok.php").text == "ok", "it serves")
    weir.wait_log(r"NOTICE: \[pool broken\] its pool process is well again")
    assert len(weir.log_lines("dies at once")) == 1


def test_an_application_that_does_not_load_costs_its_pool_alone(weir):
    bad, good = broken(weir), weir.pool()
    good.write("ok.php", "echo 'ok';")
    weir.start()
    weir.wait_log(r"ERROR: \[pool broken\] the application cannot be loaded")
    assert good.get("/ok.php").text == "ok"
    weir.wait_log(r"ERROR: \[pool broken\] failing: the application does not load")
    bad.repair()
    until(lambda: bad.get("/ok.php").text == "ok", "it serves")
    weir.wait_log(r"NOTICE: \[pool broken\] the application loads again")
    assert len(weir.log_lines("the application cannot be loaded")) == len(weir.log_lines("failing: ")) == 1


def refusals(pool):
    """Its clients: a plain one, one that comes in pieces, one with a body that nobody will read, a kept one."""
    request = pool.request("/ok.php")
    pieces = pool.connect().send(request[:5])
    yield pool.open("/ok.php")
    yield pool.open("/ok.php", body=b"x" * 300000)
    yield pool.open("/ok.php", keep=True)
    yield pieces.send(request[5:40], request[40:])


def test_while_an_application_does_not_load_its_clients_are_told(weir):
    bad, _ = broken(weir).also("security.reason_header = yes"), weir.pool()
    weir.start()
    weir.wait_log("failing: ")
    for number, c in enumerate(refusals(bad)):
        reply = c.reply()
        assert (reply.status, reply.header("X-Weir-Reason"), reply.ended) == (503, "spawn_failed", True)
        if not PHP_EVENT or number != 2:        # there the pool process keeps it
            assert c.at_end() == "eof"
    for junk in (b"", b"GET / HTTP/1.1\r\n\r\n" * 40, bad.request("/ok.php")[:30]):
        with bad.connect().send(junk) as c:
            c.shut()
            assert c.reply().status in ((None, 400) if PHP_EVENT else (None,))      # half a head may be answered
    bad.repair()
    until(lambda: bad.get("/ok.php").text == "ok", "it serves")


@pytest.mark.parametrize("lines", ["", "pm = ondemand"])
def test_the_same_when_it_was_at_rest(weir, lines):
    bad, _ = broken(weir).also(lines), weir.pool()
    weir.start()
    waiting = [bad.open("/ok.php") for _ in range(100)]
    assert [c.reply().status for c in waiting] == [503] * 100
    assert len(weir.log_lines("the application cannot be loaded")) == 1


def test_a_zygote_that_does_not_end_after_its_pool_process(two):
    one = two[0]
    weir = one.weir.start()
    zygote = weir.one("zygote", "one")
    weir.kill(zygote, signal.SIGSTOP)
    weir.kill(weir.one("pool", "one"))
    assert one.get("/pid.php").status == 200
    weir.wait_log("zygote %d did not end after its pool process: killed" % zygote)
    weir.gone(zygote)


@pytest.mark.parametrize("kind", ["pool", "zygote", "child"])
@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_process_does_not_hold_up_the_end(two, kind, sig):
    weir = two[0].weir
    weir.global_("process_control_timeout = 1s")
    weir.start()
    weir.kill(weir.pids(kind, "one")[0], signal.SIGSTOP)
    assert weir.stop(sig) == 0


def test_an_orphan_that_a_script_left_is_not_touched(two):
    one = two[0]
    weir = one.weir.start()
    pid = int(one.run("echo exec('sleep 1000 > /dev/null 2>&1 < /dev/null & echo $!');").text)
    assert weir.stop() == 0
    assert proc.alive(pid) and proc.cmdline(pid) == "sleep 1000"
    weir.kill(pid)
