"""The slow log: where a request is that takes long, in php-fpm's layout, without a right and without a touch to the
script: no call of it returns early. And how long a request's time counts."""
import os
import re
import shutil
import stat
import subprocess

import pytest

from weirtest import Weir, fcgi, until
from weirtest.server import AS_ROOT

pytestmark = pytest.mark.event

FPM = shutil.which("php-fpm8.2")
ENTRY = re.compile(r"\n\[(\d\d-\w{3}-\d{4} \d\d:\d\d:\d\d)\]  \[pool (\w+)\] pid (\d+)\n"
                   r"script_filename = (.*)\n((?:\[0x[0-9a-f]{16}\] .*\n)*)")
CALL = re.compile(r"\[0x[0-9a-f]{16}\] (.*)\(\) (.*):(\d+)")
WAIT = "fopen(__DIR__ . '/fifo', 'r');"         # until Slow.release()


class Entry:
    def __init__(self, match, root):
        self.time, self.pool, self.pid, self.script, calls = match.groups()
        self.calls = [(c[1], c[2].replace(root, ""), int(c[3])) for c in map(CALL.fullmatch, calls.splitlines())]


class Slow:
    """A pool with a slow log."""

    def __init__(self, weir, lines="", name="www"):
        self.weir = weir
        self.log = weir.path("slow.log")
        self.www = weir.pool("slowlog = %s\nrequest_slowlog_timeout = 1\n%s" % (self.log, lines), name)

    def text(self):
        return self.weir.file("slow.log")

    def entries(self):
        text = self.text()
        found = list(ENTRY.finditer(text))
        assert "".join(m[0] for m in found) == text, text       # nothing else stands there
        return [Entry(m, self.www.root) for m in found]

    def wait(self, count=1):
        return until(lambda: self.text().endswith("\n") and len(self.entries()) >= count and self.entries(),
                     lambda: "%d entries: %s" % (count, self.text()))

    def hold(self, uri, **more):
        """A request that comes to WAIT."""
        fifo = os.path.join(self.www.root, "fifo")
        if not os.path.exists(fifo):
            os.mkfifo(fifo)
            os.chmod(fifo, 0o666)
        return self.www.open(uri, **more)

    def release(self, *held):
        """Let those at WAIT go on: their replies."""
        fifo = os.open(os.path.join(self.www.root, "fifo"), os.O_RDWR)         # which waits for nobody
        replies = [c.reply() for c in held]
        os.close(fifo)
        for c in held:
            c.close()           # a child of php-fpm's waits for that
        return replies

    def traced(self, uri, **more):
        """(reply, its entry) of a script that comes to WAIT."""
        held, before = self.hold(uri, **more), len(self.entries())
        entry = self.wait(before + 1)[-1]
        return self.release(held)[0], entry

    def run(self, code):
        return self.traced(self.www.script(code))


@pytest.fixture
def slow(weir):
    s = Slow(weir)
    weir.start()
    return s


def test_an_entry_and_its_line(slow):
    script = slow.www.script("function f($x) {\n %s }\nf(1);\necho 'whole', getmypid();" % WAIT)
    reply, entry = slow.traced(script + "?a=b")
    pid = reply.text[len("whole"):]
    assert (entry.pool, entry.pid, entry.script) == ("www", pid, slow.www.root + script)
    assert entry.calls == [("fopen", script, 3), ("f", script, 4)]
    assert slow.weir.wait_log(r"WARNING: \[pool www\] child %s, script '%s' \(request: \"GET %s\?a=b\"\) executing too "
                              r"slow \([1-9]\d*\.\d{6} sec\), logging" % (pid, slow.www.root + script, script))
    assert stat.S_IMODE(os.stat(slow.log).st_mode) == 0o600


def test_once_a_request_and_only_slow_ones(slow):
    slow.www.run("echo 'quick';")
    slow.run(WAIT + "sleep(2);")
    slow.www.run("echo 'quick';")
    assert len(slow.entries()) == 1
    assert len(slow.weir.log_lines("executing too slow")) == 1


WAITS = {
    "sleep": ("echo json_encode(sleep(3));", "0"),
    "usleep": ("usleep(3000000); echo 'null';", "null"),
    "time_nanosleep": ("echo json_encode(time_nanosleep(3, 0));", "true"),
    "stream_select": ("$p = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0); $r = [$p[0]]; $w = $e = null;"
                      "echo json_encode([stream_select($r, $w, $e, 3), error_get_last()]);", "[0,null]"),
    "fread": ("$p = popen('sleep 3; printf whole', 'r'); echo json_encode([fread($p, 100), error_get_last()]);",
              '["whole",null]'),
    "shell_exec": ("echo json_encode([shell_exec('sleep 3; printf whole'), error_get_last()]);", '["whole",null]'),
    "flock": ("$p = popen('flock ' . __FILE__ . ' -c \"printf x; sleep 3\"', 'r'); fread($p, 1);"
              "$f = fopen(__FILE__, 'r'); echo json_encode([flock($f, LOCK_EX), error_get_last()]);", "[true,null]"),
    "stream_socket_recvfrom": ("$p = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_DGRAM, 0);"
                               "$c = proc_open('sleep 3; printf whole', [1 => $p[1]], $none); "
                               "echo json_encode([stream_socket_recvfrom($p[0], 100), error_get_last()]);",
                               '["whole",null]'),
}


def traced(weir, scripts):
    """Run these, four at a time, in pools of their own: an entry a second is all that one gets. {name: (reply, calls)}"""
    pools = [Slow(weir, "pm.max_children = 1", "p%d" % i) for i in range(4)]
    weir.start()
    replies, names = {}, list(scripts)
    for at in range(0, len(names), len(pools)):
        here = names[at:at + len(pools)]
        held = [s.hold(s.www.write("/%s.php" % name, scripts[name])[len(s.www.root):]) for s, name in zip(pools, here)]
        pools[0].wait(at + len(here))
        replies.update(zip(here, pools[0].release(*held)))
    calls = {os.path.basename(e.script)[:-4]: e.calls for e in pools[0].wait(len(names))}
    assert sorted(calls) == sorted(names)
    return {name: (replies[name], calls[name]) for name in names}


def test_what_waits_is_not_disturbed(weir):
    around = "function waits() {\n%s\n}\n$t = hrtime(true); waits(); echo hrtime(true) - $t >= 3e9 ? ' in time' : ' early';"
    found = traced(weir, {name: around % code for name, (code, _) in WAITS.items()})
    for name, (reply, calls) in found.items():
        assert reply.text == WAITS[name][1] + " in time", name
        assert [x[::2] for x in calls] == [(name, 3), ("waits", 5)]


def test_a_tight_loop(slow):
    reply = slow.www.run("function busy() {\n$end = hrtime(true) + 3000000000;\nwhile (hrtime(true) < $end) {\n}\n}\n"
                         "busy(); echo 'done';")
    assert reply.text == "done"
    calls = slow.wait()[0].calls
    assert calls[-1][::2] == ("busy", 7)
    assert all(name in ("[RUNNING]", "hrtime") and line == 4 for name, _, line in calls[:-1])


def test_after_a_memory_hungry_death(slow):
    reply, entry = slow.run("ini_set('memory_limit', '64M'); function eat($s) { return eat($s . str_repeat('x', 100)); }"
                            + WAIT + "eat('');")
    assert reply.status == 500
    assert [x[0] for x in entry.calls] == ["fopen"]
    assert slow.www.run("echo 'next';").text == "next"


def test_hostile_names(slow):
    """Nothing that a script calls itself looks like another entry, or moves a terminal's cursor."""
    name = "/x\n\n[01-Jan-2026 00:00:00]  [pool other] pid 1\x1b[2J.php"
    slow.www.write(name, "eval(\"function f\\xff\\x9b() { %s } f\\xff\\x9b();\");" % WAIT)
    entry = slow.traced("/", SCRIPT_FILENAME=slow.www.root + name, SCRIPT_NAME=name)[1]
    assert entry.script == slow.www.root + r"/x\x0A\x0A[01-Jan-2026 00:00:00]  [pool other] pid 1\x1B[2J.php"
    assert len(entry.calls) == 3 and entry.calls[0][0] == "fopen"


def test_depth(weir):
    slow = Slow(weir, "request_slowlog_trace_depth = 3")
    weir.start()
    entry = slow.run("function r($n) { if ($n) { r($n - 1); } else {" + WAIT + "} } r(50);")[1]
    assert [x[0] for x in entry.calls] == ["fopen", "r", "r"]


def test_at_most_one_a_second(weir):
    slow = Slow(weir, "pm.max_children = 6")
    weir.start()
    script = slow.www.script(WAIT)
    held = [slow.hold(script) for _ in range(6)]
    weir.wait_log("executing too slow", count=6)
    assert [r.status for r in slow.release(*held)] == [200] * 6
    weir.stop()
    left_out = weir.wait_log(r"NOTICE: \[pool www\] (\d+) backtraces of slow requests were left out of %s" % slow.log)
    assert int(left_out[1]) + len(slow.entries()) == 6 and slow.entries()


def test_a_new_file_after_usr1(slow):
    os.rename(slow.log, slow.log + ".1")
    slow.weir.send_signal(10)
    slow.weir.wait_log("slow log file re-opened")
    slow.run(WAIT)
    assert len(slow.entries()) == 1
    assert os.path.getsize(slow.log + ".1") == 0


def test_without_the_timeout_there_is_no_file(weir):
    slow = Slow(weir, "request_slowlog_timeout = 0")
    weir.start()
    slow.www.run("sleep(2);")
    assert not os.path.exists(slow.log)
    assert not weir.log_lines("too slow")


def test_a_file_that_cannot_be_opened_stops_the_start(weir):
    Slow(weir, "slowlog = " + weir.path("none", "slow.log"))
    for how in ("-t", "-F"):
        done = weir.run(how)
        assert done.returncode == 78
        assert "Unable to create or open slowlog(%s): No such file or directory (2)" % weir.path("none", "slow.log") in done.stderr


@pytest.mark.skipif(not AS_ROOT, reason="chroot needs root")
def test_in_a_chroot(weir):
    slow = Slow(weir, "chroot = " + weir.path("www"))
    weir.start()
    slow.www.write("jailed.php", "function f() { %s }\nf();" % WAIT)
    entry = slow.traced("/jailed.php", SCRIPT_FILENAME="/jailed.php")[1]
    assert entry.script == "/jailed.php" and entry.calls[1] == ("f", "/jailed.php", 3)


# ---- request_terminate_timeout and what counts

@pytest.fixture
def limited(weir):
    def start(lines):
        www = weir.pool("request_terminate_timeout = 1\npm.max_children = 1\n" + lines)
        weir.start()
        return www
    return start


FINISHED = "echo 'sent'; fastcgi_finish_request(); touch(__DIR__ . '/begun'); %s touch(__DIR__ . '/over');"
SHUTDOWN = "echo 'sent'; register_shutdown_function(function () { touch(__DIR__ . '/begun'); %s touch(__DIR__ . '/over'); });"
LONG = "sleep(2); usleep(500000);"
KEY = "request_terminate_timeout_track_finished = yes"


@pytest.mark.parametrize("code", [FINISHED, SHUTDOWN], ids=["finished", "shutdown"])
def test_what_follows_has_no_limit(limited, code):
    www = limited("")
    pid, = www.children()
    assert www.run(code % LONG).text == "sent"
    until(lambda: os.path.exists(www.root + "/over"), "the end of what follows")
    assert www.run("echo getmypid();").text == str(pid)
    assert not www.weir.log_lines("timed out|killed")
    assert www.run("sleep(10);").status == 504, "the next request has its limit"


def test_tracked_after_finish(limited):
    www = limited(KEY)
    pid, = www.children()
    script = www.script(FINISHED % "sleep(20);")
    assert www.get(script).text == "sent"
    assert www.weir.wait_log(r"WARNING: \[pool www\] child %d, script '%s' \(request: \"GET %s\"\) execution timed out "
                             r"\(\d\.\d{6} sec\), terminating" % (pid, www.root + script, script))
    assert www.weir.wait_log(r"child %d exited on signal 15 \(SIGTERM\)" % pid)
    assert os.path.exists(www.root + "/begun") and not os.path.exists(www.root + "/over")
    assert not www.weir.log_lines("child_died")
    assert www.run("echo 'next';").text == "next"


def test_tracked_after_the_script(limited):
    www = limited(KEY)
    pid, = www.children()
    assert www.run(SHUTDOWN % "sleep(20);").status == 504
    assert www.weir.wait_log(r"child %d exited on signal 15 \(SIGTERM\)" % pid)
    assert not os.path.exists(www.root + "/over")


def test_tracked_after_finish_with_a_stuck_watcher(limited):
    """A child that does not end itself is ended by its pool process."""
    www = limited(KEY)
    pid, = www.children()
    assert www.run(FINISHED % "sleep(20);").text == "sent"
    until(lambda: os.path.exists(www.root + "/begun"), "it has begun")
    os.kill(pid, 19)
    assert www.weir.wait_log("child %d does not end its late request: it is killed" % pid)
    www.weir.gone(pid)


def test_a_shutdown_function_in_the_slow_log(weir):
    slow = Slow(weir, KEY)
    weir.start()
    calls = slow.run("register_shutdown_function(function () {\n %s });" % WAIT)[1].calls
    assert calls[0][0] == "fopen" and calls[1] == ("{closure}", "unknown", 0)


# ---- beside php-fpm

COMPARED = {
    "methods": "class A { static function s() {\n (new A)->m(); }\n function m() { $f = function () {\n array_map("
               "fn($x) => self::n(), [1]); };\n $f(); }\n static function n() { WAIT } }\nfunction f() { A::s(); }\nf();",
    "include": "file_put_contents(__DIR__ . '/inc.php', '<?php function i() { WAIT }' . \"\\n\\n i();\");\n"
               "include __DIR__ . '/inc.php';",
    "eval": "function e() { eval(\"\\n WAIT\"); }\n\ne();",
    "callbacks": "$a = [2, 1];\nusort($a, function ($x, $y) {\n WAIT return 0; });",
    "destructor": "class D { function __destruct() {\n WAIT } }\nfunction d() { $d = new D;\n }\nd();",
    "magic": "class M { function __call($n, $a) {\n WAIT }\n function __get($n) { return $this->x(); } }\n(new M)->y;",
    "autoload": "spl_autoload_register(function ($c) {\n WAIT });\nclass_exists('Nowhere');\nnew ArrayObject;",
    "iterator": "class I extends ArrayIterator { function current(): mixed {\n WAIT return 1; } }\n"
                "foreach (new I([1]) as $x) {\n }",
    "generator": "function g() {\n WAIT yield 1; }\nforeach (g() as $x) { }",
    "exception": "function t() { throw new Exception; }\ntry { t(); }\ncatch (Exception $e) {\n WAIT }",
    "handler": "set_error_handler(function () {\n WAIT return true; });\nfunction h() { return $none; }\nh();",
    "fiber": "function f() {\n WAIT }\n$f = new Fiber(function () { f(); });\n$f->start();",
    "output": "ob_start(function ($b) {\n WAIT return $b; });\necho 'x';\nob_end_flush();",
    "prepared": "function deep($n) { if ($n) deep($n - 1); else { WAIT } }\ndeep(30);",
}


QUOTED = {"include": WAIT.replace("'", '"')}


def as_fpm(calls):
    """php-fpm takes the bottom of a fiber's stack, a function without a name, for an include."""
    at = [i for i, c in enumerate(calls) if c[0] in ("start", "resume")]
    if at and calls[at[0] - 1][0] == "[INCLUDE_OR_EVAL]":
        del calls[at[0] - 1]
    return calls


def calls_of(weir):
    try:
        found = traced(weir, {name: code.replace("WAIT", QUOTED.get(name, WAIT)) for name, code in COMPARED.items()})
    finally:
        weir.finish()
    return {name: [x for x in calls if x[0] != "[RUNNING]"] for name, (_, calls) in found.items()}


@pytest.mark.skipif(not FPM or not AS_ROOT, reason="php-fpm's slow log needs php-fpm8.2 and root")
def test_the_same_calls_as_php_fpm():
    own, theirs = calls_of(Weir()), calls_of(Weir(FPM))
    for name in COMPARED:
        assert own[name] == as_fpm(theirs[name]), name
        assert own[name]
