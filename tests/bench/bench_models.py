#!/usr/bin/python3
"""bench_models.py -- the case memory-models: what the move from prefork to worker saves. The same application with the
same number of slots, once as so many processes, once as a few processes of threads; memory of the whole tree
(proportional set size, KiB) after each slot has served.

Exit code 0: worker takes at most the share of prefork that is asked for, 1: it takes more, 2: it could not be measured."""
import argparse
import os
import shlex
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)

import bench_proc                                               # noqa: E402
from bench_native import compile_hello                          # noqa: E402
from bench_server import BenchError, Load, Server, Workspace    # noqa: E402


def keys_of(model, args):
    """The pool's size under a model, in slots that are all there from the start."""
    if model == "prefork":
        return {"mpm": "prefork", "pm": "static", "pm.max_children": args.slots}
    return {"mpm": "worker", "mpm.threads_per_child": args.threads, "pm": "static",
            "pm.max_children": args.slots // args.threads}


def measure(model, application, args, work):
    """(whole tree, of that not mapped files, processes)."""
    server = Server(work, model, shlex.split(args.weir), "")
    load = Load(os.path.abspath(args.weirbench), os.sched_getaffinity(0))
    try:
        server.start({"bench": {**keys_of(model, args), **application}}, os.sched_getaffinity(0))
        server.settle()
        load.run(server, "hello.c", "-c", args.slots, "-n", 50 * args.slots)
        server.settle()
        return (bench_proc.pss_kib(server.pid), bench_proc.pss_unfiled_kib(server.pid),
                len(bench_proc.tree(server.pid)))
    finally:
        server.stop()
        shutil.rmtree(server.dir, ignore_errors=True)


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--weir", default=os.path.join(os.getcwd(), "weir"), help="default: ./weir")
    p.add_argument("--weirbench", default=os.path.join(os.getcwd(), "weirbench"), help="default: ./weirbench")
    p.add_argument("--slots", type=int, default=100, help="of each side (default: 100)")
    p.add_argument("--threads", type=int, default=25, help="of each child under worker (default: 25)")
    p.add_argument("--at-most", type=float, default=0.2, help="the share that is asked for (default: 0.2)")
    return p.parse_args()


def report(name, before, after, at_most):
    """One application's table; is its target met?"""
    print("%-14s %-24s %10s %10s %7s" % ("case", name, "prefork", "worker", "share"))
    for what, i in (("whole tree (KiB)", 0), ("without files (KiB)", 1), ("processes", 2)):
        share = after[i] / before[i]
        asked = "" if i else "  at most %.2f: %s" % (at_most, "met" if share <= at_most else "NOT MET")
        print("%-14s %-24s %10d %10d %7.2f%s" % ("memory-models", what, before[i], after[i], share, asked), flush=True)
    return after[0] <= at_most * before[0]


def applications(work):
    """Name and the pool's keys: a handler that has nothing of its own, the worst case, and one that has a little."""
    def native(name, *flags):
        return {"sapi": "native",
                "native.module": compile_hello(work, name, "-shared", "-fPIC", "-DWAIT_US=10000", *flags)}
    yield "native hello", native("hello.so")
    yield "hello, 1 MiB of its own", native("own.so", "-DOWN_BYTES=1048576")


def main():
    args, work, met = arguments(), None, True
    try:
        work = Workspace()
        print(bench_proc.machine())
        for name, keys in applications(work):
            before, after = (measure(model, keys, args, work) for model in ("prefork", "worker"))
            met = report(name, before, after, args.at_most) and met
        return 0 if met else 1
    except BenchError as e:
        print("bench_models: %s" % e, file=sys.stderr)
        return 2
    finally:
        if work:
            work.remove()


if __name__ == "__main__":
    sys.exit(main())
