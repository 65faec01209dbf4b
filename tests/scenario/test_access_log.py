"""The access log where it is Weir's own: JSON, answers without an application, pipes, rotation."""
import json
import os
import re
import signal
import subprocess
import threading

import pytest

from weirtest import HOLD, PHP_EVENT, fcgi, until
from weirtest.server import AS_ROOT

pytestmark = pytest.mark.event


def logged(weir, lines="", to="access.log"):
    """A pool with an access log, serving."""
    www = weir.pool("access.log = %s\n%s" % (weir.path(to), lines))
    www.write("hello.php", "echo 'hello';")
    weir.start()
    return www


def lines(weir, count=1, name="access.log"):
    until(lambda: weir.file(name).count("\n") >= count, lambda: "%d lines in:\n%s" % (count, weir.file(name)[-3000:]))
    return weir.file(name).splitlines()


def objects(weir, count=1):
    return [json.loads(x) for x in lines(weir, count)]


# ---- JSON

def test_json(weir):
    www = logged(weir, "access.format = json\n pm.max_children = 1")
    www.get("/hello.php?a=1", HTTP_X_REQUEST_ID="req-1", HTTP_AUTHORIZATION="Basic dXNlcjp4")
    www.post("/hello.php", b"12345")
    one, two = objects(weir, 2)
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d$", one["time"])
    assert {n: one[n] for n in ("pool", "pid", "id", "remote", "user", "method", "uri", "query", "status", "request_uri",
                                "script", "length", "reason")} == {
        "pool": "www", "pid": www.children()[0], "id": "req-1", "remote": None, "user": "user", "method": "GET",
        "uri": "/hello.php", "query": "a=1", "status": 200, "request_uri": "/hello.php?a=1",
        "script": www.root + "/hello.php", "length": 0, "reason": None}
    assert one["duration_us"] > 0 and one["peak_memory"] > 100000 and one["cpu_user_us"] >= 0
    assert (two["method"], two["length"], two["query"], two["user"]) == ("POST", 5, None, None)
    assert one["id"] != two["id"]


def undo(text):
    """The bytes that a JSON string stands for."""
    return re.sub(rb"\\x([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), text.encode())


def test_json_of_any_bytes(weir):
    www = logged(weir, "access.format = json\n pm.max_children = 1")        # lines of two come as they come
    hostile = [bytes(range(1, 256)), b'"}\n{"status":1', b"\\x41\\u0041\\", b"\xc3\x28\xf0\x9f\x98\x80\xed\xa0\x80", b"\xe2\x82"]
    for text in hostile:
        pairs = {**www.params("/hello.php"), "QUERY_STRING": text.decode("latin-1")}
        with www.connect() as c:
            c.send(fcgi.begin() + fcgi.params({n: v.encode("latin-1") for n, v in pairs.items()}) + fcgi.stdin(b""))
            assert c.reply().status == 200
    got = objects(weir, len(hostile))
    assert [undo(x["query"]) for x in got] == hostile
    assert len(lines(weir)) == len(hostile)


# ---- ids and reasons

def test_ids_and_reasons(weir):
    www = logged(weir, "access.format = \"%i %w %s\"")
    www.get("/hello.php", HTTP_X_REQUEST_ID="abc-1")
    assert lines(weir) == ["abc-1 - 200"]


def test_answers_of_weir_s_own(weir):
    www = logged(weir, """pm.max_children = 1
                       access.format = "%m %r %s %w %{HTTP_X}e"
                       request.max_body = 10
                       request.max_params = 4096
                       request.header_timeout = 1s
                       request.body_timeout = 1s
                       request_terminate_timeout = 3s""")
    www.write("body.php", "echo strlen(file_get_contents('php://input'));")
    www.write("hold.php", HOLD)
    assert www.open("/body.php", body=b"x" * 11, HTTP_X="x").reply().status == 413
    assert lines(weir, 1)[-1] == "POST /body.php 413 body_too_large x"
    assert www.open("/hello.php", HTTP_X="x" * 9000).reply().status == 431
    assert lines(weir, 2)[-1] == "-  431 params_too_large -"
    assert www.connect().send(fcgi.begin() + fcgi.params({"A": "b"})[:10]).reply().status == 408
    assert lines(weir, 3)[-1] == "-  408 header_timeout -"
    head = fcgi.begin() + fcgi.params(www.params("/body.php", b"12345", HTTP_X="y"))
    assert www.connect().send(head).reply().status == 408
    assert lines(weir, 4)[-1] == "POST /body.php 408 body_timeout y"
    assert www.open("/hold.php", HTTP_X="z").reply().status == 504
    assert lines(weir, 5)[-1] == "GET /hold.php 504 request_timeout -"
    www.release()


@pytest.mark.not_event("its client gets a 502: test_event_crash.py")
def test_a_request_that_dies_with_its_child(weir):
    www = logged(weir, "access.format = \"%m %r%Q%q %s %w %f %p\"\n catch_workers_output = yes")
    www.write("die.php", "file_put_contents('php://stderr', 'pid ' . getmypid() . PHP_EOL); posix_kill(getmypid(), 9);")
    with www.open("/die.php?x=y") as c:
        c.at_end()
    pid = weir.wait_log(r"stderr: .pid (\d+)")[1]
    assert lines(weir) == ["GET /die.php?x=y 502 child_died %s/die.php %s" % (www.root, pid)]


def test_a_client_that_went(weir):
    www = logged(weir, "access.format = \"%r %s %w\"" + ("\n request.on_abort = notify" if PHP_EVENT else ""))
    www.write("watch.php", "touch(__DIR__ . '/held-1'); while (!connection_aborted()) { usleep(2000); }")
    c = www.open("/watch.php")
    www.busy()
    c.close()
    assert lines(weir) == ["/watch.php 499 client_gone"]


def test_what_a_child_says_makes_no_second_line(weir):
    """A tab of the format stays, one of the request is shown."""
    www = logged(weir, "access.format = \"%{HTTP_X}e\t%s\"")
    www.get("/hello.php", HTTP_X="a\tb\n127.0.0.1 - forged\x85")
    assert lines(weir) == ["a\\x09b\\x0A127.0.0.1 - forged\\xC2\\x85\t200"]


def test_slots_of_one_child(weir):
    """Each slot has its own line in the making."""
    www = weir.pool("""sapi = echo
                    mpm = worker
                    mpm.threads_per_child = 4
                    pm.max_children = 1
                    security.limit_extensions =
                    access.log = %s
                    access.format = "%%i %%q %%s %%{Content-Type}o" """ % weir.path("access.log"))
    weir.start()

    def load(name):
        with www.connect() as c:
            for i in range(100):
                c.send(www.request("/x?" + name * (i + 1), keep=True, HTTP_X_REQUEST_ID="%s-%d" % (name, i)))
                assert c.reply().status == 200
    threads = [threading.Thread(target=load, args=(n,)) for n in "abcd"]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    want = ["%s-%d %s 200 text/plain" % (n, i, n * (i + 1)) for n in "abcd" for i in range(100)]
    assert sorted(lines(weir, 400)) == sorted(want)


# ---- where it goes

def test_the_file_is_for_its_owner_only(weir):
    logged(weir)
    assert os.stat(weir.path("access.log")).st_mode & 0o777 == 0o600


@pytest.mark.skipif(not AS_ROOT, reason="only root sees a pool process' descriptors")
def test_no_child_holds_it(weir):
    www = logged(weir)
    www.get("/hello.php")
    lines(weir)
    holders = [p for p in weir.tree() for fd in os.listdir("/proc/%d/fd" % p)
               if os.path.realpath("/proc/%d/fd/%s" % (p, fd)) == weir.path("access.log")]
    assert sorted(set(holders)) == sorted([weir.master, weir.one("pool")])


@pytest.mark.parametrize("key", ["access.log", "slowlog"])
def test_one_that_cannot_be_opened(weir, key):
    weir.pool("%s = %s" % (key, weir.path("none", "x.log"))
              + ("\n request_slowlog_timeout = 1s" if key == "slowlog" else ""))
    for args, code in (("-F", 78), ("-t", 78)):
        done = weir.run(args)
        assert done.returncode == code and weir.path("none", "x.log") in done.stderr
        assert "make the folder '%s' or set %s" % (weir.path("none"), key) in done.stderr
    assert not os.path.exists(weir.path("none"))


def test_the_test_of_a_configuration_makes_no_file(weir):
    weir.pool("access.log = " + weir.path("access.log"))
    assert weir.run("-t").returncode == 0
    assert not os.path.exists(weir.path("access.log"))


def fifo(weir, reader=True):
    os.mkfifo(weir.path("pipe"), 0o600)
    return os.open(weir.path("pipe"), os.O_RDONLY | os.O_NONBLOCK) if reader else None


def take(fd, count, text=b""):
    """Read until so many lines have come."""
    os.set_blocking(fd, True)
    while text.count(b"\n") < count:
        text += os.read(fd, 65536)
    return text.decode().splitlines()


def test_a_fifo_needs_no_reader(weir):
    fifo(weir, reader=False)
    www = logged(weir, "access.format = %r", to="pipe")
    assert www.get("/hello.php").text == "hello"
    fd = os.open(weir.path("pipe"), os.O_RDONLY)
    assert take(fd, 1) == ["/hello.php"]
    os.close(fd)
    assert www.get("/hello.php/again").text == "hello"
    fd = os.open(weir.path("pipe"), os.O_RDONLY)
    assert take(fd, 1) == ["/hello.php"]
    os.close(fd)


def test_long_lines_stay_whole_on_a_pipe(weir):
    """Two pools write to one pipe, lines far above what the kernel keeps together."""
    fd = fifo(weir)
    pools = [weir.pool("access.log = %s\n access.format = %%q" % weir.path("pipe"), name=n) for n in ("one", "two")]
    pools[0].write("hello.php", "echo 'hello';")
    weir.start()

    def load(pool, letter):
        for i in range(60):
            pool.get("/hello.php?" + letter * (100 + i * 500))
    threads = [threading.Thread(target=load, args=(p, c)) for p, c in zip(pools, "ab")]
    for t in threads:
        t.start()
    got = take(fd, 120)
    for t in threads:
        t.join()
    os.close(fd)
    assert all(len(set(x)) == 1 for x in got)
    for letter in "ab":
        assert sorted(len(x) for x in got if x[0] == letter) == [100 + i * 500 for i in range(60)]


def test_a_reader_that_does_not_read(weir):
    """Nobody waits for it; what it loses is counted and said once."""
    fd = fifo(weir)
    www = logged(weir, "access.format = \"%i %q\"", to="pipe")
    query = "q" * 60000
    sent = 60
    with www.connect() as c:
        for i in range(sent):
            c.send(www.request("/hello.php?" + query, keep=True, HTTP_X_REQUEST_ID="n%d" % i))
            assert c.reply().text == "hello"
    weir.wait_log(r"WARNING: \[pool www\] access.log .*: its reader does not read; lines are dropped until")
    text = b""

    def drained():
        nonlocal text
        try:
            while True:
                more = os.read(fd, 1 << 20)
                if not more:
                    break
                text += more
        except BlockingIOError:
            pass
        return weir.log_lines("can be written again")
    until(drained, "the log goes on")
    dropped = int(weir.wait_log(r"access.log .* can be written again: (\d+) lines were dropped")[1])
    assert len(weir.log_lines("does not read")) == 1
    www.get("/hello.php?last")
    until(lambda: drained() and b"last" in text, "the last line")
    whole = [x for x in text.splitlines() if re.fullmatch(rb"n\d+ q{60000}", x)]
    assert 0 < dropped < sent and len(whole) == sent - dropped
    os.close(fd)
    assert weir.stop() == 0
    assert weir.log_lines(r"ended after \d+ requests.* %d lines of the access log dropped" % dropped)


def run_in_a_shell(weir, redirect):
    """Started as a container starts it: its stdout and stderr are pipes of somebody else's."""
    weir.configure()
    weir.err = open(weir.path("stderr"), "ab")
    weir.proc = subprocess.Popen(weir.command("-F", *redirect), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, env=weir.environment())
    weir.connections += [weir.proc.stdout, weir.proc.stderr]


@pytest.mark.parametrize("path,stream", [("/dev/stdout", "stdout"), ("/dev/stderr", "stderr"), ("/proc/self/fd/2", "stderr"),
                                         ("/proc/self/fd/1", "stdout")])
def test_the_streams_of_the_start(weir, path, stream):
    weir.global_("error_log = " + weir.path("weir.log"))
    www = weir.pool("access.log = %s\n access.format = \"line %%r\"" % path)
    www.write("hello.php", "echo 'hello';")
    run_in_a_shell(weir, [])
    weir.wait_log("ready to handle connections")
    out = getattr(weir.proc, stream).fileno()
    www.get("/hello.php")
    text = ""
    while "line /hello.php" not in text:
        text += os.read(out, 65536).decode()
    weir.send_signal(signal.SIGUSR1)
    weir.wait_log("access log file re-opened")
    www.get("/hello.php/two")
    while "line /hello.php/two" not in text and "line /hello.php\nline /hello.php" not in text:
        text += os.read(out, 65536).decode()
    weir.send_signal(signal.SIGUSR2)
    weir.wait_log("ready to handle connections", count=2)
    www.get("/hello.php")
    while text.count("line ") < 3:
        text += os.read(out, 65536).decode()


def test_all_logs_to_stderr(weir):
    """As images for containers have it."""
    weir.globals = [x for x in weir.globals if not x.startswith("error_log")] + ["error_log = /proc/self/fd/2"]
    www = weir.pool("access.log = /proc/self/fd/2\n access.format = \"line %r\"")
    www.write("hello.php", "echo 'hello';")
    run_in_a_shell(weir, [])
    text = ""
    while "ready to handle connections" not in text:
        text += os.read(weir.proc.stderr.fileno(), 65536).decode()
    www.get("/hello.php")
    while "line /hello.php" not in text:
        text += os.read(weir.proc.stderr.fileno(), 65536).decode()


def test_in_the_background_no_stream_is_kept(weir):
    weir.pool("access.log = " + weir.path("access.log"))
    weir.configure()
    done = subprocess.run(weir.command("-D"), stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                          env=weir.environment())       # waits for the end of both pipes
    assert done.returncode == 0
    weir.wait_log("ready to handle connections")
    pid = int(weir.file("run", "weir.pid"))
    os.kill(pid, signal.SIGTERM)
    weir.gone(pid)


# ---- rotation

def test_rotation_under_load(weir):
    """No line is lost, none is torn, no process is replaced."""
    www = logged(weir, "access.format = \"%i|%s|\"\n pm.max_children = 3")
    tree = weir.tree()
    count, rounds = 400, 5
    sent = []

    def load(name):
        with www.connect() as c:
            for i in range(count):
                c.send(www.request("/hello.php", keep=True, HTTP_X_REQUEST_ID="%s-%d" % (name, i)))
                assert c.reply().text == "hello"
                sent.append("%s-%d" % (name, i))
    threads = [threading.Thread(target=load, args=(n,)) for n in "abc"]
    for t in threads:
        t.start()
    for i in range(rounds):
        until(lambda: len(sent) >= (i + 1) * 3 * count / (rounds + 2), "some requests")
        os.rename(weir.path("access.log"), weir.path("access.log.%d" % i))
        weir.send_signal(signal.SIGUSR1)
        weir.wait_log("NOTICE: access log file re-opened", count=i + 1)
        until(lambda: os.path.exists(weir.path("access.log")), "a new file")
    for t in threads:
        t.join()
    names = ["access.log"] + ["access.log.%d" % i for i in range(rounds)]
    until(lambda: sum(weir.file(n).count("\n") for n in names) >= 3 * count, "all lines")
    got = [x for n in names for x in weir.file(n).splitlines()]
    assert sorted(got) == sorted("%s|200|" % x for x in sent)
    assert sum(1 for n in names if weir.file(n)) > 1, "one file took all lines: nothing was rotated under load"
    assert weir.tree() == tree


def test_a_file_that_cannot_be_opened_anew(weir):
    www = logged(weir, "access.format = %r")
    www.get("/hello.php")
    lines(weir)
    tree = weir.tree()
    os.rename(weir.path("access.log"), weir.path("access.log.1"))
    os.symlink(weir.path("no-such-folder", "log"), weir.path("access.log"))
    weir.send_signal(signal.SIGUSR1)
    weir.wait_log(r"ERROR: \[pool www\] failed to open access log .*; the old one stays in use")
    www.get("/hello.php")
    assert lines(weir, 2, "access.log.1") == ["/hello.php"] * 2
    assert weir.tree() == tree


# ---- what is not asked for

def test_without_it_nothing_is_measured(plain_weir):
    """The system calls of a request are counted elsewhere; here: none of those that measure."""
    from test_system_calls import Strace
    www = plain_weir.pool("pm.max_children = 1")
    www.write("hello.php", "echo 'hello';")
    plain_weir.start()
    www.get("/hello.php")
    trace = Strace(plain_weir, www.children()[0])
    for _ in range(5):
        www.get("/hello.php")
    assert not [x for x in trace.stop() if x in ("getrusage", "times", "getppid")]
