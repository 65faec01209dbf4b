"""Promises in time. They hold on a machine that has nothing else to do."""
import os
import signal
import time

import pytest

from load import Load, for_seconds
from weirtest import free_port, never_within, proc, until


def best_of(times, measure):
    return min(measure() for _ in range(times))


def kept(www, uri, count):
    out = []
    for _ in range(count):
        out.append(www.open(uri, keep=True))
        assert out[-1].reply().ended
    return out


def test_8_requests_of_100_ms_on_8_kept_connections_take_less_than_150_ms(weir):
    www = weir.pool("pm.max_children = 8")
    www.write("pid.php", "echo getmypid();")
    www.write("work.php", "usleep(100000); echo 'done';")
    weir.start()
    conns = kept(www, "/pid.php", 8)

    def measure():
        began = time.monotonic()
        for c in conns:
            c.send(www.request("/work.php", keep=True))
        assert [c.reply().text for c in conns] == ["done"] * 8
        return time.monotonic() - began
    assert [t for t in [measure() for _ in range(5)] if t >= 0.150] == []


def test_a_5_ms_page_keeps_its_p99_beside_pages_of_a_second(weir):
    www = weir.pool("pm.max_children = 8")
    www.write("fast.php", "usleep(5000); echo 'fast';")
    www.write("slow.php", "sleep(1); echo 'slow';")
    weir.start()
    kept(www, "/fast.php", 8)
    with Load(www, "/fast.php", clients=2, keep=True) as alone:
        for_seconds(4, lambda: time.sleep(0.1))
    with Load(www, "/slow.php", clients=4, keep=True), Load(www, "/fast.php", clients=2, keep=True) as beside:
        for_seconds(6, lambda: time.sleep(0.1))
    assert alone.bad == beside.bad == {}
    assert beside.p(99) < max(2 * alone.p(99), 0.030), (alone.p(99), beside.p(99))


@pytest.mark.parametrize("pm", ["ondemand", "dynamic"])
def test_a_burst_of_200(weir, pm):
    www = weir.pool("pm = %s\n pm.max_children = 50\n pm.min_spare_servers = 1\n pm.max_spare_servers = 10\n"
                    "pm.process_idle_timeout = 1s\n listen.backlog = 512" % pm)
    www.write("work.php", "usleep(20000); echo 'done';")
    weir.start()
    began = time.monotonic()
    burst = [www.open("/work.php") for _ in range(200)]
    assert [c.reply().text for c in burst] == ["done"] * 200
    assert time.monotonic() - began < 2
    rest = 0 if pm == "ondemand" else 10
    until(lambda: len(www.children()) <= rest, "it shrinks again", 60)


def test_200_ondemand_pools_at_rest_cost_64_kib_each(weir):
    weir.pool("pm = ondemand")
    weir.start()
    one = proc.private_kib(weir.master)
    weir.stop()
    weir.configure(weir.text() + "".join(
        weir.pool("pm = ondemand", name="p%d" % i).text() for i in range(200)))
    weir.start()
    assert weir.tree() == [weir.master]
    each = (proc.private_kib(weir.master) - one) / 200
    print("%.1f KiB for each of 200 ondemand pools at rest" % each)
    assert each <= 64


def test_200_pools_at_rest_use_no_processor(weir):
    for i in range(200):
        weir.pool("pm = ondemand", name="p%d" % i)
    weir.start()

    def ticks():
        with open("/proc/%d/stat" % weir.master) as f:
            return sum(int(x) for x in f.read().rpartition(") ")[2].split()[11:13])
    before = ticks()
    never_within(lambda: False, 5, "")
    assert ticks() - before <= 1


def test_a_dead_child_is_replaced_within_a_quarter_of_a_second(weir):
    www = weir.pool("pm.max_children = 1")
    www.write("pid.php", "echo getmypid();")
    weir.start()

    def measure():
        assert www.get("/pid.php").status == 200
        weir.kill(www.children()[0])
        began = time.monotonic()
        assert www.get("/pid.php").status == 200
        return time.monotonic() - began
    assert best_of(5, measure) < 0.25


def test_a_slot_is_free_within_a_second_of_its_deadline(weir):
    www = weir.pool("pm.max_children = 1\n request_terminate_timeout = 1s")
    www.write("hang.php", "for (;;) { }")
    www.write("ok.php", "echo 'ok';")
    weir.start()
    began = time.monotonic()
    late = www.open("/hang.php")
    queued = www.open("/ok.php")
    assert late.reply().status == 504 and queued.reply().text == "ok"
    assert time.monotonic() - began < 2.5


def test_an_end_with_idle_kept_connections_takes_less_than_a_second(weir):
    www = weir.pool("listen = 127.0.0.1:%d" % free_port())
    www.write("ok.php", "echo 'ok';")
    weir.start()
    kept(www, "/ok.php", 10)
    began = time.monotonic()
    assert weir.stop() == 0
    assert time.monotonic() - began < 1


def test_instant_deaths_decay_to_one_try_in_ten_seconds(weir):
    """Slow on purpose: it watches for half a minute."""
    www = weir.pool("pm.max_children = 1")
    weir.start()
    seen = {}

    def shoot():
        for pid in www.children():
            seen.setdefault(pid, time.monotonic())
            os.kill(pid, signal.SIGABRT)
        return False
    never_within(shoot, 40, "")
    births = sorted(seen.values())
    assert len(births) <= 14, "%d children in 40 s" % len(births)
    assert births[-1] - births[-2] > 4, births
