"""Web servers in front of a pool, and HTTP through them. What each program needs is in a file of its own."""
import http.client
import os
import pwd
import shutil
import signal
import socket
import subprocess
import threading
import urllib.parse

from . import proc
from .server import AS_ROOT, POOL_USER
from .wait import until

PLACES = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def free_port(family=socket.AF_INET):
    """A port that nobody listens on at this moment."""
    with socket.socket(family) as s:
        s.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        return s.getsockname()[1]


class Answer:
    def __init__(self, response):
        self.status, self.body = response.status, response.read()
        self.headers = response.headers

    @property
    def text(self):
        return self.body.decode(errors="replace")


class Client:
    """HTTP to 127.0.0.1:port, with cookies kept like a browser's."""

    def __init__(self, port):
        self.port, self.cookies = port, {}

    def ask(self, method, path, body=None, headers=None, timeout=60):
        """One request on a connection of its own."""
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        send = dict(headers or {})
        if self.cookies:
            send["Cookie"] = "; ".join("%s=%s" % x for x in self.cookies.items())
        try:
            c.request(method, path, body, send, encode_chunked="Transfer-Encoding" in send)
            answer = Answer(c.getresponse())
        finally:
            c.close()
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.split(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def get(self, path, **how):
        return self.ask("GET", path, **how)

    def post(self, path, fields, **how):
        return self.ask("POST", path, urllib.parse.urlencode(fields),
                        {"Content-Type": "application/x-www-form-urlencoded"}, **how)

    def many(self, path, clients, each=1):
        """So many clients at once, each asking so often: all answers (an exception in place of a lost one)."""
        answers, start = [], threading.Barrier(clients)

        def client():
            start.wait()
            for _ in range(each):
                try:
                    answers.append(self.get(path))
                except Exception as e:          # a lost answer is what the test wants to see
                    answers.append(e)
        threads = [threading.Thread(target=client) for _ in range(clients)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        return answers

    def at_once(self, calls):
        """What these calls give that run at the same time, in their order; an exception in its place."""
        results = [None] * len(calls)

        def call(i):
            try:
                results[i] = calls[i]()
            except Exception as e:
                results[i] = e
        threads = [threading.Thread(target=call, args=(i,)) for i in range(len(calls))]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        return results


class FrontEnd(Client):
    """One web server before one pool, in the foreground, with a folder of its own. Its configuration is head(), which
    lets it run there, and the test's text. In both stand @PORT@ (of 127.0.0.1, where it is to listen), @ROOT@ (the
    document root), @DIR@ (its folder) and @FCGI@ (the pool, as this program names it). The test is skipped where the
    program is not installed."""

    PROGRAM = ""                        # also the name of its log, and of its configuration
    HEAD = ""

    def __init__(self, pool, site="", root=None):
        super().__init__(free_port())
        self.pool, self.root = pool, root or pool.root
        self.binary = shutil.which(self.PROGRAM, path=PLACES)
        if not self.binary:
            import pytest               # the runner, which imports this package too, does without
            pytest.skip("%s is not installed" % self.PROGRAM)
        self.dir = pool.weir.path("%s-%s-%d" % (self.PROGRAM, pool.name, self.port))
        os.mkdir(self.dir)
        os.mkdir(self.dir + "/tmp")
        if AS_ROOT:                     # those that give up root write as the pool's user
            for folder in (self.dir, self.dir + "/tmp"):
                shutil.chown(folder, POOL_USER, pwd.getpwnam(POOL_USER).pw_gid)
        self.conf = self.dir + "/%s.conf" % self.PROGRAM
        with open(self.conf, "w") as f:
            f.write(self.filled(self.head() + site))
        self.start()

    # ---- what a program says of itself

    def head(self):
        return self.HEAD

    def command(self):
        """In the foreground, with self.conf."""
        raise NotImplementedError

    def address(self):
        """@FCGI@: the pool's socket."""
        return self.pool.address

    # ---- the same for all

    def filled(self, text):
        for name, value in (("PORT", self.port), ("ROOT", self.root), ("DIR", self.dir), ("FCGI", self.address())):
            text = text.replace("@%s@" % name, str(value))
        return text

    def start(self):
        env = dict(os.environ, HOME=self.dir, XDG_DATA_HOME=self.dir, XDG_CONFIG_HOME=self.dir, TMPDIR=self.dir + "/tmp")
        with open(self.dir + "/stderr", "ab") as out:
            self.proc = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env,
                                         cwd=self.dir, preexec_fn=proc.end_with_parent)
        self.pool.weir.before.add(self.proc.pid)
        until(self.listens, "%s listens" % self.PROGRAM)

    def listens(self):
        assert self.proc.poll() is None, "%s ended: %s" % (self.PROGRAM, self.log())
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def log(self):
        """All that it said."""
        text = ""
        for name in (self.dir + "/stderr", self.dir + "/%s.log" % self.PROGRAM):
            if os.path.exists(name):
                with open(name, errors="replace") as f:
                    text += f.read()
        return text

    def evidence(self):
        """What a failed test shows."""
        return self.kept if self.kept is not None else self.log()[-4000:]

    kept = None

    def stop(self):
        """End it, with its children."""
        self.kept = self.evidence()
        if self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            try:
                self.proc.wait(20)
            except subprocess.TimeoutExpired:
                self.proc.kill()
                self.proc.wait()
                raise
