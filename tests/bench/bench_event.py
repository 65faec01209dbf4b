"""The cases of the event model: Weir's pool process owns the connections, php-fpm serves as ever."""
import statistics
import threading

import bench_proc
from bench_cases import STATIC, absolute, case, column, compared, rounds, speed

EVENT = {**STATIC, "weir:mpm": "event"}
EVENT_FOUR = {**EVENT, "pm.max_children": 4, "weir:rlimit_files": 20000}
IDLE = 10000
WAIT_MS = 10
OVERLOAD = 2 * 8 * 1000 // WAIT_MS      # requests a second: twice what 8 children can answer
OVERLOAD_S = 30
QUEUED = 1000                           # queue.max


@case("event-new", "event, hello, 8 children, a new connection for each request, one core for the server")
def event_new(bench):
    yield from speed(bench, "event-new", ("-c", 8), rate=1.0, pool=EVENT)


@case("event-kept", "event, hello, 8 children, 8 kept connections, one core for the server")
def event_kept(bench):
    yield from speed(bench, "event-kept", ("-c", 8, "-k"), rate=1.1, cpu=0.95, pool=EVENT)


@case("event-64", "event, hello, 8 children, 64 new connections at once, one core for the server")
def event_64(bench):
    with bench.pair({"bench": EVENT}) as pair:
        got = rounds(bench, pair, "hello.php", "-c", 64, "--retry-full")
    yield compared("event-64", "latency p99", "µs", column(got, "p99_us"), at_most=1.0)


class Highest(threading.Thread):
    """The most that the server's tree takes while something else goes on."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.kib, self.over = pid, 0, threading.Event()

    def run(self):
        while not self.over.wait(0.2):
            self.kib = max(self.kib, bench_proc.pss_kib(self.pid))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


def beside_idle(bench, server, count):
    with Highest(server.pid) as memory:
        got = bench.load.run(server, "hello.php", "-c", 8, "-k", "-t", bench.seconds,
                             *(("--idle", count) if count else ()))
    return got["requests_per_s"], memory.kib


@case("event-parked", "event, hello, 4 children, 8 kept connections, with and without %d idle ones beside them" % IDLE)
def event_parked(bench):
    """Both columns are Weir's. Memory is compared with what it took before the first idle connection came."""
    with bench.alone("weir", {"bench": EVENT_FOUR}) as server:
        before = beside_idle(bench, server, 0)[1]
        got = [(beside_idle(bench, server, IDLE), beside_idle(bench, server, 0)) for _ in range(bench.rounds)]
    yield compared("event-parked", "requests", "1/s", [(w[0], n[0]) for w, n in got], at_least=0.95)
    each = (statistics.median(w[1] for w, _ in got) - before) / IDLE
    yield absolute("event-parked", "memory of an idle connection", "KiB", each, 0, at_most=2)


def overloaded(bench, which):
    with bench.alone(which, {"bench": EVENT}) as server:
        bench.load.run(server, "wait.php", "-c", 8, "-n", 100, query="ms=%d" % WAIT_MS)
        before = bench_proc.pss_kib(server.pid)
        with Highest(server.pid) as memory:
            got = bench.load.run(server, "wait.php", "-r", OVERLOAD, "-t", OVERLOAD_S, "-c", 8000, "--expect-status", 200,
                                 query="ms=%d" % WAIT_MS, may_fail=True)
    ms = {name: us / 1000 for name, us in got["latency_us"].items()}
    each = (memory.kib - before) / QUEUED
    return ms, 100 * got["errors"] / got["requests"], got["errors_by_kind"]["timeout"], each


@case("event-overload", "event, 8 children, %d requests a second that wait %d ms each, for %d s: twice what they can do" % (
    OVERLOAD, WAIT_MS, OVERLOAD_S))
def event_overload(bench):
    """Refused is whatever was not answered with 200; that nobody waits in vain is what is asked."""
    weir, fpm = (overloaded(bench, which) for which in ("weir", "php-fpm"))
    for what in ("p50", "p99", "max"):
        yield absolute("event-overload", "latency of the answered, " + what, "ms", weir[0][what], fpm[0][what])
    yield absolute("event-overload", "refused", "%", weir[1], fpm[1])
    yield absolute("event-overload", "memory of a queued request and its connection", "KiB", weir[3], 0)
    yield absolute("event-overload", "given up after 30 s", "requests", weir[2], fpm[2], at_most=0)
