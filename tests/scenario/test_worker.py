"""The worker model: several slots in each child, with the tests' own SAPI, which is safe for threads."""
import glob
import os
import signal

import pytest

from weirtest import until

pytestmark = pytest.mark.threads


@pytest.fixture
def threads(weir):
    """A pool of two children with four threads each."""
    pool = weir.pool("sapi = echo\n security.limit_extensions =\n mpm = worker\n mpm.threads_per_child = 4\n"
                     "pm.max_children = 2", name="thr")
    return pool


@pytest.fixture
def running(threads):
    threads.weir.start()
    return threads


def hold(pool, count, keep=False):
    """So many requests that run until pool.release(), each on a connection of its own, all of them running now."""
    conns = []
    for _ in range(count):
        before = len(glob.glob(pool.root + "/held-*"))
        conns.append(pool.open("/x", keep=keep, ECHO_WHO=pool.root))
        until(lambda: len(glob.glob(pool.root + "/held-*")) > before, "it runs")
    return conns


def who(reply):
    pid, tid = reply.text.split()
    return int(pid), int(tid)


def under_tsan(weir):
    with open(weir.binary, "rb") as f:
        return b"__tsan_init" in f.read()


def test_a_race_of_two_slots_is_reported(weir, threads):
    """ThreadSanitizer's silence in the other tests says something."""
    if not under_tsan(weir):
        pytest.skip("needs a build with --enable-sanitizers=thread")
    threads.also("pm.max_children = 1")
    weir.exit_code = None
    weir.start()
    conns = [threads.open("/x", ECHO_WHO=threads.root, ECHO_RACE="") for _ in range(4)]
    until(lambda: len(glob.glob(threads.root + "/held-*")) == 4, "each on a thread of its own")
    threads.release()
    assert all(c.reply().ended for c in conns)
    weir.stop()
    with pytest.raises(AssertionError, match="data race"):
        weir.check_reports()
    for name in os.listdir(weir.path("san")):
        os.remove(weir.path("san", name))


def test_each_slot_serves_at_the_same_time(running):
    conns = hold(running, 8)
    running.release()
    seen = [who(c.reply()) for c in conns]
    assert len(set(seen)) == 8
    assert len({pid for pid, _ in seen}) == 2


@pytest.mark.parametrize("over", ["listening socket", "ready queue"])
def test_what_came_at_once_runs_at_once(running, over):
    """One event may tell of many connections: each is passed on to a thread that is free."""
    conns = [running.open("/x", keep=True, ECHO_WHO="") for _ in range(16 if over == "ready queue" else 0)]
    assert all(c.reply().ended for c in conns)
    children = running.children()
    for pid in children:
        os.kill(pid, signal.SIGSTOP)
    try:
        for c in conns:
            c.send(running.request("/x", keep=True, ECHO_WHO=running.root))
        conns += [running.open("/x", ECHO_WHO=running.root) for _ in range(8 - len(conns))]
    finally:
        for pid in children:
            os.kill(pid, signal.SIGCONT)
    until(lambda: len(glob.glob(running.root + "/held-*")) == 8, "all slots are at work")
    running.release()
    assert all(c.reply().ended for c in conns)


def test_one_more_waits_for_a_slot(running):
    conns = hold(running, 8)
    late = running.open("/x", ECHO_WHO="")
    running.release()
    assert all(c.reply().ended for c in conns + [late])


def test_kept_connections_outnumber_slots(running):
    conns = [running.open("/x", keep=True, ECHO_WHO="") for _ in range(30)]
    for c in conns:
        assert c.reply().ended
    for _ in range(3):
        for c in conns:
            c.send(running.request("/x", keep=True, ECHO_WHO=""))
        for c in conns:
            assert c.reply().ended


def test_a_kept_connection_of_a_busy_child_is_served_by_the_other(weir, threads):
    weir.start()
    kept = [threads.open("/x", keep=True, ECHO_WHO="") for _ in range(8)]
    for c in kept:
        assert c.reply().ended
    busy = hold(threads, 4)
    for c in kept:
        c.send(threads.request("/x", keep=True, ECHO_WHO=""))
        assert c.reply().ended
    threads.release()
    assert all(c.reply().ended for c in busy)


def test_a_crash_takes_its_process_and_no_other(running):
    conns = hold(running, 7)
    crashed = running.open("/x", ECHO_CRASH="9")        # on the slot that is left
    assert crashed.at_end() in ("eof", "reset")
    assert running.weir.wait_log(r"child \d+ exited on signal 9", 1)
    until(lambda: len(running.weir.log_lines("child_died")) == 4, "all four of its requests are named")
    running.release()
    ends = []
    for c in conns:
        record = c.record()
        ends.append("lost" if record is None else "served")
    assert sorted(ends) == ["lost"] * 3 + ["served"] * 4
    until(lambda: len(running.children()) == 2, "two children again")
    assert running.get("/x", ECHO_WHO="").status == 200


def test_max_requests_replaces_a_whole_child(weir, threads):
    threads.also("pm.max_requests = 10")
    weir.start()
    seen = set()
    for _ in range(60):
        reply = threads.get("/x", ECHO_WHO="")
        assert reply.status == 200
        seen.add(who(reply)[0])
    assert len(seen) >= 5


def test_requests_in_hand_survive_max_requests(weir, threads):
    threads.also("pm.max_requests = 3\n pm.max_children = 1")
    weir.start()
    held = hold(threads, 1)
    for _ in range(12):
        assert threads.get("/x", ECHO_WHO="").status == 200
    threads.release()
    assert held[0].reply().ended


def test_a_late_request_gets_its_answer_and_the_others_finish(weir, threads):
    threads.also("request_terminate_timeout = 1s\n pm.max_children = 1")
    weir.start()
    late = hold(threads, 1)[0]
    child = threads.children()[0]
    assert late.reply().status == 504
    assert weir.wait_log(r"execution timed out")
    weir.gone(child)
    assert threads.get("/x", ECHO_WHO="").status == 200
    assert who(threads.get("/x", ECHO_WHO=""))[0] != child


def test_term_finishes_what_is_in_hand(running):
    held = hold(running, 3, keep=True)
    running.weir.send_signal(signal.SIGTERM)
    assert running.weir.wait_log("Terminating")
    running.release()
    for c in held:
        assert c.reply().status == 200
    running.weir.ended()


def test_a_dynamic_pool_starts_whole_children(weir, threads):
    threads.also("pm = dynamic\n pm.max_children = 5\n mpm.min_spare_threads = 2\n mpm.max_spare_threads = 6\n")
    weir.start()
    assert len(threads.children()) == 1
    held = hold(threads, 3)                             # one is idle: one less than is asked for
    until(lambda: len(threads.children()) == 2, "a second child")
    held += hold(threads, 4)
    until(lambda: len(threads.children()) == 3, "a third child")
    threads.release()
    assert all(c.reply().ended for c in held)
    until(lambda: len(threads.children()) == 2, "two children: 8 idle, not a whole child more than 6", 30)


def test_those_that_leave_keep_no_place_from_others(weir, threads):
    """With max_children = 1: the child that leaves still has a request, and another one serves."""
    threads.also("pm.max_children = 1\n pm.max_requests = 2")
    weir.start()
    held = hold(threads, 1)[0]
    first = threads.children()[0]
    for _ in range(4):
        assert who(threads.get("/x", ECHO_WHO=""))[0]
    assert first in threads.children()
    assert who(threads.get("/x", ECHO_WHO=""))[0] != first
    threads.release()
    assert held.reply().ended
    weir.gone(first)


def test_a_reload_into_worker_and_back(weir):
    pool = weir.pool("sapi = echo\n security.limit_extensions =\n pm.max_children = 2", name="thr")
    weir.start()
    assert who(pool.get("/x", ECHO_WHO=""))
    for lines in ("mpm = worker\n mpm.threads_per_child = 3", "mpm = prefork\n mpm.threads_per_child = 1"):
        old = set(pool.children())
        pool.also(lines)
        weir.configure()
        weir.send_signal(signal.SIGUSR2)
        until(lambda: pool.children() and not old & set(pool.children()), "new children")
        assert who(pool.get("/x", ECHO_WHO=""))


def test_threads_of_an_idle_child_sleep(running):
    """Each child has its slots and the watcher, and nothing else."""
    if under_tsan(running.weir):
        pytest.skip("ThreadSanitizer has threads of its own")
    for pid in running.children():
        assert len(os.listdir("/proc/%d/task" % pid)) == 5
