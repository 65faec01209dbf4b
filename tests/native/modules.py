"""What the tests of sapi = native share: modules built as a user builds them, and pools of them."""
import os
import shutil
import socket
import subprocess

from weirtest import Weir, fcgi, proc
from weirtest.server import REPO

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLES = os.path.join(REPO, "sapi/native/examples")
INCLUDE = "-I" + os.path.join(REPO, "sapi/native")
THREADS = "mpm = worker\nmpm.threads_per_child = 3\n"
# For modules that are run under worker too.
SAFE = "const struct weir_native_info weir_native = { .abi = WEIR_NATIVE_ABI, .thread_safe = 1 };\n"
COMPILER = os.environ.get("CC", "cc").split()


def compile_to(path, source, *flags):
    """source: a file, or C as text."""
    if not os.path.exists(source):
        text, source = source, path + ".c"
        with open(source, "w") as f:
            f.write(text)
    subprocess.run(COMPILER + ["-Wall", "-Werror", "-g", "-o", path, source, INCLUDE] + list(flags), check=True)
    os.chmod(path, 0o755)
    return path


def module(weir, source, *flags, name="app"):
    """A module in the test's folder: its path. Plainly built: no library is named unless flags do."""
    os.makedirs(weir.path("modules"), exist_ok=True)
    os.chmod(weir.path("modules"), 0o755)
    return compile_to(weir.path("modules", name + ".so"), source, "-shared", "-fPIC", *flags)


def example(weir, name):
    return module(weir, os.path.join(EXAMPLES, name + ".c"), "-Wextra", name=name)


def pool(weir, path, lines="", name="www"):
    """Under the test's model."""
    threads = THREADS if weir.model == "worker" else ""
    return weir.pool("sapi = native\nnative.module = %s\n%s%s" % (path, threads, lines), name=name)


def handler(body, more=""):
    """C text of a module whose handler has this body."""
    return ("#include <weir/native.h>\n#include <stdlib.h>\n#include <string.h>\n#include <stdio.h>\n"
            "#include <unistd.h>\n%s\nint weir_handler(FCGX_Request *r)\n{\n%s\n}\n" % (more, body))


def ask(pool, do="", body=None, role=fcgi.RESPONDER, data=None, keep=False, **more):
    """A request for calls.c, whole, as bytes."""
    params = pool.params("/", body, DO=do, **more)
    out = fcgi.begin(1, role, keep=keep) + fcgi.params(params)
    if role != fcgi.AUTHORIZER:
        out += fcgi.stdin(body or b"")
    if data is not None:
        out += fcgi.stream(fcgi.DATA, data)
    return out


class Program:
    """The same source as a program on libfcgi, with so many processes on one socket."""

    def __init__(self, weir, source, processes=1):
        self.path = weir.path("program.sock")
        program = compile_to(weir.path("program"), source, "-DPROGRAM", "-lfcgi")
        self.procs = []
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(self.path)
            s.listen(50)
            for _ in range(processes):
                self.procs.append(subprocess.Popen([program], stdin=s, preexec_fn=proc.end_with_parent))
                weir.before.add(self.procs[-1].pid)

    def stop(self):
        for p in self.procs:
            p.kill()
            p.wait()


__all__ = ["EXAMPLES", "HERE", "Program", "SAFE", "THREADS", "Weir", "ask", "compile_to", "example", "handler", "module",
           "pool", "shutil"]
