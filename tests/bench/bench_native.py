#!/usr/bin/python3
"""bench_native.py -- a C handler under Weir beside the same source as a program on libfcgi, with as many processes that
wait in FCGX_Accept_r() on one socket as Weir has slots: hello, new and kept connections, in turns, both sides on the
same cores. Weir's slots are the threads of one child, or with --model prefork as many processes as libfcgi's.

Prints requests a second, CPU time a request, and Weir's ratio to libfcgi. Exit code 0: the ratio asked for is reached,
1: it is not, 2: it could not be measured."""
import argparse
import contextlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)

import bench_proc                                               # noqa: E402
from bench_cases import column, compared, rounds                # noqa: E402
from bench_server import BenchError, Load, Server, Workspace    # noqa: E402
from bench_table import number                                  # noqa: E402

SOURCE = os.path.join(HERE, "scripts", "hello.c")
CASES = {"native-new": False, "native-kept": True}                # does the front end keep its connections?


def compile_hello(work, name, *flags):
    path = os.path.join(work.dir, name)
    command = os.environ.get("CC", "cc").split() + ["-O2", "-o", path, SOURCE, "-I" + os.path.join(TOP, "sapi/native")]
    done = subprocess.run(command + list(flags), capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchError("%s does not compile (Debian: gcc libfcgi-dev):\n%s" % (SOURCE, done.stderr))
    return path


class Program(Server):
    """So many processes of the program on one socket, under a shell that waits for them."""

    def __init__(self, work, name, program, processes):
        super().__init__(work, name, [program], "")
        self.processes = processes

    def start(self, pools, cpus):
        script = 'exec 3<&0; i=0; while [ $i -lt %d ]; do %s <&3 & i=$((i + 1)); done; exec 3<&-; trap "" TERM; wait' % (
            self.processes, shlex.quote(self.command[0]))
        log = open(os.path.join(self.dir, "output"), "w")
        with log, socket.socket(socket.AF_UNIX) as s:
            s.bind(self.socket())
            s.listen(4096)
            self.process = subprocess.Popen(["/bin/sh", "-c", script], stdin=s, stdout=log, stderr=log,
                                            start_new_session=True,
                                            preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        self._wait_socket(self.socket())

    def _stop(self):
        for pid in bench_proc.tree(self.pid)[1:]:
            os.kill(pid, signal.SIGKILL)
        self.process.wait(25)
        self.process = None


class Bench:
    """What bench_cases' rounds() asks of one."""

    def __init__(self, args, work):
        cpus = sorted(os.sched_getaffinity(0))
        self.args, self.work, self.rounds, self.seconds = args, work, args.rounds, args.seconds
        self.cpus = {cpus[0]}
        self.load = Load(os.path.abspath(args.weirbench), {cpus[1]} if len(cpus) > 1 else {cpus[0]})
        self.module, self.program = compile_hello(work, "hello.so", "-shared", "-fPIC"), compile_hello(
            work, "hello", "-DPROGRAM", "-lfcgi")

    def size(self):
        if self.args.model == "prefork":
            return {"mpm": "prefork", "pm.max_children": self.args.slots}
        return {"mpm": "worker", "mpm.threads_per_child": self.args.slots, "pm.max_children": 1}

    @contextlib.contextmanager
    def pair(self):
        keys = {"pm": "static", "sapi": "native", "native.module": self.module, **self.size()}
        keys.update(k.split("=", 1) for k in self.args.key)
        weir = Server(self.work, "weir", shlex.split(self.args.weir), "")
        lib = Program(self.work, "libfcgi", self.program, self.args.slots)
        try:
            weir.start({"bench": keys}, self.cpus)
            lib.start(None, self.cpus)
            weir.settle()
            lib.settle()
            yield weir, lib
        finally:
            weir.stop()
            lib.stop()
            for server in (weir, lib):
                shutil.rmtree(server.dir, ignore_errors=True)


def measure(bench):
    for name, keep in CASES.items():
        # A process of libfcgi's that holds a kept connection serves no other: more than processes wait for ever.
        options = ("-k", "-c", bench.args.slots) if keep else ("-c", bench.args.connections)
        with bench.pair() as pair:
            got = rounds(bench, pair, "hello.c", *options)
            memory = [bench_proc.pss_kib(server.pid) for server in pair]
        yield compared(name, "requests (1/s)", "", column(got, "rate"), at_least=bench.args.at_least)
        yield compared(name, "CPU time a request (µs)", "", column(got, "cpu_us"))
        yield compared(name, "whole tree (KiB)", "", [memory])


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--weir", default=os.path.join(os.getcwd(), "weir"), help="default: ./weir")
    p.add_argument("--weirbench", default=os.path.join(os.getcwd(), "weirbench"), help="default: ./weirbench")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seconds", type=float, default=1)
    p.add_argument("--model", choices=("worker", "prefork"), default="worker", help="of Weir's pool (default: worker)")
    p.add_argument("--slots", type=int, default=8, help="of Weir's, and processes of libfcgi's side (default: 8)")
    p.add_argument("--connections", type=int, default=64,
                   help="new ones at once (default: 64; with few of them the client's own core is the limit)")
    p.add_argument("--key", action="append", default=[], metavar="KEY=VALUE", help="another key of Weir's pool")
    p.add_argument("--at-least", type=float, default=1.2, help="the ratio that is asked for (default: 1.2)")
    return p.parse_args()


def main():
    args, work = arguments(), None
    try:
        work = Workspace()
        print("%-12s %-25s %10s %10s %7s" % ("case", "", "Weir", "libfcgi", "ratio"))
        missed = False
        for row in measure(Bench(args, work)):
            missed |= row.met is False
            print("%-12s %-25s %10s %10s %7.2f  %s" % (row.case, row.what, number(row.weir), number(row.fpm), row.ratio,
                                                      row.target), flush=True)
        return 1 if missed else 0
    except BenchError as e:
        print("bench_native: %s" % e, file=sys.stderr)
        return 2
    finally:
        if work:
            work.remove()


if __name__ == "__main__":
    sys.exit(main())
