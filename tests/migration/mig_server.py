"""One server, php-fpm or Weir, on a folder with a configuration set in it: its command line, start, signals and end.
A Side says what is run, a Server is one running of it."""
import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from weirtest import find_binary, find_module_dir, proc, until          # noqa: E402

FPM = "/usr/sbin/php-fpm8.2"
FPM_NAME = "php-fpm8.2"
SECONDS = 30
# Nothing of the caller's: what children show of the environment is compared.
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C", "TZ": "UTC", "MIG_VAR": "from the master"}


def module_dir():
    return find_module_dir() or os.path.join(os.path.dirname(os.path.realpath(find_binary())), ".libs")


class Side:
    """What stands in for php-fpm: name is that of the report."""

    def __init__(self, name, program, arguments=()):
        self.name, self.program, self.arguments = name, program, list(arguments)

    def command(self, *args):
        return [self.program] + self.arguments + list(args)

    def environment(self):
        env = dict(ENVIRONMENT)
        if "UBSAN_OPTIONS" in os.environ:
            env["UBSAN_OPTIONS"] = os.environ["UBSAN_OPTIONS"]
        # a child that dies by SIGSEGV does so: the sanitizer would make an exit of it
        env["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "detect_leaks=0") + ":handle_segv=0:handle_sigbus=0"
        return env

    def run(self, *args, cwd="/", timeout=SECONDS):
        """Run the program to its end: (code, stdout, stderr)."""
        done = subprocess.run(self.command(*args), stdin=subprocess.DEVNULL, capture_output=True, cwd=cwd,
                              timeout=timeout, env=self.environment())
        return done.returncode, done.stdout.decode("latin-1"), done.stderr.decode("latin-1")


def sides(folder):
    """php-fpm, Weir, and Weir under php-fpm's name (a link in folder)."""
    link = os.path.join(folder, FPM_NAME)
    if not os.path.lexists(link):
        os.symlink(find_binary(), link)
    modules = ["--module-dir", module_dir()]
    return [Side("php-fpm", FPM), Side("weir", find_binary(), modules), Side("weir as php-fpm", link, modules)]


class Server:
    """A side that runs in the foreground with a set's configuration."""

    def __init__(self, side, folder, conf, error_log):
        self.side, self.folder, self.conf, self.error_log = side, folder, conf, error_log
        self.said = os.path.join(folder, "said")        # its stdout and stderr
        self.read_to = 0                                # how much of the log was shown already
        self.before = set(proc.descendants(os.getpid()))
        self.process = None

    def start(self, *args):
        with open(self.said, "ab") as out:
            self.process = subprocess.Popen(self.side.command("-F", "-y", self.conf, *args), stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=out, cwd="/", env=self.side.environment(),
                                            preexec_fn=proc.end_with_parent)
        self.wait_log("ready to handle connections")
        assert self.process.poll() is None, "%s ended at its start:\n%s" % (self.side.name, self.text()[-2000:])
        return self

    def text(self):
        try:
            with open(self.error_log, "rb") as f:
                return f.read().decode("latin-1")
        except FileNotFoundError:
            return ""

    def news(self):
        """What the log says since the last time this was asked."""
        text = self.text()
        new, self.read_to = text[self.read_to:], len(text)
        return new

    def wait_log(self, regex, count=1):
        """Wait for count lines since news() was asked last."""
        def found():
            if self.process and self.process.poll() is not None and "bye-bye" not in regex:
                return True
            return len(re.findall(regex, self.text()[self.read_to:])) >= count
        until(found, lambda: "%s: %d of /%s/ in the log:\n%s%s" % (self.side.name, count, regex, self.text()[-2000:],
                                                                   open(self.said).read()[-2000:]), SECONDS)

    def tree(self):
        return [p for p in proc.descendants(os.getpid()) if p not in self.before]

    def children(self, pool):
        titles = ("php-fpm: pool " + pool, "weir: child " + pool)
        return [p for p in self.tree() if proc.cmdline(p) in titles]

    def calm(self):
        """Wait until every process sleeps, three looks in a row: what a child counts behind an answer is counted."""
        seen = [0]

        def asleep():
            time.sleep(0.004)           # so that a short sleep on the way is not taken for rest
            seen[0] = seen[0] + 1 if all(proc.sleeping(p) for p in self.tree()) else 0
            return seen[0] >= 3
        until(asleep, "%s: a calm moment" % self.side.name)

    def send(self, number, pid=None):
        os.kill(pid or self.process.pid, number)

    def end(self, number=signal.SIGTERM):
        """Its exit code."""
        if self.process.poll() is None:
            self.send(number)
        until(lambda: self.process.poll() is not None,
              lambda: "%s ends\n%s" % (self.side.name, self.text()[-2000:]), SECONDS)
        until(lambda: not self.tree(), "%s: no process is left" % self.side.name)
        return self.process.returncode

    def kill(self):
        for pid in self.tree():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
