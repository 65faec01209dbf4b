"""The real daemon, in the foreground, in a folder of its own."""
import atexit
import glob
import os
import re
import shutil
import signal
import subprocess
import tempfile

from . import fcgi, proc
from .wait import until

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
AS_ROOT = os.geteuid() == 0
POOL_USER = "www-data"
# What every pool of PHP gets in front of its own lines, "; " between: the tests of PHP run once more like that.
PHP_POOL = [line for line in os.environ.get("WEIR_PHP_POOL", "").split("; ") if line]
PHP_ZTS = any("-zts" in line for line in PHP_POOL)
PHP_EVENT = "mpm = event" in PHP_POOL
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|runtime error:|WARNING: \w+Sanitizer")


def find_binary():
    """$WEIR_BIN, else the newest build in the project folder."""
    if os.environ.get("WEIR_BIN"):
        return os.path.abspath(os.environ["WEIR_BIN"])
    for place in ("build-asan/weir", "build/weir", "weir"):
        path = os.path.join(REPO, place)
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    raise FileNotFoundError("no weir to test: build it, or set WEIR_BIN")


def find_module_dir():
    return os.environ.get("WEIR_MODULE_DIR")


def make_folder():
    """A folder that the pool's user can enter (pytest's own folders are closed to others)."""
    folder = tempfile.mkdtemp(prefix="weirtest-")
    os.chmod(folder, 0o755)
    return folder


class Script(str):
    """PHP code, and the same for the echo SAPI: the steps of its parameter ECHO_DO, so that a test of what Weir does
    around a request can run under each model."""

    def __new__(cls, php, do):
        self = super().__new__(cls, php)
        self.do = do
        return self


class Pool:
    """One section of the configuration and the client side of it."""

    threads = 1                         # slots of a child

    def __init__(self, weir, name, lines):
        self.weir, self.name = weir, name
        self.root = weir.path("www")
        self.socket = weir.path("run", name + ".sock")
        self.lines = ["user = " + POOL_USER] if AS_ROOT else []
        self.lines += ["listen = " + self.socket, "pm = static", "pm.max_children = 2"]
        self.lines += self.of_every_pool(lines)
        self.lines += [line.strip() for line in lines.strip().splitlines()]
        self.scripts = 0

    def of_every_pool(self, lines):
        """PHP_POOL, for pools of PHP that do not say themselves which PHP and model."""
        other = self.weir.fpm or re.search(r"^\s*(sapi|mpm|php\.version)\s*=", lines, re.M)
        return [] if other else PHP_POOL

    @property
    def address(self):
        """What listen says, as our client takes it."""
        return self.last("listen").replace("$pool", self.name)

    def last(self, key):
        """What the section says for a plain key: the last wins."""
        return [x.split("=", 1)[1].strip() for x in self.lines if re.match(re.escape(key) + r"\s*=", x)][-1]

    def static(self):
        """How many children it has at once; 0 if that depends."""
        return int(self.last("pm.max_children")) if self.last("pm") == "static" else 0

    def text(self):
        return "[%s]\n%s\n" % (self.name, "\n".join(self.lines))

    def also(self, lines):
        """More lines of this section; of a plain key given twice the last wins."""
        self.lines += [line.strip() for line in lines.strip().splitlines()]
        return self

    def write(self, name, text):
        """A file below the document root; a script gets its <?php if it has none."""
        path = os.path.join(self.root, name.lstrip("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if name.endswith(".php") and not text.lstrip().startswith("<"):
            text = "<?php\n" + text
        with open(path, "w") as f:
            f.write(text)
        return path

    def params(self, uri, body=None, **more):
        """What a front end sends for this URI."""
        path, _, query = uri.partition("?")
        script, dot, info = path.partition(".php")
        script += dot
        p = {"SCRIPT_FILENAME": self.root + script, "QUERY_STRING": query, "REQUEST_METHOD": "GET",
             "SCRIPT_NAME": script, "REQUEST_URI": uri, "DOCUMENT_ROOT": self.root, "SERVER_PROTOCOL": "HTTP/1.1",
             "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_SOFTWARE": "test", "REMOTE_ADDR": "192.0.2.1",
             "REMOTE_PORT": "4711", "SERVER_ADDR": "192.0.2.2", "SERVER_PORT": "80", "SERVER_NAME": "example.test",
             "HTTP_HOST": "example.test", "REDIRECT_STATUS": "200"}
        if info:
            p["PATH_INFO"] = info
        if body is not None:
            p.update(REQUEST_METHOD="POST", CONTENT_LENGTH=str(len(body)),
                     CONTENT_TYPE="application/x-www-form-urlencoded")
        p.update(more)
        return {n: v for n, v in p.items() if v is not None}

    def request(self, uri, body=None, id=1, keep=False, **more):
        """All bytes of one request."""
        return (fcgi.begin(id, keep=keep) + fcgi.params(self.params(uri, body, **more), id)
                + fcgi.stdin(body or b"", id))

    def connect(self, **how):
        return self.weir.own(fcgi.Connection(self.address, **how))

    def open(self, uri, body=None, id=1, keep=False, **more):
        """Send a request on a connection of its own; its answer: .reply()."""
        return self.connect().send(self.request(uri, body, id, keep, **more))

    def get(self, uri, **more):
        """One request, its whole reply; the server must close the connection behind it."""
        with self.open(uri, **more) as c:
            reply = c.reply()
            assert c.at_end() == "eof", "reset instead of an end behind %r" % reply
        return reply

    def post(self, uri, body, **more):
        return self.get(uri, body=body, **more)

    def script(self, code):
        """A script of its own name: its URI."""
        self.scripts += 1
        name = "/%s-%d.php" % (self.name, self.scripts)
        self.write(name, code)
        return name

    def run(self, code, **more):
        """Run this PHP code: the reply."""
        return self.get(self.script(code), **more)

    def children(self):
        return self.weir.pids("child", self.name)

    def slots(self):
        """Each child as often as it can serve at once."""
        return self.children() * self.threads

    def busy(self, count=1):
        """Wait until so many scripts hold the flock on ROOT/busy (see HOLD): then they surely run."""
        until(lambda: len(glob.glob(self.root + "/held-*")) >= count, "%d scripts hold" % count)

    def release(self):
        """Let the scripts that hold go on."""
        open(self.root + "/release", "w").close()


class WorkerPool(Pool):
    """The same with mpm = worker and the echo SAPI, whose requests do what the Script of their name says. What a test
    says of children it gets in slots: an even number of children is half as many with two threads."""

    MPM = "worker"

    def __init__(self, weir, name, lines):
        super().__init__(weir, name, lines)
        self.do = {}

    @property
    def threads(self):
        return 1 if int(self.last("pm.max_children")) % 2 else 2

    def static(self):
        return super().static() // self.threads

    def text(self):
        children = int(self.last("pm.max_children")) // self.threads
        model = ["sapi = echo", "security.limit_extensions =", "mpm = " + self.MPM, "pm.max_children = %d" % children,
                 "mpm.threads_per_child = %d" % self.threads]
        return "[%s]\n%s\n" % (self.name, "\n".join(self.lines + model))

    def write(self, name, text):
        self.do["/" + name.lstrip("/")] = text.do

    def params(self, uri, body=None, **more):
        do = self.do.get(uri.partition("?")[0])
        return super().params(uri, body, **dict({"ECHO_DO": do, "ECHO_FOLDER": self.root}, **more))


class EventPool(Pool):
    """PHP with one thread a child, whose connections the pool process holds."""

    def of_every_pool(self, lines):
        return super().of_every_pool(lines) + ["mpm = event"]


class EventThreadsPool(WorkerPool):
    """The same with several threads a child, and the echo SAPI."""

    MPM = "event"


MODELS = {"prefork": Pool, "worker": WorkerPool, "event": EventPool, "event-threads": EventThreadsPool}

PID = Script("echo getmypid();", "pid")
# Runs until Pool.release(), and shows that it does: no clock needed to have a busy child.
HOLD = Script("""
$mark = __DIR__ . '/held-' . getmypid();
touch($mark);
while (!file_exists(__DIR__ . '/release')) { usleep(2000); clearstatcache(); }
unlink($mark);
""", "hold")


def meet(count):
    """Goes on when so many scripts have come to it, and echoes its pid; "alone" after a while."""
    return Script("""
touch(__DIR__ . '/here-' . getmypid());
for ($i = 0; $i < 5000 && count(glob(__DIR__ . '/here-*')) < %d; $i++) { usleep(2000); }
echo $i < 5000 ? getmypid() : 'alone';
""" % count, "meet=%d pid" % count)


class Weir:
    """A daemon of the test's own. pool() writes sections, start() starts it, finish() checks that nothing is left."""

    def __init__(self, binary=None):
        self.binary = binary or find_binary()
        self.model = "prefork"
        self.fpm = os.path.basename(self.binary).startswith("php-fpm")
        self.folder = make_folder()
        atexit.register(self.remove)
        for name, mode in (("www", 0o755), ("run", 0o755), ("san", 0o1777)):
            os.mkdir(self.path(name))
            os.chmod(self.path(name), mode)
        if AS_ROOT:
            shutil.chown(self.path("www"), POOL_USER, POOL_USER)
        self.conf = self.path("weir.conf")
        self.globals = ["error_log = " + self.path("weir.log"), "pid = " + self.path("run", "weir.pid")]
        self.pools, self.connections = [], []
        self.args, self.env = [], {}
        self.pass_fds = ()              # descriptors that it inherits, at the numbers that they have here
        self.proc = None
        self.wait_whole = True          # start() waits for every child of the static pools
        self.exit_code = 0              # what the end must give; None: anything
        self.kept = None                # evidence() after the end
        self.before = set(proc.descendants(os.getpid()))

    # ---- configuration

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def pool(self, lines="", name="www"):
        """Under the test's model, unless the lines name a SAPI."""
        kind = Pool if re.search(r"^\s*sapi\s*=", lines, re.M) else MODELS[self.model]
        self.pools.append(kind(self, name, lines))
        return self.pools[-1]

    def global_(self, lines):
        self.globals += [line.strip() for line in lines.strip().splitlines()]

    def text(self):
        return "[global]\n%s\n%s" % ("\n".join(self.globals), "".join(p.text() for p in self.pools))

    def configure(self, text=None):
        with open(self.conf, "w") as f:
            f.write(self.text() if text is None else text)
        return self.conf

    # ---- start and end

    def command(self, *args):
        extra = ["--module-dir", find_module_dir()] if find_module_dir() and not self.fpm else []
        return [self.binary] + extra + ["-y", self.conf] + self.args + list(args)

    def environment(self):
        env = dict(os.environ, **self.env)
        for name, rest in (("ASAN_OPTIONS", "detect_leaks=0"), ("UBSAN_OPTIONS", "print_stacktrace=1"),
                           ("TSAN_OPTIONS", "second_deadlock_stack=1")):
            log = "log_path=" + self.path("san", name[:4].lower())
            env[name] = ":".join(x for x in (env.get(name) or rest, log) if x)
        return env

    def start(self, *args):
        """Start in the foreground and wait until it serves."""
        if not os.path.exists(self.conf):
            self.configure()
        self.err = open(self.path("stderr"), "ab")
        seen = len(self.ready_lines())
        self.proc = subprocess.Popen(self.command("-F", *args), stdin=subprocess.DEVNULL, stdout=self.err,
                                     stderr=self.err, env=self.environment(), cwd="/", pass_fds=self.pass_fds,
                                     preexec_fn=proc.end_with_parent)
        until(lambda: len(self.ready_lines()) > seen or self.proc.poll() is not None,
              lambda: "the server is ready\n" + self.log(), 40)
        assert self.proc.poll() is None, "the server ended with %s:\n%s" % (self.proc.returncode, self.log())
        if self.wait_whole:
            until(lambda: self.whole() or self.log_lines("ERROR|ALERT"), lambda: "all children\n" + self.log())
        return self

    def whole(self):
        """Have the static pools all their children? The daemon is ready with the first."""
        return all(len(p.children()) >= p.static() for p in self.pools)

    def ready_lines(self):
        return self.log_lines("ready to handle connections", of=self.file("weir.log") or self.file("stderr"))

    def run(self, *args, timeout=60):
        """Run the program to its end with this configuration."""
        if not os.path.exists(self.conf):
            self.configure()
        return subprocess.run(self.command(*args), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              env=self.environment(), timeout=timeout, cwd="/")

    @property
    def master(self):
        return self.proc.pid

    def send_signal(self, sig):
        os.kill(self.master, sig)

    def ended(self, seconds=30):
        """Wait for the end of the master: its exit code."""
        until(lambda: self.proc.poll() is not None, lambda: "the master ends\n" + self.log(), seconds)
        return self.proc.returncode

    def stop(self, sig=signal.SIGTERM):
        self.send_signal(sig)
        return self.ended()

    # ---- what it says

    def evidence(self):
        """What a failed test shows: configuration and the end of the log, also after finish()."""
        return self.kept or (self.file("weir.conf"), self.log()[-6000:])

    def file(self, *parts):
        try:
            with open(self.path(*parts), errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def log(self):
        return self.file("stderr") + self.file("weir.log")

    def log_lines(self, regex, of=None):
        return [x for x in (self.log() if of is None else of).splitlines() if re.search(regex, x)]

    def wait_log(self, regex, count=1):
        """Wait for the count-th line that matches: its match."""
        found = []

        def enough():
            text = self.file("weir.log")
            found[:] = self.log_lines(regex, of=text[:text.rfind("\n") + 1])   # the last may be half written
            return len(found) >= count
        until(enough, lambda: "log line %d of /%s/ in:\n%s" % (count, regex, self.log()[-3000:]))
        return re.search(regex, found[count - 1])

    # ---- its processes

    def tree(self):
        """Living processes that this test started, the daemon's orphans included; not a web server and its children."""
        return proc.descendants(os.getpid(), without=self.before)

    def pids(self, kind, pool=""):
        """Pids of a kind ("master", "pool", "zygote", "child") by their exact title."""
        if self.fpm:
            title = "php-fpm: pool " + pool if kind == "child" else "php-fpm: %s process (%s)" % (kind, self.conf)
        else:
            title = ("weir: %s %s" % (kind, pool)).rstrip()
        return [p for p in self.tree() if proc.cmdline(p) == title]

    def one(self, kind, pool="www"):
        """The only process of a kind; waits for it."""
        return until(lambda: self.pids(kind, pool if kind != "master" else ""), "a %s of %s" % (kind, pool))[0]

    def gone(self, *pids):
        until(lambda: not any(proc.alive(p) for p in pids), "the end of %s" % (pids,))

    def kill(self, pid, sig=signal.SIGKILL):
        """Kill one process and wait for its death."""
        os.kill(pid, sig)
        if sig == signal.SIGKILL and pid != self.master:
            self.gone(pid)

    # ---- the end

    def own(self, connection):
        self.connections.append(connection)
        return connection

    def finish(self):
        """End it if it runs, and check that it left nothing behind and said nothing bad."""
        for c in self.connections:
            c.close()
        ran = self.proc is not None
        code = None
        if ran:
            code = self.stop() if self.proc.poll() is None else self.proc.returncode
            self.err.close()
        try:
            if ran and self.exit_code is not None:
                assert code == self.exit_code, "exit code %s:\n%s" % (code, self.log()[-3000:])
            self.check_processes()
            if code == 0:
                self.check_files()
            self.check_reports()
        finally:
            self.kept = self.evidence()
            self.remove()
            atexit.unregister(self.remove)

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def check_processes(self):
        try:
            until(lambda: not self.tree(), lambda: "no process left; there are: %s" % self.describe(), 15)
        finally:
            for pid in self.tree():
                os.kill(pid, signal.SIGKILL)

    def describe(self):
        return ", ".join("%d %r" % (p, proc.cmdline(p)) for p in self.tree())

    def check_files(self):
        left = os.listdir(self.path("run"))
        assert not left, "left behind in the run folder: %s" % left

    def check_reports(self):
        text = self.log()
        for name in sorted(os.listdir(self.path("san"))):
            text += self.file("san", name)
        for line in text.splitlines():
            if SANITIZER.search(line) or re.search(r"\bBUG\b", line):
                raise AssertionError("a fault was reported:\n" + text[max(0, text.find(line) - 200):][:6000])
