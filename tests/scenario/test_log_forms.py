"""The error log's forms: log_limit beside php-fpm's, JSON, syslog."""
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess

import pytest

from weirtest import HOLD, Weir, until
from weirtest.server import AS_ROOT

pytestmark = pytest.mark.event

FPM = shutil.which("php-fpm8.2")
SAY = "$e = fopen('php://stderr', 'w'); fwrite($e, %s);"

# ---- log_limit

TEXTS = ["str_repeat('a', 100) . \"\\n\"", "str_repeat('b', 2000) . \"\\n\"", "\"one\\ntwo\\n\\nfour\\n\"",
         "str_repeat('c', 420) . \"\\n\" . str_repeat('d', 430) . \"\\n\"", "implode(\"\\n\", range(1, 30)) . \"\\n\""] + [
         "str_repeat('%s', %d) . \"\\n\"" % (chr(ord("e") + i % 20), n) for i, n in enumerate(range(425, 450))]


def said(binary, limit, decorate, texts):
    """The lines of the log that carry output, without time and pid."""
    weir = Weir(binary)
    try:
        weir.global_("log_limit = %d" % limit)
        www = weir.pool("catch_workers_output = yes\n decorate_workers_output = %s\n pm.max_children = 1" % decorate)
        weir.start()
        for text in texts:
            www.run(SAY % text)
        www.run(SAY % "\"the end\\n\"")
        weir.wait_log("the end")
        return weir.file("weir.log").splitlines()
    finally:
        weir.finish()


def output_lines(binary, limit, decorate):
    return [x for x in said(binary, limit, decorate, TEXTS) if "NOTICE" not in x]


@pytest.mark.skipif(FPM is None, reason="no php-fpm8.2")
@pytest.mark.parametrize("limit", [512, 600, 1024])
@pytest.mark.parametrize("decorate", ["yes", "no"])
def test_output_is_wrapped_as_php_fpm_does(limit, decorate):
    own, fpm = [output_lines(binary, limit, decorate) for binary in (None, FPM)]
    if len(own[0]) != len(fpm[0]):      # a pid's digits count for the limit
        own, fpm = [output_lines(binary, limit, decorate) for binary in (None, FPM)]
    for lines in own, fpm:
        assert len(lines) > len(TEXTS) and all(len(x) < limit for x in lines)
    form = re.compile(r"^\[.*?\] (WARNING: \[pool www\] child )\d+( said into stderr: )")
    assert [form.sub(r"\1PID\2", x) for x in own] == [form.sub(r"\1PID\2", x) for x in fpm]


def test_other_lines_are_cut(weir):
    weir.global_("log_limit = 512")
    www = weir.pool("catch_workers_output = yes")
    weir.start()
    www.run("error_log(str_repeat('x', 2000)); error_log('short');")
    weir.wait_log("short")
    line = weir.log_lines("xxxx")[0]
    assert len(line) == 511 and line.endswith("x...")


# ---- JSON

def objects(weir):
    return [json.loads(x) for x in weir.file("weir.log").splitlines()]


def test_every_line_is_json(weir):
    weir.global_("log_format = json")
    www = weir.pool("catch_workers_output = yes\n request_terminate_timeout = 1s", name="www")
    www.write("hold.php", HOLD)
    weir.start()
    pid = int(www.run(SAY % "\"\\xff \\\"quoted\\\" \\\\x41 \\x1b \\xc3\\xa4 App\\\\Foo\\n\"" + "echo getmypid();").text)
    www.run("error_log('from php');", HTTP_X_REQUEST_ID="req-1")
    www.get("/hold.php", HTTP_X_REQUEST_ID="req-2")
    weir.wait_log("exited on signal")
    weir.stop()
    lines = objects(weir)
    assert {x["level"] for x in lines} <= {"notice", "warning", "error"}
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d$", x["time"]) for x in lines)
    assert lines[0]["message"].startswith("fpm is running") and lines[0]["pid"] == weir.master
    out = next(x for x in lines if x.get("stream") == "stderr")
    assert out["message"] == "\\xFF \"quoted\" \\x5Cx41 \x1b \xe4 App\\Foo"
    assert (out["pid"], out["pool"], out["level"]) == (pid, "www", "warning")
    php = next(x for x in lines if "from php" in x["message"])
    assert (php["id"], php["pool"]) == ("req-1", "www")
    late = next(x for x in lines if x.get("id") == "req-2")
    assert "request_timeout" in late["message"]


def test_json_undecorated(weir):
    weir.global_("log_format = json")
    www = weir.pool("catch_workers_output = yes\n decorate_workers_output = no")
    weir.start()
    www.run(SAY % "\"{\\\"bare\\\": 1}\\n\"")
    weir.wait_log("bare")
    assert [x["message"] for x in objects(weir) if "bare" in x["message"]] == ['{"bare": 1}']


# ---- syslog

@pytest.fixture
def syslog():
    """A daemon's socket at libc's path, where there is none."""
    if not AS_ROOT or os.path.lexists("/dev/log"):
        pytest.skip("needs root and a system without /dev/log")
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind("/dev/log")
    os.chmod("/dev/log", 0o666)
    s.settimeout(20)
    yield s
    s.close()
    os.unlink("/dev/log")


def wait_packet(sock, regex):
    for _ in range(1000):
        packet = sock.recv(65536).decode(errors="replace")
        found = re.search(regex, packet)
        if found:
            return found
    raise AssertionError("no packet like " + regex)


def drain(sock):
    while select.select([sock], [], [], 0)[0]:
        sock.recv(65536)


def start_to_syslog(weir):
    """Its log cannot be waited for in a file."""
    www = weir.pools[0]
    weir.globals = [x for x in weir.globals if not x.startswith("error_log")] + ["error_log = syslog"]
    weir.configure()
    weir.err = open(weir.path("stderr"), "ab")
    weir.proc = subprocess.Popen(weir.command("-F"), stdin=subprocess.DEVNULL, stdout=weir.err, stderr=weir.err,
                                 env=weir.environment())
    until(lambda: os.path.exists(www.socket) and len(www.children()) == 2, "it serves")
    return www


DAEMON, LOCAL3 = 3, 19


@pytest.mark.parametrize("keys,ident,facility", [("", "php-fpm", DAEMON),
                                                 ("syslog.ident = my-fpm\n syslog.facility = local3", "my-fpm", LOCAL3)])
def test_syslog(weir, syslog, keys, ident, facility):
    weir.global_(keys)
    weir.pool("catch_workers_output = yes")
    www = start_to_syslog(weir)
    notice, warning = facility * 8 + 5, facility * 8 + 4
    head = r"^<%d>\w{3} [ \d]\d \d\d:\d\d:\d\d " + ident + r"\[%s\]: "
    wait_packet(syslog, head % (notice, weir.master) + r"\[NOTICE\] fpm is running, pid %d" % weir.master)
    pid = www.run(SAY % "\"a word\\n\"" + "echo getmypid();").text
    pool = weir.one("pool")
    wait_packet(syslog, head % (warning, pool) + r"\[WARNING\] \[pool www\] child %s said into stderr: \"a word\"" % pid)
    weir.send_signal(signal.SIGUSR1)
    wait_packet(syslog, r"error log file re-opened")
    weir.stop()
    wait_packet(syslog, r"exiting, bye-bye!")
    assert not os.path.exists("/var/syslog") and "a word" not in weir.log()


@pytest.mark.skipif(FPM is None or not AS_ROOT, reason="no php-fpm8.2, or not root")
def test_syslog_lines_are_php_fpm_s(syslog):
    """The same line from both; Weir gives each the priority of its own level, php-fpm that of log_level."""
    packets = []
    for binary in (None, FPM):
        weir = Weir(binary)
        try:
            weir.pool()
            start_to_syslog(weir)
            packets.append(wait_packet(syslog, r"^(<\d+>).*? (php-fpm)\[\d+\]: (\[NOTICE\] fpm is running), pid").groups())
        finally:
            weir.finish()
            drain(syslog)
    assert packets[0] == packets[1]


def test_json_to_syslog(weir, syslog):
    weir.global_("log_format = json")
    weir.pool()
    start_to_syslog(weir)
    found = wait_packet(syslog, r": (\{.*fpm is running.*\})$")
    assert json.loads(found[1])["pid"] == weir.master


def test_without_a_syslog_daemon_it_serves(weir):
    if os.path.lexists("/dev/log"):
        pytest.skip("there is a syslog daemon")
    weir.pool()
    www = start_to_syslog(weir)
    assert www.run("echo 'ok';").text == "ok"


def test_reload_from_file_to_syslog_and_back(weir, syslog):
    www = weir.pool()
    weir.start()
    before = list(weir.globals)
    weir.globals = [x for x in weir.globals if not x.startswith("error_log")] + ["error_log = syslog"]
    weir.configure()
    weir.send_signal(signal.SIGUSR2)
    wait_packet(syslog, "ready to handle connections")
    weir.globals = before
    weir.configure()
    weir.send_signal(signal.SIGUSR2)
    weir.wait_log("ready to handle connections", count=2)
    assert www.run("echo 'ok';").text == "ok"
