"""Children with several slots that leave: none holds up those that follow, and none begins more than it should."""
import signal

import pytest

from test_worker import hold, threads, who  # noqa: F401
from weirtest import until

pytestmark = pytest.mark.threads


def use_up(pool, count):
    """Let so many requests be held, each in a child of its own that has used up its max_requests (2) then."""
    conns = []
    for _ in range(count):
        conns += hold(pool, 1)
        assert pool.get("/x", ECHO_WHO="").status == 200
    return conns


def test_requests_that_take_long_in_all_that_leave_block_nobody(weir, threads):
    """A child is used up when its one request is held and another is served. Two of two children may take so long."""
    threads.also("pm.max_requests = 2")
    weir.start()
    held = []
    for _ in range(8):
        held += hold(threads, 1)
        for _ in range(4):
            assert threads.get("/x", ECHO_WHO="").status == 200
    assert len(threads.children()) <= 4
    threads.release()
    assert all(c.reply().ended for c in held)
    until(lambda: len(threads.children()) == 2, "those that were used up are gone")
    assert threads.get("/x", ECHO_WHO="").status == 200


def test_also_with_one_child(weir, threads):
    threads.also("pm.max_requests = 1\n pm.max_children = 1")
    weir.start()
    held = hold(threads, 3)
    assert len(threads.children()) == 2
    for _ in range(4):
        assert threads.get("/x", ECHO_WHO="").status == 200
    threads.release()
    assert all(c.reply().ended for c in held)


def test_and_where_a_surplus_leaves(weir, threads):
    threads.also("pm = dynamic\n pm.max_children = 3\n pm.max_requests = 3\n mpm.min_spare_threads = 1\n"
                 "mpm.max_spare_threads = 4")
    weir.start()
    held = []
    for _ in range(8):
        held += hold(threads, 1)
        for _ in range(4):
            assert threads.get("/x", ECHO_WHO="").status == 200
    assert len(threads.children()) <= 6
    threads.release()
    assert all(c.reply().ended for c in held)


def test_a_late_request_of_which_nobody_could_take_the_place(weir, threads):
    """What runs on behind its answer has no limit: the child leaves, and keeps its place. Two such places are taken by
    them, and the child of the late request serves on with the slots that are left to it."""
    threads.also("pm.max_children = 1\n request_terminate_timeout = 1s")
    weir.start()
    for _ in range(2):
        behind = threads.open("/x", ECHO_FOLDER=threads.root, ECHO_DO="finish hold", keep=False)
        assert behind.reply().ended
        child = who(threads.get("/x", ECHO_WHO=""))[0]
        assert threads.open("/x", ECHO_FOLDER=threads.root, ECHO_DO="hold").reply().status == 504
        assert threads.get("/x", ECHO_WHO="").status == 200
        assert child in threads.children()
    assert len(threads.children()) == 2
    threads.release()
    until(lambda: len(threads.children()) == 1, "one child")
    assert threads.get("/x", ECHO_WHO="").status == 200


def together(pool, count, keep):
    """So many requests sent at the same moment: who answered."""
    conns = [pool.connect() for _ in range(count)]
    for c in conns:
        c.send(pool.request("/x", keep=keep, ECHO_WHO=""))
    replies = [c.reply() for c in conns]
    assert all(r.status == 200 for r in replies)
    return [who(r)[0] for r in replies], conns


def settled(pool, count):
    """As many as may serve: nobody leaves."""
    until(lambda: len(pool.children()) == count, "%d children" % count)


@pytest.mark.parametrize("keep", [False, True])
def test_no_child_begins_more_than_max_requests(weir, threads, keep):
    threads.also("pm.max_requests = 3\n pm.max_children = 3")
    weir.start()
    answered = []
    for _ in range(10):
        answered += together(threads, 6, keep)[0]
        settled(threads, 3)
    assert {answered.count(p) for p in set(answered)} <= {1, 2, 3}


def test_kept_connections_outlive_the_children_that_answered(weir, threads):
    threads.also("pm.max_requests = 5")
    weir.start()
    conns = together(threads, 6, True)[1]
    seen = set()
    for _ in range(10):
        for c in conns:
            c.send(threads.request("/x", keep=True, ECHO_WHO=""))
        seen |= {who(c.reply())[0] for c in conns}
        settled(threads, 2)
    assert len(seen) >= 12


def test_also_one_whose_request_took_long(weir, threads):
    threads.also("pm.max_requests = 2\n pm.max_children = 1")
    weir.start()
    held = hold(threads, 1, keep=True)[0]
    assert all(threads.get("/x", ECHO_WHO="").status == 200 for _ in range(3))
    threads.release()
    first = who(held.reply())[0]
    weir.gone(first)
    held.send(threads.request("/x", keep=True, ECHO_WHO=""))
    assert who(held.reply())[0] != first


def test_a_head_that_comes_slowly_is_waited_for(weir, threads):
    """Its child leaves meanwhile, for the pm.max_requests of others."""
    threads.also("pm.max_requests = 2\n pm.max_children = 1")
    weir.start()
    slow, whole = threads.connect(), threads.request("/x", ECHO_WHO="")
    first = who(threads.get("/x", ECHO_WHO=""))[0]
    slow.send(whole[:30])
    while who(threads.get("/x", ECHO_WHO=""))[0] == first:
        pass
    signal.sigtimedwait([], 1)          # twice as long as a child that is to end would wait
    slow.send(whole[30:])
    assert slow.reply().status == 200


def test_those_that_leave_count_for_process_max(weir, threads):
    weir.global_("process.max = 3")
    threads.also("pm.max_requests = 2")
    weir.wait_whole = False
    weir.start()
    held = []
    for _ in range(6):
        held += hold(threads, 1)
        for _ in range(4):
            assert threads.get("/x", ECHO_WHO="").status == 200
        assert len(threads.children()) <= 3
    until(lambda: len(threads.children()) == 3, "one for that which leaves")
    threads.release()
    assert all(c.reply().ended for c in held)
    settled(threads, 2)


@pytest.mark.parametrize("children", [1, 2])
def test_at_process_max_a_child_is_replaced_when_it_has_nothing_to_do(weir, threads, children):
    """No other can be born before it ends: it serves on meanwhile."""
    weir.global_("process.max = %d" % children)
    threads.also("pm.max_requests = 2\n pm.max_children = %d" % children)
    weir.start()
    first = set(threads.children())
    held = hold(threads, 1)
    for _ in range(8):
        assert threads.get("/x", ECHO_WHO="").status == 200
    assert len(threads.children()) <= children
    threads.release()
    assert held[0].reply().ended
    until(lambda: not first & {who(threads.get("/x", ECHO_WHO=""))[0]} and not first & set(threads.children()),
          "others in their place")


def test_a_zygote_that_dies_leaves_children_that_block_nobody(weir, threads):
    """As many of the old generation leave as may, with requests that take long."""
    threads.also("pm.max_requests = 2")
    weir.start()
    held = use_up(threads, 4)
    for n in range(2):
        before = set(threads.children())
        weir.kill(weir.one("zygote", "thr"))
        until(lambda: who(threads.get("/x", ECHO_WHO=""))[0] not in before, "children of the next generation")
    threads.release()
    assert all(c.reply().ended for c in held)
    until(lambda: len(threads.children()) == 2, "two children")


def test_a_reload_takes_no_place_from_the_new_pool(weir, threads):
    threads.also("pm.max_requests = 2")
    weir.start()
    held = use_up(threads, 3)
    before = set(threads.children())
    weir.send_signal(signal.SIGUSR2)
    until(lambda: who(threads.get("/x", ECHO_WHO=""))[0] not in before, "the new pool serves")
    until(lambda: len(set(threads.children()) - before) >= 2, "as many as may serve")
    threads.release()
    assert all(c.reply().ended for c in held)
    until(lambda: len(threads.children()) == 2, "two children")
