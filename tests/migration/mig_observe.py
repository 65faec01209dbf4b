"""All that is looked at while one side runs one set: a dict of probe name -> comparable lines. The same code looks at
every side, so a difference is one of the servers."""
import os
import re
import signal
import stat

from mig_probes import REQUESTS, STATUS_FORMS, STATUS_FULL, ask, shown, status_shown
from mig_server import Server
from mig_text import lines, log_lines
from weirtest import fcgi, proc, until

LIMITS = ("Max open files", "Max core file size")


class Look:
    """One side on one set. quick: fewer requests, no waiting for timeouts."""

    def __init__(self, side, config, quick=False):
        self.side, self.set, self.quick = side, config, quick
        self.found = {}
        self.server = None
        self.replace = [
            (re.escape(config.folder), "@"), (re.escape(config.folder.replace("/", "\\/")), "@"),
            (re.escape(side.program), "PROGRAM"), (r"127\.0\.0\.1:%d\b" % config.port, "127.0.0.1:PORT"),
            (r"\bpool process \d+", "pool process P"), (r"request [0-9a-f]+-[0-9a-f]+-[0-9a-f]+", "request ID"),
        ]

    def lines(self, text):
        return lines(text, self.replace)

    def note(self, name, what):
        self.found[name] = what if isinstance(what, list) else [what]

    def note_log(self, name):
        self.note("log: " + name, log_lines(self.server.news(), self.replace))

    # ---- the command

    def command(self, name, *args):
        code, out, err = self.side.run(*args)
        self.note("command: " + name, ["code %d" % code] + ["stdout " + x for x in self.lines(out)]
                  + ["stderr " + x for x in self.lines(err)])

    def checks(self):
        for name in ("-t", "-tt"):
            self.command(name, name, "-y", self.set.conf)
        self.note("files after -t", files(self.set.folder))
        if os.path.exists(self.set.error_log):
            os.remove(self.set.error_log)

    # ---- start

    def start(self):
        self.server = Server(self.side, self.set.folder, self.set.conf, self.set.error_log)
        self.server.start()
        self.server.calm()
        self.note_log("start")
        with open(self.server.said, "rb") as f:
            self.note("stdout and stderr", self.lines(f.read().decode("latin-1")))

    def processes(self):
        """Children are born by a request where the pool has none at rest."""
        for pool in self.set.pools:
            ask(pool, "/hello.php")
        self.server.calm()
        titles = [proc.cmdline(p) for p in self.server.tree()]
        self.note("titles", sorted(set(self.lines("\n".join(titles)))))
        for pool in self.set.pools:
            kin = self.server.children(pool.name)
            self.note("children of " + pool.name, sorted({x for p in kin for x in self.identity(p)}))
            if pool.count:              # of others it is a matter of the moment
                self.note("how many children of " + pool.name, str(len(kin)))
        with open(self.set.pid) as f:
            text = f.read()
        self.note("pid file", [access(self.set.pid), "the master's" if text == str(self.server.process.pid) else repr(text)])
        self.note("sockets", ["%s %s" % (p.name, access(p.address)) for p in self.set.pools if p.address[0] == "/"])
        self.note("files", files(self.set.folder))
        self.note_log("first requests")

    def identity(self, pid):
        """Who a child is; its groups, folder and limits."""
        yield "uid %s" % proc.status(pid, "Uid")
        yield "gid %s" % proc.status(pid, "Gid")
        yield "groups %s" % proc.status(pid, "Groups")
        yield "capabilities %s" % proc.status(pid, "CapEff")
        yield "nice %s" % proc.nice(pid)
        for name in LIMITS:
            yield "%s %s %s" % ((name,) + proc.limit(pid, name))
        for name in ("cwd", "root"):
            yield "%s %s" % (name, os.readlink("/proc/%d/%s" % (pid, name)).replace(self.set.folder, "@"))

    # ---- requests

    def requests(self):
        pool = self.set.pools[0]
        for name, (uri, body, more) in REQUESTS.items():
            self.note("answer: " + name, self.lines("\n".join(shown(ask(pool, uri, body, more)))))
            self.server.calm()
            self.note_log(name)
        for role in (fcgi.AUTHORIZER, fcgi.FILTER):
            self.note("answer: role %d" % role, self.lines("\n".join(shown(ask(pool, "/hello.php", role=role)))))
        for pool in self.set.pools[1:]:
            for name in ("state", "environment"):
                uri, body, more = REQUESTS[name]
                self.note("answer: %s of %s" % (name, pool.name), self.lines("\n".join(shown(ask(pool, uri, body, more)))))
        self.kept()

    def kept(self):
        """Three requests on one connection."""
        pool = self.set.pools[0]
        with fcgi.Connection(pool.address) as c:
            out = []
            for _ in range(3):
                c.send(fcgi.begin(1, keep=True), fcgi.params(pool.params("/hello.php")), fcgi.stdin())
                out += shown(c.reply())
        self.note("answer: kept connection", self.lines("\n".join(out)))
        self.server.calm()

    def pages(self):
        for pool in self.set.pools[:2]:
            for method in ("GET", "HEAD", "POST") if pool.ping else ():
                self.page(pool, "ping %s of %s" % (method, pool.name), pool.ping, method, shown)
            if not pool.status:
                continue
            self.counted(pool)
            for form in STATUS_FORMS:
                self.page(pool, "status %s of %s" % (form, pool.name), pool.status + "?" + form, "GET",
                          lambda reply: status_shown(reply, pool.count))
            self.page(pool, "status HEAD of " + pool.name, pool.status, "HEAD", status_shown)
            if pool.count == 2:
                self.full_pages(pool)

    def counted(self, pool):
        """php-fpm counts its children once a second: wait for the first time."""
        path, count = pool.status, pool.count or 1
        more = {"SCRIPT_NAME": path, "SCRIPT_FILENAME": pool.root + path}

        def true():
            self.server.calm()
            text = ask(pool, path, None, more).text
            return "pool:" not in text or re.search(r"active processes: +1\nto", text) and (
                not pool.count or re.search(r"total processes: +%d\n" % count, text))
        until(true, "%s: a status page with all children of %s" % (self.side.name, pool.name))

    def full_pages(self, pool):
        """With one child in a script and the other at the page: each has then one thing to show."""
        with self.held(pool) as c:
            for form in STATUS_FULL:
                self.page(pool, "status %s of %s" % (form, pool.name), pool.status + "?" + form, "GET",
                          lambda reply: status_shown(reply, pool.count))
            self.release(pool)
            c.reply()
        self.server.calm()

    def page(self, pool, name, uri, method, show):
        path = uri.partition("?")[0]
        more = {"REQUEST_METHOD": method, "SCRIPT_NAME": path, "SCRIPT_FILENAME": pool.root + path}
        self.note("page: " + name, self.lines("\n".join(show(ask(pool, uri, None, more)))))
        self.server.calm()

    # ---- trouble

    def slow(self):
        """The slow log, and a script that is ended."""
        pool = self.set.pools[0]
        if self.quick or not pool.slowlog:
            return
        self.note("answer: slow", shown(ask(pool, "/slow.php?a=b")))
        self.server.calm()
        self.note_log("slow")
        self.note("slow log", self.addresses(read(pool.slowlog)))
        self.note("answer: too slow", shown(ask(pool, "/too_slow.php")))
        self.server.wait_log(r"child \d+ exited on signal")
        self.server.calm()
        self.note_log("too slow")

    def addresses(self, text):
        return [re.sub(r"0x[0-9a-f]{16}", "0xADDRESS", x) for x in self.lines(text)]

    def deaths(self):
        pool = self.set.pools[0]
        for uri in ("/abort.php", "/segv.php"):
            self.note("answer: " + uri, shown(ask(pool, uri)))
            self.server.wait_log(r"child \d+ exited on signal")
            self.server.calm()
            self.note_log(uri)

    def access_logs(self):
        for pool in self.set.pools[:3]:
            if pool.access_log:
                self.note("access log of " + pool.name, access_lines(pool, self.lines(read(pool.access_log))))
                self.note("access log file of " + pool.name, access(pool.access_log))

    # ---- signals

    def rotate(self):
        """USR1 behind a rename."""
        os.rename(self.set.error_log, self.set.error_log + ".1")
        self.server.read_to = 0
        self.server.send(signal.SIGUSR1)
        self.server.wait_log("error log file re-opened")
        if any(p.access_log for p in self.set.pools):
            self.server.wait_log("access log file re-opened")
        self.server.calm()
        self.note_log("USR1")
        self.note("log file behind USR1", [access(self.set.error_log), access(self.set.error_log + ".1")])

    def reload(self, number, name):
        self.server.send(number)
        self.server.wait_log("ready to handle connections")
        self.server.calm()
        self.note_log("reload by " + name)
        self.note("answer: behind " + name, shown(ask(self.set.pools[0], "/hello.php")))
        self.note("sockets behind " + name, ["%s %s" % (p.name, access(p.address)) for p in self.set.pools if p.address[0] == "/"])
        self.note("pid file behind " + name, str(read(self.set.pid) == str(self.server.process.pid)))

    def held(self, pool):
        """A connection whose script runs until release()."""
        for mark in ("held", "go"):
            if os.path.exists(pool.outside + "/" + mark):
                os.remove(pool.outside + "/" + mark)
        c = fcgi.Connection(pool.address)
        body = b"a=1&b=2"
        params = pool.params("/hold.php?q=<x>&y='\"", REQUEST_METHOD="POST", CONTENT_LENGTH=str(len(body)),
                             CONTENT_TYPE="application/x-www-form-urlencoded", REMOTE_USER="somebody")
        c.send(fcgi.begin(), fcgi.params(params), fcgi.stdin(body))
        until(lambda: os.path.exists(pool.outside + "/held"), "the script runs")
        return c

    def release(self, pool):
        open(pool.outside + "/go", "w").close()

    def in_flight(self, number, name):
        """A request that runs when the signal comes."""
        pool = self.set.pools[0]
        with self.held(pool) as c:
            self.server.send(number)
            self.server.wait_log("Terminating|Finishing")
            self.release(pool)
            self.note("answer: in flight at " + name, shown(c.reply()))
        until(lambda: self.server.process.poll() is not None, "%s ends" % self.side.name)

    def end(self, number, name):
        code = self.server.end(number)
        self.note_log(name)
        self.note("code at " + name, str(code))
        self.note("files behind " + name, files(self.set.folder))

    def daemon(self):
        """Into the background and out again."""
        self.command("-D", "-D", "-y", self.set.conf)
        self.server = Server(self.side, self.set.folder, self.set.conf, self.set.error_log)
        pid = int(read(self.set.pid) or 0)
        until(lambda: "ready to handle" in self.server.text(), "the daemon is ready")
        self.note("answer: of a daemon", shown(ask(self.set.pools[0], "/hello.php")))
        self.note("daemon", ["session leader" if os.getsid(pid) == pid else "in a session", "cwd " + os.readlink("/proc/%d/cwd" % pid)])
        os.kill(pid, signal.SIGQUIT)
        until(lambda: not proc.alive(pid), "the daemon ends")
        self.note_log("daemon")

    def all(self):
        try:
            self.steps()
        finally:
            if self.server:
                self.server.kill()
        return self.found

    def steps(self):
        self.checks()
        self.start()
        self.processes()
        self.requests()
        self.pages()
        self.slow()
        self.deaths()
        self.access_logs()
        self.rotate()
        self.reload(signal.SIGUSR2, "USR2")
        if not self.quick:
            self.reload(signal.SIGHUP, "HUP")
        self.end(signal.SIGTERM, "TERM")
        for number, name in ((signal.SIGQUIT, "QUIT"), (signal.SIGINT, "INT")):
            os.remove(self.set.error_log)
            self.server = Server(self.side, self.set.folder, self.set.conf, self.set.error_log).start()
            self.server.calm()
            self.server.news()
            if name == "QUIT" and not self.quick:
                self.in_flight(number, name)
            self.end(number, name)
        os.remove(self.set.error_log)
        self.daemon()


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read().decode("latin-1")
    except FileNotFoundError:
        return ""


def access(path):
    """Owner, group and mode of a file."""
    try:
        s = os.lstat(path)
    except FileNotFoundError:
        return "no such file"
    kind = "socket" if stat.S_ISSOCK(s.st_mode) else "file"
    return "%s %d:%d %04o" % (kind, s.st_uid, s.st_gid, stat.S_IMODE(s.st_mode))


def files(folder):
    """What lies there, but scripts and what this harness itself makes."""
    out = []
    for place, folders, names in os.walk(folder):
        folders[:] = [f for f in folders if f not in ("www", "htdocs", "bin")]
        out += [os.path.join(place, n).replace(folder, "@") for n in names if n != "said"]
    return sorted(out)


def access_lines(pool, lines):
    """Its lines; those about the status page once each: it is asked for until it shows what it should."""
    lines, seen = [access_line(x) for x in lines], set()
    return [x for x in lines if not pool.status or pool.status not in x or not (x in seen or seen.add(x))]


def access_line(line):
    """One line of an access log: times, costs and pids differ."""
    line = re.sub(r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d", "TIME", line)
    line = re.sub(r" \d+\.\d{3} \d+ \d+\.\d\d%$", " DURATION MEMORY CPU%", line)
    return re.sub(r"^(\w+) \d+ ", r"\1 PID ", line)
