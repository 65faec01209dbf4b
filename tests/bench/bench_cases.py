"""The cases: what is measured, and what is to be reached. Each takes a Bench and yields rows."""
import os
import re
import signal
import statistics
import subprocess
import time
from dataclasses import asdict, dataclass, field

import bench_proc
from bench_server import BenchError

STATIC = {"pm": "static", "pm.max_children": 8}
ONE_CHILD = {"pm": "static", "pm.max_children": 1}
DYNAMIC = {"pm": "dynamic", "pm.max_children": 50, "pm.start_servers": 2, "pm.min_spare_servers": 2,
           "pm.max_spare_servers": 8}
ONDEMAND = {"pm": "ondemand", "pm.max_children": 4, "pm.process_idle_timeout": "1s"}
BURST, BURST_MS = 200, 10
AT_REST = 200
TRACED = 500
TRACE_BODY = "Hello, world!"


@dataclass
class Row:
    case: str
    what: str
    unit: str
    weir: float
    fpm: float
    target: str                         # for people
    met: object = None                  # True, False; None where nothing is asked
    ratio: float = None
    rounds: list = field(default_factory=list)      # [weir, php-fpm] of each round

    def as_dict(self):
        return asdict(self)


CASES = {}


def case(name, what):
    """Register a function as a case."""
    def register(function):
        function.case, function.what = name, what
        CASES[name] = function
        return function
    return register


def compared(name, what, unit, pairs, at_least=None, at_most=None):
    """A row whose target is a ratio: the median over the rounds of Weir's figure to php-fpm's beside it."""
    ratio = statistics.median(w / f if f else float(w == f) for w, f in pairs)
    shown = round(ratio, 2)
    target, met = "", None
    if at_least is not None:
        target, met = "at least %.2f" % at_least, shown >= at_least
    if at_most is not None:
        target, met = "at most %.2f" % at_most, shown <= at_most
    return Row(name, what, unit, statistics.median(w for w, _ in pairs), statistics.median(f for _, f in pairs),
               target, met, ratio, [list(p) for p in pairs])


def absolute(name, what, unit, weir, fpm, at_most=None):
    met = None if at_most is None else round(weir, 1) <= at_most
    return Row(name, what, unit, weir, fpm, "" if at_most is None else "at most %g" % at_most, met,
               weir / fpm if fpm else None)


def one_round(bench, server, script, query, options):
    before = bench_proc.cpu_seconds(server.pid)
    got = bench.load.run(server, script, "-t", bench.seconds, *options, query=query)
    cpu = bench_proc.cpu_seconds(server.pid) - before
    return {"rate": got["requests_per_s"], "cpu_us": cpu * 1e6 / got["ok"], "p50_us": got["latency_us"]["p50"],
            "p99_us": got["latency_us"]["p99"]}


def rounds(bench, pair, script, *options, query=""):
    """[(Weir's figures, php-fpm's)], in turns, after a warm-up of each."""
    for server in pair:
        bench.load.run(server, script, "-t", 0.5, *options, query=query)
    return [tuple(one_round(bench, server, script, query, options) for server in pair) for _ in range(bench.rounds)]


def column(got, key):
    return [(w[key], f[key]) for w, f in got]


def speed(bench, name, options, script="hello.php", query="", cpus=None, rate=None, cpu=None, pool=None):
    with bench.pair({"bench": pool or STATIC}, cpus) as pair:
        got = rounds(bench, pair, script, *options, query=query)
    yield compared(name, "requests", "1/s", column(got, "rate"), at_least=rate)
    yield compared(name, "CPU time a request", "µs", column(got, "cpu_us"), at_most=cpu)


@case("hello-new", "hello, 8 children, a new connection for each request, one core for the server")
def hello_new(bench):
    yield from speed(bench, "hello-new", ("-c", 8), rate=1.8, cpu=0.55)


@case("hello-kept", "hello, 8 children, 8 kept connections, one core for the server")
def hello_kept(bench):
    yield from speed(bench, "hello-kept", ("-c", 8, "-k"), rate=1.2, cpu=0.85)


@case("hello-kept-2", "hello, 8 children, 8 kept connections, two cores for the server")
def hello_kept_two(bench):
    yield from speed(bench, "hello-kept-2", ("-c", 8, "-k"), cpus=bench.two_cpus, rate=1.2, cpu=0.85)


@case("1ms-new", "a script of 1 ms of work, 8 children, new connections")
def busy_new(bench):
    yield from speed(bench, "1ms-new", ("-c", 8), "busy.php", bench.one_ms(), rate=1.0)


@case("1ms-kept", "a script of 1 ms of work, 8 children, kept connections")
def busy_kept(bench):
    yield from speed(bench, "1ms-kept", ("-c", 8, "-k"), "busy.php", bench.one_ms(), rate=1.0)


def single(bench, name, options):
    with bench.pair({"bench": STATIC}) as pair:
        got = rounds(bench, pair, "hello.php", "-c", 1, *options)
    yield compared(name, "latency p50", "µs", column(got, "p50_us"), at_most=1.0)


@case("one-new", "hello, one connection at a time, a new one for each request")
def one_new(bench):
    yield from single(bench, "one-new", ())


@case("one-kept", "hello, one kept connection")
def one_kept(bench):
    yield from single(bench, "one-kept", ("-k",))


def burst_round(bench, which):
    with bench.alone(which, {"bench": DYNAMIC}) as server:
        bench.load.run(server, "wait.php", "-n", 20, query="ms=0")
        server.settle()
        got = bench.load.run(server, "wait.php", "--burst", BURST, "--retry-full", query="ms=%d" % BURST_MS)
    return got["latency_us"]["p99"] / 1000, got["latency_us"]["max"] / 1000


@case("burst", "%d requests at once on a dynamic pool at rest (2 to 50 children), each waits %d ms" % (BURST, BURST_MS))
def burst(bench):
    got = [[burst_round(bench, which) for which in ("weir", "php-fpm")] for _ in range(bench.rounds)]
    yield compared("burst", "latency p99", "ms", [(w[0], f[0]) for w, f in got], at_most=0.5)
    yield compared("burst", "slowest", "ms", [(w[1], f[1]) for w, f in got], at_most=0.5)


def memory_of(bench, which):
    with bench.alone(which, {"bench": STATIC}) as server:
        bench.load.run(server, "hello.php", "-c", 8, "-n", 1000)
        server.settle()
        return bench_proc.pss_kib(server.pid) / 1024


@case("memory", "proportional set size of the whole tree, 8 children, after 1,000 hello requests")
def memory(bench):
    got = [(memory_of(bench, "weir"), memory_of(bench, "php-fpm")) for _ in range(min(bench.rounds, 3))]
    yield compared("memory", "whole tree", "MiB", got, at_most=1.1)


def rest_memory(bench, which, pools):
    with bench.alone(which, {"bench": ONDEMAND, **{"rest%03d" % i: ONDEMAND for i in range(pools)}}) as server:
        time.sleep(4)                   # the first connection, which waited for the start, woke a pool
        server.settle()
        return bench_proc.pss_unfiled_kib(server.pid)


@case("ondemand", "memory of an ondemand pool at rest, of %d" % AT_REST)
def ondemand(bench):
    each = [(rest_memory(bench, which, AT_REST) - rest_memory(bench, which, 0)) / AT_REST
            for which in ("weir", "php-fpm")]
    yield absolute("ondemand", "memory a pool", "KiB", *each, at_most=64)


@case("idle", "how often a server with 8 children and nothing to do wakes up")
def idle(bench):
    seconds = 10
    with bench.pair({"bench": STATIC}) as pair:
        for server in pair:
            bench.load.run(server, "hello.php", "-c", 8, "-n", 1000)
        time.sleep(5)                   # what follows a load is not rest yet
        before = [bench_proc.wakeups(server.pid) for server in pair]
        time.sleep(seconds)
        each = [(bench_proc.wakeups(server.pid) - b) / seconds for server, b in zip(pair, before)]
    yield absolute("idle", "wake-ups", "1/s", *each, at_most=0)


class Trace:
    """strace's count of the system calls of a process and its threads."""

    def __init__(self, pid, path):
        self.path = path
        self.process = subprocess.Popen(["strace", "-f", "-c", "-o", path, "-p", str(pid)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        if "attached" not in line:
            self.process.wait()
            raise BenchError("strace cannot look at process %d: %s" % (pid, line.strip()))
        time.sleep(0.3)                 # it is attached to one thread after the other

    def end(self):
        """The number of calls."""
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=20)
        with open(self.path) as f:
            m = re.search(r"^\s*100\.00\s+\S+\s+(?:\S+\s+)?(\d+)\s+(?:\d+\s+)?total$", f.read(), re.M)
        if not m:
            raise BenchError("strace counted nothing")
        return int(m[1])


def calls_of(bench, which, options):
    with bench.alone(which, {"bench": ONE_CHILD}) as server:
        bench.load.run(server, "hello.php", "-n", 50, *options)
        server.settle()
        trace = Trace(server.child(), os.path.join(server.dir, "strace"))
        try:
            bench.load.run(server, "hello.php", "-n", TRACED, "--expect-body", TRACE_BODY, *options)
        finally:
            calls = trace.end()
        return calls / TRACED


@case("calls-new", "system calls a child makes for one hello, on a new connection")
def calls_new(bench):
    yield absolute("calls-new", "system calls", "", *(calls_of(bench, w, ()) for w in ("weir", "php-fpm")), at_most=13)


@case("calls-kept", "system calls a child makes for one hello, on a kept connection")
def calls_kept(bench):
    yield absolute("calls-kept", "system calls", "", *(calls_of(bench, w, ("-k",)) for w in ("weir", "php-fpm")),
                   at_most=10)
