"""Pools that come to rest whatever happens: their pool processes are killed while requests race with that."""
import random
import threading
import time

import pytest

from weirtest import until

POOLS = 12
ROUNDS = 8


def ask(pool, dice, bad):
    """A few requests, as the dice have it; a killed pool process takes none of them along."""
    for _ in range(dice.randint(1, 3)):
        time.sleep(dice.uniform(0, 0.01))
        reply = pool.open("/pid.php").reply()
        if not (reply.status == 200 and reply.ended):
            bad.append(reply)


@pytest.mark.seconds(400)
def test_pools_whose_process_is_killed_under_a_request_come_to_rest(weir):
    pools = [weir.pool("pm = ondemand\n pm.process_idle_timeout = 1s", name="p%d" % i) for i in range(POOLS)]
    pools[0].write("pid.php", "echo getmypid();")
    weir.start()
    dice, bad, longest = random.Random(time.time_ns()), [], 0.0
    for _ in range(ROUNDS):
        for pool in pools:
            assert pool.get("/pid.php").status == 200
        clients = [threading.Thread(target=ask, args=(p, random.Random(dice.random()), bad)) for p in pools]
        for client, pool in zip(clients, pools):
            client.start()
            for pid in weir.pids("pool", pool.name):
                weir.kill(pid)
        for client in clients:
            client.join()
        begin = time.monotonic()
        until(lambda: weir.tree() == [weir.master], lambda: "all pools are at rest: " + weir.describe())
        longest = max(longest, time.monotonic() - begin)
    print("\n%d kills: %d replies lost, at rest after at most %.1f s" % (POOLS * ROUNDS, len(bad), longest))
    assert bad == []
