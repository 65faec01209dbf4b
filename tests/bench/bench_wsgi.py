#!/usr/bin/python3
"""bench_wsgi.py -- a WSGI application under Weir beside uWSGI on its own FastCGI socket, with the same processes and
threads: hello on new connections (uWSGI keeps none), in turns, both servers on the same core.

With --memory, instead: Weir with a Django project (Debian: python3-django) at 100 slots, worker beside prefork.

Prints requests a second, CPU time a request, and Weir's ratio to uWSGI. Exit code 0: what is asked for is reached, 1:
it is not, 2: it could not be measured."""
import argparse
import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "wsgi")]

import bench_proc                                               # noqa: E402
import django_site                                              # noqa: E402
from bench_cases import column, compared, rounds                # noqa: E402
from bench_server import BenchError, Load, Server, Workspace    # noqa: E402
from bench_table import number                                  # noqa: E402

SCRIPT = "hello_wsgi.py"
MODELS = {"prefork": (8, 1), "worker": (2, 4)}                  # name: processes, threads of each


class Uwsgi(Server):
    """Master and processes, without its line for each request."""

    def start(self, model, cpus):
        processes, threads = MODELS[model]
        os.chmod(self.dir, 0o777)       # the socket is made by the user
        user = ["--uid", self.work.user, "--gid", self.work.user] if os.geteuid() == 0 else []
        command = self.command + ["--fastcgi-socket", self.socket(), "--chmod-socket=666", "--wsgi-file",
                                  os.path.join(self.work.scripts, SCRIPT), "--master", "--need-app", "--die-on-term",
                                  "--processes", str(processes), "--disable-logging", "--listen", listen_queue()] + user
        if threads > 1:
            command += ["--threads", str(threads)]
        log = open(os.path.join(self.dir, "output"), "w")
        with log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True,
                                            preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        self._wait_socket(self.socket())

    def _stop(self):
        tree = bench_proc.tree(self.pid)
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(25)
        except subprocess.TimeoutExpired:
            for pid in tree:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()
        self.process = None


def listen_queue():
    """uWSGI refuses a longer one than the kernel has."""
    with open("/proc/sys/net/core/somaxconn") as f:
        return str(min(int(f.read()), 4096))


def weir_keys(work, model, more):
    processes, threads = MODELS[model]
    keys = {"pm": "static", "pm.max_children": processes, "sapi": "wsgi",
            "wsgi.application": os.path.join(work.scripts, SCRIPT) + ":application"}
    if threads > 1:
        keys.update({"mpm": "worker", "mpm.threads_per_child": threads})
    keys.update(k.split("=", 1) for k in more)
    return keys


class Bench:
    """What bench_cases' rounds() asks of one."""

    def __init__(self, args, work):
        cpus = sorted(os.sched_getaffinity(0))
        self.args, self.work, self.rounds, self.seconds = args, work, args.rounds, args.seconds
        self.cpus = {cpus[0]}
        self.load = Load(os.path.abspath(args.weirbench), {cpus[1]} if len(cpus) > 1 else {cpus[0]})

    @contextlib.contextmanager
    def pair(self, model):
        weir = Server(self.work, "weir", shlex.split(self.args.weir), "")
        uwsgi = Uwsgi(self.work, "uwsgi", shlex.split(self.args.uwsgi), "")
        try:
            weir.start({"bench": weir_keys(self.work, model, self.args.key)}, self.cpus)
            uwsgi.start(model, self.cpus)
            weir.settle()
            uwsgi.settle()
            yield weir, uwsgi
        finally:
            weir.stop()
            uwsgi.stop()
            for server in (weir, uwsgi):
                shutil.rmtree(server.dir, ignore_errors=True)


def measure(bench):
    for model in bench.args.model or MODELS:
        with bench.pair(model) as pair:
            got = rounds(bench, pair, SCRIPT, "-c", bench.args.connections)
            memory = [bench_proc.pss_kib(server.pid) for server in pair]
        yield compared(model, "requests (1/s)", "", column(got, "rate"), at_least=bench.args.at_least)
        yield compared(model, "CPU time a request (µs)", "", column(got, "cpu_us"), at_most=1.0)
        yield compared(model, "whole tree (KiB)", "", [memory])


SLOTS = {"prefork": (100, 1), "worker": (4, 25)}


def django_memory(bench, model):
    """KiB of the whole tree once every slot has served."""
    processes, threads = SLOTS[model]
    base = os.path.join(bench.work.dir, "django-" + model)
    os.mkdir(base)
    django_site.make(base)
    keys = {"pm": "static", "pm.max_children": processes, "sapi": "wsgi", "wsgi.application": "site1.wsgi:application",
            "wsgi.pythonpath": base}
    if threads > 1:
        keys.update({"mpm": "worker", "mpm.threads_per_child": threads})
    server = Server(bench.work, "weir-" + model, shlex.split(bench.args.weir), "")
    try:
        server.start({"bench": keys}, os.sched_getaffinity(0))
        server.settle()
        for _ in range(10):
            bench.load.run(server, SCRIPT, "-c", 100, "-n", 2000, "--uri", "/hello/")
        server.settle()
        return bench_proc.pss_kib(server.pid)
    finally:
        server.stop()


def memory(bench):
    pair = [django_memory(bench, model) for model in ("worker", "prefork")]
    yield compared("django", "100 slots (KiB)", "", [pair], at_most=0.2)


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--weir", default=os.path.join(os.getcwd(), "weir"), help="default: ./weir")
    p.add_argument("--uwsgi", default="uwsgi --plugins python3", help="default: uwsgi --plugins python3")
    p.add_argument("--weirbench", default=os.path.join(os.getcwd(), "weirbench"), help="default: ./weirbench")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seconds", type=float, default=1)
    p.add_argument("--model", action="append", choices=list(MODELS), help="this one only; may be given more than once")
    p.add_argument("--connections", type=int, default=64,
                   help="at once (default: 64; with few of them the client's own core is the limit)")
    p.add_argument("--key", action="append", default=[], metavar="KEY=VALUE", help="another key of Weir's pool")
    p.add_argument("--memory", action="store_true", help="memory of 100 slots: worker in Weir's column, prefork beside it")
    p.add_argument("--at-least", type=float, default=1.3, help="the ratio that is asked for (default: 1.3)")
    return p.parse_args()


def main():
    args, work = arguments(), None
    try:
        work = Workspace()
        columns = ("worker", "prefork") if args.memory else ("Weir", "uWSGI")
        print("%-12s %-25s %10s %10s %7s" % (("case", "") + columns + ("ratio",)))
        missed = False
        for row in (memory if args.memory else measure)(Bench(args, work)):
            missed |= row.met is False
            print("%-12s %-25s %10s %10s %7.2f  %s" % (row.case, row.what, number(row.weir), number(row.fpm), row.ratio,
                                                      row.target), flush=True)
        return 1 if missed else 0
    except BenchError as e:
        print("bench_wsgi: %s" % e, file=sys.stderr)
        return 2
    finally:
        if work:
            work.remove()


if __name__ == "__main__":
    sys.exit(main())
