"""Children with several slots that come and go all the time, while requests take as long as they like: somebody serves
at every moment."""
import random
import threading
import time

import pytest

from weirtest import until

pytestmark = pytest.mark.threads

SECONDS = 20
PATIENCE_S = 2          # for a request that takes no time, on a machine that has other things to do


class Traffic:
    """One client: a request after the other, each of so many milliseconds, on a connection that is mostly kept."""

    def __init__(self, pool, dice, lengths, late):
        self.pool, self.dice, self.lengths, self.late = pool, dice, lengths, late
        self.slowest, self.lost, self.done = 0, [], 0
        self.thread = threading.Thread(target=self.run)

    def one(self, conn, ms):
        conn.send(self.pool.request("/x", keep=True, ECHO_FOLDER=self.pool.root, ECHO_DO="ms=%d" % ms))
        begin = time.monotonic()
        reply = conn.reply()
        if reply.status != 200 and not (ms > 1000 * self.late and reply.status == 504):
            self.lost.append((ms, reply.status, reply.records))
        self.slowest = max(self.slowest, time.monotonic() - begin - ms / 1000)
        self.done += 1
        return reply.status == 200

    def run(self):
        until_s, conn = time.monotonic() + SECONDS, None
        while time.monotonic() < until_s:
            conn = conn or self.pool.connect(timeout=PATIENCE_S + 20)
            if not self.one(conn, self.dice.choice(self.lengths)) or self.dice.random() < 0.3:
                conn.close()
                conn = None


@pytest.mark.parametrize("limits", ["", "process.max = 3", "process.max = 2"], ids=["free", "three", "two"])
@pytest.mark.parametrize("late", [20, 1], ids=["whole", "late"])
def test_somebody_serves_while_children_leave_one_after_the_other(weir, limits, late):
    if limits:
        weir.global_(limits)
    pool = weir.pool("sapi = echo\n security.limit_extensions =\n mpm = worker\n mpm.threads_per_child = 4\n"
                     "pm.max_children = 2\n pm.max_requests = 5\n pm.max_requests_jitter = 2\n"
                     "request_terminate_timeout = %d" % late, name="thr")
    weir.wait_whole = False
    weir.start()
    until(pool.children, "a child")
    dice = random.Random(4)
    # Three that hold a slot for long, so that one is free in either child, and four whose requests take no time.
    long = [Traffic(pool, random.Random(n), [3000, 3500], late) for n in range(3)]
    short = [Traffic(pool, random.Random(dice.random()), [0, 1, 5], late) for _ in range(4)]
    most = 0
    for t in long + short:
        t.thread.start()
    while any(t.thread.is_alive() for t in long + short):
        most = max(most, len(pool.children()))
        time.sleep(0.01)
    for t in long + short:
        t.thread.join()
    print("\n%d short requests beside %d long ones, the slowest waited %.0f ms; at most %d children" % (
        sum(t.done for t in short), sum(t.done for t in long), 1000 * max(t.slowest for t in short), most))
    assert [t.lost for t in long + short if t.lost] == []
    assert max(t.slowest for t in short) < PATIENCE_S
    assert most <= (int(limits[-1]) if limits else 6)   # 2 that serve, 2 with work left, 2 that are about to end
    until(lambda: len(pool.children()) == 2, "two children")
