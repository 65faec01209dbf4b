"""The log lines that php-fpm's watchers and tests wait for: this wording, this order, within a few seconds; other lines
may stand in between. Each dialogue is held with php-fpm too, so that none is remembered wrongly."""
import os
import re
import shutil
import signal
import socket
import subprocess
import threading

import pytest

from weirtest import Weir, free_port, proc, until
from weirtest.server import AS_ROOT, POOL_USER, find_binary

FPM = shutil.which("php-fpm8.2")
TIME = r"(?:\[\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d(?:\.\d+)?\] )?"
PLACE = r"(?:pid \d+, \w+\(\), line \d+: )?"
SECONDS = 10            # to wait for a line


class Talk:
    """A server that logs to a pipe (-F -O), read line by line."""

    def __init__(self, weir, binary):
        self.weir, self.lines, self.at = weir, [], 0
        command = [binary, "-n", "-F", "-O", "-y", weir.conf]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, env=weir.environment(), cwd="/",
                                        preexec_fn=proc.end_with_parent)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def expect(self, level, text, literal=True):
        """The next line that is this one."""
        regex = re.compile("^%s%s: %s%s$" % (TIME, level, PLACE, re.escape(text) if literal else text))

        def found():
            while self.at < len(self.lines):
                self.at += 1
                if regex.match(self.lines[self.at - 1]):
                    return True
            return False
        until(found, lambda: "%s: %s in\n%s" % (level, text, "\n".join(self.lines)), SECONDS)

    def notices(self, *texts):
        for text in texts:
            self.expect("NOTICE", text)

    def up(self):
        self.expect("NOTICE", r"fpm is running, pid %d" % self.process.pid)
        self.expect("NOTICE", "ready to handle connections")
        return self

    def down(self, number=signal.SIGTERM, word="Terminating ..."):
        self.process.send_signal(number)
        self.notices(word, "exiting, bye-bye!")
        assert self.process.wait(SECONDS) == 0

    def end(self):
        for pid in self.weir.tree():            # children of php-fpm outlive it, and hold the pipe
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.reader.join(SECONDS)
        self.process.stdout.close()


@pytest.fixture(params=["weir", "php-fpm"])
def talk(request):
    """talk(lines of [global], lines of the pool): the server, started."""
    if request.param == "php-fpm" and not FPM:
        pytest.skip("no php-fpm8.2")
    binary = find_binary() if request.param == "weir" else FPM
    weir, talks = Weir(), []

    def start(globals="", pool=""):
        www = weir.pool(pool)
        weir.configure("[global]\nerror_log = %s\npid = %s\n%s\n%s" % (
            weir.path("weir.log"), weir.path("run", "weir.pid"), globals, www.text()))
        talks.append(Talk(weir, binary))
        talks[-1].www = www
        return talks[-1]
    start.weir, start.binary = weir, binary
    yield start
    for t in talks:
        t.end()
    weir.check_processes()
    weir.remove()


def test_start_and_end(talk):
    t = talk().up()
    assert t.weir.file("run", "weir.pid") == str(t.process.pid)
    t.down()
    assert not os.path.exists(t.weir.path("run", "weir.pid"))


def test_finish(talk):
    talk().up().down(signal.SIGQUIT, "Finishing ...")


def test_reload(talk):
    t = talk("process_control_timeout = 5").up()
    for _ in range(2):
        t.process.send_signal(signal.SIGUSR2)
        t.expect("NOTICE", "Reloading in progress ...")
        t.expect("NOTICE", r"reloading: .*", literal=False)
        t.expect("NOTICE", r'using inherited socket fd=\d+, "%s"' % re.escape(t.www.socket), literal=False)
        t.up()
        assert t.www.run("echo 'ok';").text == "ok"
    t.down()


def test_reload_of_a_tcp_socket(talk):
    port = free_port()
    t = talk(pool="listen = 127.0.0.1:%d" % port).up()
    t.process.send_signal(signal.SIGUSR2)
    t.expect("NOTICE", r'using inherited socket fd=\d+, "127\.0\.0\.1:%d"' % port, literal=False)
    t.up().down()


def test_logs_are_opened_again(talk):
    t = talk(pool="access.log = %s" % talk.weir.path("access.log")).up()
    t.process.send_signal(signal.SIGUSR1)
    t.notices("error log file re-opened", "access log file re-opened")
    t.down()


def test_nothing_below_the_level_is_said(talk):
    t = talk("log_level = warning")
    until(lambda: t.weir.file("run", "weir.pid"), "the pid file")
    assert t.www.run("echo 'ok';").text == "ok"
    t.process.send_signal(signal.SIGTERM)
    assert t.process.wait(SECONDS) == 0
    t.reader.join(SECONDS)
    assert t.lines == []


def test_lines_at_debug(talk):
    t = talk("log_level = debug").up()
    t.down()
    shape = re.compile(TIME + r"(DEBUG|NOTICE|WARNING|ERROR|ALERT): ")
    assert [x for x in t.lines if not shape.match(x)] == []


def test_a_child_that_is_killed(talk):
    t = talk(pool="pm.max_children = 1").up()
    pid = int(t.www.run("echo getmypid();").text)
    os.kill(pid, signal.SIGKILL)
    t.expect("WARNING", r"\[pool www\] child %d exited on signal 9 \(SIGKILL\) after \d+\.\d+ seconds from start" % pid, False)
    t.expect("NOTICE", r"\[pool www\] child \d+ started", False)
    t.down()


def test_what_a_child_says(talk):
    t = talk(pool="catch_workers_output = yes\n pm.max_children = 1").up()
    pid = int(t.www.run("fwrite(fopen('php://stderr', 'w'), \"a \\\"word\\\"\\n\"); echo getmypid();").text)
    t.expect("WARNING", r'\[pool www\] child %d said into stderr: "a "word""' % pid, False)
    t.www.run("error_log('of mine');")
    t.expect("WARNING", r'\[pool www\] child \d+ said into stderr: "(NOTICE: PHP message: )?of mine"'
             r"|.*\[pool www\] child \d+.* PHP message: of mine", False)
    t.down()


def test_output_without_decoration(talk):
    t = talk(pool="catch_workers_output = yes\n decorate_workers_output = no").up()
    t.www.run("fwrite(fopen('php://stderr', 'w'), \"bare words\\n\");")
    until(lambda: "bare words" in t.lines, lambda: "the bare line in\n" + "\n".join(t.lines))
    t.down()


def test_a_script_that_takes_too_long(talk):
    t = talk(pool="request_terminate_timeout = 1\n pm.max_children = 1").up()
    with t.www.open(t.www.script("while (true) { usleep(5000); }")) as c:
        c.reply()
    t.expect("WARNING", r"\[pool www\] child \d+, script '%s/www-1\.php' \(request: \"GET /www-1\.php\"\) execution timed out "
             r"\(\d+\.\d+ sec\), terminating" % re.escape(t.www.root), False)
    t.expect("WARNING", r"\[pool www\] child \d+ exited on signal 15 \(SIGTERM\) after \d+\.\d+ seconds from start", False)
    t.down()


def test_the_limit_of_children(talk):
    t = talk(pool="pm = dynamic\n pm.max_children = 1\n pm.min_spare_servers = 1\n pm.max_spare_servers = 1").up()
    hold = "touch(__DIR__ . '/held-1'); while (!file_exists(__DIR__ . '/release')) { usleep(2000); clearstatcache(); }"
    calls = [t.www.open(t.www.script(hold)) for _ in range(2)]
    t.expect("WARNING", "[pool www] server reached pm.max_children setting (1), consider raising it")
    t.www.release()
    for c in calls:
        c.reply()
        c.close()
    t.down()


def test_start_servers_is_filled_in(talk):
    t = talk(pool="pm = dynamic\n pm.max_children = 5\n pm.min_spare_servers = 1\n pm.max_spare_servers = 3")
    t.expect("NOTICE", "[pool www] pm.start_servers is not set. It's been set to 2.")
    t.up().down()


def test_a_client_that_may_not(talk):
    port = free_port()
    t = talk(pool="listen = 127.0.0.1:%d\n listen.allowed_clients = 127.0.0.2" % port).up()
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.settimeout(SECONDS)
        assert s.recv(1) == b""
    t.down()


def refused(talk, pool):
    t = talk(pool=pool)
    assert t.process.wait(SECONDS) == 78
    t.reader.join(SECONDS)
    return "\n".join(t.lines)


def test_an_address_in_use(talk):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        text = refused(talk, "listen = 127.0.0.1:%d" % port)
    assert re.search(r"ERROR: (\[pool www\] )?unable to bind listening socket for address '127.0.0.1:%d': Address already "
                     r"in use \(98\)" % port, text)


def test_a_socket_of_another_server(talk):
    path = talk.weir.path("run", "other.sock")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(path)
        s.listen()
        text = refused(talk, "listen = " + path)
    os.unlink(path)
    assert re.search(r"ERROR: (\[pool www\] )?Another FPM instance seems to already listen on " + re.escape(path), text)


def test_with_error_log_stderr_is_silent_once_it_serves(talk):
    """Without -O on no terminal."""
    weir = talk.weir
    www = weir.pool()
    weir.configure()
    said = open(weir.path("said"), "w+")
    server = subprocess.Popen([talk.binary, "-n", "-F", "-y", weir.conf], stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                              env=weir.environment(), preexec_fn=proc.end_with_parent)
    try:
        until(lambda: "ready to handle connections" in weir.file("weir.log"), "it is ready")
        seen = weir.file("said")
        assert www.run("echo 'ok';").text == "ok"
        server.terminate()
        assert server.wait(SECONDS) == 0
        assert weir.file("said") == seen and "bye-bye" in weir.file("weir.log")
    finally:
        server.kill()
        server.wait()
        said.close()


@pytest.mark.skipif(AS_ROOT, reason="needs an ordinary user")
def test_user_is_ignored_without_root(talk):
    t = talk(pool="user = %s" % POOL_USER)
    t.notices("[pool www] 'user' directive is ignored when FPM is not running as root")
    t.up().down()


def test_a_flag_that_is_none(talk):
    done = subprocess.run([talk.binary, "-Z"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 64 and "Usage: " in done.stdout + done.stderr
