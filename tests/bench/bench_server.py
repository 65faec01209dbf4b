"""A server under measurement, Weir or php-fpm: both read the same file, run the same PHP with the same ini, and differ
in their command only. Each is ended by its own pid, and what it might leave behind by theirs."""
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import bench_proc

HERE = os.path.dirname(os.path.abspath(__file__))
INI = """\
opcache.enable = 1
opcache.memory_consumption = 64
opcache.validate_timestamps = 1
opcache.jit = disable
memory_limit = 128M
max_execution_time = 30
date.timezone = UTC
log_errors = 1
display_errors = 0
"""


class BenchError(Exception):
    """The measurement cannot be made; its text says why and what to do."""


class Workspace:
    """A private folder with the scripts and the ini, readable by the pools' user."""

    def __init__(self):
        self.user = "www-data" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self.dir = tempfile.mkdtemp(prefix="weir-compare-")
        os.chmod(self.dir, 0o755)
        self.scripts = shutil.copytree(os.path.join(HERE, "scripts"), os.path.join(self.dir, "www"))
        for name in os.listdir(self.scripts):
            os.chmod(os.path.join(self.scripts, name), 0o644)
        os.chmod(self.scripts, 0o755)
        self.ini = os.path.join(self.dir, "php.ini")
        with open(self.ini, "w") as f:
            f.write(INI)

    def remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)


class Server:
    """command: the program with options of its own, as a list."""

    def __init__(self, work, name, command, scan_dir):
        self.work, self.name, self.command = work, name, command
        self.scan_dir = scan_dir
        self.process = None
        self.dir = os.path.join(work.dir, name)
        os.mkdir(self.dir)
        os.chmod(self.dir, 0o755)

    def socket(self, pool="bench"):
        return os.path.join(self.dir, pool + ".sock")

    @property
    def pid(self):
        return self.process.pid

    def _write_conf(self, pools):
        conf = os.path.join(self.dir, "server.conf")
        with open(conf, "w") as f:
            f.write("[global]\npid = %s/pid\nerror_log = %s/error.log\ndaemonize = no\n" % (self.dir, self.dir))
            for pool, keys in pools.items():
                f.write("[%s]\n" % pool)
                if os.geteuid() == 0:
                    f.write("user = www-data\ngroup = www-data\nlisten.owner = www-data\nlisten.group = www-data\n")
                f.write("listen = %s\nlisten.mode = 0660\n" % self.socket(pool))
                f.writelines("%s = %s\n" % pair for pair in self._own(keys))
        return conf

    def _own(self, keys):
        """Keys that begin with "weir:" are for Weir alone."""
        for key, value in keys.items():
            if not key.startswith("weir:"):
                yield key, value
            elif self.name.startswith("weir-"):
                yield key[len("weir:"):], value

    def start(self, pools, cpus):
        """pools: name to a dict of keys. Returns when the first pool's socket takes connections."""
        conf = self._write_conf(pools)
        log = open(os.path.join(self.dir, "output"), "w")
        env = dict(os.environ, PHP_INI_SCAN_DIR=self.scan_dir)
        self.process = subprocess.Popen(
            self.command + ["-F", "-y", conf, "-c", self.work.ini], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env=env, start_new_session=True, preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        log.close()
        self._wait_socket(self.socket(next(iter(pools))))

    def _wait_socket(self, path):
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise BenchError("%s ended at its start:\n%s" % (self.name, self.words()))
            with socket.socket(socket.AF_UNIX) as s:
                try:
                    s.connect(path)
                    return
                except OSError:
                    time.sleep(0.02)
        raise BenchError("%s does not listen on %s after 20 s:\n%s" % (self.name, path, self.words()))

    def words(self):
        """The end of what it printed and logged."""
        text = ""
        for name in ("output", "error.log"):
            try:
                with open(os.path.join(self.dir, name), errors="replace") as f:
                    text += f.read()[-2000:]
            except FileNotFoundError:
                pass
        return text.strip() or "(it said nothing)"

    def settle(self):
        """Wait until the number of processes has not changed for half a second."""
        last, since = None, time.monotonic()
        until = since + 20
        while time.monotonic() < until:
            now = set(bench_proc.tree(self.pid))
            if now != last:
                last, since = now, time.monotonic()
            elif time.monotonic() - since > 0.5:
                return
            time.sleep(0.05)

    def child(self):
        """The one process of a pool of one child that serves requests."""
        found = [p for p in bench_proc.tree(self.pid)
                 if any(word in bench_proc.title(p) for word in ("child bench", "pool bench"))]
        served = [p for p in found if "child" in bench_proc.title(p)] or found
        if len(served) != 1:
            raise BenchError("%s: %d processes look like the pool's only child: %s" % (
                self.name, len(served), [bench_proc.title(p) for p in bench_proc.tree(self.pid)]))
        return served[0]

    def stop(self):
        """A second Ctrl-C meanwhile waits: nothing is to stay behind."""
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            if self.process:
                self._stop()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def _stop(self):
        born = {p: bench_proc.birth(p) for p in bench_proc.tree(self.pid)}
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(25)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._end_rest(born)
        self.process = None

    @staticmethod
    def _end_rest(born):
        for when in range(50):          # those that end by themselves may
            left = [p for p, b in born.items() if b is not None and bench_proc.birth(p) == b]
            if not left:
                return
            time.sleep(0.05)
        for p in left:
            os.kill(p, signal.SIGKILL)


class Load:
    """weirbench, on its own CPUs."""

    def __init__(self, program, cpus):
        self.program, self.cpus = program, cpus

    def run(self, server, script, *options, query="", may_fail=False):
        """Its JSON; an error among the requests is an error of the measurement, unless they may fail."""
        path = os.path.join(server.work.scripts, script)
        argv = [self.program, "--json", "--script", path, "--uri", "/%s?%s" % (script, query), *map(str, options),
                server.socket()]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=600,
                              preexec_fn=lambda: os.sched_setaffinity(0, self.cpus))
        if done.returncode != 0 and not (may_fail and done.returncode == 1):
            raise BenchError("%s did not answer every request (exit code %d):\n%s\n%s%s\n%s" % (
                server.name, done.returncode, " ".join(argv), done.stderr, done.stdout, server.words()))
        return json.loads(done.stdout)

    def text(self, server, script, query=""):
        """The body of one reply."""
        with tempfile.TemporaryDirectory(dir=server.work.dir) as d:
            os.chmod(d, 0o1777)
            out = os.path.join(d, "answer")
            self.run(server, script, "-n", 1, "-p", "BENCH_ANSWER=" + out, query=query)
            with open(out) as f:
                return f.read()
