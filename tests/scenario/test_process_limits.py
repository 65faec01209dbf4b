"""emergency_restart_threshold and process.max: what the master watches over all pools."""
import os
import signal

import pytest

from weirtest import until
from weirtest.server import HOLD

pytestmark = pytest.mark.event

REACHED = "WARNING: The maximum number of processes has been reached. Please review your configuration and consider raising 'process.max'"


@pytest.fixture
def crashing(weir):
    """One whose children may die by SIGSEGV also where a sanitizer would catch it."""
    weir.env["ASAN_OPTIONS"] = "detect_leaks=0:handle_segv=0:handle_sigbus=0"
    return weir


def crash(weir, www, count, sig=signal.SIGSEGV):
    for _ in range(count):
        child = until(www.children, "a child")[0]
        weir.kill(child, sig)
        weir.gone(child)


def test_crashes_bring_a_reload(crashing):
    weir = crashing
    weir.global_("emergency_restart_threshold = 3\n emergency_restart_interval = 1h")
    www = weir.pool()
    weir.start()
    zygote = weir.one("zygote")
    crash(weir, www, 1)
    crash(weir, www, 1, signal.SIGBUS)
    crash(weir, www, 1, signal.SIGKILL)         # no crash
    assert not weir.log_lines("initiating reload")
    crash(weir, www, 1)
    weir.wait_log(r"WARNING: failed processes threshold \(3 in 3600 sec\) is reached, initiating reload")
    weir.wait_log("ready to handle connections", 2)
    weir.gone(zygote)
    assert www.run("echo 'ok';").text == "ok"
    crash(weir, www, 2)
    until(lambda: len(www.children()) == 2, "two children")
    assert len(weir.log_lines("initiating reload", of=weir.file("weir.log"))) == 1


def test_crashes_of_all_pools_count_together(crashing):
    weir = crashing
    weir.global_("emergency_restart_threshold = 2\n emergency_restart_interval = 1h")
    pools = [weir.pool(name=name) for name in "ab"]
    weir.start()
    for pool in pools:
        crash(weir, pool, 1)
    weir.wait_log("initiating reload")
    weir.wait_log("ready to handle connections", 2)


def test_without_both_keys_nothing_is_reloaded(crashing):
    weir = crashing
    weir.global_("emergency_restart_threshold = 1")
    www = weir.pool()
    weir.start()
    crash(weir, www, 3)
    until(lambda: len(www.children()) == 2, "two children")
    assert not weir.log_lines("initiating reload")


def counts(pools):
    return [len(p.children()) for p in pools]


def test_no_more_than_process_max_in_all(weir):
    weir.global_("process.max = 5")
    pools = [weir.pool("pm.max_children = 4", name=name) for name in "ab"]
    weir.wait_whole = False
    weir.start()
    until(lambda: sum(counts(pools)) == 5, "five children")
    weir.wait_log(REACHED)
    assert [p.run("echo 'ok';").text for p in pools] == ["ok", "ok"]
    for pool in pools:
        weir.kill(pool.children()[0])
        until(lambda: sum(counts(pools)) == 5, lambda: "five children again: %s" % counts(pools))
    assert len(weir.log_lines("maximum number of processes", of=weir.file("weir.log"))) == 1


def test_a_pool_without_a_child_comes_first(weir):
    weir.global_("process.max = 3")
    full = weir.pool("pm.max_children = 3", name="full")
    late = weir.pool("pm = ondemand\n pm.max_children = 3", name="late")
    weir.wait_whole = False
    weir.start()
    until(lambda: counts([full]) == [3], "three children")
    waiting = late.open(late.script("echo 'at last';"))
    weir.wait_log(REACHED)
    weir.kill(full.children()[0])
    # The full pool keeps its grant for the child that it lost: it has to want fewer.
    full.lines[-1] = "pm.max_children = 2"
    weir.configure()
    weir.send_signal(signal.SIGUSR2)
    assert waiting.reply().text == "at last"


def test_a_pool_that_leaves_gives_back(weir):
    weir.global_("process.max = 2")
    quick = weir.pool("pm = ondemand\n pm.max_children = 2\n pm.process_idle_timeout = 1s", name="quick")
    other = weir.pool("pm = ondemand\n pm.max_children = 2", name="other")
    weir.wait_whole = False
    weir.start()
    held = [quick.open(quick.script(HOLD)) for _ in range(2)]
    quick.busy(2)
    waiting = other.open(other.script("echo 'at last';"))
    weir.wait_log(REACHED)
    assert other.children() == []
    quick.release()
    assert [h.reply().status for h in held] == [200, 200]
    assert waiting.reply().text == "at last"


def test_a_pool_process_that_dies_gives_back(weir):
    weir.global_("process.max = 1")
    a, b = weir.pool("pm.max_children = 1", name="a"), weir.pool("pm.max_children = 1", name="b")
    weir.wait_whole = False
    weir.start()
    until(lambda: sum(counts([a, b])) == 1, "a child")
    first, second = (a, b) if a.children() else (b, a)
    weir.kill(weir.one("pool", first.name))
    until(lambda: counts([second]) == [1], "the other pool has its child")
    assert second.run("echo 'ok';").text == "ok"


def test_a_reload_at_the_limit_comes_to_its_end(weir):
    weir.global_("process.max = 2")
    pools = [weir.pool("pm.max_children = 2", name=name) for name in "abc"]
    weir.wait_whole = False
    weir.start()
    for n in (2, 3):
        weir.send_signal(signal.SIGUSR2)
        weir.wait_log("ready to handle connections", n)
    until(lambda: sum(counts(pools)) == 2, lambda: "two children: %s" % counts(pools))
    weir.globals[-1] = "process.max = 0"
    weir.configure()
    weir.send_signal(signal.SIGUSR2)
    until(lambda: counts(pools) == [2, 2, 2], lambda: "all children: %s" % counts(pools))


def switches(pid):
    with open("/proc/%d/status" % pid) as f:
        return int([x for x in f if x.startswith("voluntary_ctxt")][0].split()[1])


def test_who_waits_for_a_grant_sleeps(weir):
    weir.global_("process.max = 1")
    a = weir.pool("pm.max_children = 1", name="a")
    b = weir.pool("pm = ondemand\n pm.max_children = 1", name="b")
    weir.wait_whole = False
    weir.start()
    until(lambda: counts([a]) == [1], "a child")
    waiting = [b.open(b.script("echo 'ok';")) for _ in range(3)]
    weir.wait_log(REACHED)
    pool = weir.one("pool", "b")
    until(lambda: calm(pool), "it sleeps", 30)
    weir.kill(weir.one("pool", "a"))
    assert os.path.exists("/proc/%d" % pool)
    assert waiting[0].reply().text == "ok"


def calm(pid):
    """Did it wake up a few times at most while we slept for a second? It reminds the master once, and is answered."""
    before = switches(pid)
    signal.sigtimedwait([], 1)
    return switches(pid) - before <= 6


def test_one_that_sleeps_through_its_grant_has_it_when_it_wakes(weir):
    weir.global_("process.max = 1")
    a = weir.pool("pm.max_children = 1", name="a")
    b = weir.pool("pm = ondemand\n pm.max_children = 1", name="b")
    weir.wait_whole = False
    weir.start()
    until(lambda: counts([a]) == [1], "a child")
    waiting = b.open(b.script("echo 'ok';"))
    weir.wait_log(REACHED)
    pool = weir.one("pool", "b")
    os.kill(pool, signal.SIGSTOP)
    weir.kill(weir.one("pool", "a"))
    until(lambda: weir.pids("pool", "a"), "the next pool process")
    os.kill(pool, signal.SIGCONT)
    assert waiting.reply().text == "ok"
    assert len(weir.log_lines("maximum number of processes", of=weir.file("weir.log"))) == 1
