"""The start: what fails leaves nothing, the background, stderr as the log, names, limits."""
import os
import re
import resource
import signal
import socket

import pytest

from weirtest import fcgi, find_binary, free_port, proc, until
from weirtest.server import AS_ROOT

needs_root = pytest.mark.skipif(not AS_ROOT, reason="needs root")


def fails(weir, code, *args):
    """Start in vain: what it said. Nothing may be left."""
    result = weir.run(*args)
    assert result.returncode == code, result.stderr
    assert os.listdir(weir.path("run")) == []
    until(lambda: weir.tree() == [], "its end")         # what went into the background says so before it ends
    return result.stderr


@pytest.mark.parametrize("lines,why", [
    ("listen = {dir}/none/x.sock", "its folder '{dir}/none' cannot be used"),
    ("listen = {dir}/weir.conf", "'{dir}/weir.conf' exists and is no socket"),
    ("listen = 192.0.2.1:9\n listen.allowed_clients = 127.0.0.1", "unable to bind listening socket for address"),
    ("listen = {dir}/run/www.sock", "already used in another pool 'www'"),
    ("listen = bad..name:80\n listen.allowed_clients = 127.0.0.1", "cannot resolve host name 'bad..name'"),
])
def test_a_socket_that_cannot_be_opened(weir, lines, why):
    weir.pool()
    weir.pool(lines.format(dir=weir.folder), name="bad")
    assert why.format(dir=weir.folder) in fails(weir, 78, "-F")


@pytest.mark.parametrize("line,why", [
    ("pid = {dir}/none/weir.pid", "pid file '{dir}/none/weir.pid'"),
    ("error_log = {dir}/none/weir.log", "failed to open error_log ({dir}/none/weir.log)"),
    ("rlimit_files = 2000000000", "failed to set rlimit_files"),
    pytest.param("pool_process_user = no-such-user", "no-such-user", marks=needs_root),
    pytest.param("pool_process_user = root", "root", marks=needs_root),
])
def test_a_global_key_that_cannot_be_followed(weir, line, why):
    weir.pool()
    weir.global_(line.format(dir=weir.folder))
    assert why.format(dir=weir.folder) in fails(weir, 78, "-F")


def test_a_busy_port(weir):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        weir.pool()
        weir.pool("listen = 127.0.0.1:%d" % s.getsockname()[1], name="bad")
        assert "Address already in use (98)" in fails(weir, 78, "-F")


def background(weir):
    """Start in the background and wait until it serves: the master's pid."""
    result = weir.run("-D")
    assert (result.returncode, result.stdout) == (0, "")
    weir.wait_log("ready to handle")
    assert "ready to handle" not in result.stderr
    return int(weir.file("run", "weir.pid"))


def test_the_background(weir):
    www = weir.pool()
    www.write("ok.php", "echo 'ok';")
    pid = background(weir)
    assert weir.pids("master") == [pid] and os.getsid(pid) == pid
    targets = [os.readlink("/proc/%d/fd/%d" % (pid, fd)) for fd in range(3)]
    assert targets == ["/dev/null", "/dev/null", weir.path("weir.log")]
    assert www.get("/ok.php").text == "ok"
    os.kill(pid, signal.SIGQUIT)
    weir.gone(pid)
    assert os.listdir(weir.path("run")) == []
    assert weir.log_lines("exiting, bye-bye")


def test_the_background_by_configuration(weir):
    weir.pool()
    weir.global_("daemonize = yes")
    weir.command = lambda *args: [weir.binary, "-y", weir.conf]
    pid = background(weir)
    os.kill(pid, signal.SIGTERM)
    weir.gone(pid)


def test_a_start_in_the_background_that_fails_says_so(weir):
    weir.pool("listen = %s/none/x.sock" % weir.folder)
    assert "%s/none" % weir.folder in fails(weir, 70, "-D")


def test_a_bad_file_fails_before_the_background(weir):
    weir.pool("nonsense = 1")
    assert "nonsense" in fails(weir, 78, "-D")


def unloadable(weir, name="www"):
    """A pool whose application does not load."""
    pool = weir.pool("php_admin_value[opcache.preload] = " + weir.path("preload.php"), name=name)
    with open(weir.path("preload.php"), "w") as f:
        f.write("<?php no_such_function();")
    return pool


@pytest.mark.parametrize("args,code", [("-F", 78), ("-D", 70)])
@pytest.mark.parametrize("names", [["www"], ["one", "two"]])
def test_no_pool_can_load_its_application(weir, args, code, names):
    for name in names:
        unloadable(weir, name)
    said = fails(weir, code, args)
    assert "no pool can load its application: the reasons stand in error_log (%s)" % weir.path("weir.log") in said
    for name in names:
        assert weir.log_lines(r"ERROR: \[pool %s\] PHP Fatal error: .*no_such_function" % name)
        assert weir.log_lines(r"ERROR: \[pool %s\] the application cannot be loaded" % name)
    assert not weir.log_lines("ready to handle")


def test_one_pool_that_may_serve_is_worth_the_start(weir):
    unloadable(weir)
    rest = weir.pool("pm = ondemand", name="rest")
    rest.write("ok.php", "echo 'ok';")
    weir.start()
    assert rest.get("/ok.php").text == "ok"


def test_stderr_as_the_log(weir):
    www = weir.pool()
    www.write("ok.php", "echo 'ok';")
    weir.pool(name="other")
    weir.start("-O")
    weir.send_signal(signal.SIGUSR1)
    until(lambda: "re-opened" in weir.file("stderr"), "the master says so on stderr")
    weir.kill(weir.one("pool", "other"))
    until(lambda: "[pool other] pool process" in weir.file("stderr"), "its death is told on stderr")
    assert www.get("/ok.php").text == "ok"
    assert weir.file("weir.log") == ""


def test_titles_under_the_name_php_fpm(weir):
    www = weir.pool()
    www.write("ok.php", "echo php_sapi_name();")
    weir.binary = weir.path("php-fpm8.2")
    os.symlink(find_binary(), weir.binary)
    weir.fpm = True
    weir.start()
    assert www.get("/ok.php").text == "fpm-fcgi"
    titles = sorted(proc.cmdline(p) for p in weir.tree())
    assert titles == ["php-fpm: master process (%s)" % weir.conf] + ["php-fpm: pool www"] * 2 + [
        "php-fpm: weir pool www", "php-fpm: weir zygote www"]
    # Init scripts find it by its short name.
    assert {open("/proc/%d/comm" % p).read().strip() for p in weir.tree()} == {"php-fpm8.2"}


def test_the_name_of_an_inner_process_is_not_for_users(weir):
    weir.pool()
    weir.env["WEIR_PROCESS"] = "pool"
    assert fails(weir, 70)


def test_limits_of_the_master(weir):
    weir.pool()
    weir.global_("rlimit_files = 777\n rlimit_core = 4096")
    weir.start()
    assert proc.limit(weir.master, "Max open files") == ("777", "777")
    assert proc.limit(weir.master, "Max core file size") == ("4096", "4096")


@needs_root
def test_priority_of_the_master(weir):
    weir.pool()
    weir.global_("process.priority = -3")
    weir.start()
    assert proc.nice(weir.master) == -3


def test_without_free_descriptors_a_pool_at_rest_waits(weir):
    rest = weir.pool("pm = ondemand", name="rest")
    other = weir.pool()
    rest.write("ok.php", "echo 'ok';")
    weir.start()
    hard = resource.prlimit(weir.master, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(weir.master, resource.RLIMIT_NOFILE, (len(proc.descriptors(weir.master)), hard))
    c = rest.open("/ok.php")
    line = weir.wait_log(r"ERROR: \[pool rest\] cannot start a pool process.*Too many open files.*; trying again")
    assert other.get("/ok.php").text == "ok"
    resource.prlimit(weir.master, resource.RLIMIT_NOFILE, (hard, hard))
    assert c.reply().text == "ok"
    assert len(weir.log_lines(re.escape(line.group()))) == 1


def test_two_hundred_pools_at_rest_and_one_of_them_moves(weir):
    pools = [weir.pool("pm = ondemand", name="p%d" % i) for i in range(200)]
    pools[0].write("ok.php", "echo 'ok';")
    weir.start()
    assert weir.tree() == [weir.master]
    for pool in pools[::67]:
        assert pool.get("/ok.php").text == "ok"
    port = free_port()
    pools[7].also("listen = 127.0.0.1:%d" % port)
    weir.configure()
    weir.send_signal(signal.SIGUSR2)
    weir.wait_log("ready to handle", 2)
    with fcgi.Connection("127.0.0.1:%d" % port) as c:
        assert c.send(pools[7].request("/ok.php")).reply().text == "ok"
    until(lambda: not os.path.exists(pools[7].socket), "the socket that is not wanted any more is unlinked")


@needs_root
def test_the_master_keeps_nothing_that_the_system_loads_for_names(weir):
    with open("/etc/nsswitch.conf") as f:
        if not re.search(r"^(passwd|group):.*\b(systemd|sss|ldap|winbind)\b", f.read(), re.M):
            pytest.skip("all names are in files here")
    weir.pool()
    weir.start()
    with open("/proc/%d/maps" % weir.master) as maps:
        assert "libnss_" not in maps.read()
